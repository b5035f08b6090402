//! Which task this thread polls, and whether it woke itself meanwhile.

use std::cell::Cell;
use std::panic::Location;
use std::ptr::NonNull;

use super::header::{Header, Joined, TaskRef};
use super::id::Id;
use crate::shim::thread_locals;

thread_locals! {
    static CURRENT: Cell<Option<NonNull<Header>>> = Cell::new(None);
    static WOKEN: Cell<bool> = Cell::new(false);
}

/// Restores what was current before; polls can nest through `block_in_place`.
pub(crate) struct CurrentGuard {
    outer: Option<NonNull<Header>>,
    outer_woken: bool,
}

/// Makes `task` the current one while the guard lives.
#[inline]
pub(crate) fn enter(task: NonNull<Header>) -> CurrentGuard {
    CurrentGuard {
        outer: CURRENT.with(|c| c.replace(Some(task))),
        outer_woken: WOKEN.with(|w| w.replace(false)),
    }
}

impl CurrentGuard {
    /// Whether the task has woken itself since `enter`.
    #[inline]
    pub(crate) fn woken(&self) -> bool {
        WOKEN.with(Cell::get)
    }
}

impl Drop for CurrentGuard {
    #[inline]
    fn drop(&mut self) {
        CURRENT.with(|c| c.set(self.outer));
        WOKEN.with(|w| w.set(self.outer_woken));
    }
}

/// If `task` is the current one, notes that it woke itself and returns true.
#[inline]
pub(crate) fn set_woken(task: NonNull<Header>) -> bool {
    let current = CURRENT.with(Cell::get) == Some(task);
    if current {
        WOKEN.with(|w| w.set(true));
    }
    current
}

/// The id of the current task.
#[inline]
pub(crate) fn id() -> Option<Id> {
    with(|header| header.id)
}

/// A reference to the current task.
pub(crate) fn reference() -> Option<TaskRef> {
    with(|header| {
        header.state.add_reference();
        // SAFETY: counted just now.
        unsafe { TaskRef::from_raw(NonNull::from(header)) }
    })
}

/// Runs `f` on the header of the current task.
#[inline]
pub(crate) fn with<R>(f: impl FnOnce(&Header) -> R) -> Option<R> {
    // SAFETY: a task is current only while its poll, which holds a reference, is on this stack.
    CURRENT.with(Cell::get).map(|task| f(unsafe { task.as_ref() }))
}

/// Notes where the current task waits; see [`Header::note_wait`].
#[inline]
pub(crate) fn note_wait(operation: &'static &'static str, at: &'static Location<'static>) {
    with(|header| header.note_wait(operation, at));
}

/// Notes where the current task waits, unless it is known; see [`Header::note_wait_at_least`].
#[inline]
pub(crate) fn note_wait_at_least(operation: &'static &'static str, at: &'static Location<'static>) {
    with(|header| header.note_wait_at_least(operation, at));
}

/// Notes whom the current task awaits; see [`Header::note_join`].
#[inline]
pub(crate) fn note_join(handle: Joined, task: Id, at: &'static Location<'static>) {
    with(|header| header.note_join(handle, task, at));
}
