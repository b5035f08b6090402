//! A source's place in the reactor: its readiness, and everybody who waits for it.
//!
//! In each direction there is one place for the poll functions (the last waker wins, as `poll_read`
//! and its kin demand) and any number for futures, each with a waker of its own. An event wakes all
//! whom it concerns: there is no order among them, so none has to pass a wake-up on when it leaves.
//!
//! A waker is foreign code: it may panic, and may come back here while it is called or dropped. So
//! neither is done under the lock, and no waker keeps another from being called.

use std::panic::{AssertUnwindSafe, catch_unwind};
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
    /// Futures: the first of them, mostly the only one, costs no allocation, ...
    first: Option<Waiting>,
    /// ... those beside it do.
    further: Slab<Waiting>,
}

type Waiting = (Interest, Option<Waker>);

/// Where somebody waits; given up with [`Registration::leave`].
#[derive(Debug)]
pub enum Place {
    /// The place of the poll functions.
    Shared,
    /// A future's own, once it has waited.
    Own(Option<Own>),
    /// None yet, of a future that was never polled.
    Unpolled,
}

impl Place {
    /// Its future is polled.
    #[inline]
    pub(crate) fn set_polled(&mut self) {
        if let Place::Unpolled = self {
            *self = Place::Own(None);
        }
    }
}

/// A future's own place.
#[derive(Clone, Copy, Debug)]
pub enum Own {
    First,
    Further(usize),
}

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
    pub fn end(&self, woken: &mut Vec<Waker>) {
        self.event(Ready::GONE, woken);
    }

    /// An event has come: hands over the wakers of everybody whom it concerns, for [`wake_all`].
    pub fn event(&self, ready: Ready, woken: &mut Vec<Waker>) {
        if !self.word.add(ready) {
            return;
        }
        let concerns = |interest: Interest| !(ready & interest.mask()).is_empty();
        let mut waiters = self.waiters.lock();
        if concerns(Interest::READABLE) {
            woken.extend(waiters.reader.take());
        }
        if concerns(Interest::WRITABLE) {
            woken.extend(waiters.writer.take());
        }
        let Waiters { first, further, .. } = &mut *waiters;
        for (interest, waker) in first.iter_mut().chain(further.iter_mut().map(|(_, w)| w)) {
            if concerns(*interest) {
                woken.extend(waker.take());
            }
        }
    }

    /// Waits for an event; `Err` if there is no need to.
    pub fn wait(&self, place: &mut Place, interest: Interest, waker: &Waker) -> Result<(), Ready> {
        let replaced = {
            let mut waiters = self.waiters.lock();
            let occupant = waiters.occupant(place, interest);
            match occupant {
                Some(registered) if registered.will_wake(waker) => None,
                _ => occupant.replace(waker.clone()),
            }
        };
        drop(replaced);
        // Only now, with the waker in place: an event that comes before this finds nobody waiting
        // and is seen here; one that comes after it finds the waker.
        self.word.wait(interest)
    }

    /// Gives up a place; that of the poll functions belongs to nobody and keeps its waker.
    pub fn leave(&self, place: &mut Place) {
        if let Place::Own(own) = place {
            if let Some(own) = own.take() {
                let left = self.waiters.lock().remove(own);
                drop(left);
            }
        }
    }
}

impl Waiters {
    /// Who waits in a place; a future's own is made at its first wait.
    fn occupant(&mut self, place: &mut Place, interest: Interest) -> &mut Option<Waker> {
        match place {
            Place::Shared if interest.is_readable() => &mut self.reader,
            Place::Shared => &mut self.writer,
            Place::Unpolled => unreachable!("who waits has been polled"),
            Place::Own(own) => match *own.get_or_insert_with(|| self.add(interest)) {
                Own::First => &mut self.first.get_or_insert((interest, None)).1,
                Own::Further(key) => &mut self.further[key].1,
            },
        }
    }

    fn add(&mut self, interest: Interest) -> Own {
        if self.first.is_none() {
            self.first = Some((interest, None));
            return Own::First;
        }
        Own::Further(self.further.insert((interest, None)))
    }

    fn remove(&mut self, own: Own) -> Option<Waiting> {
        match own {
            Own::First => self.first.take(),
            Own::Further(key) => Some(self.further.remove(key)),
        }
    }
}

/// Calls wakers, with no lock held. One that panics keeps none of the others from it.
pub fn wake_all(woken: &mut Vec<Waker>) {
    woken.drain(..).for_each(wake_quietly);
}

/// Calls a waker. Its panic (the panic hook has told of it) ends here.
pub(crate) fn wake_quietly(waker: Waker) {
    let _ = catch_unwind(AssertUnwindSafe(|| waker.wake()));
}

#[cfg(test)]
mod tests;
