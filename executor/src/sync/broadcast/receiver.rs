//! The receiving end of a broadcast channel.

use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};

use pin_project_lite::pin_project;

use super::error::{RecvError, TryRecvError};
use super::ring::{Ring, Tail};
use crate::leaf::{self, Made, Operation};
use crate::sync::blocking::block_on;
use crate::sync::pending;
use crate::sync::wait_list::Wait;

static RECEIVE: Operation = Operation::new("broadcast::Receiver::recv");

/// Receives all values of a [`channel`](super::channel) that were sent since it was made.
pub struct Receiver<T> {
    ring: Arc<Ring<T>>,
    /// The position of the next value.
    next: u64,
}

impl<T> Receiver<T> {
    pub(super) fn new(ring: Arc<Ring<T>>) -> Receiver<T> {
        let next = ring.subscribe();
        Receiver { ring, next }
    }

    /// How many values were sent that this receiver has not had; those that it has missed count.
    pub fn len(&self) -> usize {
        (self.ring.tail.lock().state.position - self.next) as usize
    }

    /// Whether this receiver has had every value.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Whether both receive from the same channel.
    pub fn same_channel(&self, other: &Receiver<T>) -> bool {
        Arc::ptr_eq(&self.ring, &other.ring)
    }

    /// How many senders there are.
    pub fn sender_strong_count(&self) -> usize {
        self.ring.senders()
    }

    /// How many weak senders there are.
    pub fn sender_weak_count(&self) -> usize {
        self.ring.weak_senders()
    }

    /// Whether all senders are gone.
    pub fn is_closed(&self) -> bool {
        self.ring.tail.lock().state.closed
    }
}

impl<T: Clone> Receiver<T> {
    /// Makes a receiver of everything that is sent from now on.
    pub fn resubscribe(&self) -> Receiver<T> {
        Receiver::new(self.ring.clone())
    }

    /// Waits for the next value.
    ///
    /// # Errors
    /// If there will be none, or if it was missed.
    ///
    /// # Cancel safety
    /// A wait that is dropped loses no value.
    #[track_caller]
    pub fn recv(&mut self) -> Receiving<'_, T> {
        let ring = &*self.ring;
        Receiving {
            wait: Wait::new(&ring.tail, ()),
            ring,
            next: &mut self.next,
            made: Made::here(&RECEIVE),
        }
    }

    /// Takes the next value, if it is there.
    ///
    /// # Errors
    /// If it is not, will never be, or was missed.
    pub fn try_recv(&mut self) -> Result<T, TryRecvError> {
        self.ring.receive(&mut self.next)
    }

    /// Waits for the next value on a thread that runs no async code; see [`recv`](Receiver::recv).
    ///
    /// # Errors
    /// If there will be none, or if it was missed.
    ///
    /// # Panics
    /// Inside async code, which it would block.
    #[track_caller]
    pub fn blocking_recv(&mut self) -> Result<T, RecvError> {
        block_on("broadcast::Receiver::blocking_recv", self.recv())
    }
}

impl<T> Drop for Receiver<T> {
    fn drop(&mut self) {
        self.ring.unsubscribe(self.next);
    }
}

impl<T> fmt::Debug for Receiver<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Receiver").field("len", &self.len()).finish_non_exhaustive()
    }
}

pin_project! {
    /// Waits for a value; see [`Receiver::recv`].
    #[must_use = "futures do nothing unless awaited"]
    pub struct Receiving<'a, T> {
        #[pin]
        wait: Wait<'a, Tail>,
        ring: &'a Ring<T>,
        next: &'a mut u64,
        made: Made,
    }
}

impl<T: Clone> Future for Receiving<'_, T> {
    type Output = Result<T, RecvError>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let mut this = self.project();
        this.made.set_polled();
        ready!(leaf::proceed(cx));
        loop {
            match this.ring.receive(this.next) {
                Ok(value) => return Poll::Ready(Ok(value)),
                Err(TryRecvError::Closed) => return Poll::Ready(Err(RecvError::Closed)),
                Err(TryRecvError::Lagged(missed)) => {
                    return Poll::Ready(Err(RecvError::Lagged(missed)));
                }
                Err(TryRecvError::Empty) => {}
            }
            let mut turn = this.wait.as_mut().lock();
            let _ = turn.take_grant();
            // It may have been sent, or the channel closed, between the two looks.
            if turn.state.position == **this.next && !turn.state.closed {
                turn.wait(Some(cx.waker()));
                return pending(this.made.operation, this.made.at);
            }
        }
    }
}

impl<T> fmt::Debug for Receiving<'_, T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Receiving")
            .field("at", &format_args!("{}", self.made.at))
            .finish_non_exhaustive()
    }
}
