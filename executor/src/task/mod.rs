//! Tasks: futures that a runtime polls, and the handles on them.
//!
//! # The life of a task
//!
//! ```text
//!  spawn --> ready ----(1)----> running --(2)--> waiting
//!              ^                 |  |               |
//!              +-------(3)-------+  |               |
//!              +-------------(4)----|---------------+
//!                                   +--(5)--> complete --(6)--> joined, freed
//! ```
//!
//! 1. A worker takes the task's `Notified` out of a queue and calls `Notified::run`.
//! 2. The poll returned `Pending`, and nobody woke the task meanwhile.
//! 3. The poll returned `Pending`, but the task was woken meanwhile; if by itself, it keeps `RUNNING`.
//! 4. A waker is called, or the task is aborted: a new `Notified` goes to a queue.
//! 5. The future returned, panicked, or was dropped because the task was cancelled.
//! 6. The join handle takes the output or goes away; the last reference frees the cell.
//!
//! The edges are functions of `state::State`. Who holds what:
//!
//! * `TaskRef`: one counted reference. `Notified`: a reference with the right of edge 1.
//! * The live set of the task's home, a `JoinHandle`, each `AbortHandle` and each waker hold one.
//!
//! # Who may touch which field when
//!
//! The future and the output (`Stage`):
//! the holder of `RUNNING` alone, until it sets `COMPLETE`. Then the output belongs to the
//! `JoinHandle` if `JOIN_INTEREST` is set at that edge, and else to the completing worker.
//!
//! The join waker:
//! 1. It is written only by the `JoinHandle`, which is not `Clone`.
//! 2. While `JOIN_WAKER` is clear, the handle has it alone.
//! 3. While `JOIN_WAKER` is set, nobody writes it: the handle may compare it, the completing
//!    worker may wake it. Setting and clearing before completion are the handle's.
//! 4. After completion the worker clears `JOIN_WAKER`. Who comes second, the worker clearing it or
//!    the handle clearing `JOIN_INTEREST`, drops the waker.
//!
//! The links of the live set: under that set's lock. The details: immutable, and replaced at most
//! once; see `details`. Everything else in the header is immutable or a relaxed atomic for dumps.

mod age;
pub(crate) mod budget;
#[cfg(not(heist_loom))]
mod builder;
pub(crate) mod cancel;
#[cfg(not(heist_loom))]
pub mod context;
pub(crate) mod current;
pub(crate) mod details;
pub(crate) mod error;
#[cfg(not(heist_loom))]
mod gather;
#[cfg(not(heist_loom))]
mod group;
#[cfg(not(heist_loom))]
pub(crate) mod guests;
pub(crate) mod header;
mod id;
mod info;
pub(crate) mod join;
#[cfg(not(heist_loom))]
mod join_blocking;
#[cfg(not(heist_loom))]
pub mod join_set;
pub(crate) mod live_set;
#[cfg(not(heist_loom))]
mod local_key;
#[cfg(not(heist_loom))]
pub(crate) mod local_set;
pub(crate) mod memory;
pub(crate) mod poll;
pub(crate) mod roster;
#[cfg(not(heist_loom))]
pub(crate) mod spawn;
pub(crate) mod state;
#[cfg(not(heist_loom))]
mod tree;
#[cfg(not(heist_loom))]
mod wait;
mod waker;
mod yield_now;

#[cfg(not(heist_loom))]
pub use crate::blocking::{BlockingPool, BlockingPoolBuilder, PoolFull};
pub use budget::{Unconstrained, consume_budget, unconstrained};
#[cfg(not(heist_loom))]
pub use builder::Builder;
#[cfg(not(heist_loom))]
pub use cancel::{Ending, Shield, WithCleanup, shield, with_cleanup};
pub use error::{Failure, JoinError};
#[cfg(not(heist_loom))]
pub use gather::{AsCompleted, Gather, NextCompleted, as_completed, gather};
#[cfg(not(heist_loom))]
pub use group::{
    BodyOutcome, Child, FailureKind, GroupCause, GroupError, GroupFailure, Outcome, Scoped,
    TaskGroup, scope,
};
pub use id::Id;
pub use info::{TaskInfo, TaskState, WaitSite, current, id, try_current, try_id};
pub use join::{AbortHandle, JoinHandle};
#[cfg(not(heist_loom))]
pub use join_set::JoinSet;
#[cfg(not(heist_loom))]
pub use local_key::{AccessError, LocalKey, TaskLocalFuture};
#[cfg(not(heist_loom))]
pub use local_set::{LocalEnterGuard, LocalSet, RunUntil};
#[cfg(not(heist_loom))]
pub use spawn::{all, block_in_place, is_cancelled, spawn, spawn_blocking, spawn_local};
#[cfg(not(heist_loom))]
pub use tree::{TaskTree, tree};
#[cfg(not(heist_loom))]
pub use wait::{Wait, Waited, When, wait};
pub use yield_now::{YieldNow, yield_now};

pub(crate) use header::{Notified, TaskRef};
pub(crate) use poll::{Home, Origin};

/// Futures under the path that they have in tokio.
#[cfg(not(heist_loom))]
pub mod futures {
    pub use super::local_key::TaskLocalFuture;
}

/// Co-operative scheduling: the budget that lets other tasks run.
pub mod coop {
    pub use super::budget::{
        Coop, RestoreOnPending, Unconstrained, consume_budget, cooperative, has_budget_remaining,
        poll_proceed, unconstrained,
    };
}
