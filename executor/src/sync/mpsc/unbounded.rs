//! Senders of a channel that never makes them wait.

use std::fmt;
use std::future::Future;

use super::channel::{Channel, SenderRef, UNBOUNDED, WeakRef};
use super::error::SendError;
use super::futures::CLOSED;
use super::receiver::UnboundedReceiver;
use crate::leaf::Made;

/// Makes a channel without a limit but memory.
pub fn unbounded_channel<T>() -> (UnboundedSender<T>, UnboundedReceiver<T>) {
    let (sender, receiver) = Channel::open(UNBOUNDED);
    (UnboundedSender { sender }, UnboundedReceiver::new(receiver))
}

/// Sends to an [`unbounded_channel`]. The channel ends when all its senders are gone.
pub struct UnboundedSender<T> {
    sender: SenderRef<T>,
}

impl<T> UnboundedSender<T> {
    fn channel(&self) -> &Channel<T> {
        self.sender.channel()
    }

    /// Sends a message. It never waits.
    ///
    /// # Errors
    /// The message, if the receiver is closed or gone.
    pub fn send(&self, message: T) -> Result<(), SendError<T>> {
        self.channel().try_send(message).map_err(|error| SendError(error.into_inner()))
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
    pub fn same_channel(&self, other: &UnboundedSender<T>) -> bool {
        self.sender.is_same(&other.sender)
    }

    /// A sender that does not keep the channel from ending.
    pub fn downgrade(&self) -> WeakUnboundedSender<T> {
        WeakUnboundedSender { sender: self.sender.downgrade() }
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

impl<T> Clone for UnboundedSender<T> {
    fn clone(&self) -> UnboundedSender<T> {
        UnboundedSender { sender: self.sender.clone() }
    }
}

impl<T> fmt::Debug for UnboundedSender<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("UnboundedSender").field(self.channel()).finish()
    }
}

/// An [`UnboundedSender`] that does not keep its channel from ending.
pub struct WeakUnboundedSender<T> {
    sender: WeakRef<T>,
}

impl<T> WeakUnboundedSender<T> {
    /// A sender, if there still is one.
    pub fn upgrade(&self) -> Option<UnboundedSender<T>> {
        self.sender.upgrade().map(|sender| UnboundedSender { sender })
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

impl<T> Clone for WeakUnboundedSender<T> {
    fn clone(&self) -> WeakUnboundedSender<T> {
        WeakUnboundedSender { sender: self.sender.clone() }
    }
}

impl<T> fmt::Debug for WeakUnboundedSender<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("WeakUnboundedSender").field(self.sender.channel()).finish()
    }
}
