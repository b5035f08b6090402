//! Workers: the threads that run tasks, one a core.
//!
//! A worker takes ready tasks from its own queue, then from the injector, then from other workers,
//! and parks when there are none. While it is parked it waits for I/O and timers, or leaves that
//! to another worker and sleeps. The parts, in the order in which a task meets them:
//!
//! * [`scheduler`]: what the workers share; tasks come in here.
//! * [`local`]: one worker's own queue and slot.
//! * [`search`]: where the next task comes from.
//! * [`idle`], [`parker`], [`park`]: how a worker goes to sleep and is woken.
//! * [`backlog`]: when work is worth waking another worker.
//! * [`watchdog`], [`alarm`]: what happens when a task does not give its worker back.
//!
//! Deliberately without priorities, without preemption (a poll cannot be interrupted in Rust), and
//! without spinning: a worker that finds nothing after one look everywhere parks.

mod alarm;
mod backlog;
pub(crate) mod idle;
pub(crate) mod local;
mod park;
pub(crate) mod parker;
pub(crate) mod scheduler;
mod search;
pub(crate) mod watchdog;

use std::sync::Arc;
use std::time::Instant;

use crate::runtime::{context, shutdown};
use crate::task::{Notified, budget};

pub(crate) use local::WorkerLocal;
pub(crate) use scheduler::Scheduler;

/// The life of a worker on the current thread: until its runtime closes, or until a task takes
/// the worker away from this thread with `block_in_place`.
pub(crate) fn run(worker: Arc<WorkerLocal>) {
    {
        let _context = context::enter_worker(&worker);
        worker.begin_anew();
        while !worker.scheduler.is_closing() {
            match worker.next_task() {
                Some(task) => {
                    if !worker.run_task(task) {
                        return;
                    }
                }
                None => worker.park(),
            }
        }
        worker.end();
    }
    let _context = context::enter(&worker.scheduler);
    shutdown::leave(worker.clone());
}

impl WorkerLocal {
    /// Polls one task. False if the worker has left this thread meanwhile.
    #[inline]
    pub(crate) fn run_task(&self, task: Notified) -> bool {
        let timed = self.scheduler.idle.glance().wants_wake() && self.backlog.wants_timing();
        let start = timed.then(Instant::now);
        budget::refill();
        self.begin_poll();
        task.run();
        if !context::is_worker(self) {
            return false;
        }
        self.end_poll();
        if let Some(start) = start {
            self.backlog.timed(start);
            self.publish_poll_time();
            if !self.queue.is_empty() {
                self.consider_help();
            }
        }
        true
    }

    /// The last acts of a worker: what it owes to others.
    pub(crate) fn end(&self) {
        if self.searching.replace(false) {
            self.scheduler.idle.end_search();
        }
        self.flush_retired();
        budget::lift();
    }
}
