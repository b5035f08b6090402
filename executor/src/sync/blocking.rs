//! Waiting on threads that run no async code: the `blocking_*` methods.

use std::future::Future;

#[cfg(not(heist_loom))]
use crate::runtime::assert_may_block;
use crate::task::budget;

/// Runs a future of this module to its end on the calling thread.
///
/// # Panics
/// At the caller's line, if the thread runs async code, which would stand still meanwhile.
#[track_caller]
pub(super) fn block_on<F: Future>(what: &str, future: F) -> F::Output {
    #[cfg(not(heist_loom))]
    assert_may_block(what);
    // A job of `spawn_blocking` has a budget, but nobody who would refill it before it ends.
    let _unlimited = budget::suspend();
    futures_lite::future::block_on(future)
}
