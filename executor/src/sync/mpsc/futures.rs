//! The futures of a channel: a receiver's wait, a sender's wait for slots, and a send.

use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use pin_project_lite::pin_project;

use super::channel::{Channel, Messages, ReceiverRef, Refused};
use super::error::{SendError, TrySendError};
use crate::leaf::{self, Made, Operation};
use crate::sync::pending;
use crate::sync::wait_list::{Line, Wait};

pub(super) static CLOSED: Operation = Operation::new("mpsc::Sender::closed");

/// Waits for a message; see [`Receiver::recv`](super::Receiver::recv).
#[must_use = "futures do nothing unless awaited"]
pub struct Receiving<'a, T> {
    pub(super) receiver: &'a mut ReceiverRef<T>,
    pub(super) made: Made,
}

impl<T> Future for Receiving<'_, T> {
    type Output = Option<T>;

    #[inline]
    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<T>> {
        let this = &mut *self;
        this.made.set_polled();
        this.receiver.poll_recv(cx, this.made.operation, this.made.at)
    }
}

impl<T> fmt::Debug for Receiving<'_, T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Receiving")
            .field("at", &format_args!("{}", self.made.at))
            .finish_non_exhaustive()
    }
}

pin_project! {
    /// Waits for slots; those that were granted too late are given back.
    pub(super) struct Claim<'a, T> {
        #[pin]
        wait: Wait<'a, Messages<T>>,
        channel: &'a Channel<T>,
        count: usize,
        made: Made,
    }

    impl<T> PinnedDrop for Claim<'_, T> {
        fn drop(this: Pin<&mut Self>) {
            let this = this.project();
            if !this.wait.has_joined() {
                return;
            }
            let mut turn = this.wait.lock();
            let granted = matches!(turn.take_grant(), Some(Ok(())));
            turn.leave();
            drop(turn);
            // Also without a grant: whoever stood behind may need less.
            this.channel.unclaim(if granted { *this.count } else { 0 });
        }
    }
}

impl<'a, T> Claim<'a, T> {
    pub(super) fn new(channel: &'a Channel<T>, count: usize, made: Made) -> Claim<'a, T> {
        Claim { wait: Wait::new(&channel.line, count), channel, count, made }
    }

    /// Polls, and once the slots are the caller's, runs `then` before the lock is given up.
    #[inline]
    fn poll_then<R>(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        then: impl FnOnce(&mut Line<Messages<T>>) -> R,
    ) -> Poll<Result<R, Refused>> {
        let this = self.project();
        this.made.set_polled();
        ready!(leaf::proceed(cx));
        let mut turn = this.wait.lock();
        match turn.take_grant() {
            Some(Ok(())) => return Poll::Ready(Ok(then(&mut turn))),
            Some(Err(refused)) => return Poll::Ready(Err(refused)),
            None => {}
        }
        if !turn.is_in_line() {
            match turn.claim(*this.count) {
                Ok(()) => return Poll::Ready(Ok(then(&mut turn))),
                Err(TrySendError::Closed(())) => return Poll::Ready(Err(Refused)),
                Err(TrySendError::Full(())) => {}
            }
        }
        turn.wait(Some(cx.waker()));
        drop(turn);
        pending(this.made.operation, this.made.at)
    }
}

impl<T> Future for Claim<'_, T> {
    type Output = Result<(), SendError<()>>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        self.poll_then(cx, |_| ()).map_err(|Refused| SendError(()))
    }
}

pin_project! {
    /// Sends a message; see [`Sender::send`](super::Sender::send).
    #[must_use = "futures do nothing unless awaited"]
    pub struct Sending<'a, T> {
        #[pin]
        claim: Claim<'a, T>,
        message: Option<T>,
    }
}

impl<'a, T> Sending<'a, T> {
    pub(super) fn new(claim: Claim<'a, T>, message: T) -> Sending<'a, T> {
        Sending { claim, message: Some(message) }
    }

    /// The message, if it was not sent.
    pub(super) fn take(self: Pin<&mut Self>) -> Option<T> {
        self.project().message.take()
    }
}

impl<T> Future for Sending<'_, T> {
    type Output = Result<(), SendError<T>>;

    /// # Panics
    /// If it has been ready before.
    #[inline]
    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let this = self.project();
        let message = &mut *this.message;
        assert!(message.is_some(), "a send was polled after its end");
        let claimed = this.claim.poll_then(cx, |line| message.take().map(|m| line.put(m)));
        match ready!(claimed) {
            Ok(put) => {
                put.into_iter().for_each(Channel::after_put);
                Poll::Ready(Ok(()))
            }
            Err(Refused) => Poll::Ready(message.take().map_or(Ok(()), |m| Err(SendError(m)))),
        }
    }
}

impl<T> fmt::Debug for Sending<'_, T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Sending")
            .field("at", &format_args!("{}", self.claim.made.at))
            .finish_non_exhaustive()
    }
}
