//! Blocking work, off the workers: closures that may sleep, read files, or compute for long.
//!
//! Threads are started as they are needed, up to a limit, and end when they have been idle for a
//! while. A job is a task like any other (it has a name, a place, a handle that can be joined), in
//! a home of its own. Deliberately without priorities and without any way to interrupt a job.

mod pool;
mod population;

pub(crate) use pool::Pool;

use crate::runtime::context;

/// Runs a job on the pool of the current runtime, or on a thread of its own where there is none.
pub(crate) fn run_detached(job: Box<dyn FnOnce() + Send>) {
    match context::current() {
        Some(scheduler) => {
            drop(Pool::spawn(&scheduler, job, crate::task::spawn::origin_here()));
        }
        None => {
            std::thread::spawn(job);
        }
    }
}
