//! [`JoinSet`]: tasks that are owned, and joined as they end.
//!
//! Deliberately without a policy for failures: the owner sees each result. For tasks of which one
//! failure ends all, see [`scope`](crate::scope()).

use std::fmt;
use std::future::{Future, poll_fn};
use std::panic::{Location, resume_unwind};
use std::pin::Pin;
use std::task::{Context, Poll};

use super::roster::{Left, Roster};
use super::spawn::{spawn_local_with, spawn_with};
use super::{AbortHandle, Id, JoinError, JoinHandle, LocalSet, Origin, spawn_blocking};
use crate::leaf::{Made, Operation};
use crate::runtime::Handle;

mod builder;
pub use builder::Builder;

static JOIN_NEXT: Operation = Operation::new("JoinSet::join_next");
static JOIN_ALL: Operation = Operation::new("JoinSet::join_all");
static SHUTDOWN: Operation = Operation::new("JoinSet::shutdown");

/// A set of tasks with outputs of one type.
///
/// Tasks are joined in the order in which they end; a join costs the same however many there are.
/// Dropping the set aborts them all.
///
/// # Examples
/// ```
/// # heist::runtime::Runtime::new().unwrap().block_on(async {
/// let mut set = heist::task::JoinSet::new();
/// for n in 1..=4 {
///     set.spawn(async move { n * n });
/// }
/// let mut sum = 0;
/// while let Some(square) = set.join_next().await {
///     sum += square.unwrap();
/// }
/// assert_eq!(sum, 30);
/// # });
/// ```
pub struct JoinSet<T> {
    roster: Roster<T>,
}

impl<T> JoinSet<T> {
    /// An empty set.
    pub fn new() -> JoinSet<T> {
        JoinSet { roster: Roster::new() }
    }

    /// How many tasks have not been joined yet.
    pub fn len(&self) -> usize {
        self.roster.len()
    }

    /// Whether every task has been joined.
    pub fn is_empty(&self) -> bool {
        self.roster.is_empty()
    }
}

impl<T: 'static> JoinSet<T> {
    /// A builder for a task with a name that is spawned into this set. In tokio this is unstable.
    ///
    /// # Examples
    /// ```
    /// # heist::runtime::Runtime::new().unwrap().block_on(async {
    /// let mut set = heist::task::JoinSet::new();
    /// set.build_task().name("worker").spawn(async { 7 });
    /// assert_eq!(set.join_all().await, [7]);
    /// # });
    /// ```
    pub fn build_task(&mut self) -> Builder<'_, T> {
        Builder::new(self)
    }

    /// Spawns a task into the set; see [`heist::spawn`](crate::spawn).
    ///
    /// # Panics
    /// Outside a runtime.
    #[track_caller]
    pub fn spawn<F>(&mut self, future: F) -> AbortHandle
    where
        F: Future<Output = T> + Send + 'static,
        T: Send,
    {
        self.insert(spawn_with(future, Origin::here(Location::caller())))
    }

    /// Spawns a task of another runtime into the set.
    #[track_caller]
    pub fn spawn_on<F>(&mut self, future: F, handle: &Handle) -> AbortHandle
    where
        F: Future<Output = T> + Send + 'static,
        T: Send,
    {
        self.insert(handle.spawn(future))
    }

    /// Spawns a task that need not be `Send` into the set; see
    /// [`task::spawn_local`](super::spawn_local).
    ///
    /// # Panics
    /// Where [`task::spawn_local`](super::spawn_local) does.
    #[track_caller]
    pub fn spawn_local<F>(&mut self, future: F) -> AbortHandle
    where
        F: Future<Output = T> + 'static,
    {
        self.insert(spawn_local_with(future, Origin::here(Location::caller())))
    }

    /// Spawns a task that need not be `Send` both into this set and into a [`LocalSet`], which has
    /// to be driven.
    #[track_caller]
    pub fn spawn_local_on<F>(&mut self, future: F, local: &LocalSet) -> AbortHandle
    where
        F: Future<Output = T> + 'static,
    {
        self.insert(local.spawn_local(future))
    }

    /// Runs a closure on the blocking pool as a member of the set; see
    /// [`task::spawn_blocking`](super::spawn_blocking()). A job that has begun is not aborted.
    ///
    /// # Panics
    /// Outside a runtime.
    #[track_caller]
    pub fn spawn_blocking<F>(&mut self, job: F) -> AbortHandle
    where
        F: FnOnce() -> T + Send + 'static,
        T: Send,
    {
        self.insert(spawn_blocking(job))
    }

    /// Runs a closure on the blocking pool of another runtime as a member of the set.
    #[track_caller]
    pub fn spawn_blocking_on<F>(&mut self, job: F, handle: &Handle) -> AbortHandle
    where
        F: FnOnce() -> T + Send + 'static,
        T: Send,
    {
        self.insert(handle.spawn_blocking(job))
    }

    fn insert(&mut self, task: JoinHandle<T>) -> AbortHandle {
        let abort = task.abort_handle();
        self.roster.insert(task);
        abort
    }

    /// Waits for the next task to end; `None` if the set is empty.
    ///
    /// # Cancel safety
    /// Cancel safe: no output is lost.
    #[track_caller]
    pub fn join_next(&mut self) -> JoinNext<'_, T> {
        JoinNext { set: self, made: Made::here(&JOIN_NEXT) }
    }

    /// As [`join_next`](JoinSet::join_next), with the task's id. A [`JoinError`] has it already.
    ///
    /// # Cancel safety
    /// Cancel safe: no output is lost.
    #[track_caller]
    pub fn join_next_with_id(&mut self) -> JoinNextWithId<'_, T> {
        JoinNextWithId { set: self, made: Made::here(&JOIN_NEXT) }
    }

    /// Joins a task that has ended already, if there is one.
    pub fn try_join_next(&mut self) -> Option<Result<T, JoinError>> {
        self.roster.try_next().map(Left::output)
    }

    /// As [`try_join_next`](JoinSet::try_join_next), with the task's id.
    pub fn try_join_next_with_id(&mut self) -> Option<Result<(Id, T), JoinError>> {
        self.roster.try_next().map(Left::with_id)
    }

    /// The next task that has ended; `Ready(None)` if the set is empty.
    #[track_caller]
    pub fn poll_join_next(&mut self, cx: &mut Context<'_>) -> Poll<Option<Result<T, JoinError>>> {
        let next = self.roster.poll_next(cx, &JOIN_NEXT, Location::caller());
        next.map(|left| left.map(Left::output))
    }

    /// As [`poll_join_next`](JoinSet::poll_join_next), with the task's id.
    #[track_caller]
    pub fn poll_join_next_with_id(
        &mut self,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<(Id, T), JoinError>>> {
        self.roster
            .poll_next(cx, &JOIN_NEXT, Location::caller())
            .map(|left| left.map(Left::with_id))
    }

    /// Waits for all tasks and returns their outputs in the order in which they ended. For the
    /// order in which they were spawned see [`gather`](super::gather()).
    ///
    /// # Panics
    /// With the panic of the first task that panicked, and if a task was aborted; the others are
    /// aborted then.
    ///
    /// # Cancel safety
    /// Not cancel safe: the set goes with the future, which aborts what is left of it, and the outputs that
    /// have been collected are lost.
    #[track_caller]
    pub fn join_all(mut self) -> impl Future<Output = Vec<T>> {
        let made = Made::here(&JOIN_ALL);
        async move {
            let at = made.begin();
            let mut outputs = Vec::with_capacity(self.len());
            while let Some(left) = poll_fn(|cx| self.roster.poll_next(cx, &JOIN_ALL, at)).await {
                outputs.push(expect_output(left.output()));
            }
            outputs
        }
    }

    /// Aborts all tasks and waits until they have ended; their outputs are dropped.
    ///
    /// # Cancel safety
    /// Cancel safe: the first poll has aborted all tasks. Those that have not ended are still in the set, so
    /// call it again.
    #[track_caller]
    pub fn shutdown(&mut self) -> impl Future<Output = ()> {
        let made = Made::here(&SHUTDOWN);
        async move {
            let at = made.begin();
            self.abort_all();
            while poll_fn(|cx| self.roster.poll_next(cx, &SHUTDOWN, at)).await.is_some() {}
        }
    }

    /// Aborts all tasks. They stay in the set until they are joined.
    pub fn abort_all(&mut self) {
        self.roster.iter().for_each(JoinHandle::abort);
    }

    /// Takes all tasks out of the set without aborting them: they go on, detached.
    pub fn detach_all(&mut self) {
        self.roster.take_all();
    }
}

/// The output of a task that nobody could abort but the runtime at its end.
#[track_caller]
pub(super) fn expect_output<T>(output: Result<T, JoinError>) -> T {
    match output.map_err(JoinError::try_into_panic) {
        Ok(output) => output,
        Err(Ok(payload)) => resume_unwind(payload),
        Err(Err(error)) => panic!("{error}"),
    }
}

/// A future for the next task that ends; see [`JoinSet::join_next`].
#[derive(Debug)]
#[must_use = "futures do nothing unless awaited"]
pub struct JoinNext<'a, T> {
    set: &'a mut JoinSet<T>,
    made: Made,
}

impl<T: 'static> Future for JoinNext<'_, T> {
    type Output = Option<Result<T, JoinError>>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        self.made.set_polled();
        let at = self.made.at;
        let next = self.set.roster.poll_next(cx, &JOIN_NEXT, at);
        next.map(|left| left.map(Left::output))
    }
}

/// A future for the next task that ends, with its id; see [`JoinSet::join_next_with_id`].
#[derive(Debug)]
#[must_use = "futures do nothing unless awaited"]
pub struct JoinNextWithId<'a, T> {
    set: &'a mut JoinSet<T>,
    made: Made,
}

impl<T: 'static> Future for JoinNextWithId<'_, T> {
    type Output = Option<Result<(Id, T), JoinError>>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        self.made.set_polled();
        let at = self.made.at;
        self.set.roster.poll_next(cx, &JOIN_NEXT, at).map(|left| left.map(Left::with_id))
    }
}

impl<T> Drop for JoinSet<T> {
    fn drop(&mut self) {
        self.roster.iter().for_each(JoinHandle::abort);
    }
}

impl<T> Default for JoinSet<T> {
    fn default() -> JoinSet<T> {
        JoinSet::new()
    }
}

impl<T> fmt::Debug for JoinSet<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("JoinSet").field(&self.roster).finish()
    }
}

/// Spawns each future of the iterator.
///
/// # Panics
/// Outside a runtime.
impl<T, F> FromIterator<F> for JoinSet<T>
where
    F: Future<Output = T> + Send + 'static,
    T: Send + 'static,
{
    #[track_caller]
    fn from_iter<I: IntoIterator<Item = F>>(futures: I) -> JoinSet<T> {
        let mut set = JoinSet::new();
        set.extend(futures);
        set
    }
}

/// Spawns each future of the iterator.
///
/// # Panics
/// Outside a runtime.
impl<T, F> Extend<F> for JoinSet<T>
where
    F: Future<Output = T> + Send + 'static,
    T: Send + 'static,
{
    #[track_caller]
    fn extend<I: IntoIterator<Item = F>>(&mut self, futures: I) {
        for future in futures {
            self.spawn(future);
        }
    }
}
