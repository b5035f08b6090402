//! [`timeout`]: a future with a deadline.

use std::fmt;
use std::future::{Future, IntoFuture};
use std::io;
use std::panic::Location;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use pin_project_lite::pin_project;

use crate::entry::{EntryState, Unpolled};
use crate::instant::Instant;
use crate::silence::GivenUp;
use crate::sleep::Sleep;

pin_project! {
    /// A future with a deadline; see [`timeout`].
    #[derive(Debug)]
    #[must_use = "futures do nothing unless awaited"]
    pub struct Timeout<F> {
        #[pin]
        future: GivenUp<F>,
        #[pin]
        sleep: Sleep,
    }
}

/// Gives a future at most `duration`.
///
/// Ready with the future's output, or with [`Elapsed`] once the time has passed and the future is
/// still pending. The future is polled first, so one that is ready at once touches no timer, and one
/// that is ready together with the deadline wins. What is left of it is dropped with the `Timeout`.
///
/// While it waits, the task is shown waiting in what the future waits in, or, if that is nothing of
/// ours, in the `timeout`. A future that uses up the
/// task's budget does not keep the deadline from ending it.
///
/// An example is at the head of `heist::time`.
///
/// # Panics
/// Polling it outside a runtime panics, unless the future is ready at once.
///
/// # Cancel safety
/// As the future's own.
#[track_caller]
pub fn timeout<F: IntoFuture>(duration: Duration, future: F) -> Timeout<F::IntoFuture> {
    // Usually polled at once: then it need not look at the clock a second time.
    let state = if duration.is_zero() { EntryState::Idle } else { EntryState::Ahead };
    Timeout::new(future, Sleep::new(Instant::now_plus(duration), state, Location::caller()))
}

/// Gives a future until `deadline`; see [`timeout`].
///
/// # Panics
/// As [`timeout`].
///
/// # Cancel safety
/// As the future's own.
#[track_caller]
pub fn timeout_at<F: IntoFuture>(deadline: Instant, future: F) -> Timeout<F::IntoFuture> {
    Timeout::new(future, Sleep::new(deadline, EntryState::Idle, Location::caller()))
}

impl<F> Timeout<F> {
    fn new(future: impl IntoFuture<IntoFuture = F>, sleep: Sleep) -> Timeout<F>
    where
        F: Future,
    {
        let future = GivenUp::new(future.into_future());
        Timeout { future, sleep: sleep.unpolled_as(Unpolled::Timeout) }
    }

    /// The future.
    pub fn get_ref(&self) -> &F {
        self.future.get_ref()
    }

    /// The future.
    pub fn get_mut(&mut self) -> &mut F {
        self.future.get_mut()
    }

    /// The future back, without a deadline.
    pub fn into_inner(self) -> F {
        self.sleep.set_polled();
        self.future.into_inner()
    }
}

impl<F: Future> Future for Timeout<F> {
    type Output = Result<F::Output, Elapsed>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let mut this = self.project();
        this.sleep.set_polled();
        if let Poll::Ready(output) = this.future.poll(cx) {
            return Poll::Ready(Ok(output));
        }
        // Without regard to the budget: a future that uses it up must not escape its deadline.
        match this.sleep.as_mut().poll_elapsed(cx) {
            Poll::Ready(()) => Poll::Ready(Err(Elapsed(()))),
            Poll::Pending => {
                this.sleep.note_timeout();
                Poll::Pending
            }
        }
    }
}

/// The time that a future was given has passed; see [`timeout`].
#[derive(Debug, PartialEq, Eq)]
pub struct Elapsed(());

impl fmt::Display for Elapsed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("deadline has elapsed")
    }
}

impl std::error::Error for Elapsed {}

impl From<Elapsed> for io::Error {
    fn from(error: Elapsed) -> io::Error {
        io::Error::new(io::ErrorKind::TimedOut, error)
    }
}
