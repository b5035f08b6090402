//! Wakers of tasks: one counted reference each, except the one that a poll borrows.
//!
//! Waking the task that is being polled on this very thread is the commonest wake of all (a yield,
//! a channel to oneself). It sets a flag beside the poll and leaves the task word alone.

use std::mem::ManuallyDrop;
use std::ops::Deref;
use std::ptr::NonNull;
use std::task::{RawWaker, RawWakerVTable, Waker};

use super::current;
use super::header::{Header, release};
use super::state::Wake;

static VTABLE: RawWakerVTable = RawWakerVTable::new(clone, wake, wake_by_ref, drop_waker);

/// A waker that owns no reference.
pub(crate) struct Borrowed(ManuallyDrop<Waker>);

impl Deref for Borrowed {
    type Target = Waker;
    fn deref(&self) -> &Waker {
        &self.0
    }
}

/// A waker for the time of a poll, without touching the reference count.
///
/// # Safety
/// The caller holds a reference to the task for as long as the result lives.
#[inline]
pub(crate) unsafe fn borrowed(task: NonNull<Header>) -> Borrowed {
    let raw = RawWaker::new(task.as_ptr().cast_const().cast(), &VTABLE);
    // SAFETY: the vtable keeps the contract of `RawWaker`; the reference that this waker would
    // give up on drop is never given up.
    Borrowed(ManuallyDrop::new(unsafe { Waker::from_raw(raw) }))
}

fn header(data: *const ()) -> NonNull<Header> {
    // The data pointer of every waker of this table was made from a `NonNull<Header>`.
    NonNull::new(data.cast_mut().cast()).expect("a waker without a task")
}

/// # Safety
/// Called through a live waker: it counts a reference (or borrows one).
unsafe fn clone(data: *const ()) -> RawWaker {
    // SAFETY: the waker's reference keeps the cell.
    unsafe { header(data).as_ref().state.add_reference() };
    RawWaker::new(data, &VTABLE)
}

/// # Safety
/// Called through a live waker, whose reference is passed on.
unsafe fn wake(data: *const ()) {
    let task = header(data);
    if current::set_woken(task) {
        // SAFETY: the waker's reference is ours to give up.
        unsafe { release(task, 1) };
        return;
    }
    // SAFETY: the waker's reference keeps the cell until the edge, and afterwards it is what the
    // edge says: the `Notified`'s, or the last one, or gone.
    unsafe {
        match task.as_ref().state.wake_by_value() {
            Wake::Nothing => {}
            Wake::Submit => (task.as_ref().vtable.schedule)(task),
            Wake::Free => (task.as_ref().vtable.free)(task),
        }
    }
}

/// # Safety
/// Called through a live waker: it counts a reference (or borrows one).
unsafe fn wake_by_ref(data: *const ()) {
    let task = header(data);
    if current::set_woken(task) {
        return;
    }
    // SAFETY: the waker's reference keeps the cell; `Submit` counted one for the `Notified`.
    unsafe {
        match task.as_ref().state.wake_by_ref() {
            Wake::Nothing => {}
            Wake::Submit => (task.as_ref().vtable.schedule)(task),
            Wake::Free => unreachable!("a wake by reference gives up no reference"),
        }
    }
}

/// # Safety
/// Called through a waker that is not used again.
unsafe fn drop_waker(data: *const ()) {
    // SAFETY: the waker's reference is ours to give up.
    unsafe { release(header(data), 1) }
}
