//! [`shield`]: a part of a task that is not cancelled in the middle.

use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use pin_project_lite::pin_project;

use super::{Attendant, Cancellation, enter};
use crate::leaf::{Made, Operation};

static SHIELD: Operation = Operation::new("shield");

/// Keeps cancellations out: the task, or the scope, that is cancelled while `future` goes on ends
/// only after it.
///
/// That is a cancellation with [`JoinHandle::cancel`](crate::task::JoinHandle::cancel) or of a
/// scope, and it takes effect as soon as the future is at its end. A future that is dropped, as by
/// `abort`, `select!` or the end of its runtime, is not kept from it by a shield. It has no limit
/// of time; put a [`timeout`](crate::time::timeout) inside.
///
/// # Examples
/// ```
/// # heist::runtime::Runtime::new().unwrap().block_on(async {
/// let task = heist::task::Builder::new().eager().spawn(async {
///     heist::task::shield(async {
///         heist::task::yield_now().await;
///         println!("written whole");
///     })
///     .await;
///     std::future::pending::<()>().await;
/// });
/// task.cancel("no longer wanted");
/// assert!(task.await.unwrap_err().is_cancelled());
/// # });
/// ```
#[track_caller]
pub fn shield<F: Future>(future: F) -> Shield<F> {
    Shield { attendant: Attendant::New, inner: Arc::default(), future, made: Made::here(&SHIELD) }
}

pin_project! {
    /// A future that keeps cancellations out; see [`shield`].
    #[must_use = "futures do nothing unless awaited"]
    pub struct Shield<F> {
        attendant: Attendant,
        // Encloses the future; nobody asks it to end.
        inner: Arc<Cancellation>,
        #[pin]
        future: F,
        made: Made,
    }
}

impl<F: Future> Future for Shield<F> {
    type Output = F::Output;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<F::Output> {
        let this = self.project();
        this.made.set_polled();
        this.attendant.poll_reason(cx);
        let polled = {
            let _inside = enter(this.inner);
            this.future.poll(cx)
        };
        if polled.is_ready() {
            this.attendant.leave();
        }
        polled
    }
}

impl<F> fmt::Debug for Shield<F> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Shield").finish_non_exhaustive()
    }
}
