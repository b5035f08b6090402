//! What the ends of a channel share: a queue of messages, and a line of senders who wait for room.
//!
//! A message's way: its sender claims a *slot* (at once, or in line), puts the message into the
//! queue, and wakes the receiver if that waits. Taking a message out frees its slot for the first in
//! line. An unbounded channel has more slots than memory.
//!
//! There is one lock; a send and a receive take it once each. That is as cheap as anything without
//! contention, and with it the queue stays short to walk and exact to count.

use crate::shim::atomic::{AtomicUsize, Ordering};
use std::collections::VecDeque;
use std::fmt;
use std::panic::Location;
use std::sync::Arc;
use std::task::{Context, Poll, Waker, ready};

use super::error::{TryRecvError, TrySendError};
use crate::foreign::wake;
use crate::leaf::{self, Made, Operation};
use crate::shim::MutexGuard;
use crate::sync::Notify;
use crate::sync::pending;
use crate::sync::wait_list::{Line, Protocol, WaitList, Wakers};

/// More slots than there will be messages.
pub(super) const UNBOUNDED: usize = usize::MAX >> 1;

/// What the lock protects.
pub(super) struct Messages<T> {
    queue: VecDeque<T>,
    /// Slots without a message and without a permit.
    free: usize,
    /// The receiver refuses more.
    closed: bool,
    /// The receiver will take no more, not even what was promised room.
    abandoned: bool,
    /// The receiver, while it waits.
    receiver: Option<Waker>,
}

/// The channel was closed.
#[derive(Clone)]
pub(super) struct Refused;

impl<T> Protocol for Messages<T> {
    /// A number of slots.
    type Request = usize;
    type Grant = Result<(), Refused>;
}

impl<T> Line<Messages<T>> {
    /// Takes slots, if nobody is before.
    pub(super) fn claim(&mut self, count: usize) -> Result<(), TrySendError<()>> {
        if self.state.closed {
            return Err(TrySendError::Closed(()));
        }
        if count > self.state.free || !self.is_empty() {
            return Err(TrySendError::Full(()));
        }
        self.state.free -= count;
        Ok(())
    }

    /// Fills a slot that was claimed; returns whom to wake, or the message if nobody wants it.
    pub(super) fn put(&mut self, message: T) -> Result<Option<Waker>, T> {
        if self.state.abandoned {
            self.state.free += 1;
            return Err(message);
        }
        self.state.queue.push_back(message);
        Ok(self.state.receiver.take())
    }

    /// Frees slots, for those in line first.
    #[inline]
    fn free(&mut self, count: usize) -> Wakers {
        self.state.free += count;
        if self.is_empty() { Wakers::new() } else { self.serve_line() }
    }

    fn serve_line(&mut self) -> Wakers {
        let mut wakers = Wakers::new();
        while let Some(&count) = self.first() {
            let Some(left) = self.state.free.checked_sub(count) else { break };
            self.state.free = left;
            wakers.push(self.grant_first(Ok(())));
        }
        wakers
    }
}

/// See the module's documentation.
pub(super) struct Channel<T> {
    pub(super) line: WaitList<Messages<T>>,
    capacity: usize,
    /// Told when the receiver closes the channel.
    closing: Notify,
    senders: AtomicUsize,
    weak_senders: AtomicUsize,
}

impl<T> Channel<T> {
    /// Makes a channel: its two ends.
    pub(super) fn open(capacity: usize) -> (SenderRef<T>, ReceiverRef<T>) {
        let messages = Messages {
            queue: VecDeque::new(),
            free: capacity,
            closed: false,
            abandoned: false,
            receiver: None,
        };
        let channel = Arc::new(Channel {
            line: WaitList::new(messages),
            capacity,
            closing: Notify::new(),
            senders: AtomicUsize::new(1),
            weak_senders: AtomicUsize::new(0),
        });
        (SenderRef(channel.clone()), ReceiverRef(channel))
    }

    pub(super) fn capacity(&self) -> usize {
        self.capacity
    }

    /// Slots that nobody has.
    pub(super) fn free_slots(&self) -> usize {
        self.line.lock().state.free
    }

    pub(super) fn len(&self) -> usize {
        self.line.lock().state.queue.len()
    }

    /// Whether the receiver refuses more.
    pub(super) fn is_closed(&self) -> bool {
        self.line.lock().state.closed
    }

    pub(super) fn senders(&self) -> usize {
        // Ordering: Acquire, pairs with the decrement in `SenderRef::drop`: who sees the last
        // sender gone sees all their messages.
        self.senders.load(Ordering::Acquire)
    }

    pub(super) fn weak_senders(&self) -> usize {
        // Ordering: Relaxed; for information only.
        self.weak_senders.load(Ordering::Relaxed)
    }

    /// Sends, if there is room at once.
    #[inline]
    pub(super) fn try_send(&self, message: T) -> Result<(), TrySendError<T>> {
        let mut line = self.line.lock();
        if let Err(reason) = line.claim(1) {
            drop(line);
            return Err(reason.map(|()| message));
        }
        let waker = line.put(message);
        drop(line);
        Channel::after_put(waker);
        Ok(())
    }

    /// Claims slots, if there are as many at once.
    pub(super) fn try_claim(&self, count: usize) -> Result<(), TrySendError<()>> {
        self.line.lock().claim(count)
    }

    /// Fills a slot that was claimed.
    pub(super) fn put(&self, message: T) {
        let waker = self.line.lock().put(message);
        Channel::after_put(waker);
    }

    /// Wakes the receiver, or drops the message, which is foreign code; without the lock.
    #[inline]
    pub(super) fn after_put(put: Result<Option<Waker>, T>) {
        if let Ok(waker) = put {
            wake(waker);
        }
    }

    /// Gives slots back that were claimed and not filled.
    pub(super) fn unclaim(&self, count: usize) {
        let mut line = self.line.lock();
        let wakers = line.free(count);
        let receiver = if self.is_over(&line) { line.state.receiver.take() } else { None };
        drop(line);
        wakers.wake();
        wake(receiver);
    }

    /// Whether nothing is there and nothing can come.
    fn is_over(&self, line: &Line<Messages<T>>) -> bool {
        let messages = &line.state;
        let promised = messages.free < self.capacity;
        messages.queue.is_empty() && ((messages.closed && !promised) || self.senders() == 0)
    }

    /// Waits until the receiver refuses more.
    pub(super) async fn closed(&self, mut made: Made) {
        made.set_polled();
        loop {
            let notified = self.closing.notified_at(made.operation, made.at);
            if self.is_closed() {
                return;
            }
            notified.await;
        }
    }
}

impl<T> fmt::Debug for Channel<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut fields = f.debug_struct("Channel");
        fields.field("len", &self.len());
        if self.capacity != UNBOUNDED {
            fields.field("capacity", &self.capacity);
        }
        fields.field("closed", &self.is_closed()).field("senders", &self.senders()).finish()
    }
}

/// A sender as the channel counts it.
pub(super) struct SenderRef<T>(Arc<Channel<T>>);

/// A sender that does not keep the channel open.
pub(super) struct WeakRef<T>(Arc<Channel<T>>);

impl<T> SenderRef<T> {
    pub(super) fn channel(&self) -> &Channel<T> {
        &self.0
    }

    pub(super) fn is_same(&self, other: &SenderRef<T>) -> bool {
        Arc::ptr_eq(&self.0, &other.0)
    }

    pub(super) fn downgrade(&self) -> WeakRef<T> {
        WeakRef::new(&self.0)
    }
}

impl<T> Clone for SenderRef<T> {
    fn clone(&self) -> SenderRef<T> {
        // Ordering: Relaxed; the channel is held open by this sender meanwhile.
        self.0.senders.fetch_add(1, Ordering::Relaxed);
        SenderRef(self.0.clone())
    }
}

impl<T> Drop for SenderRef<T> {
    fn drop(&mut self) {
        // Ordering: AcqRel, pairs with the load in `senders` and with other drops: the last sees
        // that all messages are in the queue.
        if self.0.senders.fetch_sub(1, Ordering::AcqRel) == 1 {
            let receiver = self.0.line.lock().state.receiver.take();
            wake(receiver);
        }
    }
}

impl<T> WeakRef<T> {
    fn new(channel: &Arc<Channel<T>>) -> WeakRef<T> {
        // Ordering: Relaxed, here and below; for information only.
        channel.weak_senders.fetch_add(1, Ordering::Relaxed);
        WeakRef(channel.clone())
    }

    pub(super) fn channel(&self) -> &Channel<T> {
        &self.0
    }

    /// A sender, if there still is one.
    pub(super) fn upgrade(&self) -> Option<SenderRef<T>> {
        let add = |senders| if senders == 0 { None } else { Some(senders + 1) };
        // Ordering: Relaxed; a sender that is there holds the channel open, and says so by itself.
        let added = self.0.senders.fetch_update(Ordering::Relaxed, Ordering::Relaxed, add);
        added.ok().map(|_| SenderRef(self.0.clone()))
    }
}

impl<T> Clone for WeakRef<T> {
    fn clone(&self) -> WeakRef<T> {
        WeakRef::new(&self.0)
    }
}

impl<T> Drop for WeakRef<T> {
    fn drop(&mut self) {
        self.0.weak_senders.fetch_sub(1, Ordering::Relaxed);
    }
}

/// The receiver.
pub(super) struct ReceiverRef<T>(Arc<Channel<T>>);

impl<T> ReceiverRef<T> {
    pub(super) fn channel(&self) -> &Channel<T> {
        &self.0
    }

    /// Takes a message, or leaves the waker.
    #[inline]
    pub(super) fn poll_recv(
        &mut self,
        cx: &mut Context<'_>,
        operation: &'static Operation,
        at: &'static Location<'static>,
    ) -> Poll<Option<T>> {
        ready!(leaf::proceed(cx));
        let mut line = self.0.line.lock();
        if let Some(message) = line.state.queue.pop_front() {
            let wakers = line.free(1);
            drop(line);
            wakers.wake();
            return Poll::Ready(Some(message));
        }
        self.wait(line, cx).map_or_else(|| pending(operation, at), |()| Poll::Ready(None))
    }

    /// Takes up to `limit` messages, or leaves the waker.
    pub(super) fn poll_recv_many(
        &mut self,
        cx: &mut Context<'_>,
        buffer: &mut Vec<T>,
        limit: usize,
        operation: &'static Operation,
        at: &'static Location<'static>,
    ) -> Poll<usize> {
        ready!(leaf::proceed(cx));
        if limit == 0 {
            return Poll::Ready(0);
        }
        // Before the lock, which is to be short.
        buffer.reserve(limit.min(self.0.len()));
        let mut line = self.0.line.lock();
        let count = limit.min(line.state.queue.len());
        if count > 0 {
            buffer.extend(line.state.queue.drain(..count));
            let wakers = line.free(count);
            drop(line);
            wakers.wake();
            return Poll::Ready(count);
        }
        self.wait(line, cx).map_or_else(|| pending(operation, at), |()| Poll::Ready(0))
    }

    /// Leaves the waker in an empty channel; `Some` if nothing will come.
    fn wait(&self, mut line: MutexGuard<'_, Line<Messages<T>>>, cx: &Context<'_>) -> Option<()> {
        if self.0.is_over(&line) {
            return Some(());
        }
        let known = line.state.receiver.as_ref().is_some_and(|old| old.will_wake(cx.waker()));
        let stale = if known { None } else { line.state.receiver.replace(cx.waker().clone()) };
        // Dropping a waker is foreign code.
        drop(line);
        drop(stale);
        None
    }

    pub(super) fn try_recv(&mut self) -> Result<T, TryRecvError> {
        let mut line = self.0.line.lock();
        match line.state.queue.pop_front() {
            Some(message) => {
                let wakers = line.free(1);
                drop(line);
                wakers.wake();
                Ok(message)
            }
            None if self.0.is_over(&line) => Err(TryRecvError::Disconnected),
            None => Err(TryRecvError::Empty),
        }
    }

    /// Refuses more messages than were promised room.
    pub(super) fn close(&mut self) {
        let mut line = self.0.line.lock();
        line.state.closed = true;
        let wakers = line.grant_all(Err(Refused));
        drop(line);
        wakers.wake();
        self.0.closing.notify_waiters();
    }

    /// Whether no sender can start to send any more.
    pub(super) fn is_closed(&self) -> bool {
        self.0.is_closed() || self.0.senders() == 0
    }
}

impl<T> Drop for ReceiverRef<T> {
    fn drop(&mut self) {
        self.close();
        let mut line = self.0.line.lock();
        line.state.abandoned = true;
        let messages = std::mem::take(&mut line.state.queue);
        line.state.free += messages.len();
        let waker = line.state.receiver.take();
        drop(line);
        // Both are foreign code.
        drop((messages, waker));
    }
}
