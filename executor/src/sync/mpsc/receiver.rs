//! The receiving ends, of bounded and of unbounded channels.

use std::fmt;
use std::future::{Future, poll_fn};
use std::panic::Location;
use std::task::{Context, Poll};

use super::channel::ReceiverRef;
use super::error::TryRecvError;
use super::futures::Receiving;
use crate::leaf::{Made, Operation};
use crate::sync::blocking::block_on;

static RECEIVE: Operation = Operation::new("mpsc::Receiver::recv");
static RECEIVE_MANY: Operation = Operation::new("mpsc::Receiver::recv_many");

/// Receives from a [`channel`](super::channel). When it is gone, sending fails.
pub struct Receiver<T> {
    receiver: ReceiverRef<T>,
}

/// Receives from an [`unbounded_channel`](super::unbounded_channel). When it is gone, sending fails.
pub struct UnboundedReceiver<T> {
    receiver: ReceiverRef<T>,
}

impl<T> Receiver<T> {
    pub(super) fn new(receiver: ReceiverRef<T>) -> Receiver<T> {
        Receiver { receiver }
    }

    /// Waits for a message. `None` means that there is none and will be none.
    ///
    /// # Cancel safety
    /// A wait that is dropped loses no message.
    #[track_caller]
    pub fn recv(&mut self) -> Receiving<'_, T> {
        Receiving { receiver: &mut self.receiver, made: Made::here(&RECEIVE) }
    }

    /// Waits for at least one message, and puts up to `limit` of those that are there at the end of
    /// `buffer`. Returns how many; zero means that there will be none, or that `limit` is zero.
    ///
    /// # Cancel safety
    /// A wait that is dropped loses no message.
    #[track_caller]
    pub fn recv_many(&mut self, buffer: &mut Vec<T>, limit: usize) -> impl Future<Output = usize> {
        let mut made = Made::here(&RECEIVE_MANY);
        poll_fn(move |cx| {
            made.set_polled();
            self.receiver.poll_recv_many(cx, buffer, limit, &RECEIVE_MANY, made.at)
        })
    }

    /// Takes a message, if one is there.
    ///
    /// # Errors
    /// If none is; it says whether one may come.
    pub fn try_recv(&mut self) -> Result<T, TryRecvError> {
        self.receiver.try_recv()
    }

    /// Waits for a message on a thread that runs no async code; see [`recv`](Receiver::recv).
    ///
    /// # Panics
    /// Inside async code, which it would block.
    #[track_caller]
    pub fn blocking_recv(&mut self) -> Option<T> {
        block_on("mpsc::Receiver::blocking_recv", self.recv())
    }

    /// Waits for messages on a thread that runs no async code; see [`recv_many`](Receiver::recv_many).
    ///
    /// # Panics
    /// Inside async code, which it would block.
    #[track_caller]
    pub fn blocking_recv_many(&mut self, buffer: &mut Vec<T>, limit: usize) -> usize {
        block_on("mpsc::Receiver::blocking_recv_many", self.recv_many(buffer, limit))
    }

    /// Refuses messages from now on. Those that were sent before can be received, and so can
    /// those that room is reserved for.
    pub fn close(&mut self) {
        self.receiver.close();
    }

    /// Whether it was closed, or there is no sender.
    pub fn is_closed(&self) -> bool {
        self.receiver.is_closed()
    }

    /// Whether no message is there.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// How many messages are there.
    pub fn len(&self) -> usize {
        self.receiver.channel().len()
    }

    /// For how many messages there is room now.
    pub fn capacity(&self) -> usize {
        self.receiver.channel().free_slots()
    }

    /// For how many messages there is room when there are none.
    pub fn max_capacity(&self) -> usize {
        self.receiver.channel().capacity()
    }

    /// Polls for a message; the last caller is woken.
    #[track_caller]
    pub fn poll_recv(&mut self, cx: &mut Context<'_>) -> Poll<Option<T>> {
        self.receiver.poll_recv(cx, &RECEIVE, Location::caller())
    }

    /// Polls for messages; see [`recv_many`](Receiver::recv_many).
    #[track_caller]
    pub fn poll_recv_many(
        &mut self,
        cx: &mut Context<'_>,
        buffer: &mut Vec<T>,
        limit: usize,
    ) -> Poll<usize> {
        self.receiver.poll_recv_many(cx, buffer, limit, &RECEIVE_MANY, Location::caller())
    }

    /// How many senders there are.
    pub fn sender_strong_count(&self) -> usize {
        self.receiver.channel().senders()
    }

    /// How many weak senders there are.
    pub fn sender_weak_count(&self) -> usize {
        self.receiver.channel().weak_senders()
    }
}

impl<T> fmt::Debug for Receiver<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Receiver").field(self.receiver.channel()).finish()
    }
}

impl<T> UnboundedReceiver<T> {
    pub(super) fn new(receiver: ReceiverRef<T>) -> UnboundedReceiver<T> {
        UnboundedReceiver { receiver }
    }

    /// Waits for a message. `None` means that there is none and will be none.
    ///
    /// # Cancel safety
    /// A wait that is dropped loses no message.
    #[track_caller]
    pub fn recv(&mut self) -> Receiving<'_, T> {
        Receiving { receiver: &mut self.receiver, made: Made::here(&RECEIVE) }
    }

    /// Waits for at least one message, and puts up to `limit` of those that are there at the end of
    /// `buffer`. Returns how many; zero means that there will be none, or that `limit` is zero.
    ///
    /// # Cancel safety
    /// A wait that is dropped loses no message.
    #[track_caller]
    pub fn recv_many(&mut self, buffer: &mut Vec<T>, limit: usize) -> impl Future<Output = usize> {
        let mut made = Made::here(&RECEIVE_MANY);
        poll_fn(move |cx| {
            made.set_polled();
            self.receiver.poll_recv_many(cx, buffer, limit, &RECEIVE_MANY, made.at)
        })
    }

    /// Takes a message, if one is there.
    ///
    /// # Errors
    /// If none is; it says whether one may come.
    pub fn try_recv(&mut self) -> Result<T, TryRecvError> {
        self.receiver.try_recv()
    }

    /// Waits for a message on a thread that runs no async code; see [`recv`](UnboundedReceiver::recv).
    ///
    /// # Panics
    /// Inside async code, which it would block.
    #[track_caller]
    pub fn blocking_recv(&mut self) -> Option<T> {
        block_on("mpsc::UnboundedReceiver::blocking_recv", self.recv())
    }

    /// Waits for messages on a thread that runs no async code; see [`recv_many`](UnboundedReceiver::recv_many).
    ///
    /// # Panics
    /// Inside async code, which it would block.
    #[track_caller]
    pub fn blocking_recv_many(&mut self, buffer: &mut Vec<T>, limit: usize) -> usize {
        block_on("mpsc::UnboundedReceiver::blocking_recv_many", self.recv_many(buffer, limit))
    }

    /// Refuses messages from now on. Those that were sent before can be received.
    pub fn close(&mut self) {
        self.receiver.close();
    }

    /// Whether it was closed, or there is no sender.
    pub fn is_closed(&self) -> bool {
        self.receiver.is_closed()
    }

    /// Whether no message is there.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// How many messages are there.
    pub fn len(&self) -> usize {
        self.receiver.channel().len()
    }

    /// Polls for a message; the last caller is woken.
    #[track_caller]
    pub fn poll_recv(&mut self, cx: &mut Context<'_>) -> Poll<Option<T>> {
        self.receiver.poll_recv(cx, &RECEIVE, Location::caller())
    }

    /// Polls for messages; see [`recv_many`](UnboundedReceiver::recv_many).
    #[track_caller]
    pub fn poll_recv_many(
        &mut self,
        cx: &mut Context<'_>,
        buffer: &mut Vec<T>,
        limit: usize,
    ) -> Poll<usize> {
        self.receiver.poll_recv_many(cx, buffer, limit, &RECEIVE_MANY, Location::caller())
    }

    /// How many senders there are.
    pub fn sender_strong_count(&self) -> usize {
        self.receiver.channel().senders()
    }

    /// How many weak senders there are.
    pub fn sender_weak_count(&self) -> usize {
        self.receiver.channel().weak_senders()
    }
}

impl<T> fmt::Debug for UnboundedReceiver<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("UnboundedReceiver").field(self.receiver.channel()).finish()
    }
}
