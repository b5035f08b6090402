//! One value from one task to another.
//!
//! One allocation and, if the receiver does not wait yet, one atomic operation a message. Each end
//! learns when the other goes away. Deliberately without a way to send twice: see
//! [`mpsc`](super::mpsc).
//!
//! # Examples
//! ```
//! # heist::runtime::Runtime::new().unwrap().block_on(async {
//! use heist::sync::oneshot;
//!
//! let (sender, receiver) = oneshot::channel();
//! heist::spawn(async move { sender.send("hello") });
//! assert_eq!(receiver.await.unwrap(), "hello");
//! # });
//! ```

pub(crate) mod channel;
mod word;

use std::error::Error;
use std::fmt;
use std::future::Future;
use std::panic::Location;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use self::channel::{ReceiverHalf, SenderHalf};
use self::error::{RecvError, TryRecvError};
use super::blocking::block_on;
use super::pending;
use crate::leaf::{self, Made, Operation};

static RECEIVE: Operation = Operation::new("oneshot::Receiver");
static CLOSED: Operation = Operation::new("oneshot::Sender::closed");

/// Makes a channel for one value.
///
/// A task that awaits the receiver is shown as waiting at the line of this call.
#[track_caller]
pub fn channel<T>() -> (Sender<T>, Receiver<T>) {
    let (sender, receiver) = channel::channel();
    let at = Location::caller();
    (Sender { half: Some(sender) }, Receiver { half: Some(receiver), at })
}

/// The end of a [`channel`] that has the value; without an await, from wherever it is.
pub struct Sender<T> {
    /// Taken by `send` and `drop`.
    half: Option<SenderHalf<T>>,
}

impl<T> Sender<T> {
    /// Sends the value. It never waits.
    ///
    /// # Errors
    /// The value, if the receiver is closed or gone. That it was sent does not mean that it will
    /// be received: the receiver may go away with it.
    pub fn send(mut self, value: T) -> Result<(), T> {
        match self.half.take() {
            Some(half) => half.finish(Some(value)),
            None => unreachable!("a sender is taken apart once"),
        }
    }

    /// Waits until the receiver is closed or gone.
    ///
    /// # Cancel safety
    /// Cancel safe.
    #[track_caller]
    pub fn closed(&mut self) -> impl Future<Output = ()> {
        let mut made = Made::here(&CLOSED);
        std::future::poll_fn(move |cx| {
            made.set_polled();
            self.poll_closed_at(cx, made.at)
        })
    }

    /// Whether the receiver is closed or gone.
    pub fn is_closed(&self) -> bool {
        self.half.as_ref().is_none_or(SenderHalf::is_closed)
    }

    /// Polls for what [`closed`](Sender::closed) waits for; the last caller is woken.
    #[track_caller]
    pub fn poll_closed(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        self.poll_closed_at(cx, Location::caller())
    }

    fn poll_closed_at(&mut self, cx: &mut Context<'_>, at: &'static Location<'static>) -> Poll<()> {
        ready!(leaf::proceed(cx));
        match self.half.as_mut().map(|half| half.poll_closed(cx)) {
            Some(Poll::Pending) => pending(&CLOSED, at),
            _ => Poll::Ready(()),
        }
    }
}

impl<T> Drop for Sender<T> {
    fn drop(&mut self) {
        if let Some(half) = self.half.take() {
            let _ = half.finish(None);
        }
    }
}

impl<T> fmt::Debug for Sender<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Sender").field("closed", &self.is_closed()).finish()
    }
}

/// The end of a [`channel`] that gets the value, by awaiting it.
///
/// It may be awaited by reference and again later, until it has been ready.
///
/// # Errors
/// [`RecvError`], if the sender goes away without a value, or the receiver was closed before.
///
/// # Cancel safety
/// Awaiting `&mut receiver` is cancel safe: the value stays here until it is returned. One that is
/// here when the receiver itself is dropped is dropped with it.
#[must_use = "futures do nothing unless awaited"]
pub struct Receiver<T> {
    /// Empty once the outcome has been told.
    half: Option<ReceiverHalf<T>>,
    at: &'static Location<'static>,
}

impl<T> Receiver<T> {
    /// Refuses any value from now on; one that was sent before can still be received.
    pub fn close(&mut self) {
        if let Some(half) = &mut self.half {
            half.close();
        }
    }

    /// Whether the outcome has been told, by awaiting or [`try_recv`](Receiver::try_recv).
    pub fn is_terminated(&self) -> bool {
        self.half.is_none()
    }

    /// Whether no value is there to be received now.
    pub fn is_empty(&self) -> bool {
        !self.half.as_ref().is_some_and(ReceiverHalf::has_value)
    }

    /// Takes the value, if it is there.
    ///
    /// # Errors
    /// Whether it may still come or not.
    pub fn try_recv(&mut self) -> Result<T, TryRecvError> {
        let half = self.half.as_mut().ok_or(TryRecvError::Closed)?;
        // In this order: what was sent before the closing is to be found.
        let closed = half.is_closed();
        match half.take() {
            None if !closed => Err(TryRecvError::Empty),
            said => {
                self.half = None;
                said.flatten().ok_or(TryRecvError::Closed)
            }
        }
    }

    /// Waits for the value on a thread that runs no async code.
    ///
    /// # Errors
    /// If there will be none.
    ///
    /// # Panics
    /// Inside async code, which it would block.
    #[track_caller]
    pub fn blocking_recv(self) -> Result<T, RecvError> {
        block_on("oneshot::Receiver::blocking_recv", self)
    }
}

impl<T> Future for Receiver<T> {
    type Output = Result<T, RecvError>;

    /// # Panics
    /// If it has been ready before.
    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        ready!(leaf::proceed(cx));
        let at = self.at;
        let half = self.half.as_mut().expect("a oneshot receiver was polled after its outcome");
        let closed = half.is_closed();
        let said = match half.take() {
            Some(said) => said,
            None if closed => None,
            None if half.wait(cx.waker()) => return pending(&RECEIVE, at),
            None => half.take().flatten(),
        };
        self.half = None;
        Poll::Ready(said.ok_or(RecvError(())))
    }
}

impl<T> fmt::Debug for Receiver<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Receiver").field("empty", &self.is_empty()).finish()
    }
}

/// Why there is no value.
pub mod error {
    use super::{Error, fmt};

    /// The sender went away without a value, or the receiver was closed before there was one.
    #[derive(Clone, Debug, PartialEq, Eq)]
    pub struct RecvError(pub(super) ());

    impl fmt::Display for RecvError {
        fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            f.write_str("the channel is closed")
        }
    }

    impl Error for RecvError {}

    /// There is no value now.
    #[derive(Clone, Debug, PartialEq, Eq)]
    pub enum TryRecvError {
        /// There may still be one.
        Empty,
        /// There will be none.
        Closed,
    }

    impl fmt::Display for TryRecvError {
        fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            f.write_str(match self {
                TryRecvError::Empty => "the channel is empty",
                TryRecvError::Closed => "the channel is closed",
            })
        }
    }

    impl Error for TryRecvError {}
}

#[cfg(test)]
mod tests;
