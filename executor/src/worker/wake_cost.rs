//! When work is worth waking a worker: what a wake costs on this machine, as it is at the moment.
//!
//! A few microseconds, where CPUs are awake; fifty and more, where a hypervisor must give one back or
//! another program has it. A woken worker notes how long it took to come. What is asked for is the
//! usual, not the mean: one wake that came a time slice late says nothing about the next. So the
//! estimate goes a step up or down with each wake that took longer or less, and settles at the
//! median. Work that would be worth a wake but for a raised price lowers that a little, since nothing else
//! would tell that wakes have become cheap again.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

/// What a wake takes until something is known, and at least: what a futex takes on an idle machine.
const LEAST_NS: u64 = 7_000;

/// What it takes at most. Whatever this makes not worth a wake is done in a fraction of a
/// millisecond.
const MOST_NS: u64 = 40_000;

/// Work is worth a wake if it takes so many times as long: a part of it will have been done before help
/// comes, and the helper has to fetch its share.
const WAKES: u64 = 3;

/// Nobody has called the worker.
const NOT_CALLED: u64 = 0;

/// The estimate; one a runtime.
#[derive(Debug)]
pub(crate) struct WakeCost {
    start: Instant,
    usual_ns: AtomicU64,
}

/// When a sleeping worker was called for help. Its own, and while it sleeps of whoever has chosen it.
#[derive(Debug)]
pub(crate) struct Called(AtomicU64);

impl Called {
    pub(crate) fn new() -> Called {
        Called(AtomicU64::new(NOT_CALLED))
    }

    /// The worker is about to park, and nobody has chosen it yet.
    pub(crate) fn forget(&self) {
        // Ordering: Relaxed; the lock of the idle stack hands it over to whoever chooses the worker.
        self.0.store(NOT_CALLED, Ordering::Relaxed);
    }
}

impl WakeCost {
    pub(crate) fn new() -> WakeCost {
        WakeCost { start: Instant::now(), usual_ns: AtomicU64::new(LEAST_NS) }
    }

    /// Whether work that takes so long is worth a wake.
    #[inline]
    pub(crate) fn allows(&self, work_ns: u64) -> bool {
        let usual = self.usual_ns();
        let is_worth = work_ns >= WAKES * usual;
        if !is_worth && work_ns >= WAKES * LEAST_NS {
            self.settle(usual - (usual - LEAST_NS).div_ceil(256));
        }
        is_worth
    }

    /// How long a called worker usually takes to come, in nanoseconds.
    fn usual_ns(&self) -> u64 {
        // Ordering: Relaxed here and in `settle`; a hint, and a step that is lost does no harm.
        self.usual_ns.load(Ordering::Relaxed)
    }

    fn settle(&self, usual_ns: u64) {
        self.usual_ns.store(usual_ns.clamp(LEAST_NS, MOST_NS), Ordering::Relaxed);
    }

    /// The worker is being called, by the thread that has chosen it.
    pub(crate) fn call(&self, called: &Called) {
        let now = self.start.elapsed().as_nanos() as u64;
        // Ordering: Relaxed; the unparking that follows hands it back to the worker.
        called.0.store(now.max(NOT_CALLED + 1), Ordering::Relaxed);
    }

    /// The worker that was chosen is there.
    pub(crate) fn answer(&self, called: &Called) {
        // Ordering: Relaxed, as in `call`.
        let at = called.0.load(Ordering::Relaxed);
        if at != NOT_CALLED {
            self.note(self.start.elapsed().saturating_sub(Duration::from_nanos(at)));
        }
    }

    fn note(&self, took: Duration) {
        let usual = self.usual_ns();
        let later = took.as_nanos() > usual.into();
        self.settle(if later { usual + usual / 8 } else { usual - usual / 8 });
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The estimate after `count` wakes that took `us` microseconds each.
    fn after(cost: &WakeCost, count: usize, us: u64) -> u64 {
        for _ in 0..count {
            cost.note(Duration::from_micros(us));
        }
        cost.usual_ns()
    }

    #[test]
    fn the_estimate_settles_near_the_usual_and_within_its_bounds() {
        let cost = WakeCost::new();
        assert_eq!(cost.usual_ns(), LEAST_NS);
        assert!((17_000..=23_000).contains(&after(&cost, 50, 20)));
        let before = cost.usual_ns();
        assert!(after(&cost, 1, 50_000) <= before + before / 8, "one late wake is one step");
        assert_eq!(after(&cost, 50, 50_000), MOST_NS);
        assert_eq!(after(&cost, 50, 1), LEAST_NS);
    }

    #[test]
    fn work_at_the_old_price_makes_wakes_cheap_again() {
        let cost = WakeCost::new();
        let (least, much) = (WAKES * LEAST_NS, WAKES * MOST_NS);
        assert!(cost.allows(least) && !cost.allows(least - 1));
        let raised = after(&cost, 50, 100);
        assert!(cost.allows(much) && !cost.allows(least - 1));
        assert_eq!(cost.usual_ns(), raised, "neither says anything about the price");
        assert!(!cost.allows(least));
        assert!(cost.usual_ns() < raised);
        let declined = (0..10_000).take_while(|_| !cost.allows(least)).count();
        assert!((100..10_000).contains(&declined), "{declined}");
    }

    #[test]
    fn a_worker_that_was_not_called_says_nothing() {
        let (cost, called) = (WakeCost::new(), Called::new());
        cost.answer(&called);
        assert_eq!(cost.usual_ns(), LEAST_NS);
        cost.call(&called);
        std::thread::sleep(Duration::from_nanos(LEAST_NS));
        cost.answer(&called);
        assert!(cost.usual_ns() > LEAST_NS);
        called.forget();
        let known = cost.usual_ns();
        cost.answer(&called);
        assert_eq!(cost.usual_ns(), known);
    }
}
