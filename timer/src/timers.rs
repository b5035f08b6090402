//! All timers of a runtime: one wheel for each owner.
//!
//! Here is how the owners share out the waking: one of them, the driver, wakes for all, see
//! [`entrusted`](crate::entrusted). Filing and firing are in [`owned_wheel`](crate::owned_wheel).

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use crate::clock::Clock;
use crate::entrusted::Entrusted;
use crate::instant::Instant;
use crate::owned_wheel::{NEVER, OwnedWheel, Rouse};
use crate::shim::{AtomicU64, Ordering};
use crate::wheel::TICK;

/// The timers of a runtime; see the module's documentation.
pub struct Timers {
    clock: Clock,
    wheels: Box<[Arc<OwnedWheel>]>,
    entrusted: Arc<Entrusted>,
    /// When something was last fired, in nanoseconds of the clock.
    fired_at: AtomicU64,
}

/// When a parking owner must wake at the latest, in nanoseconds of the clock.
#[derive(Clone, Copy, Debug)]
#[must_use]
pub struct Deadline(u64);

impl Timers {
    /// Timers on `clock` with as many wheels as there are owners. `rouse` is called, with no lock
    /// held, when somebody files a timer on the wheel of a parked owner that is due before the owner
    /// would wake.
    pub fn new(
        clock: Clock,
        owners: usize,
        rouse: Box<dyn Fn(usize) + Send + Sync>,
    ) -> Arc<Timers> {
        let rouse: Rouse = rouse.into();
        let entrusted = Arc::new(Entrusted::new(owners));
        let wheels = (0..owners)
            .map(|index| OwnedWheel::new(clock.clone(), index, rouse.clone(), entrusted.clone()))
            .map(Arc::new)
            .collect();
        Arc::new(Timers { clock, wheels, entrusted, fired_at: AtomicU64::new(0) })
    }

    /// The clock that these timers go by.
    pub fn clock(&self) -> &Clock {
        &self.clock
    }

    pub(crate) fn owners(&self) -> usize {
        self.wheels.len()
    }

    pub(crate) fn wheel(&self, owner: usize) -> &Arc<OwnedWheel> {
        &self.wheels[owner]
    }

    /// The owner is about to park, by [`drive`](Timers::drive) or [`entrust`](Timers::entrust). Until
    /// [`end_park`](Timers::end_park) a timer that is filed and due earlier than what is pending has
    /// the owner roused. With the clock paused nobody waits for any timer.
    pub fn begin_park(&self, owner: usize) -> Deadline {
        Deadline(self.wheels[owner].begin_park())
    }

    /// The parking owner is the one that wakes for the timers of the others, too: until when it may
    /// sleep, by the real clock. Where timers are so dense that it has woken for some just now, it
    /// takes two ticks at a time: waking up is dearer than all the rest.
    pub fn drive(&self, own: Deadline) -> Option<std::time::Instant> {
        let mut until = if self.clock.is_paused() { NEVER } else { self.entrusted.drive(own.0) };
        // Ordering: Relaxed; only a hint about the near past.
        if until.saturating_sub(self.fired_at.load(Ordering::Relaxed)) < 2 * TICK {
            until = until.next_multiple_of(2 * TICK);
        }
        self.real_time_of(until)
    }

    /// The driver is awake.
    pub fn end_drive(&self) {
        self.entrusted.end_drive();
    }

    /// The parking owner leaves its timers to the driver, if that wakes in time; else, until when it
    /// may sleep, by the real clock.
    pub fn entrust(&self, owner: usize, own: Deadline) -> Option<std::time::Instant> {
        if own.0 == NEVER || self.wheels[owner].entrust() {
            return None;
        }
        self.real_time_of(own.0)
    }

    fn real_time_of(&self, nanos: u64) -> Option<std::time::Instant> {
        (nanos != NEVER).then(|| self.clock.real_time_of(nanos))
    }

    /// The owner is awake again.
    pub fn end_park(&self, owner: usize) {
        self.wheels[owner].end_park();
    }

    /// Fires what is due on the wheel of an owner that is awake, and what sleeping owners have left
    /// to whoever is awake. Reads the clock only if any timer is pending.
    pub fn fire_due(&self, owner: usize) {
        let earliest = self.wheels[owner].next().min(self.entrusted.earliest());
        if earliest == NEVER {
            return;
        }
        let now = self.clock.now();
        let nanos = self.clock.nanos_of(now);
        if earliest > nanos {
            return;
        }
        self.fired_at.store(nanos, Ordering::Relaxed);
        self.advance(owner, now);
        for sleeping in self.entrusted.due(nanos) {
            self.advance(sleeping, now);
        }
    }

    /// Fires what is due on an owner's wheel and wakes it, with no lock held. Returns how many timers
    /// were fired; costs one load if nothing is due.
    pub fn advance(&self, owner: usize, now: Instant) -> usize {
        self.wheels[owner].advance(self.clock.nanos_of(now), self.clock.is_paused())
    }

    /// A time before which no timer of this owner is due; `None` if none is pending. One load.
    pub fn next_deadline(&self, owner: usize) -> Option<Instant> {
        match self.wheels[owner].next() {
            NEVER => None,
            nanos => Some(self.clock.instant_of(nanos)),
        }
    }

    /// A time before which no timer is due, whoever owns it; `None` if none is pending, or nobody
    /// waits for them since the clock is paused.
    pub fn next(&self) -> Option<std::time::Instant> {
        let next = self.wheels.iter().map(|wheel| wheel.next()).min();
        next.filter(|_| !self.clock.is_paused()).and_then(|nanos| self.real_time_of(nanos))
    }

    /// The earliest pending deadline of all, and whose it is. Looks at every timer; for the paused
    /// clock.
    pub fn earliest(&self) -> Option<(usize, Instant)> {
        let owners = self.wheels.iter().enumerate();
        let earliest =
            owners.filter_map(|(owner, wheel)| Some((wheel.earliest_deadline()?, owner)));
        let (nanos, owner) = earliest.min()?;
        Some((owner, self.clock.instant_of(nanos)))
    }

    /// Rouses every parked owner: the clock has stopped or goes again, and they sleep by what it
    /// was.
    pub(crate) fn rouse_parked(&self) {
        self.wheels.iter().for_each(|wheel| wheel.rouse_if_parked());
    }

    /// How many timers are pending.
    pub fn len(&self) -> usize {
        self.wheels.iter().map(|wheel| wheel.len()).sum()
    }

    /// Whether no timer is pending.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Ends all timers: what is pending stays pending for ever, and so does what is filed later.
    pub fn shutdown(&self) {
        self.wheels.iter().for_each(|wheel| wheel.close());
    }
}

impl fmt::Debug for Timers {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Timers").field("owners", &self.wheels.len()).finish_non_exhaustive()
    }
}

/// A span of time in nanoseconds, as far as a `u64` goes: 584 years.
pub(crate) fn nanos(duration: Duration) -> u64 {
    u64::try_from(duration.as_nanos()).unwrap_or(u64::MAX)
}
