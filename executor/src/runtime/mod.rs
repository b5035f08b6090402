//! Runtimes: workers, drivers and a blocking pool under one roof.
//!
//! [`Builder`] makes a [`Runtime`]; a [`Handle`] refers to one; inside a task or `block_on` the
//! current one is implied. Deliberately without a global runtime: every runtime is a value, and
//! several may live in one process.

mod block_on;
mod builder;
pub(crate) mod config;
pub(crate) mod context;
pub(crate) mod debugging;
mod handle;
mod host;
mod id;
mod local;
mod metrics;
mod run;
pub(crate) mod shutdown;
pub(crate) mod slow_polls;
pub(crate) mod threads;
pub(crate) mod unhandled;
pub(crate) mod workers;

use std::fmt;
use std::future::Future;
use std::panic::{RefUnwindSafe, UnwindSafe};
use std::sync::Arc;
use std::time::Duration;

use crate::task::JoinHandle;
use crate::worker::Scheduler;
use block_on::Lone;

pub(crate) use block_on::assert_may_block;
pub use builder::Builder;
pub(crate) use handle::NO_RUNTIME;
pub use handle::{EnterGuard, Handle, RuntimeFlavor, TryCurrentError, worker_index};
pub use heist_io::is_shutdown_error as is_rt_shutdown_err;
pub use id::Id;
pub use local::{LocalOptions, LocalRuntime};
pub use metrics::RuntimeMetrics;
pub use run::run;
pub use shutdown::{ShutdownPolicy, ShutdownReport};
pub use unhandled::UnhandledPanic;

/// How long dropping a runtime waits for polls and jobs that are under way.
const DROP_WAIT: Duration = Duration::from_secs(10);

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Flavor {
    MultiThread,
    CurrentThread,
}

/// A running scheduler with its I/O driver, timers and blocking pool.
///
/// Dropping it cancels all tasks and waits up to 10 s for polls and blocking jobs under way, then
/// says on standard error what it leaves behind; tokio waits for ever. See
/// [`shutdown`](Runtime::shutdown) for a shutdown with a deadline and a report.
///
/// # Examples
/// ```
/// let runtime = heist::runtime::Runtime::new().unwrap();
/// let answer = runtime.block_on(async { heist::spawn(async { 42 }).await.unwrap() });
/// assert_eq!(answer, 42);
/// ```
pub struct Runtime {
    handle: Handle,
    lone: Option<Lone>,
    /// Set once the end has begun, so that dropping does not begin it again.
    ended: bool,
}

impl Runtime {
    fn of(scheduler: Arc<Scheduler>, lone: Option<Lone>) -> Runtime {
        Runtime { handle: Handle::new(scheduler), lone, ended: false }
    }

    /// A multi-thread runtime with the default settings; see [`Builder`].
    ///
    /// # Errors
    /// As [`Builder::build`].
    pub fn new() -> std::io::Result<Runtime> {
        Builder::new_multi_thread().build()
    }

    /// Runs a future to its end on the calling thread. On a current-thread runtime this is also
    /// when spawned tasks run.
    ///
    /// # Panics
    /// If the thread is running async code already, if the future panics, and if the runtime has
    /// shut down by a failure, as [`Builder::unhandled_panic`] may have it.
    #[track_caller]
    pub fn block_on<F: Future>(&self, future: F) -> F::Output {
        block_on::block_on(&self.handle.scheduler, self.lone.as_ref(), future)
    }

    /// Spawns a task; see [`heist::spawn`](crate::spawn).
    #[track_caller]
    pub fn spawn<F>(&self, future: F) -> JoinHandle<F::Output>
    where
        F: Future + Send + 'static,
        F::Output: Send + 'static,
    {
        self.handle.spawn(future)
    }

    /// Runs a closure on the blocking pool; see
    /// [`task::spawn_blocking`](crate::task::spawn_blocking).
    #[track_caller]
    pub fn spawn_blocking<F, R>(&self, job: F) -> JoinHandle<R>
    where
        F: FnOnce() -> R + Send + 'static,
        R: Send + 'static,
    {
        self.handle.spawn_blocking(job)
    }

    /// Makes this runtime the current one of this thread; see [`Handle::enter`].
    #[track_caller]
    pub fn enter(&self) -> EnterGuard<'_> {
        self.handle.enter()
    }

    /// A handle for spawning from elsewhere.
    pub fn handle(&self) -> &Handle {
        &self.handle
    }

    /// What the runtime has counted.
    pub fn metrics(&self) -> RuntimeMetrics {
        self.handle.metrics()
    }

    /// Ends the runtime as the policy says, and reports what had to be cut off.
    ///
    /// # Panics
    /// If the thread is running async code, as it must wait.
    ///
    /// # Examples
    /// ```
    /// use std::time::Duration;
    /// use heist::runtime::{Runtime, ShutdownPolicy};
    ///
    /// let runtime = Runtime::new().unwrap();
    /// runtime.spawn(std::future::pending::<()>());
    /// let report = runtime.shutdown(ShutdownPolicy::drain(Duration::from_millis(10)));
    /// assert_eq!(report.cancelled().len(), 1);
    /// ```
    #[track_caller]
    pub fn shutdown(mut self, policy: impl Into<ShutdownPolicy>) -> ShutdownReport {
        self.assert_may_end();
        self.end(policy.into())
    }

    /// Cancels all tasks and waits for at most `duration`.
    ///
    /// # Panics
    /// If the thread is running async code, as it must wait.
    #[track_caller]
    pub fn shutdown_timeout(self, duration: Duration) {
        let _ = self.shutdown(ShutdownPolicy::cancel(duration));
    }

    /// Cancels all tasks and waits for nothing. May be called from async code.
    pub fn shutdown_background(mut self) {
        let _ = self.end(ShutdownPolicy::cancel(Duration::ZERO));
    }

    #[track_caller]
    fn assert_may_end(&mut self) {
        if context::in_async() && !std::thread::panicking() {
            // The workers must end all the same.
            let _ = self.end(ShutdownPolicy::cancel(Duration::ZERO));
            panic!(
                "a runtime was dropped or shut down inside async code, where waiting for it would \
                 block the thread; use `shutdown_background`, or move it out with \
                 `task::spawn_blocking(move || drop(runtime))`"
            );
        }
    }

    fn end(&mut self, policy: ShutdownPolicy) -> ShutdownReport {
        self.ended = true;
        shutdown::shut_down(&self.handle.scheduler, self.lone.as_ref(), policy)
    }
}

impl Drop for Runtime {
    #[track_caller]
    fn drop(&mut self) {
        if self.ended {
            return;
        }
        self.assert_may_end();
        let wait = if std::thread::panicking() && context::in_async() {
            Duration::ZERO
        } else {
            DROP_WAIT
        };
        let report = self.end(ShutdownPolicy::cancel(wait));
        if wait == DROP_WAIT {
            report.complain();
        }
    }
}

// As for `Handle`.
impl UnwindSafe for Runtime {}
impl RefUnwindSafe for Runtime {}

impl fmt::Debug for Runtime {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut runtime = f.debug_struct("Runtime");
        runtime.field("id", &self.handle.id()).field("name", &self.handle.name());
        runtime.finish_non_exhaustive()
    }
}
