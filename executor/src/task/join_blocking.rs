//! Joining a task from a thread that may wait.

use std::sync::Arc;
use std::task::{Wake, Waker};
use std::thread::{self, Thread};
use std::time::{Duration, Instant};

use super::{JoinError, JoinHandle};
use crate::runtime::assert_may_block;

impl<T> JoinHandle<T> {
    /// Waits on this thread until the task has ended, but at most for `timeout`. Then `None`: the
    /// task goes on, and the handle is as good as before. A time-out of `None` is none.
    ///
    /// Time is that of the system, also while the runtime's clock is paused. On a current-thread
    /// runtime somebody else must be inside its `block_on`, or the task makes no progress.
    ///
    /// # Panics
    /// In async code, whose thread must not wait, and if the output has been returned before.
    ///
    /// # Examples
    /// ```
    /// use std::time::Duration;
    ///
    /// let runtime = heist::runtime::Runtime::new().unwrap();
    /// let mut task = runtime.spawn(async { 6 * 7 });
    /// assert_eq!(task.join_blocking(Duration::from_secs(60)).unwrap().unwrap(), 42);
    ///
    /// let mut endless = runtime.spawn(std::future::pending::<()>());
    /// assert!(endless.join_blocking(Duration::from_millis(1)).is_none());
    /// endless.abort();
    /// assert!(endless.join_blocking(None).unwrap().unwrap_err().is_cancelled());
    /// ```
    #[track_caller]
    pub fn join_blocking(
        &mut self,
        timeout: impl Into<Option<Duration>>,
    ) -> Option<Result<T, JoinError>> {
        assert_may_block("JoinHandle::join_blocking");
        let deadline = timeout.into().and_then(|timeout| Instant::now().checked_add(timeout));
        let waker = Waker::from(Arc::new(Unpark(thread::current())));
        while self.watch(&waker) {
            match deadline.map(|deadline| deadline.saturating_duration_since(Instant::now())) {
                None => thread::park(),
                Some(Duration::ZERO) => return None,
                Some(left) => thread::park_timeout(left),
            }
        }
        Some(self.take())
    }
}

/// Wakes a thread that waits.
struct Unpark(Thread);

impl Wake for Unpark {
    fn wake(self: Arc<Unpark>) {
        self.wake_by_ref();
    }

    fn wake_by_ref(self: &Arc<Unpark>) {
        self.0.unpark();
    }
}
