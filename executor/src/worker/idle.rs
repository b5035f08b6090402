//! Which workers are parked and how many are searching: the rules by which nobody sleeps through
//! work and nobody is woken for nothing.
//!
#![doc = include_str!("SLEEPING.md")]

use crate::shim::Mutex;
use crate::shim::atomic::{AtomicUsize, Ordering, fence};

/// The idle word: parked workers in the upper half, searching workers in the lower.
const SEARCHING: usize = 1;
const PARKED: usize = 1 << (usize::BITS / 2);
const SEARCHING_MASK: usize = PARKED - 1;

/// See the module's documentation.
pub struct Idle {
    word: AtomicUsize,
    stack: Mutex<Stack>,
    workers: usize,
}

/// The parked workers. How many there are is the word's upper half whenever the lock is free.
struct Stack {
    /// The one that parked last on top.
    parked: Vec<usize>,
    /// So many at the bottom are dormant: their threads have not been started yet.
    dormant: usize,
    /// No thread could be started for one of them: they stay where they are.
    no_threads: bool,
}

/// A value of the idle word.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct IdleSnapshot(usize);

impl IdleSnapshot {
    pub fn searching(self) -> usize {
        self.0 & SEARCHING_MASK
    }

    pub fn parked(self) -> usize {
        self.0 / PARKED
    }

    /// Whether work that has just been published needs one more worker: nobody looks for work,
    /// and somebody sleeps.
    pub fn wants_wake(self) -> bool {
        self.searching() == 0 && self.parked() > 0
    }
}

/// How a worker came out of parking.
#[must_use]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Roused {
    /// By itself: an event, a deadline, or a wake that was not about work.
    ByItself,
    /// Chosen by [`Idle::choose`]: it counts as searching already.
    Chosen,
}

impl Idle {
    /// All of so many workers are busy.
    pub fn new(workers: usize) -> Idle {
        let stack = Stack { parked: Vec::with_capacity(workers), dormant: 0, no_threads: false };
        Idle { word: AtomicUsize::new(0), stack: Mutex::new(stack), workers }
    }

    /// All of so many workers are parked, and dormant. They will be chosen in their order.
    pub fn dormant(workers: usize) -> Idle {
        let parked = (0..workers).rev().collect();
        let stack = Stack { parked, dormant: workers, no_threads: false };
        Idle { word: AtomicUsize::new(workers * PARKED), stack: Mutex::new(stack), workers }
    }

    /// The word a moment ago, for decisions that cost only parallelism when they are wrong.
    #[inline]
    pub fn glance(&self) -> IdleSnapshot {
        // Ordering: Relaxed; see "Pushes to one's own queue" in SLEEPING.md.
        IdleSnapshot(self.word.load(Ordering::Relaxed))
    }

    /// The word as it must be read after publishing work that nobody awake owns.
    pub fn look(&self) -> IdleSnapshot {
        // Ordering: this fence pairs with the one in `park`: either the parking worker's last
        // look at the injector sees the work, or this load sees the worker parked.
        fence(Ordering::SeqCst);
        IdleSnapshot(self.word.load(Ordering::Relaxed))
    }

    /// Takes a parked worker off the stack and makes it a searcher; the caller must unpark it. It is
    /// one of those with the least `reluctance`, and of them the last that has parked; one that is
    /// dormant if there is no other.
    pub fn choose(&self, reluctance: impl Fn(usize) -> u32) -> Option<usize> {
        let mut stack = self.stack.lock();
        let top = stack.parked.len().checked_sub(1)?;
        if stack.no_threads && top < stack.dormant {
            return None;
        }
        let with_threads = (stack.dormant..=top).rev();
        let at = with_threads.min_by_key(|&at| reluctance(stack.parked[at])).unwrap_or(top);
        let worker = stack.remove(at);
        // Ordering: Relaxed; the lock orders the stack, and the unparking that follows orders
        // everything that the worker is to see.
        self.word.fetch_add(SEARCHING.wrapping_sub(PARKED), Ordering::Relaxed);
        Some(worker)
    }

    /// As [`choose`](Idle::choose), but only if nobody searches yet: the answer to published work.
    pub fn choose_if_needed(&self, reluctance: impl Fn(usize) -> u32) -> Option<usize> {
        // Two publishers may both have seen nobody searching; the second is spared the wake.
        if self.glance().wants_wake() { self.choose(reluctance) } else { None }
    }

    /// A worker without work of its own may look for that of others. At most half may at a time:
    /// more would only disturb each other and the working ones.
    pub fn begin_search(&self) -> bool {
        if (self.glance().searching() + 1) * 2 > self.workers.max(2) {
            return false;
        }
        // Ordering: Relaxed; the count only spares wakes. What makes skipping a wake safe is
        // `park`, which takes this back.
        self.word.fetch_add(SEARCHING, Ordering::Relaxed);
        true
    }

    /// A searcher has found work. True if it was the last: it then owes a wake for whatever else
    /// there is, since publishers relied on it.
    pub fn end_search(&self) -> bool {
        // Ordering: Relaxed; the fence below is what counts.
        let before = IdleSnapshot(self.word.fetch_sub(SEARCHING, Ordering::Relaxed));
        debug_assert!(before.searching() > 0, "{before:?}");
        let last = before.searching() == 1;
        if last {
            // Ordering: pairs with the fence in `look`: either the caller's next look at the
            // injector sees what is published, or its publisher sees that nobody searches.
            fence(Ordering::SeqCst);
        }
        last
    }

    /// The worker announces that it parks. It must now look at the injector once more, and then
    /// either park or call [`rouse`](Idle::rouse). Returns the word after the announcement.
    pub fn park(&self, worker: usize, searching: bool) -> IdleSnapshot {
        let mut stack = self.stack.lock();
        stack.parked.push(worker);
        let change = if searching { PARKED - SEARCHING } else { PARKED };
        // Ordering: Relaxed; the fence below is what counts.
        let before = self.word.fetch_add(change, Ordering::Relaxed);
        drop(stack);
        // Ordering: pairs with the fence in `look`, and with that in `LiveSet::give_back`.
        fence(Ordering::SeqCst);
        IdleSnapshot(before + change)
    }

    /// The worker is awake again.
    pub fn rouse(&self, worker: usize) -> Roused {
        let mut stack = self.stack.lock();
        match stack.parked.iter().rposition(|&parked| parked == worker) {
            Some(at) => {
                stack.remove(at);
                // Ordering: Relaxed; fewer parked workers can only spare wakes to one who is awake.
                self.word.fetch_sub(PARKED, Ordering::Relaxed);
                Roused::ByItself
            }
            None => Roused::Chosen,
        }
    }

    /// A dormant worker that was chosen has got no thread: it is dormant again, and none of them is
    /// chosen from now on. Others may have relied on it, so the caller must look at the injector.
    pub fn give_up_dormant(&self, worker: usize) {
        let mut stack = self.stack.lock();
        stack.parked.insert(0, worker);
        stack.dormant += 1;
        stack.no_threads = true;
        // Ordering: Relaxed; the fence below is what counts.
        self.word.fetch_add(PARKED - SEARCHING, Ordering::Relaxed);
        drop(stack);
        // Ordering: as in `end_search`.
        fence(Ordering::SeqCst);
    }

    /// How many workers have been started, each of which had been dormant.
    pub fn started(&self) -> usize {
        self.workers - self.stack.lock().dormant
    }

    /// How many workers there are.
    pub fn workers(&self) -> usize {
        self.workers
    }

    /// Whether every worker is parked.
    pub fn all_parked(&self) -> bool {
        self.glance().parked() == self.workers
    }
}

impl Stack {
    fn remove(&mut self, at: usize) -> usize {
        self.dormant -= usize::from(at < self.dormant);
        self.parked.remove(at)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const WORKERS: usize = 4;

    /// The first `parked` workers are parked, and so many others search.
    fn idle(parked: usize, searching: usize) -> Idle {
        let idle = Idle::new(WORKERS);
        for worker in 0..parked {
            let _ = idle.park(worker, false);
        }
        idle.word.fetch_add(searching * SEARCHING, Ordering::Relaxed);
        idle
    }

    /// Parked and searching, and that the stack agrees with the word.
    fn counts(idle: &Idle) -> (usize, usize) {
        let seen = idle.glance();
        assert_eq!(seen.parked(), idle.stack.lock().parked.len());
        assert_eq!(idle.all_parked(), seen.parked() == WORKERS);
        assert_eq!(seen.wants_wake(), seen.parked() > 0 && seen.searching() == 0);
        (seen.parked(), seen.searching())
    }

    /// Every state of four workers.
    fn all() -> impl Iterator<Item = (usize, usize)> {
        (0..=WORKERS).flat_map(|parked| (0..=WORKERS - parked).map(move |s| (parked, s)))
    }

    #[test]
    fn the_table_of_parking_and_waking_up() {
        for (parked, searching) in all() {
            if parked < WORKERS {
                let idle = idle(parked, searching);
                assert_eq!(idle.park(WORKERS - 1, false).parked(), parked + 1);
                assert_eq!(counts(&idle), (parked + 1, searching));
            }
            if searching > 0 {
                let idle = idle(parked, searching);
                assert_eq!(idle.park(WORKERS - 1, true).searching(), searching - 1);
                assert_eq!(counts(&idle), (parked + 1, searching - 1));
            }
            for worker in 0..WORKERS {
                let idle = idle(parked, searching);
                let (how, after) = match worker < parked {
                    true => (Roused::ByItself, (parked - 1, searching)),
                    false => (Roused::Chosen, (parked, searching)),
                };
                assert_eq!((idle.rouse(worker), counts(&idle)), (how, after));
            }
        }
    }

    #[test]
    fn the_table_of_choosing() {
        for (parked, searching) in all() {
            for spare in [None, Some(0), parked.checked_sub(1)] {
                let reluctance = |worker| u32::from(Some(worker) == spare);
                let expected = match parked {
                    0 => None,
                    1 => Some(0),
                    _ if spare == Some(parked - 1) => Some(parked - 2),
                    _ => Some(parked - 1),
                };
                let chosen = (parked.saturating_sub(1), searching + usize::from(parked > 0));
                let chooses = idle(parked, searching);
                assert_eq!((chooses.choose(reluctance), counts(&chooses)), (expected, chosen));
                let needed = idle(parked, searching);
                if searching > 0 {
                    assert_eq!(needed.choose_if_needed(reluctance), None);
                    assert_eq!(counts(&needed), (parked, searching));
                } else {
                    assert_eq!(needed.choose_if_needed(reluctance), expected);
                    assert_eq!(counts(&needed), chosen);
                }
            }
        }
    }

    #[test]
    fn the_table_of_searching() {
        for (parked, searching) in all() {
            if parked + searching < WORKERS {
                let idle = idle(parked, searching);
                let may = searching < WORKERS / 2;
                assert_eq!(idle.begin_search(), may);
                assert_eq!(counts(&idle), (parked, searching + usize::from(may)));
            }
            if searching > 0 {
                let idle = idle(parked, searching);
                assert_eq!(idle.end_search(), searching == 1);
                assert_eq!(counts(&idle), (parked, searching - 1));
            }
        }
    }

    fn spare_0(worker: usize) -> u32 {
        u32::from(worker == 0)
    }

    #[test]
    fn who_is_least_reluctant_is_chosen() {
        let idle = Idle::new(4);
        for worker in [2, 0, 3, 1] {
            let _ = idle.park(worker, false);
        }
        let reluctance = |worker: usize| [1, 3, 1, 2][worker];
        let chosen = [(); 4].map(|()| idle.choose(reluctance));
        assert_eq!(chosen, [Some(0), Some(2), Some(3), Some(1)], "of two equals the last to park");
    }

    #[test]
    fn the_last_to_park_is_the_first_to_be_chosen() {
        let idle = Idle::new(4);
        for worker in [2, 0, 3] {
            let _ = idle.park(worker, false);
        }
        assert_eq!(idle.choose(|_| 0), Some(3));
        assert_eq!(idle.rouse(3), Roused::Chosen);
        assert_eq!(idle.choose(spare_0), Some(2), "the spare one is passed over");
        assert_eq!(idle.choose(spare_0), Some(0), "unless there is no other");
        assert_eq!(idle.choose(|_| 0), None);
        assert_eq!(idle.glance().searching(), 3);
    }

    #[test]
    fn nobody_is_woken_while_somebody_searches() {
        let idle = Idle::new(4);
        let _ = idle.park(0, false);
        assert!(idle.look().wants_wake());
        assert!(idle.begin_search());
        assert!(!idle.look().wants_wake());
        assert_eq!(idle.choose_if_needed(|_| 0), None);
        assert!(idle.end_search());
        assert!(idle.look().wants_wake());
        assert_eq!(idle.rouse(0), Roused::ByItself);
        assert!(!idle.look().wants_wake());
    }

    #[test]
    fn the_dormant_are_chosen_in_their_order_and_after_all_others() {
        let idle = Idle::dormant(3);
        assert_eq!((idle.glance().parked(), idle.started()), (3, 0));
        assert_eq!(idle.choose(|_| 0), Some(0));
        let _ = idle.park(0, true);
        assert_eq!(idle.choose(spare_0), Some(0), "the spare one comes before the dormant");
        assert_eq!(idle.choose(|_| 0), Some(1));
        idle.give_up_dormant(1);
        assert_eq!((idle.glance().parked(), idle.glance().searching(), idle.started()), (2, 1, 1));
        assert_eq!(idle.choose(|_| 0), None, "there are no threads for them");
        let _ = idle.park(0, true);
        assert_eq!(idle.choose(|_| 0), Some(0));
    }

    #[test]
    fn at_most_half_search() {
        let idle = Idle::new(4);
        assert!(idle.begin_search() && idle.begin_search());
        assert!(!idle.begin_search());
        assert!(!idle.end_search());
        assert!(idle.end_search());
        assert!(Idle::new(1).begin_search(), "a lone worker may look at the injector");
    }
}
