//! The blocking pool's one atomic word: how many threads it has, how many of them are idle, and whether
//! one has been called and is still on its way.
//!
//! The decision *call an idle thread, start another, or leave it to those that come or are at work* is one
//! compare-and-swap here, so two submitters never count on the same thread, and no thread is
//! started under a lock.
//!
//! A job must not wait behind one that blocks as long as there may be another thread for it. But a wake takes
//! as long as hundreds of short jobs, so one is on its way at a time: whoever arrives takes a job, and
//! calls another thread if that has left more. Three races must be survived:
//!
//! * submitting: 1. push the job; 2. fence; 3. decide on the word;
//! * going idle: 1. announce it on the word; 2. fence; 3. look at the queue once more;
//! * arriving, or failing to start a thread: 1. announce it on the word; 2. fence; 3. look at the queue.
//!
//! If the submitter's fence comes first, the thread sees the job: one that goes idle takes its
//! announcement back, and one that arrives takes the job, or calls somebody for it. If the thread's comes
//! first, the submitter does not count on it: it finds it idle and calls it, or arrived and calls another.
//! A thread that cannot take its announcement back has been called, and a permit is on its way to it.

use crate::shim::atomic::{AtomicU64, Ordering, fence};

const IDLE: u64 = 1;
const CALLED: u64 = 1 << 31;
const THREAD: u64 = 1 << 32;

/// See the module's documentation.
pub struct Population(AtomicU64);

/// What whoever has work for a thread must do about it.
#[must_use]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Staff {
    /// An idle thread is called: give it a permit.
    Wake,
    /// A new thread is counted, and called: start it.
    Start,
    /// Nothing: somebody is on the way and will see to it, or all threads are busy and will look at
    /// the queue before they rest.
    Enough,
    /// There is no thread and there may be none.
    Nobody,
}

fn threads(word: u64) -> u64 {
    word / THREAD
}

fn is_called(word: u64) -> bool {
    word & CALLED != 0
}

fn idle(word: u64) -> u64 {
    word % CALLED
}

impl Population {
    /// No thread at all.
    pub fn new() -> Population {
        Population(AtomicU64::new(0))
    }

    /// How many threads there are.
    pub fn threads(&self) -> usize {
        // Ordering: Relaxed; for metrics.
        threads(self.0.load(Ordering::Relaxed)) as usize
    }

    /// How many of them are idle and not called.
    pub fn idle(&self) -> usize {
        // Ordering: Relaxed; for metrics.
        idle(self.0.load(Ordering::Relaxed)) as usize
    }

    /// Decides who runs what is queued, with at most `max` threads.
    pub fn staff(&self, max: usize) -> Staff {
        // Ordering: pairs with the fences in `arrive`, `rest` and `lose_thread`.
        fence(Ordering::SeqCst);
        let mut now = self.0.load(Ordering::Relaxed);
        loop {
            let (next, staff) = if is_called(now) {
                return Staff::Enough;
            } else if idle(now) > 0 {
                (now + CALLED - IDLE, Staff::Wake)
            } else if threads(now) < max as u64 {
                (now + CALLED + THREAD, Staff::Start)
            } else if threads(now) > 0 {
                return Staff::Enough;
            } else {
                return Staff::Nobody;
            };
            // Ordering: AcqRel; each edge of the word sees the one before.
            match self.0.compare_exchange_weak(now, next, Ordering::AcqRel, Ordering::Relaxed) {
                Ok(_) => return staff,
                Err(actual) => now = actual,
            }
        }
    }

    /// A thread that was called is there; it must look at the queue.
    pub fn arrive(&self) {
        // Ordering: AcqRel, as in `staff`; the fence pairs with the one there.
        self.0.fetch_sub(CALLED, Ordering::AcqRel);
        fence(Ordering::SeqCst);
    }

    /// A thread has found the queue empty; it must look once more.
    pub fn rest(&self) {
        // Ordering: AcqRel, as in `staff`; the fence pairs with the one there.
        self.0.fetch_add(IDLE, Ordering::AcqRel);
        fence(Ordering::SeqCst);
    }

    /// A resting thread takes its announcement back, to work or (`leaving`) to end. False if it
    /// has been called: a permit will come.
    pub fn unrest(&self, leaving: bool) -> bool {
        let mut now = self.0.load(Ordering::Relaxed);
        loop {
            if idle(now) == 0 {
                return false;
            }
            let next = now - IDLE - if leaving { THREAD } else { 0 };
            // Ordering: AcqRel, as in `staff`.
            match self.0.compare_exchange_weak(now, next, Ordering::AcqRel, Ordering::Relaxed) {
                Ok(_) => return true,
                Err(actual) => now = actual,
            }
        }
    }

    /// A thread that was counted and called could not be started. Others may have counted on it: the
    /// caller must look at the queue in its stead.
    pub fn lose_thread(&self) {
        // Ordering: AcqRel, as in `staff`; the fence pairs with the one there.
        self.0.fetch_sub(THREAD + CALLED, Ordering::AcqRel);
        fence(Ordering::SeqCst);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn word(threads: u64, called: bool, idle: u64) -> Population {
        Population(AtomicU64::new(threads * THREAD + u64::from(called) * CALLED + idle * IDLE))
    }

    fn parts(population: &Population) -> (u64, bool, u64) {
        let word = population.0.load(Ordering::Relaxed);
        (threads(word), is_called(word), idle(word))
    }

    /// Every small population.
    fn all() -> impl Iterator<Item = (u64, bool, u64)> {
        let words = |threads: u64, called: bool| {
            let rest = threads.checked_sub(u64::from(called));
            rest.into_iter()
                .flat_map(move |rest| (0..=rest).map(move |idle| (threads, called, idle)))
        };
        (0..4)
            .flat_map(move |threads| [false, true].into_iter().flat_map(move |c| words(threads, c)))
    }

    #[test]
    fn the_table_of_a_submission() {
        for (threads, called, idle) in all() {
            for max in 0..4 {
                let population = word(threads, called, idle);
                let staff = population.staff(max as usize);
                let (expected, after) = match (threads, called, idle) {
                    (_, true, _) => (Staff::Enough, (threads, true, idle)),
                    (_, _, 1..) => (Staff::Wake, (threads, true, idle - 1)),
                    (_, _, 0) if threads < max => (Staff::Start, (threads + 1, true, 0)),
                    (1.., _, 0) => (Staff::Enough, (threads, false, 0)),
                    (0, _, 0) => (Staff::Nobody, (0, false, 0)),
                };
                assert_eq!((staff, parts(&population)), (expected, after));
            }
        }
    }

    #[test]
    fn the_table_of_a_threads_life() {
        for (threads, called, idle) in all() {
            if idle + u64::from(called) < threads {
                let population = word(threads, called, idle);
                population.rest();
                assert_eq!(parts(&population), (threads, called, idle + 1));
            }
            if called {
                let population = word(threads, called, idle);
                population.arrive();
                assert_eq!(parts(&population), (threads, false, idle));
                let population = word(threads, called, idle);
                population.lose_thread();
                assert_eq!(parts(&population), (threads - 1, false, idle));
            }
            for leaving in [false, true] {
                let population = word(threads, called, idle);
                let taken_back = population.unrest(leaving);
                let after = match idle {
                    0 => (threads, called, 0),
                    _ => (threads - u64::from(leaving), called, idle - 1),
                };
                assert_eq!((taken_back, parts(&population)), (idle > 0, after));
            }
        }
    }

    #[test]
    fn one_on_the_way_is_enough_then_idle_threads_come_then_new_ones_then_the_busy() {
        let population = Population::new();
        assert_eq!(population.staff(0), Staff::Nobody);
        assert_eq!(population.staff(1), Staff::Start);
        assert_eq!(population.staff(2), Staff::Enough, "it is on its way");
        population.arrive();
        assert_eq!(population.staff(1), Staff::Enough, "it is busy");
        population.rest();
        assert_eq!((population.threads(), population.idle()), (1, 1));
        assert_eq!(population.staff(2), Staff::Wake);
        assert!(!population.unrest(false), "called");
        population.arrive();
        population.rest();
        assert!(population.unrest(true));
        assert_eq!((population.threads(), population.idle()), (0, 0));
        assert_eq!(population.staff(1), Staff::Start);
        population.lose_thread();
        assert_eq!(population.staff(0), Staff::Nobody);
    }
}
