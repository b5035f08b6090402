//! The slot: the one task that a worker runs next, because what it polls has just woken it, or spawned it
//! alone.
//!
//! The owner puts tasks in and takes them out; others take the task too when its owner is stuck in a
//! poll. Each move is one swap, so a task comes out once, whoever takes it and whenever: who may
//! look into whose slot is policy and decided elsewhere.

use std::ptr::{self, NonNull};

use crate::shim::atomic::{AtomicPtr, Ordering};
use crate::task::Notified;
use crate::task::header::Header;

/// See the module's documentation.
pub(crate) struct Slot(AtomicPtr<Header>);

impl Slot {
    pub(crate) fn new() -> Slot {
        Slot(AtomicPtr::new(ptr::null_mut()))
    }

    /// Puts a task in; the one that was there is the caller's to queue.
    #[inline]
    #[must_use = "a displaced task that is not queued is lost"]
    pub(crate) fn put(&self, task: Notified) -> Option<Notified> {
        self.swap(task.into_raw().as_ptr())
    }

    /// Takes the task out.
    #[inline]
    pub(crate) fn take(&self) -> Option<Notified> {
        if self.is_empty() { None } else { self.swap(ptr::null_mut()) }
    }

    /// Whether there is no task, as a hint to others.
    #[inline]
    pub(crate) fn is_empty(&self) -> bool {
        // Ordering: Relaxed; an empty slot promises nothing.
        self.0.load(Ordering::Relaxed).is_null()
    }

    #[inline]
    fn swap(&self, task: *mut Header) -> Option<Notified> {
        // Ordering: AcqRel; release publishes the task to a thief, acquire receives it from the
        // owner. The swap makes each pointer come out once.
        let before = self.0.swap(task, Ordering::AcqRel);
        // SAFETY: what is in the slot came from `Notified::into_raw`, and the swap takes it once.
        NonNull::new(before).map(|task| unsafe { Notified::from_raw(task) })
    }
}
