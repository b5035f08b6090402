//! The wheel of one owner, under its lock.
//!
//! Ordinarily the owner alone takes the lock. Others take it when a sleep is dropped or reset
//! elsewhere than it was filed, when a thread without a wheel files a timer, and when somebody fires
//! what is due in the owner's stead. Deliberately without knowledge of the other wheels: that is in
//! [`timers`](crate::timers).

use std::fmt;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::task::Waker;

use crossbeam_utils::CachePadded;

use crate::clock::Clock;
use crate::entrusted::Entrusted;
use crate::entry::{Entry, EntryState};
use crate::shim::{AtomicU64, Mutex, Ordering};
use crate::wheel::{Wheel, tick_end};

/// No timer is pending; an owner that has nothing to wait for.
pub(crate) const NEVER: u64 = u64::MAX;

/// The owner is awake: it needs no rousing.
const AWAKE: u64 = 0;

/// So many wakers are called between two times of taking the lock.
const BATCH: usize = 32;

/// Called with the index of an owner that sleeps too long.
pub(crate) type Rouse = Arc<dyn Fn(usize) + Send + Sync>;

/// See the module's documentation.
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

impl OwnedWheel {
    pub(crate) fn new(
        clock: Clock,
        index: usize,
        rouse: Rouse,
        entrusted: Arc<Entrusted>,
    ) -> OwnedWheel {
        let locked = Locked { wheel: Wheel::new(), parked_until: AWAKE, closed: false };
        OwnedWheel {
            clock,
            index,
            rouse,
            entrusted,
            next: CachePadded::new(AtomicU64::new(NEVER)),
            locked: CachePadded::new(Mutex::new(locked)),
        }
    }

    /// The owner is about to park: until when it may, `NEVER` if it need not wake for a timer.
    pub(crate) fn begin_park(&self) -> u64 {
        let mut locked = self.locked.lock();
        // Under the lock: `rouse_if_parked`, which is called after any change, finds us parked or
        // has us see the change.
        let paused = self.clock.is_paused();
        let next = if paused { None } else { locked.wheel.next_deadline().map(tick_end) };
        locked.parked_until = next.unwrap_or(NEVER);
        locked.parked_until
    }

    /// The parking owner leaves its timers to the driver, if that wakes in time.
    pub(crate) fn entrust(&self) -> bool {
        let locked = self.locked.lock();
        // What is pending cannot be earlier than at `begin_park` without the owner having been
        // roused, but it may have been fired in its stead.
        self.entrusted.entrust(self.index, locked.parked_until)
    }

    /// The owner is awake again.
    pub(crate) fn end_park(&self) {
        let mut locked = self.locked.lock();
        locked.parked_until = AWAKE;
        self.entrusted.take_back(self.index);
    }

    /// The clock has stopped or goes again: the owner sleeps by what it was.
    pub(crate) fn rouse_if_parked(&self) {
        let parked = self.locked.lock().parked_until != AWAKE;
        if parked {
            (self.rouse)(self.index);
        }
    }

    /// A time before which nothing is due; `NEVER` if nothing is pending. One load.
    pub(crate) fn next(&self) -> u64 {
        // Ordering: Relaxed; the owner wrote it, or somebody who rouses the owner afterwards.
        self.next.load(Ordering::Relaxed)
    }

    /// The earliest deadline, whatever it takes to find it.
    pub(crate) fn earliest_deadline(&self) -> Option<u64> {
        self.locked.lock().wheel.earliest_deadline()
    }

    /// How many timers are pending.
    pub(crate) fn len(&self) -> usize {
        self.locked.lock().wheel.len()
    }

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

    /// Fires what is due at `now` and wakes it, with no lock held; `exact` looks into the present
    /// tick, too. How many were fired.
    pub(crate) fn advance(&self, now: u64, exact: bool) -> usize {
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

    /// Ends all timers that are pending, and those that will be filed.
    pub(crate) fn close(&self) {
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

impl fmt::Debug for OwnedWheel {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("OwnedWheel").field("index", &self.index).finish_non_exhaustive()
    }
}
