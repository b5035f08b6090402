//! Which wheel the timers of this thread are filed in.

use std::cell::RefCell;
use std::sync::Arc;

use crate::owned_wheel::OwnedWheel;
use crate::timers::Timers;

type Current = Option<(Arc<Timers>, Arc<OwnedWheel>)>;

thread_local! {
    static CURRENT: RefCell<Current> = const { RefCell::new(None) };
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
    TimerGuard { outer: CURRENT.replace(current) }
}

impl Drop for TimerGuard {
    fn drop(&mut self) {
        CURRENT.set(self.outer.take());
    }
}

/// Runs `f` on the current wheel. A thread that is about to end has none.
#[inline]
pub(crate) fn with_current<R>(f: impl FnOnce(&Arc<OwnedWheel>) -> R) -> Option<R> {
    let current = |c: &RefCell<Current>| c.borrow().as_ref().map(|(_, wheel)| f(wheel));
    CURRENT.try_with(current).ok().flatten()
}

/// The current timers.
pub(crate) fn timers() -> Option<Arc<Timers>> {
    CURRENT.with_borrow(|current| current.as_ref().map(|(timers, _)| timers.clone()))
}
