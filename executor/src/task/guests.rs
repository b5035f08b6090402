//! [`Guests`]: the [`LocalSet`](super::LocalSet)s in a runtime, as dumps and tests see them.
//!
//! The tasks of a set are not the runtime's, which neither polls nor ends them. But they are driven
//! inside it, so whoever asks what goes on there is to see them. A set is the guest of the runtime in
//! which it was driven last; until it is driven, of the one in which a task was spawned into it. It
//! takes a lock when it moves in, and compares two words in each poll afterwards. Nobody is told that
//! it leaves: one that has moved on or was dropped is passed over, and cleared away when another comes.
//!
//! A set may be driven by several futures at a time, which know nothing of each other and may go at
//! any moment. So each has a place of its own for its waker, and a task that gets ready wakes all.

use std::fmt;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Weak};
use std::task::Waker;

use parking_lot::Mutex;
use slab::Slab;

use super::TaskInfo;
use super::live_set::LiveSet;
use crate::foreign::{quietly, wake};
use crate::runtime::{Id, context};

/// See the module's documentation.
pub(crate) struct Guests {
    host: Id,
    sets: Mutex<Vec<Weak<Guest>>>,
}

/// What a set shows of itself, and who drives it.
pub(crate) struct Guest {
    pub(crate) live: LiveSet,
    /// The runtime whose guest it is; zero before the first.
    host: AtomicU64,
    /// The futures that drive the set and have not ended: those that wait, with their wakers.
    drivers: Mutex<Slab<Option<Waker>>>,
}

/// While it lives, somebody drives the set.
#[derive(Debug)]
pub(super) struct Driving {
    guest: Arc<Guest>,
    /// Its place among the drivers.
    place: usize,
}

impl Guests {
    pub(crate) fn new(host: Id) -> Guests {
        Guests { host, sets: Mutex::new(Vec::new()) }
    }

    /// Takes in a set that is driven here, unless it is here already. Called on the set's thread.
    #[inline]
    pub(super) fn receive(&self, guest: &Arc<Guest>) {
        if !guest.is_at(self.host) {
            self.take_in(guest);
        }
    }

    #[cold]
    fn take_in(&self, guest: &Arc<Guest>) {
        // Ordering: Relaxed. The lock, taken next, publishes it to those who find the set in the list;
        // who finds it in the list of the host before may still see that for an instant.
        guest.host.store(self.host.as_u64(), Ordering::Relaxed);
        let mut sets = self.sets.lock();
        let stays = |set: Arc<Guest>| set.is_at(self.host) && !Arc::ptr_eq(&set, guest);
        sets.retain(|set| set.upgrade().is_some_and(stays));
        sets.push(Arc::downgrade(guest));
    }

    /// The sets that are here.
    pub(crate) fn all(&self) -> Vec<Arc<Guest>> {
        let sets = self.sets.lock();
        sets.iter().filter_map(Weak::upgrade).filter(|set| set.is_at(self.host)).collect()
    }

    /// What their tasks are doing.
    pub(crate) fn infos(&self) -> Vec<TaskInfo> {
        let mut tasks: Vec<_> = self.all().iter().flat_map(|set| set.live.snapshot()).collect();
        tasks.retain(|task| !task.header().state.load().is_complete());
        tasks.iter().map(|task| TaskInfo::read(task.header())).collect()
    }
}

impl Guest {
    pub(super) fn new() -> Guest {
        let (host, drivers) = (AtomicU64::new(0), Mutex::new(Slab::new()));
        Guest { live: LiveSet::new(), host, drivers }
    }

    fn is_at(&self, host: Id) -> bool {
        // Ordering: Relaxed; see `take_in`. The set's own thread reads what it has written.
        self.host.load(Ordering::Relaxed) == host.as_u64()
    }

    /// A task is spawned into it; called on the set's thread.
    pub(super) fn spawned_into(self: &Arc<Guest>) {
        // Ordering: Relaxed; what this thread has written.
        if self.host.load(Ordering::Relaxed) == 0 {
            context::with_current(|scheduler| scheduler.guests.receive(self));
        }
    }

    /// Whether a task of it that is ready will be polled without the doing of somebody else.
    pub(crate) fn is_driven(&self) -> bool {
        !self.drivers.lock().is_empty()
    }

    /// A task has got ready: wakes whoever waits to run it. All of them, as any may be about to go.
    pub(super) fn wake_drivers(&self) {
        loop {
            let (waker, is_last) = {
                let mut drivers = self.drivers.lock();
                let mut waiting = drivers.iter_mut().map(|(_, w)| w).filter(|w| w.is_some());
                (waiting.next().and_then(Option::take), waiting.next().is_none())
            };
            // Outside the lock: a waker may do anything.
            wake(waker);
            if is_last {
                return;
            }
        }
    }
}

impl Driving {
    /// The first poll of what drives the set has come; it moves in before it runs anything.
    pub(super) fn begin(guest: &Arc<Guest>) -> Driving {
        context::with_current(|scheduler| scheduler.guests.receive(guest));
        let place = guest.drivers.lock().insert(None);
        Driving { guest: guest.clone(), place }
    }

    /// From now on this one is woken with `waker` when a task gets ready, or not at all.
    pub(super) fn set_waker(&self, waker: Option<&Waker>) {
        let waker = waker.cloned();
        let old = std::mem::replace(&mut self.guest.drivers.lock()[self.place], waker);
        drop(old);
    }
}

impl Drop for Driving {
    fn drop(&mut self) {
        let waker = self.guest.drivers.lock().remove(self.place);
        quietly(|| drop(waker));
    }
}

impl fmt::Debug for Guest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Guest").field("tasks", &self.live.len()).finish_non_exhaustive()
    }
}
