//! The clock of a runtime: the system's monotonic clock, or one that tests hold still.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant as RealInstant};

use parking_lot::Mutex;

use crate::instant::Instant;
use crate::timers::nanos;

/// Whether any clock of this process has ever been paused. As long as none has, `Instant::now`
/// need not ask which clock is meant.
static ANY_PAUSED: AtomicBool = AtomicBool::new(false);

/// Tells the time; cloning shares it.
///
/// A paused clock stands still until it is told to advance or to resume; once it has been paused
/// it goes by its own count, ahead of the system's clock by as much as it was advanced.
#[derive(Clone, Debug)]
pub struct Clock(Arc<ClockState>);

#[derive(Debug)]
struct ClockState {
    /// The instant that timers count from.
    start: RealInstant,
    /// Whether the clock has been paused at least once: then `shown` counts.
    ever_paused: AtomicBool,
    paused: AtomicBool,
    shown: Mutex<Shown>,
}

/// What a clock that has been paused shows.
#[derive(Debug)]
struct Shown {
    /// The time shown at `since`, or for as long as the clock is paused.
    time: RealInstant,
    /// When it began to go again.
    since: RealInstant,
}

pub(crate) fn any_paused() -> bool {
    // Ordering: Relaxed; pausing and looking at the clock are ordered by the program, or not at
    // all.
    ANY_PAUSED.load(Ordering::Relaxed)
}

impl Clock {
    /// The system's monotonic clock.
    pub fn real() -> Clock {
        let now = RealInstant::now();
        Clock(Arc::new(ClockState {
            start: now,
            ever_paused: AtomicBool::new(false),
            paused: AtomicBool::new(false),
            shown: Mutex::new(Shown { time: now, since: now }),
        }))
    }

    /// A clock that stands still from the start.
    pub fn paused() -> Clock {
        let clock = Clock::real();
        clock.pause();
        clock
    }

    /// The present time.
    #[inline]
    pub fn now(&self) -> Instant {
        let real = RealInstant::now();
        if !self.0.ever_paused.load(Ordering::Acquire) {
            return Instant::from_std(real);
        }
        Instant::from_std(self.shown_at(real, &self.0.shown.lock()))
    }

    fn shown_at(&self, real: RealInstant, shown: &Shown) -> RealInstant {
        if self.is_paused() {
            return shown.time;
        }
        shown.time + real.saturating_duration_since(shown.since)
    }

    /// Stops the clock. Returns false if it stood still already.
    pub fn pause(&self) -> bool {
        ANY_PAUSED.store(true, Ordering::Relaxed);
        let mut shown = self.0.shown.lock();
        if self.is_paused() {
            return false;
        }
        shown.time = self.shown_at(RealInstant::now(), &shown);
        self.0.paused.store(true, Ordering::Release);
        self.0.ever_paused.store(true, Ordering::Release);
        true
    }

    /// Lets the clock go again from the time it shows. Returns false if it was going.
    pub fn resume(&self) -> bool {
        let mut shown = self.0.shown.lock();
        if !self.is_paused() {
            return false;
        }
        shown.since = RealInstant::now();
        self.0.paused.store(false, Ordering::Release);
        true
    }

    /// Whether the clock stands still.
    #[inline]
    pub fn is_paused(&self) -> bool {
        self.0.paused.load(Ordering::Acquire)
    }

    /// Moves a paused clock on. Returns false, and does nothing, if it is going.
    pub fn advance(&self, by: Duration) -> bool {
        let mut shown = self.0.shown.lock();
        let paused = self.is_paused();
        if paused {
            shown.time += by;
        }
        paused
    }

    /// Moves a paused clock on to `time`; never back.
    pub fn jump_to(&self, time: Instant) {
        let mut shown = self.0.shown.lock();
        if self.is_paused() {
            shown.time = shown.time.max(time.into_std());
        }
    }

    /// Nanoseconds from the clock's start to `time`; the end of time is 584 years off.
    pub(crate) fn nanos_of(&self, time: Instant) -> u64 {
        nanos(time.into_std().saturating_duration_since(self.0.start))
    }

    pub(crate) fn instant_of(&self, nanos: u64) -> Instant {
        Instant::from_std(self.0.start + Duration::from_nanos(nanos))
    }

    /// The system's time at which this clock will show `nanos`, if it keeps going.
    pub(crate) fn real_time_of(&self, nanos: u64) -> RealInstant {
        let time = self.instant_of(nanos);
        if !self.0.ever_paused.load(Ordering::Acquire) {
            return time.into_std();
        }
        RealInstant::now() + time.saturating_duration_since(self.now())
    }
}
