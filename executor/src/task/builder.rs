//! [`Builder`]: a task with a name, or one that starts at the spawn.

use std::future::Future;
use std::panic::Location;

use super::spawn::{spawn_blocking_with, spawn_local_with, spawn_with};
use super::{JoinHandle, LocalSet, Origin};
use crate::runtime::Handle;

/// Spawns a task with a name, which dumps and failure reports show. In tokio this is unstable.
///
/// # Examples
/// ```
/// # heist::runtime::Runtime::new().unwrap().block_on(async {
/// let task = heist::task::Builder::new().name("greeter").spawn(async {
///     heist::task::current().name().map(str::to_owned)
/// });
/// assert_eq!(task.await.unwrap().as_deref(), Some("greeter"));
/// # });
/// ```
#[derive(Clone, Debug, Default)]
#[must_use = "a builder does nothing until `spawn`"]
pub struct Builder {
    name: Option<Box<str>>,
    eager: bool,
}

impl Builder {
    /// A builder that spawns as [`heist::spawn`](crate::spawn) does.
    pub fn new() -> Builder {
        Builder::default()
    }

    /// Names the task. Costs one more allocation.
    pub fn name(mut self, name: impl AsRef<str>) -> Builder {
        self.name = Some(name.as_ref().into());
        self
    }

    /// Polls the task once on the spawning thread, before the spawn returns, as asyncio's eager
    /// tasks do. One that is ready at once is never queued; one that waits is woken as any other.
    ///
    /// The spawner stands still during that poll. A task that spawns itself anew in this way nests
    /// on the stack. Without effect on blocking jobs.
    ///
    /// # Examples
    /// ```
    /// # heist::runtime::Runtime::new().unwrap().block_on(async {
    /// let task = heist::task::Builder::new().eager().spawn(async { "cached" });
    /// assert!(task.is_finished());
    /// # });
    /// ```
    pub fn eager(mut self) -> Builder {
        self.eager = true;
        self
    }

    /// Spawns the task; see [`heist::spawn`](crate::spawn).
    ///
    /// # Panics
    /// Outside a runtime.
    #[track_caller]
    pub fn spawn<F>(self, future: F) -> JoinHandle<F::Output>
    where
        F: Future + Send + 'static,
        F::Output: Send + 'static,
    {
        spawn_with(future, self.origin(Location::caller()))
    }

    /// Spawns the task on another runtime.
    #[track_caller]
    pub fn spawn_on<F>(self, future: F, handle: &Handle) -> JoinHandle<F::Output>
    where
        F: Future + Send + 'static,
        F::Output: Send + 'static,
    {
        let _runtime = handle.enter();
        spawn_with(future, self.origin(Location::caller()))
    }

    /// Spawns a task that need not be `Send`; see [`task::spawn_local`](super::spawn_local).
    ///
    /// # Panics
    /// Where [`task::spawn_local`](super::spawn_local) does.
    #[track_caller]
    pub fn spawn_local<F>(self, future: F) -> JoinHandle<F::Output>
    where
        F: Future + 'static,
        F::Output: 'static,
    {
        spawn_local_with(future, self.origin(Location::caller()))
    }

    /// Spawns a task that need not be `Send` into a set; see [`LocalSet::spawn_local`].
    #[track_caller]
    pub fn spawn_local_on<F>(self, future: F, set: &LocalSet) -> JoinHandle<F::Output>
    where
        F: Future + 'static,
        F::Output: 'static,
    {
        let _set = set.enter();
        spawn_local_with(future, self.origin(Location::caller()))
    }

    /// Runs a closure on the blocking pool; see
    /// [`task::spawn_blocking`](super::spawn_blocking()).
    ///
    /// # Panics
    /// Outside a runtime.
    #[track_caller]
    pub fn spawn_blocking<F, R>(self, job: F) -> JoinHandle<R>
    where
        F: FnOnce() -> R + Send + 'static,
        R: Send + 'static,
    {
        spawn_blocking_with(job, self.origin(Location::caller()))
    }

    /// Runs a closure on the blocking pool of another runtime.
    #[track_caller]
    pub fn spawn_blocking_on<F, R>(self, job: F, handle: &Handle) -> JoinHandle<R>
    where
        F: FnOnce() -> R + Send + 'static,
        R: Send + 'static,
    {
        let _runtime = handle.enter();
        spawn_blocking_with(job, self.origin(Location::caller()))
    }

    /// As [`spawn`](Builder::spawn), from a line of Heist's own on behalf of `at`.
    #[track_caller]
    pub(super) fn spawn_from<F>(
        self,
        future: F,
        at: &'static Location<'static>,
    ) -> JoinHandle<F::Output>
    where
        F: Future + Send + 'static,
        F::Output: Send + 'static,
    {
        spawn_with(future, self.origin(at))
    }

    fn origin(self, at: &'static Location<'static>) -> Origin {
        let origin = Origin { eager: self.eager, ..Origin::here(at) };
        match self.name {
            Some(name) => origin.named(name),
            None => origin,
        }
    }
}
