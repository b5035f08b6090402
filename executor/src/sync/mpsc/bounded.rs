//! Senders of a channel with a limited number of messages.

use std::fmt;
use std::future::Future;
use std::pin::pin;
use std::time::Duration;

use super::channel::{Channel, SenderRef, UNBOUNDED, WeakRef};
use super::error::{SendError, SendTimeoutError, TrySendError};
use super::futures::{CLOSED, Claim, Sending};
use super::permit::{OwnedPermit, Permit, PermitIterator};
use super::receiver::Receiver;
use crate::leaf::{Made, Operation};
use crate::sync::blocking::block_on;

static SEND: Operation = Operation::new("mpsc::Sender::send");
static RESERVE: Operation = Operation::new("mpsc::Sender::reserve");

/// Makes a channel that holds at most `buffer` messages.
///
/// # Panics
/// If `buffer` is zero, or so large that it is no limit (use
/// [`unbounded_channel`](super::unbounded_channel)).
#[track_caller]
pub fn channel<T>(buffer: usize) -> (Sender<T>, Receiver<T>) {
    assert!(buffer > 0, "a channel needs room for a message");
    assert!(buffer < UNBOUNDED, "a channel cannot hold that many messages");
    let (sender, receiver) = Channel::open(buffer);
    (Sender { sender }, Receiver::new(receiver))
}

/// Sends to a [`channel`]. The channel ends when all its senders are gone.
pub struct Sender<T> {
    sender: SenderRef<T>,
}

impl<T> Sender<T> {
    pub(super) fn channel(&self) -> &Channel<T> {
        self.sender.channel()
    }

    /// Sends a message, once there is room for it.
    ///
    /// # Errors
    /// The message, if the receiver is closed or gone.
    ///
    /// # Cancel safety
    /// A send that is dropped loses its place in line, and its message is not sent. To keep the
    /// message, [`reserve`](Sender::reserve) first.
    #[track_caller]
    pub fn send(&self, value: T) -> Sending<'_, T> {
        let claim = Claim::new(self.channel(), 1, Made::here(&SEND));
        Sending::new(claim, value)
    }

    /// Sends a message, if there is room within `timeout`.
    ///
    /// # Errors
    /// The message, if there is not, or the receiver is closed or gone.
    ///
    /// # Panics
    /// Outside a Heist runtime, whose timers it needs.
    ///
    /// # Cancel safety
    /// As [`send`](Sender::send): one that is dropped loses its place in line, and its message is not
    /// sent.
    #[cfg(not(heist_loom))]
    #[track_caller]
    pub fn send_timeout(
        &self,
        value: T,
        timeout: Duration,
    ) -> impl Future<Output = Result<(), SendTimeoutError<T>>> {
        let sending = self.send(value);
        async move {
            let mut sending = pin!(sending);
            match crate::time::timeout(timeout, sending.as_mut()).await {
                Ok(sent) => sent.map_err(|SendError(value)| SendTimeoutError::Closed(value)),
                Err(_) => {
                    sending.take().map_or(Ok(()), |value| Err(SendTimeoutError::Timeout(value)))
                }
            }
        }
    }

    /// Sends a message, if there is room at once and nobody waits for it.
    ///
    /// # Errors
    /// The message, if there is not, or the receiver is closed or gone.
    pub fn try_send(&self, message: T) -> Result<(), TrySendError<T>> {
        self.channel().try_send(message)
    }

    /// Sends a message from a thread that runs no async code.
    ///
    /// # Errors
    /// The message, if the receiver is closed or gone.
    ///
    /// # Panics
    /// Inside async code, which it would block.
    #[track_caller]
    pub fn blocking_send(&self, value: T) -> Result<(), SendError<T>> {
        block_on("mpsc::Sender::blocking_send", self.send(value))
    }

    /// Waits for room for one message, and keeps it.
    ///
    /// # Errors
    /// If the receiver is closed or gone.
    ///
    /// # Cancel safety
    /// A wait that is dropped loses its place in line, and no room.
    #[track_caller]
    pub fn reserve(&self) -> impl Future<Output = Result<Permit<'_, T>, SendError<()>>> {
        let claim = Claim::new(self.channel(), 1, Made::here(&RESERVE));
        async move { claim.await.map(|()| Permit::new(self)) }
    }

    /// Waits for room for `n` messages, and keeps it.
    ///
    /// # Errors
    /// If the receiver is closed or gone, or there is never room for as many.
    ///
    /// # Cancel safety
    /// A wait that is dropped loses its place in line, and no room.
    #[track_caller]
    pub fn reserve_many(
        &self,
        n: usize,
    ) -> impl Future<Output = Result<PermitIterator<'_, T>, SendError<()>>> {
        let claim = Claim::new(self.channel(), n, Made::here(&RESERVE));
        async move {
            if n > self.max_capacity() {
                return Err(SendError(()));
            }
            claim.await.map(|()| PermitIterator::new(self, n))
        }
    }

    /// Waits for room for one message, and keeps it together with this sender.
    ///
    /// # Errors
    /// If the receiver is closed or gone.
    ///
    /// # Cancel safety
    /// A wait that is dropped loses its place in line and this sender. Clone it before.
    #[track_caller]
    pub fn reserve_owned(self) -> impl Future<Output = Result<OwnedPermit<T>, SendError<()>>> {
        let made = Made::here(&RESERVE);
        async move {
            Claim::new(self.channel(), 1, made).await?;
            Ok(OwnedPermit::new(self))
        }
    }

    /// Keeps room for one message, if there is some at once and nobody waits for it.
    ///
    /// # Errors
    /// If there is none, or the receiver is closed or gone.
    pub fn try_reserve(&self) -> Result<Permit<'_, T>, TrySendError<()>> {
        self.channel().try_claim(1)?;
        Ok(Permit::new(self))
    }

    /// Keeps room for `n` messages, if there is as much at once and nobody waits for it.
    ///
    /// # Errors
    /// If there is not, or the receiver is closed or gone.
    pub fn try_reserve_many(&self, n: usize) -> Result<PermitIterator<'_, T>, TrySendError<()>> {
        self.channel().try_claim(n)?;
        Ok(PermitIterator::new(self, n))
    }

    /// Keeps room for one message together with this sender; see
    /// [`try_reserve`](Sender::try_reserve).
    ///
    /// # Errors
    /// The sender, if there is no room, or the receiver is closed or gone.
    pub fn try_reserve_owned(self) -> Result<OwnedPermit<T>, TrySendError<Sender<T>>> {
        match self.channel().try_claim(1) {
            Ok(()) => Ok(OwnedPermit::new(self)),
            Err(reason) => Err(reason.map(|()| self)),
        }
    }

    /// Waits until the receiver is closed or gone.
    ///
    /// # Cancel safety
    /// Cancel safe.
    #[track_caller]
    pub fn closed(&self) -> impl Future<Output = ()> {
        self.channel().closed(Made::here(&CLOSED))
    }

    /// Whether the receiver is closed or gone.
    pub fn is_closed(&self) -> bool {
        self.channel().is_closed()
    }

    /// Whether both send to the same channel.
    pub fn same_channel(&self, other: &Sender<T>) -> bool {
        self.sender.is_same(&other.sender)
    }

    /// For how many messages there is room now.
    pub fn capacity(&self) -> usize {
        self.channel().free_slots()
    }

    /// For how many messages there is room when there are none.
    pub fn max_capacity(&self) -> usize {
        self.channel().capacity()
    }

    /// A sender that does not keep the channel from ending.
    pub fn downgrade(&self) -> WeakSender<T> {
        WeakSender { sender: self.sender.downgrade() }
    }

    /// How many senders there are.
    pub fn strong_count(&self) -> usize {
        self.channel().senders()
    }

    /// How many weak senders there are.
    pub fn weak_count(&self) -> usize {
        self.channel().weak_senders()
    }
}

impl<T> Clone for Sender<T> {
    fn clone(&self) -> Sender<T> {
        Sender { sender: self.sender.clone() }
    }
}

impl<T> fmt::Debug for Sender<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Sender").field(self.channel()).finish()
    }
}

/// A [`Sender`] that does not keep its channel from ending.
pub struct WeakSender<T> {
    sender: WeakRef<T>,
}

impl<T> WeakSender<T> {
    /// A sender, if there still is one.
    pub fn upgrade(&self) -> Option<Sender<T>> {
        self.sender.upgrade().map(|sender| Sender { sender })
    }

    /// How many senders there are.
    pub fn strong_count(&self) -> usize {
        self.sender.channel().senders()
    }

    /// How many weak senders there are.
    pub fn weak_count(&self) -> usize {
        self.sender.channel().weak_senders()
    }
}

impl<T> Clone for WeakSender<T> {
    fn clone(&self) -> WeakSender<T> {
        WeakSender { sender: self.sender.clone() }
    }
}

impl<T> fmt::Debug for WeakSender<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("WeakSender").field(self.sender.channel()).finish()
    }
}
