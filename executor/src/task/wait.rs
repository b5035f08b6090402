//! [`wait`]: look after tasks for a while without ending any.

use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use heist_timer::host::part_sleep;
use pin_project_lite::pin_project;

use super::roster::Roster;
use super::{Id, JoinError, JoinHandle};
use crate::leaf::{Made, Operation};
use crate::time::Sleep;

static WAIT: Operation = Operation::new("wait");

/// Until when [`wait`] waits.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum When {
    /// Until a task has ended.
    First,
    /// Until a task has failed, or all have ended. A panic and a cancellation are failures; see
    /// [`Wait::error_if`] for outputs that are.
    FirstError,
    /// Until all tasks have ended.
    All,
}

/// What has become of the tasks; see [`wait`].
#[derive(Debug)]
#[must_use = "dropping it detaches the pending tasks"]
pub struct Waited<T> {
    /// The tasks that have ended, in that order, with their outputs.
    pub done: Vec<(Id, Result<T, JoinError>)>,
    /// The others, in the order in which they were given.
    pub pending: Vec<JoinHandle<T>>,
}

pin_project! {
    /// A future for what becomes of some tasks; see [`wait`].
    #[derive(Debug)]
    #[must_use = "futures do nothing unless awaited"]
    pub struct Wait<T> {
        tasks: Roster<T>,
        done: Vec<(Id, Result<T, JoinError>)>,
        when: When,
        is_error: fn(&T) -> bool,
        met: bool,
        #[pin]
        limit: Option<Sleep>,
        made: Made,
    }
}

/// Waits for tasks until `when`, but at most for `timeout`; then tells which have ended.
///
/// Nothing is cancelled: what is pending goes on, and can be waited for again or aborted. Without
/// tasks it is ready at once. A time-out of `None` is none.
///
/// # Panics
/// Awaiting it with a time-out panics outside a runtime.
///
/// # Cancel safety
/// Dropping it detaches the tasks, as dropping their handles does.
///
/// # Examples
/// ```
/// use std::time::Duration;
/// use heist::task::{When, wait};
///
/// # heist::runtime::Builder::new_current_thread().start_paused(true).build().unwrap().block_on(async {
/// let sleeps = [10, 20, 30].map(|s| heist::spawn(heist::time::sleep(Duration::from_secs(s))));
/// let waited = wait(sleeps, When::All, Duration::from_secs(25)).await;
/// assert_eq!((waited.done.len(), waited.pending.len()), (2, 1));
/// let waited = wait(waited.pending, When::First, None).await;
/// assert_eq!((waited.done.len(), waited.pending.len()), (1, 0));
/// # });
/// ```
#[track_caller]
pub fn wait<T>(
    tasks: impl IntoIterator<Item = JoinHandle<T>>,
    when: When,
    timeout: impl Into<Option<Duration>>,
) -> Wait<T> {
    let mut roster = Roster::new();
    for task in tasks {
        roster.insert(task);
    }
    Wait {
        tasks: roster,
        done: Vec::new(),
        when,
        is_error: |_| false,
        met: false,
        limit: timeout.into().map(part_sleep),
        made: Made::here(&WAIT),
    }
}

impl<T> Wait<T> {
    /// Says which outputs are failures in the sense of [`When::FirstError`].
    ///
    /// # Examples
    /// ```
    /// use heist::task::{When, wait};
    ///
    /// # heist::runtime::Runtime::new().unwrap().block_on(async {
    /// let good = heist::spawn(std::future::pending());
    /// let bad = heist::spawn(async { Err::<(), _>("no") });
    /// let waited = wait([good, bad], When::FirstError, None).error_if(Result::is_err).await;
    /// assert_eq!(waited.pending.len(), 1);
    /// # });
    /// ```
    pub fn error_if(mut self, is_error: fn(&T) -> bool) -> Wait<T> {
        self.is_error = is_error;
        self
    }
}

impl<T> Future for Wait<T> {
    type Output = Waited<T>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Waited<T>> {
        let mut this = self.project();
        this.made.set_polled();
        while !*this.met {
            match this.tasks.poll_next(cx, &WAIT, this.made.at) {
                Poll::Ready(Some(left)) => {
                    let (id, output) = (left.task.id(), left.output());
                    *this.met = match this.when {
                        When::First => true,
                        When::FirstError => output.as_ref().map_or(true, *this.is_error),
                        When::All => false,
                    };
                    this.done.push((id, output));
                }
                Poll::Ready(None) => *this.met = true,
                Poll::Pending => {
                    let limit = this.limit.as_mut().as_pin_mut();
                    if limit.is_none_or(|limit| limit.poll(cx).is_pending()) {
                        return Poll::Pending;
                    }
                    *this.met = true;
                }
            }
        }
        while let Some(left) = this.tasks.try_next() {
            this.done.push((left.task.id(), left.output()));
        }
        let pending = this.tasks.take_all();
        Poll::Ready(Waited { done: std::mem::take(this.done), pending })
    }
}
