//! All timers of a runtime: one wheel for each owner.
//!
//! An owner's wheel has a lock that in the ordinary course only the owner takes. Others take it
//! when a sleep is dropped or reset elsewhere than it was filed, when a thread without a wheel
//! files a timer, and when an owner is held up and somebody fires its timers in its stead.

use std::fmt;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::task::Waker;
use std::time::Duration;

use crossbeam_utils::CachePadded;

use crate::clock::Clock;
use crate::entrusted::Entrusted;
use crate::entry::{Entry, EntryState};
use crate::instant::Instant;
use crate::shim::{AtomicU64, Mutex, Ordering};
use crate::wheel::{TICK, Wheel, tick_end};

/// No timer is pending; an owner that has nothing to wait for.
const NEVER: u64 = u64::MAX;

/// The owner is awake: it needs no rousing.
const AWAKE: u64 = 0;

/// So many wakers are called between two times of taking the lock.
const BATCH: usize = 32;

/// Called with the index of an owner that sleeps too long.
pub(crate) type Rouse = Arc<dyn Fn(usize) + Send + Sync>;

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

/// The wheel of one owner.
pub(crate) struct OwnedWheel {
    clock: Clock,
    index: usize,
    rouse: Rouse,
    entrusted: Arc<Entrusted>,
    /// A time before which nothing is due, in nanoseconds of the clock; `NEVER` if nothing is
    /// pending. Written under the lock.
    next: CachePadded<AtomicU64>,
    locked: CachePadded<Mutex<Locked>>,
}

struct Locked {
    wheel: Wheel,
    /// Until when the parked owner sleeps, or `AWAKE`.
    parked_until: u64,
    closed: bool,
}

// SAFETY: the wheel's pointers lead to entries, whose ground rules make the lock's holder the one
// who may use them.
unsafe impl Send for Locked {}

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
            .map(|index| {
                let locked = Locked { wheel: Wheel::new(), parked_until: AWAKE, closed: false };
                Arc::new(OwnedWheel {
                    clock: clock.clone(),
                    index,
                    rouse: rouse.clone(),
                    entrusted: entrusted.clone(),
                    next: CachePadded::new(AtomicU64::new(NEVER)),
                    locked: CachePadded::new(Mutex::new(locked)),
                })
            })
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
        let mut locked = self.wheels[owner].locked.lock();
        // Under the lock: `rouse_parked`, which is called after any change, finds us parked or
        // has us see the change.
        let paused = self.clock.is_paused();
        let next = if paused { None } else { locked.wheel.next_deadline().map(tick_end) };
        locked.parked_until = next.unwrap_or(NEVER);
        Deadline(locked.parked_until)
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
        if own.0 == NEVER {
            return None;
        }
        let locked = self.wheels[owner].locked.lock();
        // What is pending cannot be earlier meanwhile without the owner having been roused, but
        // it may have been fired in its stead.
        if self.entrusted.entrust(owner, locked.parked_until) {
            return None;
        }
        self.real_time_of(own.0)
    }

    fn real_time_of(&self, nanos: u64) -> Option<std::time::Instant> {
        (nanos != NEVER).then(|| self.clock.real_time_of(nanos))
    }

    /// The owner is awake again.
    pub fn end_park(&self, owner: usize) {
        let mut locked = self.wheels[owner].locked.lock();
        locked.parked_until = AWAKE;
        self.entrusted.take_back(owner);
    }

    /// Fires what is due on the wheel of an owner that is awake, and what sleeping owners have left
    /// to whoever is awake. Reads the clock only if any timer is pending.
    pub fn fire_due(&self, owner: usize) {
        let earliest = self.wheels[owner].next.load(Ordering::Relaxed);
        let earliest = earliest.min(self.entrusted.earliest());
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
        match self.wheels[owner].next.load(Ordering::Relaxed) {
            NEVER => None,
            nanos => Some(self.clock.instant_of(nanos)),
        }
    }

    /// A time before which no timer is due, whoever owns it; `None` if none is pending, or nobody
    /// waits for them since the clock is paused.
    pub fn next(&self) -> Option<std::time::Instant> {
        let next = self.wheels.iter().map(|wheel| wheel.next.load(Ordering::Relaxed)).min();
        next.filter(|_| !self.clock.is_paused()).and_then(|nanos| self.real_time_of(nanos))
    }

    /// The earliest pending deadline of all, and whose it is. Looks at every timer; for the paused
    /// clock.
    pub fn earliest(&self) -> Option<(usize, Instant)> {
        let earliest = |wheel: &Arc<OwnedWheel>| {
            let deadline = wheel.locked.lock().wheel.earliest_deadline()?;
            Some((deadline, wheel.index))
        };
        let (nanos, owner) = self.wheels.iter().filter_map(earliest).min()?;
        Some((owner, self.clock.instant_of(nanos)))
    }

    /// Rouses every parked owner: the clock has stopped or goes again, and they sleep by what it
    /// was.
    pub(crate) fn rouse_parked(&self) {
        for wheel in &self.wheels {
            let parked = wheel.locked.lock().parked_until != AWAKE;
            if parked {
                (wheel.rouse)(wheel.index);
            }
        }
    }

    /// How many timers are pending.
    pub fn len(&self) -> usize {
        self.wheels.iter().map(|wheel| wheel.locked.lock().wheel.len()).sum()
    }

    /// Whether no timer is pending.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Ends all timers: what is pending stays pending for ever, and so does what is filed later.
    pub fn shutdown(&self) {
        for wheel in &self.wheels {
            wheel.close();
        }
    }
}

impl fmt::Debug for Timers {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Timers").field("owners", &self.wheels.len()).finish_non_exhaustive()
    }
}

impl OwnedWheel {
    pub(crate) fn clock(&self) -> &Clock {
        &self.clock
    }

    /// Files an idle entry.
    ///
    /// # Safety
    /// The entry is idle and the caller's, and stays in place until it has been cancelled or has
    /// fired.
    pub(crate) unsafe fn file(&self, entry: &Entry, deadline: u64, waker: &Waker) {
        // SAFETY: an idle entry belongs to its sleep (rule 1), which is the caller.
        unsafe {
            *entry.deadline() = deadline;
            entry.waker.with_mut(|w| *w = Some(waker.clone()));
        }
        let mut locked = self.locked.lock();
        if locked.closed {
            drop(locked);
            // SAFETY: as above. Nobody will call the waker, which may hold the task that holds us.
            entry.waker.with_mut(|w| unsafe { *w = None });
            entry.set_state(EntryState::Closed);
            return;
        }
        entry.set_state(EntryState::Pending);
        // SAFETY: the entry is not filed, and stays in place, by the caller.
        unsafe { locked.wheel.insert(entry.node_ptr()) };
        self.note_deadline(locked, deadline);
    }

    /// Something due at `deadline` was filed: tells those who look without the lock, and rouses
    /// the owner if it would oversleep.
    fn note_deadline(&self, mut locked: impl std::ops::DerefMut<Target = Locked>, deadline: u64) {
        if deadline < self.next.load(Ordering::Relaxed) {
            self.next.store(deadline, Ordering::Relaxed);
        }
        let wake_at = tick_end(deadline);
        if locked.parked_until > wake_at {
            // Whoever files next and is due later need not rouse the owner again.
            locked.parked_until = wake_at;
            drop(locked);
            (self.rouse)(self.index);
        }
    }

    /// Sees to it that a pending entry wakes `waker`. The caller looks at the state afterwards: the
    /// entry may have fired.
    ///
    /// # Safety
    /// The entry is filed in this wheel, or has fired since.
    pub(crate) unsafe fn set_waker(&self, entry: &Entry, waker: &Waker) {
        let same = |w: &mut Option<Waker>| w.as_ref().is_some_and(|w| w.will_wake(waker));
        // SAFETY: passed on from the caller.
        if unsafe { self.with_waker(entry, same) } == Some(false) {
            // Cloning and dropping a waker is somebody else's code, which may use timers: neither
            // is done under the lock.
            let mut other = Some(waker.clone());
            // SAFETY: passed on from the caller.
            unsafe { self.with_waker(entry, |w| std::mem::swap(w, &mut other)) };
        }
    }

    /// Runs `f` on the waker of a pending entry, under the lock. `None` if it is no longer pending.
    ///
    /// # Safety
    /// The entry is filed in this wheel, or has fired since.
    unsafe fn with_waker<R>(
        &self,
        entry: &Entry,
        f: impl FnOnce(&mut Option<Waker>) -> R,
    ) -> Option<R> {
        let _locked = self.locked.lock();
        let pending = entry.state() == EntryState::Pending;
        // SAFETY: pending, and we hold the lock (rule 2).
        pending.then(|| entry.waker.with_mut(|w| f(unsafe { &mut *w })))
    }

    /// Moves the deadline of a pending entry. False if it is no longer pending.
    ///
    /// # Safety
    /// The entry is filed in this wheel, or has fired since.
    pub(crate) unsafe fn postpone(&self, entry: &Entry, deadline: u64) -> bool {
        let mut locked = self.locked.lock();
        if entry.state() != EntryState::Pending {
            return false;
        }
        // SAFETY: pending, and we hold the lock (rule 2).
        unsafe {
            let before = *entry.deadline();
            // A later deadline is only noted: the wheel files the entry anew when its slot comes up.
            if deadline < before {
                locked.wheel.remove(entry.node_ptr());
                *entry.deadline() = deadline;
                locked.wheel.insert(entry.node_ptr());
                self.note_deadline(locked, deadline);
            } else {
                *entry.deadline() = deadline;
            }
        }
        true
    }

    /// Takes an entry out if it is pending; in any case it is its sleep's alone afterwards.
    ///
    /// # Safety
    /// The entry is filed in this wheel, or has fired since.
    pub(crate) unsafe fn cancel(&self, entry: &Entry) {
        let mut locked = self.locked.lock();
        if entry.state() == EntryState::Pending {
            // SAFETY: pending, so it is filed, and we hold the lock.
            unsafe { locked.wheel.remove(entry.node_ptr()) };
            entry.set_state(EntryState::Idle);
        }
    }

    fn advance(&self, now: u64, exact: bool) -> usize {
        let mut fired = 0;
        if self.next.load(Ordering::Relaxed) > now {
            return fired;
        }
        let mut batch: [Option<Waker>; BATCH] = [const { None }; BATCH];
        loop {
            let mut count = 0;
            let mut locked = self.locked.lock();
            while count < BATCH {
                let Some(node) = locked.wheel.pop_due(now, exact) else { break };
                // SAFETY: it was filed until now, so its entry is in place, and pending (rule 2).
                let entry = unsafe { Entry::of(node) };
                // SAFETY: as above, and we hold the lock.
                batch[count] = entry.waker.with_mut(|w| unsafe { (*w).take() });
                // Rule 3: the entry is not touched again.
                entry.set_state(EntryState::Fired);
                count += 1;
            }
            let next = locked.wheel.next_deadline();
            self.next.store(next.unwrap_or(NEVER), Ordering::Relaxed);
            if locked.parked_until != AWAKE {
                // Somebody does this for a sleeping owner, who goes on sleeping.
                locked.parked_until = next.map_or(NEVER, tick_end);
                if self.entrusted.is_entrusted(self.index) {
                    self.entrusted.change(self.index, locked.parked_until);
                }
            }
            drop(locked);
            for waker in batch[..count].iter_mut().filter_map(Option::take) {
                // One that panics (the panic hook has told of it) keeps none of the others from it.
                let _ = catch_unwind(AssertUnwindSafe(|| waker.wake()));
            }
            fired += count;
            if count < BATCH {
                return fired;
            }
        }
    }

    fn close(&self) {
        let mut wakers = Vec::new();
        let mut locked = self.locked.lock();
        locked.closed = true;
        while let Some(node) = locked.wheel.pop_any() {
            // SAFETY: it was filed until now, so its entry is in place, and pending (rule 2).
            let entry = unsafe { Entry::of(node) };
            // SAFETY: as above, and we hold the lock.
            wakers.push(entry.waker.with_mut(|w| unsafe { (*w).take() }));
            entry.set_state(EntryState::Closed);
        }
        self.next.store(NEVER, Ordering::Relaxed);
        drop(locked);
        // Dropping a waker may drop a task and whatever it holds: not under the lock. And it may
        // panic, which must not keep the runtime from ending.
        for waker in wakers {
            let _ = catch_unwind(AssertUnwindSafe(|| drop(waker)));
        }
    }
}

/// A span of time in nanoseconds, as far as a `u64` goes: 584 years.
pub(crate) fn nanos(duration: Duration) -> u64 {
    u64::try_from(duration.as_nanos()).unwrap_or(u64::MAX)
}

impl fmt::Debug for OwnedWheel {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("OwnedWheel").field("index", &self.index).finish_non_exhaustive()
    }
}
