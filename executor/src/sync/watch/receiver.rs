//! The receiving end of a watch channel.

use std::future::{Future, poll_fn};
use std::ops::Deref;
use std::panic::Location;
use std::sync::Arc;

use super::Board;
use super::error::RecvError;
use crate::leaf::{self, Made, Operation};
use crate::shim::RwLockReadGuard;
use crate::shim::atomic::Ordering;

static CHANGED: Operation = Operation::new("watch::Receiver::changed");
static WAIT_FOR: Operation = Operation::new("watch::Receiver::wait_for");

/// Reads the value of a [`channel`](super::channel), and learns when it changes.
#[derive(Debug)]
pub struct Receiver<T> {
    board: Arc<Board<T>>,
    /// The version that was seen last.
    version: usize,
}

impl<T> Receiver<T> {
    pub(super) fn new(board: Arc<Board<T>>, version: usize) -> Receiver<T> {
        // Ordering: Relaxed; whoever makes one has an end of the channel in its hands.
        board.receivers.fetch_add(1, Ordering::Relaxed);
        Receiver { board, version }
    }

    /// The value; it does not count as seen.
    ///
    /// Senders wait while it is borrowed, so let it go soon, and not after an await. To borrow it
    /// twice at once on one thread can deadlock with a sender that waits in between.
    pub fn borrow(&self) -> Ref<'_, T> {
        let value = self.board.value.read();
        let changed = self.board.version() != self.version;
        Ref::new(value, changed)
    }

    /// The value, which counts as seen from now on. See [`borrow`](Receiver::borrow).
    pub fn borrow_and_update(&mut self) -> Ref<'_, T> {
        let value = self.board.value.read();
        let version = self.board.version();
        let changed = version != self.version;
        self.version = version;
        Ref::new(value, changed)
    }

    /// Whether there is a value that was not seen.
    ///
    /// # Errors
    /// If all senders are gone.
    pub fn has_changed(&self) -> Result<bool, RecvError> {
        if self.is_closed() {
            return Err(RecvError(()));
        }
        Ok(self.board.version() != self.version)
    }

    /// Whether all senders are gone.
    pub fn is_closed(&self) -> bool {
        self.board.is_closed()
    }

    /// Lets the value count as not seen.
    pub fn mark_changed(&mut self) {
        self.version = self.board.version().wrapping_sub(1);
    }

    /// Lets the value count as seen.
    pub fn mark_unchanged(&mut self) {
        self.version = self.board.version();
    }

    /// Waits until there is a value that was not seen, which then counts as seen.
    ///
    /// # Errors
    /// If all senders are gone and the last value was seen.
    ///
    /// # Cancel safety
    /// Cancel safe.
    #[track_caller]
    pub fn changed(&mut self) -> impl Future<Output = Result<(), RecvError>> {
        let made = Made::here(&CHANGED);
        async move {
            let at = made.begin();
            self.version = next_version(&self.board, self.version, &CHANGED, at).await?;
            Ok(())
        }
    }

    /// Waits for a value that `f` accepts, which counts as seen then, as do those that it rejects.
    /// It is asked about the present value first.
    ///
    /// # Errors
    /// If all senders are gone, and the last value is not accepted.
    ///
    /// # Panics
    /// If `f` does. It must not use this channel, which is locked meanwhile.
    ///
    /// # Cancel safety
    /// Cancel safe.
    #[track_caller]
    pub fn wait_for(
        &mut self,
        mut f: impl FnMut(&T) -> bool,
    ) -> impl Future<Output = Result<Ref<'_, T>, RecvError>> {
        let made = Made::here(&WAIT_FOR);
        let Receiver { board, version } = self;
        let board: &Board<T> = board;
        async move {
            let at = made.begin();
            loop {
                // In this order: the last value comes before the end.
                let closed = board.is_closed();
                {
                    let value = board.value.read();
                    let seen = std::mem::replace(version, board.version());
                    if f(&value) {
                        return Ok(Ref::new(value, seen != *version));
                    }
                }
                if closed {
                    return Err(RecvError(()));
                }
                let _ = next_version(board, *version, &WAIT_FOR, at).await;
            }
        }
    }

    /// Whether both receive from the same channel.
    pub fn same_channel(&self, other: &Receiver<T>) -> bool {
        Arc::ptr_eq(&self.board, &other.board)
    }
}

/// Waits for another version than `seen`.
async fn next_version<T>(
    board: &Board<T>,
    seen: usize,
    operation: &'static Operation,
    at: &'static Location<'static>,
) -> Result<usize, RecvError> {
    // A receiver whose sender is as busy as itself must let others run.
    poll_fn(leaf::proceed).await;
    loop {
        let news = board.news.notified_at(operation, at);
        // In this order: the last value comes before the end.
        let closed = board.is_closed();
        match board.version() {
            version if version != seen => return Ok(version),
            _ if closed => return Err(RecvError(())),
            _ => news.await,
        }
    }
}

impl<T> Clone for Receiver<T> {
    fn clone(&self) -> Receiver<T> {
        Receiver::new(self.board.clone(), self.version)
    }
}

impl<T> Drop for Receiver<T> {
    fn drop(&mut self) {
        // Ordering: AcqRel, pairs with the load in `Board::receivers`.
        if self.board.receivers.fetch_sub(1, Ordering::AcqRel) == 1 {
            self.board.abandoned.notify_waiters();
        }
    }
}

/// The borrowed value of a channel, which cannot change meanwhile.
#[derive(Debug)]
pub struct Ref<'a, T> {
    value: RwLockReadGuard<'a, T>,
    changed: bool,
}

impl<'a, T> Ref<'a, T> {
    pub(super) fn new(value: RwLockReadGuard<'a, T>, changed: bool) -> Ref<'a, T> {
        Ref { value, changed }
    }

    /// Whether the value had not been seen by the receiver when it was borrowed.
    pub fn has_changed(&self) -> bool {
        self.changed
    }
}

impl<T> Deref for Ref<'_, T> {
    type Target = T;

    fn deref(&self) -> &T {
        &self.value
    }
}
