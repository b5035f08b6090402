//! [`after`]: a closure that is called later.

use std::time::Duration;

use super::{Instant, sleep};
use crate::task::AbortHandle;

/// Calls a closure when `delay` has passed, unless that is cancelled before: asyncio's `call_later`.
/// tokio has nothing like it.
///
/// The closure runs on a worker and must not block it. Dropping the handle changes nothing. A panic
/// of the closure is reported as that of a task which nobody joins.
///
/// # Panics
/// Outside a runtime.
///
/// # Examples
/// ```
/// use std::time::Duration;
///
/// # heist::runtime::Builder::new_current_thread().start_paused(true).build().unwrap().block_on(async {
/// let (called, mut calls) = heist::sync::mpsc::unbounded_channel();
/// let too_late = called.clone();
/// heist::time::after(Duration::from_secs(1), move || called.send("in a second").unwrap());
/// let timer = heist::time::after(Duration::from_secs(2), move || too_late.send("never").unwrap());
/// timer.cancel();
/// assert_eq!(calls.recv().await, Some("in a second"));
/// assert_eq!(calls.recv().await, None);
/// # });
/// ```
#[track_caller]
pub fn after<F>(delay: Duration, f: F) -> TimerHandle
where
    F: FnOnce() + Send + 'static,
{
    let sleep = sleep(delay);
    let deadline = sleep.deadline();
    let task = crate::spawn(async move {
        sleep.await;
        f();
    });
    TimerHandle { task: task.abort_handle(), deadline }
}

/// A call that is to come; see [`after`].
#[derive(Clone, Debug)]
pub struct TimerHandle {
    task: AbortHandle,
    deadline: Instant,
}

impl TimerHandle {
    /// Takes the call back. Without effect if it has begun.
    pub fn cancel(&self) {
        self.task.abort();
    }

    /// When the call is due.
    pub fn deadline(&self) -> Instant {
        self.deadline
    }

    /// Whether the call has been made or taken back.
    pub fn is_finished(&self) -> bool {
        self.task.is_finished()
    }
}
