//! What it costs to set the watchdog's alarm on this machine, and what is worth that.
//!
//! A timer that rings sooner than whatever the processor's timer is set for has it set anew: a fraction of a
//! microsecond where that is done directly, up to 16 where a hypervisor has to be asked, which is more
//! than most tasks take. So each setting for a near time is timed. Where they are dear, the alarm
//! is set for later times, which cost little; refusals lower the estimate a little, since nothing else would tell
//! that settings have become cheap again. And there is an allowance for settings that could be done
//! without, for the case that workers come and go more quickly than the alarm rings.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

/// Settings that take longer are dear.
const DEAR_NS: u64 = 2_000;

/// Only what is set for so soon says what a near time costs.
const NEAR: Duration = Duration::from_micros(500);

/// So much may be spent in a millisecond on settings that could be done without ...
const ALLOWANCE_NS: u64 = 6_000;

/// ... of which each counts at least so much: what is left of a ring that was not prevented.
const LEAST_NS: u64 = 1_500;

/// See the module's documentation. One a runtime.
#[derive(Debug)]
pub(super) struct AlarmCost {
    start: Instant,
    /// What setting it for a near time takes.
    near_ns: AtomicU64,
    /// The millisecond that `spent_ns` is counted in.
    window: AtomicU64,
    spent_ns: AtomicU64,
}

impl AlarmCost {
    pub(super) fn new() -> AlarmCost {
        AlarmCost {
            start: Instant::now(),
            near_ns: AtomicU64::new(0),
            window: AtomicU64::new(0),
            spent_ns: AtomicU64::new(0),
        }
    }

    /// Whether near times are to be avoided.
    #[inline]
    pub(super) fn is_dear(&self) -> bool {
        // Ordering: Relaxed throughout; hints, and a step or a sum that is lost does no harm.
        self.near_ns.load(Ordering::Relaxed) > DEAR_NS
    }

    /// The alarm has been set for so much later, which took some time.
    pub(super) fn paid(&self, after: Duration, took: Duration) {
        let took = took.as_nanos() as u64;
        self.spent_ns.fetch_add(took.max(LEAST_NS), Ordering::Relaxed);
        if after <= NEAR {
            let before = self.near_ns.load(Ordering::Relaxed);
            // Half of the way each time, and never far: one that was interrupted says nothing.
            let took = took.min(8 * DEAR_NS);
            self.near_ns.store(before / 2 + took / 2, Ordering::Relaxed);
        }
    }

    /// A near time was asked for and refused.
    pub(super) fn refused(&self) {
        let before = self.near_ns.load(Ordering::Relaxed);
        self.near_ns.store(before - before.div_ceil(256), Ordering::Relaxed);
    }

    /// Whether a setting that could be done without may be paid for.
    pub(super) fn is_affordable(&self, now: Instant) -> bool {
        let window = now.duration_since(self.start).as_millis() as u64;
        if self.window.swap(window, Ordering::Relaxed) != window {
            self.spent_ns.store(0, Ordering::Relaxed);
        }
        self.spent_ns.load(Ordering::Relaxed) < ALLOWANCE_NS
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const CHEAP: Duration = Duration::from_nanos(300);
    const DEAR: Duration = Duration::from_micros(16);

    #[test]
    fn near_settings_that_take_long_are_dear_until_they_have_been_refused_for_a_while() {
        let cost = AlarmCost::new();
        assert!(!cost.is_dear());
        cost.paid(Duration::from_millis(4), DEAR);
        assert!(!cost.is_dear(), "what a far time takes says nothing of near ones");
        cost.paid(NEAR, DEAR);
        assert!(cost.is_dear());
        let refused = (0..10_000).take_while(|_| cost.is_dear()).map(|_| cost.refused()).count();
        assert!((100..10_000).contains(&refused), "{refused}");
        cost.paid(NEAR, CHEAP);
        assert!(!cost.is_dear());
    }

    #[test]
    fn one_setting_that_was_interrupted_is_soon_forgotten() {
        let cost = AlarmCost::new();
        cost.paid(NEAR, Duration::from_secs(1));
        for _ in 0..3 {
            cost.paid(NEAR, CHEAP);
        }
        assert!(!cost.is_dear());
    }

    #[test]
    fn the_allowance_is_for_a_few_cheap_settings_or_one_dear_one_in_a_millisecond() {
        for (took, times) in [(CHEAP, 4), (DEAR, 1)] {
            let cost = AlarmCost::new();
            for millisecond in 1..4 {
                let now = cost.start + Duration::from_millis(millisecond);
                let paid = (0..100).take_while(|_| cost.is_affordable(now));
                assert_eq!(paid.map(|_| cost.paid(NEAR, took)).count(), times);
            }
        }
    }
}
