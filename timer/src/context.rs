//! Which wheel the timers of this thread are filed in.

use std::cell::RefCell;
use std::mem::ManuallyDrop;
use std::sync::Arc;

use crate::owned_wheel::OwnedWheel;
use crate::timers::Timers;

type Current = Option<(Arc<Timers>, Arc<OwnedWheel>)>;

thread_local! {
    /// Emptied by the guards, not by a destructor: so it is there as long as its thread, in the
    /// destructors of other thread-locals, too, and those may drop a runtime.
    static CURRENT: RefCell<ManuallyDrop<Current>> = const { RefCell::new(ManuallyDrop::new(None)) };
}

fn replace(current: Current) -> Current {
    ManuallyDrop::into_inner(CURRENT.replace(ManuallyDrop::new(current)))
}

/// Restores what was current before; see [`enter`].
#[derive(Debug)]
#[must_use = "the timers are left again as soon as the guard is dropped"]
pub struct TimerGuard {
    outer: Current,
}

/// Makes the wheel of `owner` the one that sleeps polled on this thread are filed in, until the
/// guard is dropped. Guards must be dropped in the reverse order of their making.
///
/// # Panics
/// If there is no such owner.
pub fn enter(timers: &Arc<Timers>, owner: usize) -> TimerGuard {
    let current = Some((timers.clone(), timers.wheel(owner).clone()));
    TimerGuard { outer: replace(current) }
}

impl Drop for TimerGuard {
    fn drop(&mut self) {
        drop(replace(self.outer.take()));
    }
}

/// Runs `f` on the current wheel, if there is one.
#[inline]
pub(crate) fn with_current<R>(f: impl FnOnce(&Arc<OwnedWheel>) -> R) -> Option<R> {
    CURRENT.with_borrow(|current| current.as_ref().map(|(_, wheel)| f(wheel)))
}

/// The current timers.
pub(crate) fn timers() -> Option<Arc<Timers>> {
    CURRENT.with_borrow(|current| current.as_ref().map(|(timers, _)| timers.clone()))
}
