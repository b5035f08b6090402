//! What a runtime does about failures that nobody handles, besides telling of them.
//!
//! [`UnhandledPanic`] is the user's choice. If it is to shut down, the runtime's hook for failures
//! is wrapped into one that also brings it down, so that this concerns whatever the hook concerns.
//! `block_on` polls its future inside [`Heeding`]. Deliberately without a word about failures that
//! somebody joins: those are handled. The protocol is in [`downfall`](crate::worker::downfall).

use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::sync::{Arc, Weak};
use std::task::{Context, Poll, ready};

use pin_project_lite::pin_project;

use super::shutdown;
use crate::foreign::quietly;
use crate::task::error::FailureHook;
use crate::task::{Failure, TaskInfo};
use crate::worker::Scheduler;
use crate::worker::downfall::Listener;

/// What follows when a task has panicked and nobody will ever join it; see
/// [`Builder::unhandled_panic`](super::Builder::unhandled_panic).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum UnhandledPanic {
    /// The failure is told of, on standard error or by
    /// [`on_unhandled_failure`](super::Builder::on_unhandled_failure), and the runtime goes on.
    #[default]
    Ignore,
    /// The failure is told of; then the runtime shuts down at once, and each `block_on` panics.
    ShutdownRuntime,
}

/// The failure that has brought a runtime down.
pub(crate) struct FatalFailure {
    told: String,
    /// The tasks that were alive.
    pub(super) cancelled: Vec<TaskInfo>,
}

impl fmt::Display for FatalFailure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "the runtime has shut down, as it was built with `unhandled_panic(ShutdownRuntime)`: {}",
            self.told
        )
    }
}

/// A hook that tells of a failure as `hook` does, and then brings the runtime down.
pub(crate) fn shutting_down(hook: FailureHook, runtime: Weak<Scheduler>) -> FailureHook {
    Some(Arc::new(move |failure: &Failure<'_>| {
        failure.tell(&hook);
        // What is left of a runtime that is gone has nothing to shut down.
        if let Some(scheduler) = runtime.upgrade() {
            bring_down(&scheduler, failure);
        }
    }))
}

/// Called wherever the panic was lost: by a worker, in a destructor on any thread, at the end of the
/// runtime itself. So it must not wait.
fn bring_down(scheduler: &Arc<Scheduler>, failure: &Failure<'_>) {
    let Some(downfall) = &scheduler.downfall else { return };
    // The drain may find many; only the first would count, and it has to be told what is alive.
    if scheduler.is_closing() {
        return;
    }
    let fatal = FatalFailure { told: failure.to_string(), cancelled: scheduler.task_infos() };
    if downfall.bring(fatal) {
        shutdown::begin(scheduler);
    }
}

pin_project! {
    /// A future inside `block_on`: ready with its output, or with the failure that has brought the
    /// runtime down before that, and be it during the last poll.
    pub(super) struct Heeding<'a, F> {
        scheduler: &'a Arc<Scheduler>,
        listener: Option<Listener<'a, FatalFailure>>,
        #[pin]
        future: Option<F>,
    }
}

impl<'a, F> Heeding<'a, F> {
    pub(super) fn new(scheduler: &'a Arc<Scheduler>, future: F) -> Heeding<'a, F> {
        let listener = scheduler.downfall.as_ref().map(|downfall| downfall.listener());
        Heeding { scheduler, listener, future: Some(future) }
    }
}

impl<F: Future> Future for Heeding<'_, F> {
    type Output = Result<F::Output, Arc<FatalFailure>>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let mut this = self.project();
        let future = this.future.as_mut().as_pin_mut().expect("it is not polled after its end");
        let Some(listener) = this.listener else { return future.poll(cx).map(Ok) };
        // Before the poll too: the future shall not see what became of its tasks.
        let fatal = match listener.hear(cx.waker()) {
            Some(fatal) => fatal,
            None => {
                let output = ready!(future.poll(cx));
                match listener.hear(cx.waker()) {
                    Some(fatal) => fatal,
                    None => return Poll::Ready(Ok(output)),
                }
            }
        };
        // Whoever failed may not have come to it yet, and who catches the panic relies on it.
        shutdown::begin(this.scheduler);
        // Before anything unwinds: a destructor that panics then would end the process.
        quietly(|| this.future.set(None));
        Poll::Ready(Err(fatal))
    }
}
