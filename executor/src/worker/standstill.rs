//! When a paused clock may move: while nothing else can happen.
//!
//! That is when every worker is parked, no blocking job is under way, and nobody else is active: no
//! thread polls inside `block_on`, none blocks in place. A worker that finds it so lets the clock
//! leap to the next timer. It has looked at several words one after the other, and by the time the
//! clock moves another thread may have begun, which must not see time pass while it runs. So
//!
//! * leaping is: 1. take the turn; 2. look whether all are at rest, let in what the kernel has, and
//!   look again; 3. move the clock, and be active oneself until the timers have woken whom they wake;
//!   4. give the turn up;
//! * beginning is: 1. be counted, here or among workers and jobs; 2. [`settle`](Standstill::settle),
//!   which waits for the turn; 3. run.
//!
//! If the look misses a thread that begins, the leap is over before that runs: to it the clock has
//! always stood there. Coming to rest is the other way round: [`leave`](Standstill::leave), and then rouse
//! a worker, which looks again.
//!
//! Deliberately without the clock itself, and without a cost where it goes by itself, but for a fence
//! and a load beside what takes a microsecond anyway.

use crate::shim::Mutex;
use crate::shim::atomic::{AtomicUsize, Ordering, fence};

/// See the module's documentation.
pub struct Standstill {
    /// Who is active, but for workers and blocking jobs, which are counted elsewhere.
    active: AtomicUsize,
    turn: Mutex<()>,
}

impl Standstill {
    /// Nobody is active.
    pub fn new() -> Standstill {
        Standstill { active: AtomicUsize::new(0), turn: Mutex::new(()) }
    }

    /// One more is active from now on, and settles before it runs.
    pub fn enter(&self) {
        // Ordering: Relaxed; see `settle`.
        self.active.fetch_add(1, Ordering::Relaxed);
    }

    /// Who has been counted waits for a leap that may not have seen it.
    pub fn settle(&self, is_paused: impl FnOnce() -> bool) {
        // Ordering: pairs with the fence in `try_leap`. If this sees a clock that is not paused, a
        // leap after the pausing sees who is counted; if it does see it paused, the lock says as much.
        fence(Ordering::SeqCst);
        if is_paused() {
            drop(self.turn.lock());
        }
    }

    /// Somebody has come to rest. The caller must see to it that a worker looks again.
    pub fn leave(&self) {
        // Ordering: Release, pairs with the load in `is_active`: who leaps sees what was published
        // before. That the rouse which follows is not too early, the lock of the parked ones says.
        self.active.fetch_sub(1, Ordering::Release);
    }

    /// Whether somebody is active, who will rouse a worker afterwards.
    pub fn is_active(&self) -> bool {
        // Ordering: Acquire, pairs with the subtraction in `leave`.
        self.active.load(Ordering::Acquire) > 0
    }

    /// Moves the clock with `leap`, if everybody is at rest: nobody is active, and `rest` says so of
    /// others; still so when `arrive` has let in what has come from outside. The caller is active
    /// afterwards, until it has woken whom it wakes, and must `leave`.
    #[must_use]
    pub fn try_leap(
        &self,
        rest: impl Fn() -> bool,
        arrive: impl FnOnce(),
        leap: impl FnOnce(),
    ) -> bool {
        let _turn = self.turn.lock();
        // Ordering: pairs with the fence in `settle`.
        fence(Ordering::SeqCst);
        let at_rest = || !self.is_active() && rest();
        if !at_rest() {
            return false;
        }
        // Whoever would send something now waits for the turn.
        arrive();
        let may = at_rest();
        if may {
            leap();
            self.enter();
        }
        may
    }
}

#[cfg(test)]
mod tests {
    use std::cell::Cell;

    use super::*;

    #[test]
    fn who_is_active_keeps_the_clock_still_and_so_does_who_leaps() {
        let standstill = Standstill::new();
        let leaps = Cell::new(0);
        let try_leap = |rest| standstill.try_leap(|| rest, || (), || leaps.set(leaps.get() + 1));
        standstill.enter();
        assert!(standstill.is_active() && !try_leap(true));
        standstill.enter();
        standstill.leave();
        assert!(!try_leap(true), "one of two is still active");
        standstill.leave();
        assert!(!standstill.is_active() && !try_leap(false), "others are not at rest");
        assert!(try_leap(true) && !try_leap(true), "who leaps is active");
        standstill.leave();
        assert!(!standstill.try_leap(|| true, || standstill.enter(), || unreachable!()));
        standstill.leave();
        assert!(try_leap(true));
        assert_eq!(leaps.get(), 2);
    }
}
