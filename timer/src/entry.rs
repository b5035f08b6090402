//! A timer's entry: what a [`Sleep`](crate::Sleep) and the wheel of its owner share.
//!
//! ```text
//!   AHEAD -----\
//!               \  file           fire
//!   IDLE ---------------> PENDING -----> FIRED
//!    ^                     |   \-------> CLOSED   the runtime has shut down
//!    +---------------------+     close
//!            cancel
//! ```
//!
//! `AHEAD` is `IDLE` with a deadline that lay ahead a moment ago, so that it can be filed without a
//! look at the clock. A reset leads from `PENDING` to itself, and from every other state to `IDLE`.
//!
//! Ground rules:
//! 1. In every state but `PENDING` the entry belongs to its sleep alone.
//! 2. While `PENDING`, node and waker are touched only under the lock of the wheel that it is filed
//!    in, and the entry does not move.
//! 3. Only the holder of that lock leaves `PENDING`. Firing and closing take the node out of the
//!    wheel and the waker out of the entry first; storing the new state is their last touch of it,
//!    because a sleep that sees the state without the lock may be gone at once.
//! 4. `unpolled` is the sleep's alone in every state.

use std::cell::Cell;
use std::marker::PhantomPinned;
use std::ptr::NonNull;
use std::task::Waker;

use crate::shim::{AtomicU8, Ordering, UnsafeCell};
use crate::wheel::Node;

/// Where an entry stands; see the module's documentation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub(crate) enum EntryState {
    Idle,
    Ahead,
    Pending,
    Fired,
    Closed,
}

/// As what a sleep was made that has not been polled yet.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Unpolled {
    Sleep,
    Timeout,
}

/// See the module's documentation. `repr(C)` with the node first, so that a pointer to the node is
/// one to the entry; so the node's cell is always the standard one, and models watch the waker's,
/// which is touched at the same times.
#[derive(Debug)]
#[repr(C)]
pub(crate) struct Entry {
    node: std::cell::UnsafeCell<Node>,
    pub(crate) waker: UnsafeCell<Option<Waker>>,
    state: AtomicU8,
    /// Kept here since there is room; `None` from the first poll on, and for what is no future.
    pub(crate) unpolled: Cell<Option<Unpolled>>,
    _pinned: PhantomPinned,
}

// SAFETY: by the ground rules the cells are never touched from two threads at once.
unsafe impl Send for Entry {}
// SAFETY: as above.
unsafe impl Sync for Entry {}

impl Entry {
    /// An entry that is not filed: idle, or ahead.
    pub(crate) fn new(state: EntryState) -> Entry {
        debug_assert!(matches!(state, EntryState::Idle | EntryState::Ahead));
        Entry {
            node: std::cell::UnsafeCell::new(Node::new()),
            waker: UnsafeCell::new(None),
            state: AtomicU8::new(state as u8),
            unpolled: Cell::new(None),
            _pinned: PhantomPinned,
        }
    }

    pub(crate) fn state(&self) -> EntryState {
        // Ordering: Acquire, pairs with the release in `set_state`: who sees FIRED without the
        // lock sees the wheel's last touch of the entry, too.
        match self.state.load(Ordering::Acquire) {
            0 => EntryState::Idle,
            1 => EntryState::Ahead,
            2 => EntryState::Pending,
            3 => EntryState::Fired,
            _ => EntryState::Closed,
        }
    }

    /// Called by whoever the entry belongs to at this moment.
    pub(crate) fn set_state(&self, state: EntryState) {
        // Ordering: Release, pairs with the acquire in `state`.
        self.state.store(state as u8, Ordering::Release);
    }

    /// A pointer to the node, for the wheel.
    pub(crate) fn node_ptr(&self) -> NonNull<Node> {
        // The pointer must be good for the whole entry, see `of`.
        NonNull::from(self).cast()
    }

    /// The deadline, to be read or written.
    ///
    /// # Safety
    /// The caller is who may touch the node, by the ground rules.
    #[allow(clippy::mut_from_ref)]
    pub(crate) unsafe fn deadline(&self) -> &mut u64 {
        // SAFETY: passed on from the caller.
        unsafe { &mut (*self.node.get()).deadline }
    }

    /// The entry of a node.
    ///
    /// # Safety
    /// The node is that of an entry, which lives for `'a`.
    pub(crate) unsafe fn of<'a>(node: NonNull<Node>) -> &'a Entry {
        // SAFETY: passed on from the caller; the node is the first field of the entry.
        unsafe { node.cast::<Entry>().as_ref() }
    }
}

#[cfg(test)]
mod tests;
