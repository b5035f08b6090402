//! The sending end of a broadcast channel.

use crate::shim::atomic::Ordering;
use std::fmt;
use std::future::Future;
use std::sync::Arc;

use super::error::SendError;
use super::receiver::Receiver;
use super::ring::Ring;
use crate::leaf::{Made, Operation};

static CLOSED: Operation = Operation::new("broadcast::Sender::closed");

/// Sends to all receivers of a [`channel`](super::channel).
pub struct Sender<T> {
    ring: Arc<Ring<T>>,
}

impl<T> Sender<T> {
    /// Makes a channel without a receiver yet; see [`channel`](super::channel).
    ///
    /// # Panics
    /// If `capacity` is zero, or more than half of `usize::MAX`.
    #[track_caller]
    pub fn new(capacity: usize) -> Sender<T> {
        assert!(capacity > 0, "a broadcast channel needs room for a value");
        assert!(capacity <= usize::MAX >> 1, "a broadcast channel cannot keep that many values");
        Sender { ring: Arc::new(Ring::new(capacity.next_power_of_two())) }
    }

    /// Sends a value to everybody who is subscribed, and returns how many that are. It never waits.
    ///
    /// # Errors
    /// The value, if there is nobody. That it was sent does not mean that it will be received.
    pub fn send(&self, value: T) -> Result<usize, SendError<T>> {
        self.ring.send(value)
    }

    /// Makes a receiver of everything that is sent from now on.
    pub fn subscribe(&self) -> Receiver<T> {
        Receiver::new(self.ring.clone())
    }

    /// A sender that does not keep the channel from ending.
    pub fn downgrade(&self) -> WeakSender<T> {
        WeakSender::new(&self.ring)
    }

    /// How many values there are that some receiver has not had. Takes a look at each that is kept.
    pub fn len(&self) -> usize {
        self.ring.len()
    }

    /// Whether every receiver has had every value.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// How many receivers there are.
    pub fn receiver_count(&self) -> usize {
        self.ring.tail.lock().state.receivers
    }

    /// Waits until there is no receiver.
    ///
    /// # Cancel safety
    /// Cancel safe.
    #[track_caller]
    pub fn closed(&self) -> impl Future<Output = ()> {
        let made = Made::here(&CLOSED);
        async move {
            let at = made.begin();
            loop {
                let abandoned = self.ring.abandoned.notified_at(&CLOSED, at);
                if self.receiver_count() == 0 {
                    return;
                }
                abandoned.await;
            }
        }
    }

    /// Whether both send to the same channel.
    pub fn same_channel(&self, other: &Sender<T>) -> bool {
        Arc::ptr_eq(&self.ring, &other.ring)
    }

    /// How many senders there are.
    pub fn strong_count(&self) -> usize {
        self.ring.senders()
    }

    /// How many weak senders there are.
    pub fn weak_count(&self) -> usize {
        self.ring.weak_senders()
    }
}

impl<T> Clone for Sender<T> {
    fn clone(&self) -> Sender<T> {
        // Ordering: Relaxed; the channel is held open by this sender meanwhile.
        self.ring.senders.fetch_add(1, Ordering::Relaxed);
        Sender { ring: self.ring.clone() }
    }
}

impl<T> Drop for Sender<T> {
    fn drop(&mut self) {
        // Ordering: AcqRel, among the drops: the last one closes after all values were sent.
        if self.ring.senders.fetch_sub(1, Ordering::AcqRel) == 1 {
            let mut tail = self.ring.tail.lock();
            tail.state.closed = true;
            let wakers = tail.grant_all(());
            drop(tail);
            wakers.wake();
        }
    }
}

impl<T> fmt::Debug for Sender<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Sender")
            .field("senders", &self.strong_count())
            .field("receivers", &self.receiver_count())
            .finish()
    }
}

/// A [`Sender`] that does not keep its channel from ending.
pub struct WeakSender<T> {
    ring: Arc<Ring<T>>,
}

impl<T> WeakSender<T> {
    fn new(ring: &Arc<Ring<T>>) -> WeakSender<T> {
        // Ordering: Relaxed, here and below; for information only.
        ring.weak_senders.fetch_add(1, Ordering::Relaxed);
        WeakSender { ring: ring.clone() }
    }

    /// A sender, if there still is one.
    pub fn upgrade(&self) -> Option<Sender<T>> {
        let add = |senders| if senders == 0 { None } else { Some(senders + 1) };
        // Ordering: Relaxed; a sender that is there holds the channel open, and says so by itself.
        let added = self.ring.senders.fetch_update(Ordering::Relaxed, Ordering::Relaxed, add);
        added.ok().map(|_| Sender { ring: self.ring.clone() })
    }

    /// How many senders there are.
    pub fn strong_count(&self) -> usize {
        self.ring.senders()
    }

    /// How many weak senders there are.
    pub fn weak_count(&self) -> usize {
        self.ring.weak_senders()
    }
}

impl<T> Clone for WeakSender<T> {
    fn clone(&self) -> WeakSender<T> {
        WeakSender::new(&self.ring)
    }
}

impl<T> Drop for WeakSender<T> {
    fn drop(&mut self) {
        self.ring.weak_senders.fetch_sub(1, Ordering::Relaxed);
    }
}

impl<T> fmt::Debug for WeakSender<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("WeakSender").field("senders", &self.strong_count()).finish()
    }
}
