//! `heist::run`: a program's async part from beginning to end in one call.

use std::future::Future;

use super::Builder;

/// Runs a future on a new multi-thread runtime, and ends everything that it has started.
///
/// What asyncio's `run` does: when the future has returned, every task that is left is cancelled,
/// and the call waits (at most 10 s) until their destructors and the blocking jobs under way have
/// run. A panic of the future goes on in the caller after the same clean-up.
///
/// # Panics
/// If the system refuses a descriptor or a thread, and if called from async code.
///
/// # Examples
/// ```
/// let answer = heist::run(async {
///     let task = heist::spawn(async { 6 * 7 });
///     task.await.unwrap()
/// });
/// assert_eq!(answer, 42);
/// ```
#[track_caller]
pub fn run<F: Future>(future: F) -> F::Output {
    match Builder::new_multi_thread().build() {
        Ok(runtime) => runtime.block_on(future),
        Err(error) => panic!("cannot start a runtime: {error}"),
    }
}
