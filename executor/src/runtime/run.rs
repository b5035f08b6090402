//! `heist::run`: a program's async part from beginning to end in one call.

use std::future::Future;
use std::panic::{AssertUnwindSafe, Location, catch_unwind, resume_unwind};
use std::time::Duration;

use super::block_on::block_on_at;
use super::{Builder, ShutdownPolicy, assert_may_block};

/// How long the clean-ups of cancelled tasks may take at the end, and how long threads and blocking
/// jobs after that.
const END_WAIT: Duration = Duration::from_secs(5);

/// Runs a future on a new multi-thread runtime, and ends everything that it has started.
///
/// What asyncio's `run` does: when the future has returned, every task that is left is cancelled,
/// and the call waits until their [clean-ups](crate::task::with_cleanup), their destructors, and
/// the blocking jobs under way have run: at most 5 s for the clean-ups, then 5 s for the rest. A
/// panic of the future goes on in the caller after the same end.
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
    assert_may_block("heist::run");
    let runtime = match Builder::new_multi_thread().build() {
        Ok(runtime) => runtime,
        Err(error) => panic!("cannot start a runtime: {error}"),
    };
    let at = Location::caller();
    let (scheduler, lone) = (&runtime.handle.scheduler, runtime.lone.as_ref());
    let call = AssertUnwindSafe(|| block_on_at(at, scheduler, lone, future));
    let output = catch_unwind(call);
    runtime.shutdown(ShutdownPolicy::cancel(END_WAIT).clean_up(END_WAIT)).complain();
    output.unwrap_or_else(|payload| resume_unwind(payload))
}
