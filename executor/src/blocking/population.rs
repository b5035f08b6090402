//! The blocking pool's one atomic word: how many threads it has and how many of them are idle.
//!
//! The decision *claim an idle thread, start another, or leave it to the busy ones* is one
//! compare-and-swap here, so two submitters never count on the same thread, and no thread is
//! started under a lock.
//!
//! The race that this word must survive is between a submitter that finds nobody idle and a thread
//! that goes idle meanwhile:
//!
//! * submitting: 1. push the job; 2. fence; 3. decide on the word;
//! * going idle: 1. announce it on the word; 2. fence; 3. look at the queue once more.
//!
//! If the submitter's fence comes first, the thread sees the job and takes the announcement
//! back. If the thread's comes first, the submitter sees it idle and claims it. A thread that
//! cannot take its announcement back has been claimed, and a permit is on its way to it.

use crate::shim::atomic::{AtomicUsize, Ordering, fence};

const IDLE: usize = 1;
const THREAD: usize = 1 << (usize::BITS / 2);
const IDLE_MASK: usize = THREAD - 1;

/// See the module's documentation.
pub struct Population(AtomicUsize);

/// What a submitter must do about its job.
#[must_use]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Staff {
    /// An idle thread is claimed: give it a permit.
    Wake,
    /// A new thread is counted: start it.
    Start,
    /// All threads are busy and will look at the queue before they rest.
    Busy,
    /// There is no thread and there may be none.
    Nobody,
}

impl Population {
    /// No thread at all.
    pub fn new() -> Population {
        Population(AtomicUsize::new(0))
    }

    /// How many threads there are.
    pub fn threads(&self) -> usize {
        // Ordering: Relaxed; for metrics.
        self.0.load(Ordering::Relaxed) / THREAD
    }

    /// How many of them are idle and not claimed.
    pub fn idle(&self) -> usize {
        // Ordering: Relaxed; for metrics.
        self.0.load(Ordering::Relaxed) & IDLE_MASK
    }

    /// Decides who runs a job that has just been pushed, with at most `max` threads.
    pub fn staff(&self, max: usize) -> Staff {
        // Ordering: pairs with the fence in `rest`.
        fence(Ordering::SeqCst);
        let mut now = self.0.load(Ordering::Relaxed);
        loop {
            let (next, staff) = if now & IDLE_MASK > 0 {
                (now - IDLE, Staff::Wake)
            } else if now / THREAD < max {
                (now + THREAD, Staff::Start)
            } else if now / THREAD > 0 {
                return Staff::Busy;
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

    /// A thread has found the queue empty; it must look once more.
    pub fn rest(&self) {
        // Ordering: AcqRel, as in `staff`; the fence pairs with the one there.
        self.0.fetch_add(IDLE, Ordering::AcqRel);
        fence(Ordering::SeqCst);
    }

    /// A resting thread takes its announcement back, to work or (`leaving`) to end. False if it
    /// has been claimed: a permit will come.
    pub fn unrest(&self, leaving: bool) -> bool {
        let mut now = self.0.load(Ordering::Relaxed);
        loop {
            if now & IDLE_MASK == 0 {
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

    /// A busy thread ends, or one that was counted could not be started.
    pub fn lose_thread(&self) {
        // Ordering: AcqRel, as in `staff`.
        self.0.fetch_sub(THREAD, Ordering::AcqRel);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn word(threads: usize, idle: usize) -> Population {
        Population(AtomicUsize::new(threads * THREAD + idle * IDLE))
    }

    fn counts(population: &Population) -> (usize, usize) {
        (population.threads(), population.idle())
    }

    /// Every small population.
    fn all() -> impl Iterator<Item = (usize, usize)> {
        (0..4).flat_map(|threads| (0..=threads).map(move |idle| (threads, idle)))
    }

    #[test]
    fn the_table_of_a_submission() {
        for (threads, idle) in all() {
            for max in 0..4 {
                let population = word(threads, idle);
                let staff = population.staff(max);
                let (expected, after) = match (threads, idle) {
                    (_, 1..) => (Staff::Wake, (threads, idle - 1)),
                    (_, 0) if threads < max => (Staff::Start, (threads + 1, 0)),
                    (1.., 0) => (Staff::Busy, (threads, 0)),
                    (0, 0) => (Staff::Nobody, (0, 0)),
                };
                assert_eq!((staff, counts(&population)), (expected, after));
            }
        }
    }

    #[test]
    fn the_table_of_a_threads_life() {
        for (threads, idle) in all() {
            if idle < threads {
                let population = word(threads, idle);
                population.rest();
                assert_eq!(counts(&population), (threads, idle + 1));
                let population = word(threads, idle);
                population.lose_thread();
                assert_eq!(counts(&population), (threads - 1, idle));
            }
            for leaving in [false, true] {
                let population = word(threads, idle);
                let taken_back = population.unrest(leaving);
                let after = match idle {
                    0 => (threads, 0),
                    _ => (threads - usize::from(leaving), idle - 1),
                };
                assert_eq!((taken_back, counts(&population)), (idle > 0, after));
            }
        }
    }

    #[test]
    fn idle_threads_come_first_then_new_ones_then_the_busy() {
        let population = Population::new();
        assert_eq!(population.staff(0), Staff::Nobody);
        assert_eq!(population.staff(1), Staff::Start);
        assert_eq!(population.staff(1), Staff::Busy);
        population.rest();
        assert_eq!((population.threads(), population.idle()), (1, 1));
        assert_eq!(population.staff(2), Staff::Wake);
        assert!(!population.unrest(false), "claimed");
        population.rest();
        assert!(population.unrest(true));
        assert_eq!((population.threads(), population.idle()), (0, 0));
        assert_eq!(population.staff(1), Staff::Start);
        population.lose_thread();
        assert_eq!(population.staff(0), Staff::Nobody);
    }
}
