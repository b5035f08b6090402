//! [`gather`] and [`as_completed`]: many futures as tasks, their outputs in order or as they come.
//!
//! Both own what they spawn: dropping them aborts the rest, and a panic of one goes on in whoever
//! awaits. Deliberately without a limit of how many run at a time: a semaphore says that better.

use std::future::{Future, IntoFuture};
use std::panic::Location;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use futures_core::Stream;

use super::Origin;
use super::join_set::expect_output;
use super::roster::Roster;
use super::spawn::spawn_with;
use crate::leaf::{Made, Operation};

static GATHER: Operation = Operation::new("gather");
static AS_COMPLETED: Operation = Operation::new("as_completed");

/// Tasks that end with their owner.
#[derive(Debug)]
struct Owned<T>(Roster<T>);

impl<T> Drop for Owned<T> {
    fn drop(&mut self) {
        self.0.iter().for_each(super::JoinHandle::abort);
    }
}

#[track_caller]
fn spawn_all<I, F>(futures: I) -> Owned<F::Output>
where
    I: IntoIterator<Item = F>,
    F: IntoFuture,
    F::IntoFuture: Send + 'static,
    F::Output: Send + 'static,
{
    let at = Location::caller();
    let mut tasks = Owned(Roster::new());
    for future in futures {
        tasks.0.insert(spawn_with(future.into_future(), Origin::here(at)));
    }
    tasks
}

/// Runs each future as a task and returns the outputs in the order of the futures.
///
/// The tasks start at this call and run in parallel. To join futures inside one task, without
/// spawning, use [`join!`](crate::join!). Where outputs are `Result`s, failures are outputs like
/// any other and end nothing; for tasks of which one failure ends all, see
/// [`scope`](crate::scope()).
///
/// # Panics
/// Outside a runtime. Awaiting it panics with the panic of the first task that panicked; the
/// others are aborted then.
///
/// # Cancel safety
/// Dropping it aborts the tasks that have not ended.
///
/// # Examples
/// ```
/// # heist::runtime::Runtime::new().unwrap().block_on(async {
/// let squares = heist::task::gather((1..=4).map(|n| async move { n * n })).await;
/// assert_eq!(squares, [1, 4, 9, 16]);
/// # });
/// ```
#[track_caller]
pub fn gather<I, F>(futures: I) -> Gather<F::Output>
where
    I: IntoIterator<Item = F>,
    F: IntoFuture,
    F::IntoFuture: Send + 'static,
    F::Output: Send + 'static,
{
    let tasks = spawn_all(futures);
    let mut outputs = Vec::new();
    outputs.resize_with(tasks.0.len(), || None);
    Gather { tasks, outputs, made: Made::here(&GATHER) }
}

/// A future for the outputs of many tasks; see [`gather`].
#[derive(Debug)]
#[must_use = "dropping it aborts the tasks"]
pub struct Gather<T> {
    tasks: Owned<T>,
    outputs: Vec<Option<T>>,
    made: Made,
}

// The outputs are never pinned.
impl<T> Unpin for Gather<T> {}

impl<T> Future for Gather<T> {
    type Output = Vec<T>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Vec<T>> {
        let this = &mut *self;
        this.made.set_polled();
        // No member leaves before the last has come, so a key is the place of its future.
        while let Some(left) = ready!(this.tasks.0.poll_next(cx, &GATHER, this.made.at)) {
            let key = left.key;
            this.outputs[key] = Some(expect_output(left.output()));
        }
        Poll::Ready(this.outputs.drain(..).flatten().collect())
    }
}

/// Runs each future as a task and hands out the outputs in the order in which the tasks end.
///
/// The tasks start at this call. The result is a `Stream`; its own
/// [`next`](AsCompleted::next) needs no other library.
///
/// # Panics
/// Outside a runtime. Awaiting the next output panics with the panic of its task.
///
/// # Cancel safety
/// Dropping it aborts the tasks that have not ended.
///
/// # Examples
/// ```
/// use std::time::Duration;
///
/// # heist::runtime::Builder::new_current_thread().start_paused(true).build().unwrap().block_on(async {
/// let mut sleeps = heist::task::as_completed([30, 10, 20].map(|ms| async move {
///     heist::time::sleep(Duration::from_millis(ms)).await;
///     ms
/// }));
/// let mut order = Vec::new();
/// while let Some(ms) = sleeps.next().await {
///     order.push(ms);
/// }
/// assert_eq!(order, [10, 20, 30]);
/// # });
/// ```
#[track_caller]
pub fn as_completed<I, F>(futures: I) -> AsCompleted<F::Output>
where
    I: IntoIterator<Item = F>,
    F: IntoFuture,
    F::IntoFuture: Send + 'static,
    F::Output: Send + 'static,
{
    AsCompleted { tasks: spawn_all(futures), at: Location::caller() }
}

/// The outputs of many tasks as they come; see [`as_completed`].
#[derive(Debug)]
#[must_use = "dropping it aborts the tasks"]
pub struct AsCompleted<T> {
    tasks: Owned<T>,
    at: &'static Location<'static>,
}

impl<T> AsCompleted<T> {
    /// Waits for the next output; `None` after the last.
    ///
    /// # Cancel safety
    /// Cancel safe: no output is lost.
    #[track_caller]
    // The name that every stream's extension trait uses.
    #[allow(clippy::should_implement_trait)]
    pub fn next(&mut self) -> NextCompleted<'_, T> {
        NextCompleted { tasks: self, made: Made::here(&AS_COMPLETED) }
    }

    /// How many outputs are still to come.
    pub fn len(&self) -> usize {
        self.tasks.0.len()
    }

    /// Whether all outputs have come.
    pub fn is_empty(&self) -> bool {
        self.tasks.0.is_empty()
    }

    fn poll_at(&mut self, cx: &mut Context<'_>, at: &'static Location<'static>) -> Poll<Option<T>> {
        let next = self.tasks.0.poll_next(cx, &AS_COMPLETED, at);
        next.map(|left| left.map(|left| expect_output(left.output())))
    }
}

impl<T> Stream for AsCompleted<T> {
    type Item = T;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<T>> {
        let at = self.at;
        self.poll_at(cx, at)
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        (self.len(), Some(self.len()))
    }
}

/// A future for the next output; see [`AsCompleted::next`].
#[derive(Debug)]
#[must_use = "futures do nothing unless awaited"]
pub struct NextCompleted<'a, T> {
    tasks: &'a mut AsCompleted<T>,
    made: Made,
}

impl<T> Future for NextCompleted<'_, T> {
    type Output = Option<T>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<T>> {
        self.made.set_polled();
        let at = self.made.at;
        self.tasks.poll_at(cx, at)
    }
}
