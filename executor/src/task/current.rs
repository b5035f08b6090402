//! Which task this thread polls, and whether it woke itself meanwhile.

use std::cell::Cell;
use std::panic::Location;
use std::ptr::NonNull;
use std::sync::Arc;

use super::header::{Details, Header};
use super::id::Id;

thread_local! {
    static CURRENT: Cell<Option<NonNull<Header>>> = const { Cell::new(None) };
    static WOKEN: Cell<bool> = const { Cell::new(false) };
}

/// Restores what was current before; polls can nest through `block_in_place`.
pub(crate) struct CurrentGuard {
    outer: Option<NonNull<Header>>,
    outer_woken: bool,
}

/// Makes `task` the current one while the guard lives.
#[inline]
pub(crate) fn enter(task: NonNull<Header>) -> CurrentGuard {
    CurrentGuard { outer: CURRENT.replace(Some(task)), outer_woken: WOKEN.replace(false) }
}

impl CurrentGuard {
    /// Whether the task has woken itself since `enter`.
    #[inline]
    pub(crate) fn woken(&self) -> bool {
        WOKEN.get()
    }
}

impl Drop for CurrentGuard {
    #[inline]
    fn drop(&mut self) {
        CURRENT.set(self.outer);
        WOKEN.set(self.outer_woken);
    }
}

/// If `task` is the current one, notes that it woke itself and returns true.
#[inline]
pub(crate) fn set_woken(task: NonNull<Header>) -> bool {
    let current = CURRENT.get() == Some(task);
    if current {
        WOKEN.set(true);
    }
    current
}

/// The id of the current task.
#[inline]
pub(crate) fn id() -> Option<Id> {
    with(|header| header.id)
}

/// What a child of the current task inherits: its details, unless they hold a name, which is the
/// task's own.
#[inline]
pub(crate) fn inherited() -> Option<Arc<Details>> {
    with(|header| header.details.as_ref().and_then(Details::for_child))?
}

/// Runs `f` on the header of the current task.
#[inline]
pub(crate) fn with<R>(f: impl FnOnce(&Header) -> R) -> Option<R> {
    // SAFETY: a task is current only while its poll, which holds a reference, is on this stack.
    CURRENT.get().map(|task| f(unsafe { task.as_ref() }))
}

/// Notes where the current task waits; see [`Header::note_wait`].
#[inline]
pub(crate) fn note_wait(operation: &'static &'static str, at: &'static Location<'static>) {
    with(|header| header.note_wait(operation, at));
}
