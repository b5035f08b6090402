//! The ring that the ends of a broadcast channel share.
//!
//! Values are counted from the first; the value at position `p` is in slot `p` modulo the size. The
//! *tail* is the position of the next value. Locks are taken in the order tail, slot; a receiver that
//! finds its value needs the slot's alone.

use crate::shim::atomic::{AtomicUsize, Ordering};

use crate::shim::Mutex;

use super::error::{SendError, TryRecvError};
use crate::sync::Notify;
use crate::sync::wait_list::{Line, Protocol, WaitList};

/// What the tail's lock protects; receivers stand in line there for the next value.
#[derive(Debug)]
pub(super) struct Tail {
    pub(super) position: u64,
    pub(super) receivers: usize,
    /// All senders are gone.
    pub(super) closed: bool,
}

impl Protocol for Tail {
    type Request = ();
    type Grant = ();
}

/// A value on its way.
struct Message<T> {
    position: u64,
    /// How many receivers have not had it.
    left: usize,
    value: T,
}

/// See the module's documentation.
pub(super) struct Ring<T> {
    slots: Box<[Mutex<Option<Message<T>>>]>,
    pub(super) tail: WaitList<Tail>,
    pub(super) senders: AtomicUsize,
    pub(super) weak_senders: AtomicUsize,
    /// Told when the last receiver goes.
    pub(super) abandoned: Notify,
}

impl<T> Ring<T> {
    pub(super) fn new(size: usize) -> Ring<T> {
        debug_assert!(size.is_power_of_two());
        Ring {
            slots: (0..size).map(|_| Mutex::new(None)).collect(),
            tail: WaitList::new(Tail { position: 0, receivers: 0, closed: false }),
            senders: AtomicUsize::new(1),
            weak_senders: AtomicUsize::new(0),
            abandoned: Notify::new(),
        }
    }

    fn slot(&self, position: u64) -> &Mutex<Option<Message<T>>> {
        // The size is a power of two, so cutting the position short changes nothing.
        &self.slots[position as usize & (self.slots.len() - 1)]
    }

    /// The oldest position whose value may still be there.
    fn oldest(&self, tail: &Line<Tail>) -> u64 {
        tail.state.position.saturating_sub(self.slots.len() as u64)
    }

    /// Adds a value; returns how many receivers will see it.
    pub(super) fn send(&self, value: T) -> Result<usize, SendError<T>> {
        let mut tail = self.tail.lock();
        let (position, left) = (tail.state.position, tail.state.receivers);
        if left == 0 {
            drop(tail);
            return Err(SendError(value));
        }
        let missed = self.slot(position).lock().replace(Message { position, left, value });
        tail.state.position += 1;
        let wakers = tail.grant_all(());
        drop(tail);
        wakers.wake();
        // Foreign code, so after the locks.
        drop(missed);
        Ok(left)
    }

    /// Counts a receiver; returns the position from which on it sees all values.
    pub(super) fn subscribe(&self) -> u64 {
        let mut tail = self.tail.lock();
        tail.state.receivers += 1;
        tail.state.position
    }

    /// A receiver goes that has seen all before `next`.
    pub(super) fn unsubscribe(&self, next: u64) {
        let mut tail = self.tail.lock();
        tail.state.receivers -= 1;
        let last = tail.state.receivers == 0;
        let (oldest, end) = (self.oldest(&tail), tail.state.position);
        drop(tail);
        for position in next.max(oldest)..end {
            let mut slot = self.slot(position).lock();
            let seen_by_all = slot.as_mut().is_some_and(|message| {
                message.position == position && {
                    message.left -= 1;
                    message.left == 0
                }
            });
            let unseen = if seen_by_all { slot.take() } else { None };
            drop(slot);
            drop(unseen);
        }
        if last {
            self.abandoned.notify_waiters();
        }
    }

    /// How many values some receiver has not had. Looks at every slot.
    pub(super) fn len(&self) -> usize {
        let _tail = self.tail.lock();
        self.slots.iter().filter(|slot| slot.lock().is_some()).count()
    }
}

impl<T: Clone> Ring<T> {
    /// Gets the value at `next`, and counts it up.
    pub(super) fn receive(&self, next: &mut u64) -> Result<T, TryRecvError> {
        loop {
            if let Some(value) = self.take(*next) {
                *next += 1;
                return Ok(value);
            }
            let tail = self.tail.lock();
            let oldest = self.oldest(&tail);
            if *next == tail.state.position {
                let closed = tail.state.closed;
                return Err(if closed { TryRecvError::Closed } else { TryRecvError::Empty });
            }
            if *next < oldest {
                let missed = oldest - *next;
                *next = oldest;
                return Err(TryRecvError::Lagged(missed));
            }
            // It was sent between the two looks.
        }
    }

    /// The value at `position`, if it is there; the last receiver gets it without cloning.
    fn take(&self, position: u64) -> Option<T> {
        let mut slot = self.slot(position).lock();
        let message = slot.as_mut().filter(|message| message.position == position)?;
        if message.left == 1 {
            return slot.take().map(|message| message.value);
        }
        // First the clone, which may panic: then this receiver has not had it.
        let value = message.value.clone();
        message.left -= 1;
        Some(value)
    }
}

impl<T> Ring<T> {
    pub(super) fn senders(&self) -> usize {
        // Ordering: Relaxed; for information only, the end is told under the tail's lock.
        self.senders.load(Ordering::Relaxed)
    }

    pub(super) fn weak_senders(&self) -> usize {
        // Ordering: Relaxed; for information only.
        self.weak_senders.load(Ordering::Relaxed)
    }
}
