//! Workers: the threads that run tasks, one a core.
//!
//! A worker takes ready tasks from its own queue, then from the injector, then from other workers,
//! and parks when there are none. While it is parked it waits for I/O and timers, or leaves that
//! to another worker and sleeps. The parts, in the order in which a task meets them:
//!
//! * `scheduler`: what the workers share; tasks come in here.
//! * `local`, `push`, `slot`: one worker's own queue, and the task that it runs next.
//! * `life`: the loop.
//! * `search`: where the next task comes from.
//! * `dormant`: the workers that have no thread yet.
//! * `relay`: how one leaves a thread that is about to block.
//! * `idle`, `parker`, `park`: how a worker goes to sleep and is woken.
//! * `standstill`: when a paused clock may move.
//! * `outsider`: how a thread waits that is inside `block_on` and no worker.
//! * `downfall`: how it hears of the failure that ends the runtime.
//! * `backlog`, `wake_cost`, `place`: when work is worth waking another worker, and which.
//! * `progress`, `watchdog`, `alarm`, `alarm_cost`, `rounds`: what happens when a task does not give
//!   its worker back.
//!
//! Deliberately without priorities, without preemption (a poll cannot be interrupted in Rust), and
//! without spinning: a worker that finds nothing after one look everywhere parks.

mod alarm;
mod alarm_cost;
#[cfg(not(heist_loom))]
mod backlog;
#[cfg(not(heist_loom))]
pub(crate) mod dormant;
// Public for the models alone, as `idle`.
#[allow(unreachable_pub, missing_debug_implementations)]
pub(crate) mod downfall;
// Public for the models alone, as `parker`.
#[allow(unreachable_pub, missing_debug_implementations)]
pub(crate) mod idle;
#[cfg(not(heist_loom))]
mod life;
#[cfg(not(heist_loom))]
pub(crate) mod local;
#[allow(unreachable_pub, missing_debug_implementations)]
pub(crate) mod outsider;
#[cfg(not(heist_loom))]
mod park;
#[allow(unreachable_pub, missing_debug_implementations)]
pub(crate) mod parker;
#[cfg(not(heist_loom))]
mod place;
// Public for the models alone, as `parker`.
#[allow(unreachable_pub, missing_debug_implementations)]
pub(crate) mod progress;
#[cfg(not(heist_loom))]
mod push;
// Public for the models alone, as `parker`.
#[allow(unreachable_pub, missing_debug_implementations)]
pub(crate) mod relay;
#[cfg(not(heist_loom))]
pub(crate) mod rounds;
#[cfg(not(heist_loom))]
pub(crate) mod scheduler;
#[cfg(not(heist_loom))]
mod search;
pub(crate) mod slot;
// Public for the models alone, as `parker`.
#[allow(unreachable_pub, missing_debug_implementations)]
pub(crate) mod standstill;
#[cfg(not(heist_loom))]
pub(crate) mod wake_cost;
#[allow(unreachable_pub, missing_debug_implementations)]
pub(crate) mod watchdog;

#[cfg(not(heist_loom))]
pub(crate) use life::give_away;
#[cfg(not(heist_loom))]
pub(crate) use local::WorkerLocal;
#[cfg(not(heist_loom))]
pub(crate) use scheduler::Scheduler;
