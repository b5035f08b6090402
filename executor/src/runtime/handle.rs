//! [`Handle`]: a counted reference to a runtime, for spawning from anywhere.

use std::fmt;
use std::future::Future;
use std::marker::PhantomData;
use std::panic::{Location, RefUnwindSafe, UnwindSafe};
use std::sync::Arc;

use super::block_on::block_on;
use super::context::{self, ContextGuard};
use super::debugging::Mistake;
use super::id::Id;
use super::metrics::RuntimeMetrics;
use crate::task::{JoinHandle, Origin, TaskInfo};
use crate::worker::Scheduler;

/// The message of everything that needs a runtime and finds none.
pub(crate) const NO_RUNTIME: &str = "there is no Heist runtime here: call this from a task, inside \
     `Runtime::block_on` or `heist::run`, or under the guard of `Runtime::enter`";

/// Refers to a runtime without keeping its workers going.
///
/// A handle outlives the runtime's shutdown: what is spawned through it then is cancelled at once.
/// Debug mode reports it.
///
/// # Examples
/// ```
/// use heist::runtime::Runtime;
///
/// let runtime = Runtime::new().unwrap();
/// let handle = runtime.handle().clone();
/// // A thread that is not the runtime's:
/// let thread = std::thread::spawn(move || {
///     let task = handle.spawn(async { 6 * 7 });
///     handle.block_on(task).unwrap()
/// });
/// assert_eq!(thread.join().unwrap(), 42);
/// ```
#[derive(Clone)]
pub struct Handle {
    pub(crate) scheduler: Arc<Scheduler>,
}

/// Makes a runtime the current one of this thread until it is dropped.
///
/// Guards must be dropped in the reverse order of their making.
///
/// # Examples
/// ```
/// let runtime = heist::runtime::Runtime::new().unwrap();
/// let guard = runtime.enter();
/// let task = heist::spawn(async { "without `block_on`" });
/// drop(guard);
/// assert_eq!(runtime.block_on(task).unwrap(), "without `block_on`");
/// ```
#[must_use = "the runtime is left again as soon as the guard is dropped"]
pub struct EnterGuard<'a> {
    _context: ContextGuard,
    runtime: PhantomData<&'a Handle>,
}

impl Handle {
    pub(crate) fn new(scheduler: Arc<Scheduler>) -> Handle {
        Handle { scheduler }
    }

    /// The handle of the current runtime.
    ///
    /// # Panics
    /// Outside a runtime; see [`try_current`](Handle::try_current).
    #[track_caller]
    pub fn current() -> Handle {
        match Handle::try_current() {
            Ok(handle) => handle,
            Err(error) => panic!("{error}"),
        }
    }

    /// The handle of the current runtime.
    ///
    /// # Errors
    /// Outside a runtime.
    pub fn try_current() -> Result<Handle, TryCurrentError> {
        context::current().map(Handle::new).ok_or(TryCurrentError(()))
    }

    /// Makes this runtime the current one of this thread: `heist::spawn`, sockets and timers find
    /// it until the guard is dropped.
    #[track_caller]
    pub fn enter(&self) -> EnterGuard<'_> {
        self.report_if_ended();
        EnterGuard { _context: context::enter(&self.scheduler), runtime: PhantomData }
    }

    /// Spawns a task on this runtime; see [`heist::spawn`](crate::spawn).
    #[track_caller]
    pub fn spawn<F>(&self, future: F) -> JoinHandle<F::Output>
    where
        F: Future + Send + 'static,
        F::Output: Send + 'static,
    {
        self.report_if_ended();
        self.scheduler.spawn(future, Origin::here(Location::caller()))
    }

    /// Runs a closure on this runtime's blocking pool; see
    /// [`task::spawn_blocking`](crate::task::spawn_blocking).
    #[track_caller]
    pub fn spawn_blocking<F, R>(&self, job: F) -> JoinHandle<R>
    where
        F: FnOnce() -> R + Send + 'static,
        R: Send + 'static,
    {
        self.report_if_ended();
        let origin = Origin::here(Location::caller());
        self.scheduler.blocking.own.spawn(&self.scheduler, job, origin)
    }

    /// Runs a future to its end on the calling thread, inside this runtime.
    ///
    /// On a current-thread runtime this only polls the future: tasks, timers and I/O make progress
    /// only while some thread is inside [`Runtime::block_on`](super::Runtime::block_on).
    ///
    /// # Panics
    /// As [`Runtime::block_on`](super::Runtime::block_on).
    #[track_caller]
    pub fn block_on<F: Future>(&self, future: F) -> F::Output {
        self.report_if_ended();
        block_on(&self.scheduler, None, future)
    }

    /// In debug mode, says that nobody will do what the caller asks for.
    #[track_caller]
    fn report_if_ended(&self) {
        let Some(debugging) = &self.scheduler.config.debugging else { return };
        if self.scheduler.is_closing() {
            let at = Location::caller();
            debugging.report(Mistake::UsedAfterShutdown, at, || {
                format!(
                    "a runtime's handle was used at {at} after the shutdown; nothing that is \
                     spawned there runs any more"
                )
            });
        }
    }

    /// Which kind of runtime this is.
    pub fn runtime_flavor(&self) -> RuntimeFlavor {
        if self.scheduler.is_current_thread() {
            RuntimeFlavor::CurrentThread
        } else {
            RuntimeFlavor::MultiThread
        }
    }

    /// The runtime's identity.
    pub fn id(&self) -> Id {
        self.scheduler.id
    }

    /// The runtime's name; see [`Builder::name`](super::Builder::name).
    pub fn name(&self) -> Option<&str> {
        self.scheduler.config.name.as_deref()
    }

    /// What the runtime has counted.
    pub fn metrics(&self) -> RuntimeMetrics {
        RuntimeMetrics::new(self.scheduler.clone())
    }

    /// What all live tasks and blocking jobs in this runtime are doing; see
    /// [`task::all`](crate::task::all).
    pub fn tasks(&self) -> Vec<TaskInfo> {
        self.scheduler.all_infos()
    }
}

/// Which worker runs on this thread, from zero; `None` elsewhere: on threads inside `block_on` of a
/// multi-thread runtime, of the blocking pool and of strangers, and within
/// [`block_in_place`](crate::task::block_in_place).
///
/// A task may be with another worker after every `await`. Costs one load.
///
/// # Examples
/// ```
/// let runtime = heist::runtime::Builder::new_multi_thread().worker_threads(2).build().unwrap();
/// let worker = runtime.spawn(async { heist::runtime::worker_index() });
/// assert!(runtime.block_on(worker).unwrap().unwrap() < 2);
/// assert_eq!(heist::runtime::worker_index(), None);
/// ```
pub fn worker_index() -> Option<usize> {
    context::worker_index()
}

/// The kind of a runtime; see [`Handle::runtime_flavor`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum RuntimeFlavor {
    /// Tasks run on whatever thread is inside `block_on`.
    CurrentThread,
    /// Tasks run on threads of the runtime's own.
    MultiThread,
}

// A panic that passes by, be it in a future inside `block_on`, leaves the runtime as it was.
impl UnwindSafe for Handle {}
impl RefUnwindSafe for Handle {}

impl fmt::Debug for Handle {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut handle = f.debug_struct("Handle");
        handle.field("id", &self.id()).field("name", &self.name()).finish_non_exhaustive()
    }
}

impl fmt::Debug for EnterGuard<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("EnterGuard").finish_non_exhaustive()
    }
}

/// There is no current runtime; see [`Handle::try_current`].
#[derive(Debug)]
pub struct TryCurrentError(());

impl TryCurrentError {
    /// Whether the thread is in no runtime: always, as there is no other reason.
    pub fn is_missing_context(&self) -> bool {
        true
    }

    /// Whether the thread is about to end and does not know any more: never, as what says which runtime
    /// a thread is in has no destructor.
    pub fn is_thread_local_destroyed(&self) -> bool {
        false
    }
}

impl fmt::Display for TryCurrentError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(NO_RUNTIME)
    }
}

impl std::error::Error for TryCurrentError {}
