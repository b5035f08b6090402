//! A source's place in the reactor: its readiness, and everybody who waits for it.
//!
//! In each direction there is one place for the poll functions (the last waker wins, as `poll_read`
//! and its kin demand) and any number for futures, each with a waker of its own.

use std::task::Waker;

use slab::Slab;

use crate::interest::{Interest, Ready};
use crate::readiness::{ReadinessWord, Seen};
use crate::shim::Mutex;

/// See the module's documentation.
#[derive(Debug)]
pub struct Registration {
    word: ReadinessWord,
    waiters: Mutex<Waiters>,
}

#[derive(Debug, Default)]
struct Waiters {
    /// The place of the poll functions for reading ...
    reader: Option<Waker>,
    /// ... and for writing.
    writer: Option<Waker>,
    /// Futures.
    others: Slab<(Interest, Option<Waker>)>,
}

/// A future's place among the waiters; given up with [`Registration::leave`].
#[derive(Debug, Default)]
pub(crate) struct Place(Option<usize>);

impl Registration {
    /// A source that nobody waits for, and what it is thought to be ready for. That must be said
    /// here, before the reactor knows of the source: later it could wipe out the first event.
    pub fn new(ready: Ready) -> Registration {
        Registration { word: ReadinessWord::new(ready), waiters: Mutex::new(Waiters::default()) }
    }

    /// What the source is ready for, as far as is known.
    #[inline]
    pub(crate) fn seen(&self) -> Seen {
        self.word.load()
    }

    /// An operation that had `seen` the source was told that it is not ready.
    pub(crate) fn not_ready(&self, seen: Seen, what: Ready) {
        self.word.take(seen, what);
    }

    /// An operation as `Async` runs it, for models; `None` if it must wait first.
    #[cfg(heist_loom)]
    pub fn operate(&self, what: Ready, operation: impl FnOnce() -> bool) -> Option<bool> {
        let seen = self.seen();
        if (seen.ready & what).is_empty() {
            return None;
        }
        let done = operation();
        if !done {
            self.not_ready(seen, what);
        }
        Some(done)
    }

    /// As `operate`, with the mistake that the tick is there to prevent: it takes away what it
    /// finds afterwards instead of what it had seen. For the broken twin.
    #[cfg(heist_loom)]
    pub fn operate_stale(&self, what: Ready, operation: impl FnOnce() -> bool) -> Option<bool> {
        if (self.seen().ready & what).is_empty() {
            return None;
        }
        let done = operation();
        if !done {
            self.not_ready(self.seen(), what);
        }
        Some(done)
    }

    /// As when the reactor shuts down, for models.
    #[cfg(heist_loom)]
    pub fn end(&self) {
        self.event(Ready::GONE);
    }

    /// An event has come: wakes everybody whom it concerns. The wakers are called with no lock held.
    pub fn event(&self, ready: Ready) {
        if !self.word.add(ready) {
            return;
        }
        let mut woken = Vec::new();
        let mut reader = None;
        let mut writer = None;
        {
            let mut waiters = self.waiters.lock();
            if !(ready & Interest::READABLE.mask()).is_empty() {
                reader = waiters.reader.take();
            }
            if !(ready & Interest::WRITABLE.mask()).is_empty() {
                writer = waiters.writer.take();
            }
            for (_, (interest, waker)) in &mut waiters.others {
                if !(ready & interest.mask()).is_empty() {
                    woken.extend(waker.take());
                }
            }
        }
        for waker in reader.into_iter().chain(writer).chain(woken) {
            waker.wake();
        }
    }

    /// Waits in the place of the poll functions; `Err` if there is no need to wait.
    pub fn wait_in_slot(&self, interest: Interest, waker: &Waker) -> Result<(), Ready> {
        {
            let mut waiters = self.waiters.lock();
            let slot =
                if interest.is_readable() { &mut waiters.reader } else { &mut waiters.writer };
            match slot {
                Some(registered) => registered.clone_from(waker),
                empty => *empty = Some(waker.clone()),
            }
        }
        // Only now, with the waker in place: an event that comes before this finds nobody waiting
        // and is seen here; one that comes after it finds the waker.
        self.word.wait(interest)
    }

    /// Waits in a place of its own; `Err` if there is no need to wait.
    pub(crate) fn wait_in_place(
        &self,
        place: &mut Place,
        interest: Interest,
        waker: &Waker,
    ) -> Result<(), Ready> {
        {
            let mut waiters = self.waiters.lock();
            let key = match place.0 {
                Some(key) => key,
                None => *place.0.insert(waiters.others.insert((interest, None))),
            };
            match &mut waiters.others[key].1 {
                Some(registered) => registered.clone_from(waker),
                empty => *empty = Some(waker.clone()),
            }
        }
        self.word.wait(interest)
    }

    /// Gives up a place.
    pub(crate) fn leave(&self, place: &mut Place) {
        if let Some(key) = place.0.take() {
            let left = self.waiters.lock().others.remove(key);
            // A waker's destructor is foreign code: not under the lock.
            drop(left);
        }
    }
}
