//! [`with_cleanup`]: a future that is followed by an asynchronous clean-up.

use std::any::Any;
use std::fmt;
use std::future::Future;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use heist_timer::silence;
use pin_project_lite::pin_project;

use super::{Attendant, Cancellation, enter};
use crate::leaf::{Made, Operation};
use crate::time::{Sleep, sleep};

static WITH_CLEANUP: Operation = Operation::new("with_cleanup");

/// How long a cancelled task may take for a clean-up, unless [`WithCleanup::grace`] says otherwise.
const GRACE: Duration = Duration::from_secs(5);

/// How the future before a clean-up has ended; see [`with_cleanup`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Ending {
    /// It has returned.
    Returned,
    /// It has panicked. The panic goes on after the clean-up.
    Panicked,
    /// The task is being cancelled, for this reason. It ends after the clean-up.
    Cancelled(Arc<str>),
}

/// Runs `cleanup` after `future`, however that ends: asyncio's `finally` with awaits in it.
///
/// If the future returns, its output is returned after the clean-up; if it panics, the panic goes
/// on after it. If the task is cancelled with
/// [`JoinHandle::cancel`](crate::task::JoinHandle::cancel), or the scope that it belongs to is, the
/// future is dropped, the clean-up gets 5 s (see [`WithCleanup::grace`]), and then the task ends
/// as cancelled. Nested ones run from the inside to the outside. A second cancellation
/// during the clean-up changes nothing.
///
/// What cannot wait runs no clean-up: a future that is dropped, as by `abort`, by losing in
/// `select!` or `timeout`, or at the end of its runtime. Release memory and locks in destructors;
/// a clean-up is for what needs an `await`, as a farewell on a connection.
///
/// # Panics
/// Awaiting it panics as the future and the clean-up do. A clean-up in a cancelled task needs a
/// runtime's timer.
///
/// # Examples
/// ```
/// use heist::task::{Ending, with_cleanup};
///
/// # heist::runtime::Runtime::new().unwrap().block_on(async {
/// let (ready, started) = std::sync::mpsc::channel();
/// let task = heist::spawn(async move {
///     let work = async move {
///         ready.send(()).unwrap();
///         std::future::pending::<()>().await
///     };
///     with_cleanup(work, async |ending| {
///         heist::task::yield_now().await;
///         assert_eq!(ending, Ending::Cancelled("enough".into()));
///     })
///     .await
/// });
/// heist::task::block_in_place(|| started.recv().unwrap());
/// task.cancel("enough");
/// assert_eq!(task.await.unwrap_err().reason(), Some("enough"));
/// # });
/// ```
#[track_caller]
pub fn with_cleanup<F, C, D>(future: F, cleanup: C) -> WithCleanup<F, F::Output, C, D>
where
    F: Future,
    C: FnOnce(Ending) -> D,
    D: Future<Output = ()>,
{
    WithCleanup {
        attendant: Attendant::New,
        inner: Arc::default(),
        future: Some(future),
        cleanup: Some(cleanup),
        cleaning: None,
        grace: GRACE,
        limit: None,
        outcome: None,
        made: Made::here(&WITH_CLEANUP),
    }
}

pin_project! {
    /// A future with a clean-up; see [`with_cleanup`].
    #[must_use = "futures do nothing unless awaited"]
    pub struct WithCleanup<F, T, C, D> {
        attendant: Attendant,
        // Encloses the future, then the clean-up, which nobody asks to end.
        inner: Arc<Cancellation>,
        #[pin]
        future: Option<F>,
        cleanup: Option<C>,
        #[pin]
        cleaning: Option<D>,
        grace: Duration,
        #[pin]
        limit: Option<Sleep>,
        outcome: Option<Outcome<T>>,
        made: Made,
    }
}

/// What is left to do after the clean-up.
enum Outcome<T> {
    Return(T),
    Panic(Box<dyn Any + Send>),
    End(Arc<str>),
}

impl<F: Future<Output = T>, T, C, D> WithCleanup<F, T, C, D> {
    /// How long the clean-up may take once the task is being cancelled. What is left of it then is
    /// dropped. Default: 5 s. Without effect while the task is not.
    pub fn grace(mut self, grace: Duration) -> WithCleanup<F, T, C, D> {
        self.grace = grace;
        self
    }

    /// Polls the future until it is at its end, in one way or the other.
    fn poll_future(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Outcome<T>> {
        let mut this = self.project();
        let reason = this.attendant.poll_reason(cx);
        // What is inside comes first; if there is nothing that attends, the future just ends.
        let mut ends = reason.as_ref().is_some_and(|reason| !this.inner.request(reason));
        let mut outcome = None;
        if !ends {
            let future = this.future.as_mut().as_pin_mut().expect("no outcome, no end");
            let polled = catch_unwind(AssertUnwindSafe(|| {
                let _inside = enter(this.inner);
                future.poll(cx)
            }));
            outcome = match polled {
                Ok(Poll::Pending) => None,
                Ok(Poll::Ready(output)) => Some(Outcome::Return(output)),
                Err(payload) => Some(Outcome::Panic(payload)),
            };
            ends = reason.is_some() && !this.inner.is_attended(cx.waker());
        }
        let outcome = match (outcome, reason) {
            (Some(outcome), _) => outcome,
            (None, Some(reason)) if ends => Outcome::End(reason),
            (None, _) => return Poll::Pending,
        };
        let dropped = catch_unwind(AssertUnwindSafe(|| {
            let _silence = silence::keep();
            this.future.set(None);
        }));
        Poll::Ready(match (outcome, dropped) {
            // The first panic is the one that tells what went wrong.
            (Outcome::Panic(payload), _) | (_, Err(payload)) => Outcome::Panic(payload),
            (outcome, Ok(())) => outcome,
        })
    }
}

impl<F, T, C, D> Future for WithCleanup<F, T, C, D>
where
    F: Future<Output = T>,
    C: FnOnce(Ending) -> D,
    D: Future<Output = ()>,
{
    type Output = T;

    /// # Panics
    /// If it is polled again after it was ready.
    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<T> {
        self.as_mut().project().made.set_polled();
        if self.future.is_some() {
            let Poll::Ready(outcome) = self.as_mut().poll_future(cx) else { return Poll::Pending };
            let mut this = self.as_mut().project();
            let ending = match &outcome {
                Outcome::Return(_) => Ending::Returned,
                Outcome::Panic(_) => Ending::Panicked,
                Outcome::End(reason) => Ending::Cancelled(reason.clone()),
            };
            *this.outcome = Some(outcome);
            *this.inner = Arc::default();
            let cleanup = this.cleanup.take().expect("the future ends once");
            this.cleaning.set(Some(cleanup(ending)));
        }
        let mut this = self.project();
        if let Some(cleaning) = this.cleaning.as_mut().as_pin_mut() {
            let polled = {
                let _inside = enter(this.inner);
                cleaning.poll(cx)
            };
            if polled.is_pending() {
                if this.limit.is_none() && this.attendant.poll_reason(cx).is_some() {
                    this.limit.set(Some(sleep(*this.grace)));
                }
                let limit = this.limit.as_mut().as_pin_mut();
                if limit.is_none_or(|limit| limit.poll(cx).is_pending()) {
                    return Poll::Pending;
                }
            }
            this.cleaning.set(None);
            this.attendant.leave();
        }
        match this.outcome.take() {
            Some(Outcome::Return(output)) => Poll::Ready(output),
            Some(Outcome::Panic(payload)) => resume_unwind(payload),
            // Whatever encloses it ends instead: see the protocol in `cancel`.
            Some(end @ Outcome::End(_)) => {
                *this.outcome = Some(end);
                Poll::Pending
            }
            None => panic!("a future with a clean-up was polled after it had ended"),
        }
    }
}

impl<F, T, C, D> fmt::Debug for WithCleanup<F, T, C, D> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("WithCleanup")
            .field("cleaning", &self.cleaning.is_some())
            .finish_non_exhaustive()
    }
}
