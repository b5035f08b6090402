//! Blocking work, off the workers: closures that may sleep, read files, or compute for long.
//!
//! Threads are started as they are needed, up to a limit, and end when they have been idle for a
//! while. A job is a task like any other (it has a name, a place, a handle that can be joined), in
//! a home of its own. A runtime has one [`Pool`] for everybody, and one more for each
//! [`BlockingPool`]. Deliberately without priorities and without any way to interrupt a job.

#[cfg(not(heist_loom))]
mod call;
// Public for the models alone, as `population`.
#[allow(unreachable_pub, missing_debug_implementations)]
pub(crate) mod crew;
#[cfg(not(heist_loom))]
mod named;
#[cfg(not(heist_loom))]
mod outbox;
#[cfg(not(heist_loom))]
mod pool;
#[cfg(not(heist_loom))]
mod pools;
#[allow(unreachable_pub, missing_debug_implementations)]
pub(crate) mod population;
#[cfg(not(heist_loom))]
mod queue_time;

#[cfg(not(heist_loom))]
pub(crate) use call::{Running, Site, call, start};
#[cfg(not(heist_loom))]
pub use named::{BlockingPool, BlockingPoolBuilder, PoolFull};
#[cfg(not(heist_loom))]
pub(crate) use outbox::{Outbox, OwnOutbox};
#[cfg(not(heist_loom))]
pub(crate) use pool::{Pool, run_detached};
#[cfg(not(heist_loom))]
pub(crate) use pools::Pools;
