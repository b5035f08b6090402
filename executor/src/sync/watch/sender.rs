//! The sending end of a watch channel.

use std::future::Future;
use std::sync::Arc;

use super::Board;
use super::error::SendError;
use super::receiver::{Receiver, Ref};
use crate::leaf::{Made, Operation};
use crate::shim::RwLock;
use crate::shim::atomic::{AtomicUsize, Ordering};
use crate::sync::Notify;

static CLOSED: Operation = Operation::new("watch::Sender::closed");

/// Sets the value of a [`channel`](super::channel).
#[derive(Debug)]
pub struct Sender<T> {
    board: Arc<Board<T>>,
}

impl<T> Sender<T> {
    /// Makes a channel without a receiver yet.
    pub fn new(init: T) -> Sender<T> {
        let board = Board {
            value: RwLock::new(init),
            version: AtomicUsize::new(0),
            senders: AtomicUsize::new(1),
            receivers: AtomicUsize::new(0),
            news: Notify::new(),
            abandoned: Notify::new(),
        };
        Sender { board: Arc::new(board) }
    }

    /// Sets the value, and tells all receivers.
    ///
    /// # Errors
    /// The value, if there is no receiver; use [`send_replace`](Sender::send_replace) to set it all
    /// the same.
    pub fn send(&self, value: T) -> Result<(), SendError<T>> {
        if self.receiver_count() == 0 {
            return Err(SendError(value));
        }
        self.send_replace(value);
        Ok(())
    }

    /// Changes the value where it is, and tells all receivers.
    ///
    /// # Panics
    /// If `modify` does; the value stays as it is then, and nobody is told. It must not use this
    /// channel, which is locked meanwhile.
    pub fn send_modify<F>(&self, modify: F)
    where
        F: FnOnce(&mut T),
    {
        self.send_if_modified(|value| {
            modify(value);
            true
        });
    }

    /// Changes the value where it is, and tells all receivers if `modify` returns true, which is
    /// also the result. See [`send_modify`](Sender::send_modify).
    ///
    /// # Panics
    /// If `modify` does.
    pub fn send_if_modified<F>(&self, modify: F) -> bool
    where
        F: FnOnce(&mut T) -> bool,
    {
        let mut value = self.board.value.write();
        let modified = modify(&mut value);
        if modified {
            self.board.count_change();
        }
        drop(value);
        if modified {
            self.board.news.notify_waiters();
        }
        modified
    }

    /// Sets the value, tells all receivers if there are any, and returns the old value.
    pub fn send_replace(&self, mut value: T) -> T {
        self.send_modify(|old| std::mem::swap(old, &mut value));
        value
    }

    /// The value. Senders wait while it is borrowed, so let it go soon, and not after an await.
    pub fn borrow(&self) -> Ref<'_, T> {
        Ref::new(self.board.value.read(), false)
    }

    /// Whether there is no receiver.
    pub fn is_closed(&self) -> bool {
        self.receiver_count() == 0
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
                let abandoned = self.board.abandoned.notified_at(&CLOSED, at);
                if self.is_closed() {
                    return;
                }
                abandoned.await;
            }
        }
    }

    /// Makes a receiver; the value counts as seen by it.
    pub fn subscribe(&self) -> Receiver<T> {
        Receiver::new(self.board.clone(), self.board.version())
    }

    /// How many receivers there are.
    pub fn receiver_count(&self) -> usize {
        self.board.receivers()
    }

    /// How many senders there are.
    pub fn sender_count(&self) -> usize {
        // Ordering: Relaxed; this sender is one of them, and no end is concluded from the number.
        self.board.senders.load(Ordering::Relaxed)
    }

    /// Whether both send to the same channel.
    pub fn same_channel(&self, other: &Sender<T>) -> bool {
        Arc::ptr_eq(&self.board, &other.board)
    }
}

impl<T> Clone for Sender<T> {
    fn clone(&self) -> Sender<T> {
        // Ordering: Relaxed; the channel is held open by this sender meanwhile.
        self.board.senders.fetch_add(1, Ordering::Relaxed);
        Sender { board: self.board.clone() }
    }
}

impl<T> Drop for Sender<T> {
    fn drop(&mut self) {
        // Ordering: AcqRel, pairs with the load in `Board::is_closed`.
        if self.board.senders.fetch_sub(1, Ordering::AcqRel) == 1 {
            self.board.news.notify_waiters();
        }
    }
}

impl<T: Default> Default for Sender<T> {
    fn default() -> Sender<T> {
        Sender::new(T::default())
    }
}
