//! Where a worker sleeps: on its own parker, or in the driver's seat.
//!
//! One worker at a time may wait in the reactor; it holds the [`Seat`]. The others wait on their
//! [`Parker`]'s condition variable. A parker also knows when its worker is in the reactor instead,
//! so that whoever unparks it uses the one means that reaches it.
//!
//! **Hand-over of the seat.** A worker that leaves the reactor with tasks to poll gives the seat up
//! and does not wake anybody for it: most polls are short, and it will be back before anyone else
//! could be running. It promises instead that the watchdog's alarm is set if there is a parked
//! worker that could take the seat. The race with a worker that parks meanwhile:
//!
//! * leaving: 1. give the seat up; 2. fence; 3. read who is parked, set the alarm if somebody is;
//! * parking: 1. announce it (`Idle::park`, with a fence); 2. try to take the seat.
//!
//! If the leaver's fence comes first, the parker finds the seat free and takes it. If the
//! parker's comes first, the leaver sees it parked and sets the alarm. Either way nobody sleeps
//! beside an empty seat unwatched.

use std::time::Instant;

use crate::shim::atomic::{AtomicU32, AtomicUsize, Ordering, fence};
use crate::shim::{Condvar, Mutex};

/// Awake, no token.
const AWAKE: u32 = 0;
/// Waits on the condition variable.
const PARKED: u32 = 1;
/// Waits in the reactor, or is about to.
const DRIVING: u32 = 2;
/// Has a token: the next wait returns at once.
const NOTIFIED: u32 = 3;

/// The parker of one worker.
pub struct Parker {
    word: AtomicU32,
    lock: Mutex<()>,
    condvar: Condvar,
}

/// What [`Parker::unpark`] leaves to its caller.
#[must_use]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Unparked {
    /// Done.
    Done,
    /// The worker is in the reactor: make its turn return.
    NotifyReactor,
}

impl Parker {
    /// The parker of a worker that is awake.
    pub fn new() -> Parker {
        Parker { word: AtomicU32::new(AWAKE), lock: Mutex::new(()), condvar: Condvar::new() }
    }

    /// Waits for a token, at most until `deadline`. Called by the owner.
    pub fn park(&self, deadline: Option<Instant>) {
        let mut guard = self.lock.lock();
        if !self.begin(PARKED) {
            return;
        }
        loop {
            match deadline {
                None => self.condvar.wait(&mut guard),
                Some(deadline) => {
                    self.condvar.wait_until(&mut guard, deadline);
                }
            }
            // Ordering: Acquire, pairs with the swap in `unpark`.
            let woken = self.word.load(Ordering::Acquire) == NOTIFIED;
            if woken || deadline.is_some_and(|deadline| Instant::now() >= deadline) {
                break;
            }
        }
        self.end();
    }

    /// Announces that the owner goes into the reactor; false if it has a token, which is consumed.
    pub fn begin_driving(&self) -> bool {
        self.begin(DRIVING)
    }

    /// The owner is out of the reactor.
    pub fn end_driving(&self) {
        self.end();
    }

    fn begin(&self, how: u32) -> bool {
        // Ordering: AcqRel. Acquire receives what the unparker published before its token; release
        // continues it for an unparker that finds its swap to be the second.
        match self.word.compare_exchange(AWAKE, how, Ordering::AcqRel, Ordering::Acquire) {
            Ok(_) => true,
            Err(token) => {
                debug_assert_eq!(token, NOTIFIED);
                self.end();
                false
            }
        }
    }

    fn end(&self) {
        // Ordering: AcqRel, as in `begin`; a token that came in the meantime is consumed with all
        // that was published before it.
        self.word.swap(AWAKE, Ordering::AcqRel);
    }

    /// Gives the worker a token. If its owner waits, it wakes up; if it is awake, its next wait
    /// returns at once.
    pub fn unpark(&self) -> Unparked {
        // Ordering: AcqRel, pairs with `begin`, `end` and the load in `park`.
        match self.word.swap(NOTIFIED, Ordering::AcqRel) {
            PARKED => {
                // The owner set PARKED under the lock; having had it, we know that the owner is
                // inside `wait` and will hear the notification.
                drop(self.lock.lock());
                self.condvar.notify_one();
                Unparked::Done
            }
            DRIVING => Unparked::NotifyReactor,
            _ => Unparked::Done,
        }
    }
}

/// The right to wait in the reactor.
pub struct Seat {
    /// The worker in the seat plus one; zero if it is empty.
    holder: AtomicUsize,
    /// How often the seat was taken, for the watchdog.
    turns: AtomicU32,
}

impl Seat {
    /// An empty seat.
    pub fn new() -> Seat {
        Seat { holder: AtomicUsize::new(0), turns: AtomicU32::new(0) }
    }

    /// Takes the seat if it is empty.
    #[inline]
    pub fn try_take(&self, worker: usize) -> bool {
        // Ordering: AcqRel; acquire pairs with the release in `give_up`, so that turns of the
        // reactor by different workers follow each other. Being a read-modify-write, it also sees
        // a seat given up before a fence that came before our own, see the module's documentation.
        let taken = self
            .holder
            .compare_exchange(0, worker + 1, Ordering::AcqRel, Ordering::Relaxed)
            .is_ok();
        if taken {
            // Ordering: Relaxed; only the holder writes, and the watchdog wants a hint.
            let turns = self.turns.load(Ordering::Relaxed);
            self.turns.store(turns.wrapping_add(1), Ordering::Relaxed);
        }
        taken
    }

    /// Takes the seat for a worker that has found all parked, and would let the clock leap. If
    /// another is in it, `unpark`s that one, which then looks for itself, and returns false.
    ///
    /// One that has left between the two looks may have been here to leap as well, and have found
    /// this worker not parked yet: it will not look again, so that this one has to.
    pub fn take_or_unpark(&self, worker: usize, unpark: impl FnOnce(usize)) -> bool {
        loop {
            if self.try_take(worker) {
                return true;
            }
            if let Some(holder) = self.holder() {
                unpark(holder);
                return false;
            }
        }
    }

    /// Gives the seat up; afterwards the caller must look who is parked.
    #[inline]
    pub fn give_up(&self) {
        // Ordering: Release, pairs with `try_take`.
        self.holder.store(0, Ordering::Release);
        // Ordering: pairs with the fence in `Idle::park`; see the module's documentation.
        fence(Ordering::SeqCst);
    }

    /// Who is in the seat, as a hint.
    pub fn holder(&self) -> Option<usize> {
        // Ordering: Relaxed; a hint.
        self.holder.load(Ordering::Relaxed).checked_sub(1)
    }

    /// A number that changes with every turn, as a hint.
    pub fn turns(&self) -> u32 {
        // Ordering: Relaxed; a hint.
        self.turns.load(Ordering::Relaxed)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Duration;

    /// One edge from each state; what it says, and the state after it.
    fn edge<A>(from: u32, edge: impl Fn(&Parker) -> A) -> (A, u32) {
        let parker = Parker::new();
        parker.word.store(from, Ordering::Relaxed);
        let said = edge(&parker);
        (said, parker.word.load(Ordering::Relaxed))
    }

    #[test]
    fn the_table_of_the_parkers_word() {
        let unpark = [AWAKE, PARKED, DRIVING, NOTIFIED].map(|from| edge(from, Parker::unpark));
        let said = [Unparked::Done, Unparked::Done, Unparked::NotifyReactor, Unparked::Done];
        assert_eq!(unpark, said.map(|said| (said, NOTIFIED)));
        for how in [PARKED, DRIVING] {
            assert_eq!(edge(AWAKE, |parker| parker.begin(how)), (true, how));
            assert_eq!(edge(NOTIFIED, |parker| parker.begin(how)), (false, AWAKE));
        }
        for from in [PARKED, DRIVING, NOTIFIED] {
            assert_eq!(edge(from, Parker::end), ((), AWAKE));
        }
    }

    #[test]
    fn a_token_is_not_lost_and_not_doubled() {
        let parker = Parker::new();
        assert_eq!(parker.unpark(), Unparked::Done);
        assert_eq!(parker.unpark(), Unparked::Done);
        parker.park(None);
        let soon = Instant::now() + Duration::from_millis(5);
        parker.park(Some(soon));
        assert!(Instant::now() >= soon, "the second token was one too many");
    }

    #[test]
    fn a_driving_worker_is_reached_through_the_reactor() {
        let parker = Parker::new();
        assert!(parker.begin_driving());
        assert_eq!(parker.unpark(), Unparked::NotifyReactor);
        assert_eq!(parker.unpark(), Unparked::Done);
        parker.end_driving();
        assert_eq!(parker.unpark(), Unparked::Done);
        assert!(!parker.begin_driving(), "a token keeps its owner out of the reactor");
        assert!(parker.begin_driving());
    }

    #[test]
    fn a_parked_worker_wakes_up() {
        let parker = std::sync::Arc::new(Parker::new());
        let worker = std::thread::spawn({
            let parker = parker.clone();
            move || parker.park(None)
        });
        let _ = parker.unpark();
        worker.join().unwrap();
    }

    #[test]
    fn the_seat_holds_one() {
        let seat = Seat::new();
        assert!(seat.try_take(3));
        assert!(!seat.try_take(1));
        assert_eq!(seat.holder(), Some(3));
        let turns = seat.turns();
        seat.give_up();
        assert_eq!(seat.holder(), None);
        assert!(seat.try_take(1));
        assert_ne!(seat.turns(), turns);
    }
}
