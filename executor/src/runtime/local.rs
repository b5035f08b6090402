//! [`LocalRuntime`]: a runtime for one thread, and for futures that are not `Send`.

use std::future::Future;
use std::io;
use std::marker::PhantomData;
use std::panic::Location;
use std::time::Duration;

use super::{
    Builder, EnterGuard, Handle, Runtime, RuntimeMetrics, ShutdownPolicy, ShutdownReport, context,
};
use crate::task::{JoinHandle, Origin};

/// A current-thread runtime that stays on its thread, and so can spawn futures that are not `Send`.
///
/// # Examples
/// ```
/// use std::rc::Rc;
///
/// let runtime = heist::runtime::LocalRuntime::new().unwrap();
/// let n = runtime.block_on(async {
///     let shared = Rc::new(7);
///     heist::task::spawn_local(async move { *shared }).await.unwrap()
/// });
/// assert_eq!(n, 7);
/// ```
#[derive(Debug)]
pub struct LocalRuntime {
    runtime: Runtime,
    /// Neither `Send` nor `Sync`.
    stays: PhantomData<*const ()>,
}

/// The options of a [`LocalRuntime`] beside those of its [`Builder`]; there are none yet.
#[derive(Debug, Default)]
#[non_exhaustive]
pub struct LocalOptions {}

impl LocalRuntime {
    /// A local runtime with the default settings; see
    /// [`Builder::build_local`](super::Builder::build_local).
    ///
    /// # Errors
    /// As [`Builder::build`](super::Builder::build).
    pub fn new() -> io::Result<LocalRuntime> {
        Builder::new_current_thread().build_local(LocalOptions::default())
    }

    pub(super) fn of(runtime: Runtime) -> LocalRuntime {
        LocalRuntime { runtime, stays: PhantomData }
    }

    /// As [`Runtime::block_on`].
    #[track_caller]
    pub fn block_on<F: Future>(&self, future: F) -> F::Output {
        let _local = context::allow_local(&self.runtime.handle.scheduler);
        self.runtime.block_on(future)
    }

    /// Spawns a task that need not be `Send`; it runs inside `block_on`.
    #[track_caller]
    pub fn spawn_local<F>(&self, future: F) -> JoinHandle<F::Output>
    where
        F: Future + 'static,
        F::Output: 'static,
    {
        let origin = Origin::here(Location::caller());
        // SAFETY: the runtime stays on this thread, and its one worker runs on no other.
        unsafe { self.runtime.handle.scheduler.spawn_unchecked(future, origin) }
    }

    /// As [`Runtime::spawn_blocking`].
    #[track_caller]
    pub fn spawn_blocking<F, R>(&self, job: F) -> JoinHandle<R>
    where
        F: FnOnce() -> R + Send + 'static,
        R: Send + 'static,
    {
        self.runtime.spawn_blocking(job)
    }

    /// As [`Runtime::handle`]; tasks spawned through it must be `Send`.
    pub fn handle(&self) -> &Handle {
        self.runtime.handle()
    }

    /// As [`Runtime::enter`].
    #[track_caller]
    pub fn enter(&self) -> EnterGuard<'_> {
        self.runtime.enter()
    }

    /// As [`Runtime::metrics`].
    pub fn metrics(&self) -> RuntimeMetrics {
        self.runtime.metrics()
    }

    /// As [`Runtime::shutdown`].
    #[track_caller]
    pub fn shutdown(self, policy: impl Into<ShutdownPolicy>) -> ShutdownReport {
        self.runtime.shutdown(policy)
    }

    /// As [`Runtime::shutdown_timeout`].
    #[track_caller]
    pub fn shutdown_timeout(self, duration: Duration) {
        self.runtime.shutdown_timeout(duration);
    }

    /// As [`Runtime::shutdown_background`].
    pub fn shutdown_background(self) {
        self.runtime.shutdown_background();
    }
}
