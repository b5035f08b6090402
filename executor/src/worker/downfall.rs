//! The failure that brings a runtime down, and the threads that are to hear of it.
//!
//! A [`Downfall`] comes once or never: a failure is first, or somebody who ends the runtime for
//! another reason, after whom no failure counts. The threads inside `block_on` listen for it, with
//! the wakers of their futures. The race is between a failure and a thread that is about to sleep:
//!
//! * failing: 1. put the cause in place and take the wakers; 2. wake;
//! * listening: 1. look for a cause, and leave a waker if there is none; 2. sleep.
//!
//! Both first steps are under one lock: if the look comes before the cause, the waker is there to be
//! taken. That a wake is not lost on a thread that falls asleep is the affair of whoever made the
//! waker, see [`outsider`](super::outsider). Deliberately without ending anything:
//! whoever was first does that, see [`shutdown`](crate::runtime::shutdown).

use std::sync::Arc;
use std::task::Waker;

use crate::shim::Mutex;

/// See the module's documentation; `C` is the cause.
pub struct Downfall<C>(Mutex<State<C>>);

enum State<C> {
    /// It may come, and these listen.
    Possible(Vec<Waker>),
    Come(Arc<C>),
    /// It never will.
    Averted,
}

impl<C> Downfall<C> {
    /// Of a runtime that is going well.
    pub fn new() -> Downfall<C> {
        Downfall(Mutex::new(State::Possible(Vec::new())))
    }

    /// Something has failed. True if this is the downfall: then the caller must end the runtime.
    #[must_use]
    pub fn bring(&self, cause: C) -> bool {
        let mut state = self.0.lock();
        let State::Possible(listening) = &mut *state else { return false };
        let listening = std::mem::take(listening);
        *state = State::Come(Arc::new(cause));
        drop(state);
        listening.into_iter().for_each(Waker::wake);
        true
    }

    /// The runtime ends for another reason, and does not come down any more; or else by what it has.
    pub fn avert(&self) -> Option<Arc<C>> {
        let mut state = self.0.lock();
        if let State::Come(cause) = &*state {
            return Some(cause.clone());
        }
        *state = State::Averted;
        None
    }

    /// Somebody who listens from its first [`hear`](Listener::hear) on.
    pub fn listener(&self) -> Listener<'_, C> {
        Listener { downfall: self, waker: None }
    }
}

/// Listens until it is dropped.
pub struct Listener<'a, C> {
    downfall: &'a Downfall<C>,
    /// The waker by which it is among those who listen.
    waker: Option<Waker>,
}

impl<C> Listener<'_, C> {
    /// What has brought the runtime down. If nothing has, something still may, and the waker is
    /// woken then; it takes the place of an earlier one.
    pub fn hear(&mut self, waker: &Waker) -> Option<Arc<C>> {
        let mut state = self.downfall.0.lock();
        match &mut *state {
            State::Come(cause) => Some(cause.clone()),
            State::Averted => None,
            State::Possible(listening) => {
                if self.waker.as_ref().is_none_or(|left| !left.will_wake(waker)) {
                    forget(listening, self.waker.replace(waker.clone()));
                    listening.push(waker.clone());
                }
                None
            }
        }
    }
}

impl<C> Drop for Listener<'_, C> {
    fn drop(&mut self) {
        if let State::Possible(listening) = &mut *self.downfall.0.lock() {
            forget(listening, self.waker.take());
        }
    }
}

fn forget(listening: &mut Vec<Waker>, left: Option<Waker>) {
    let Some(left) = left else { return };
    if let Some(place) = listening.iter().position(|waker| waker.will_wake(&left)) {
        listening.swap_remove(place);
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicUsize, Ordering};
    use std::task::Wake;

    use super::*;

    #[derive(Default)]
    struct Wakes(AtomicUsize);

    impl Wake for Wakes {
        fn wake(self: Arc<Wakes>) {
            self.0.fetch_add(1, Ordering::Relaxed);
        }
    }

    #[test]
    fn the_first_cause_is_told_once_to_each_who_listens() {
        let downfall = Downfall::new();
        let wakes = [(); 3].map(|()| Arc::<Wakes>::default());
        let [early, moved, gone] = wakes.each_ref().map(|wakes| Waker::from(wakes.clone()));
        let mut listener = downfall.listener();
        assert!(listener.hear(&early).is_none());
        assert!(listener.hear(&moved).is_none() && listener.hear(&moved).is_none());
        assert!(downfall.listener().hear(&gone).is_none());
        assert!(downfall.bring("the first") && !downfall.bring("the second"));
        assert_eq!(wakes.map(|wakes| wakes.0.load(Ordering::Relaxed)), [0, 1, 0]);
        assert_eq!(listener.hear(&moved).as_deref(), Some(&"the first"));
        assert_eq!(downfall.avert().as_deref(), Some(&"the first"));
    }

    #[test]
    fn what_is_averted_does_not_come() {
        let downfall = Downfall::new();
        assert!(downfall.avert().is_none());
        assert!(!downfall.bring("too late"));
        assert!(downfall.listener().hear(Waker::noop()).is_none() && downfall.avert().is_none());
    }
}
