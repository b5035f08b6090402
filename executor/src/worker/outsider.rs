//! Outsiders: threads inside `block_on` that are no workers, and how they wait.
//!
//! An [`Outsider`] is such a thread as the waker of its future sees it:
//!
//! ```text
//!            begin_wait                wake
//!  POLLING -------------> WAITING ------------> WOKEN
//!    ^  |                    |                  ^  |
//!    |  +--------------------|-------wake-------+  |
//!    +-------end_wait--------+------end_wait-------+
//! ```
//!
//! A [`Loan`] is what outsiders of a current-thread runtime wait for besides: its one worker,
//! which one thread has at a time. The race is between a thread that gives it back and one that
//! is about to sleep:
//!
//! * giving back: 1. put it back; 2. unpark everybody who is enlisted;
//! * waiting: 1. enlist; 2. look whether it is free; 3. sleep.
//!
//! Each step is under a lock, so they stand in one order: if the look comes before the putting
//! back, the enlisting comes before the unparking. Deliberately without a queue: whoever is first
//! takes it, and the others enlist again.

use crate::shim::Mutex;
use crate::shim::atomic::{AtomicU32, Ordering};
use crate::shim::thread::{self, Thread};

const POLLING: u32 = 0;
const WAITING: u32 = 1;
const WOKEN: u32 = 2;

/// See the module's documentation.
pub struct Outsider {
    word: AtomicU32,
    thread: Thread,
}

impl Outsider {
    /// The calling thread, which polls.
    pub fn new() -> Outsider {
        Outsider { word: AtomicU32::new(POLLING), thread: thread::current() }
    }

    /// The thread is about to wait; false if it was woken since the last time.
    pub fn begin_wait(&self) -> bool {
        // Ordering: AcqRel; release and acquire with the swap in `wake`. A wake that is found here
        // is consumed by `end_wait`.
        self.word.compare_exchange(POLLING, WAITING, Ordering::AcqRel, Ordering::Acquire).is_ok()
    }

    /// Sleeps until it is woken, or until `stop` says so, which is asked before each sleep.
    pub fn sleep(&self, stop: impl Fn() -> bool) {
        // Ordering: Relaxed; `end_wait` acquires.
        while self.word.load(Ordering::Relaxed) != WOKEN && !stop() {
            thread::park();
        }
    }

    /// The thread goes on to poll. True if nobody has woken it.
    pub fn end_wait(&self) -> bool {
        // Ordering: AcqRel. A read-modify-write, since another wake may come between the look in
        // `sleep` and this: it is consumed here together with what was published before it.
        self.word.swap(POLLING, Ordering::AcqRel) == WAITING
    }

    /// The future has something to do. True if the thread waits: then the caller must `unpark` it.
    #[must_use]
    pub fn wake(&self) -> bool {
        // Ordering: AcqRel, pairs with `begin_wait` and `end_wait`.
        self.word.swap(WOKEN, Ordering::AcqRel) == WAITING
    }

    /// Ends a sleep.
    pub fn unpark(&self) {
        self.thread.unpark();
    }
}

/// See the module's documentation.
pub struct Loan<T> {
    free: Mutex<Option<T>>,
    enlisted: Mutex<Vec<Thread>>,
}

impl<T> Loan<T> {
    /// Something that nobody has at the moment.
    pub fn new(item: T) -> Loan<T> {
        Loan { free: Mutex::new(Some(item)), enlisted: Mutex::new(Vec::new()) }
    }

    /// Takes it, if it is free.
    pub fn take(&self) -> Option<T> {
        self.free.lock().take()
    }

    /// Gives it back and offers it to who waits.
    pub fn give_back(&self, item: T) {
        *self.free.lock() = Some(item);
        self.offer();
    }

    /// Unparks everybody who is enlisted.
    pub fn offer(&self) {
        let enlisted = std::mem::take(&mut *self.enlisted.lock());
        for thread in enlisted {
            thread.unpark();
        }
    }

    /// The calling thread will be unparked at the next offer. One place is enough, however often
    /// it is woken for its future meanwhile.
    pub fn enlist(&self) {
        let thread = thread::current();
        let mut enlisted = self.enlisted.lock();
        if enlisted.iter().all(|other| other.id() != thread.id()) {
            enlisted.push(thread);
        }
    }

    /// Whether nobody has it.
    pub fn is_free(&self) -> bool {
        self.free.lock().is_some()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Every state against every edge: next state, and what the edge says.
    #[test]
    fn the_table_of_the_outsiders_word() {
        let at = |word| Outsider { word: AtomicU32::new(word), thread: thread::current() };
        let edge = |word, edge: fn(&Outsider) -> bool| {
            let outsider = at(word);
            let said = edge(&outsider);
            (outsider.word.load(Ordering::Relaxed), said)
        };
        assert_eq!(edge(POLLING, Outsider::begin_wait), (WAITING, true));
        assert_eq!(edge(WOKEN, Outsider::begin_wait), (WOKEN, false));
        assert_eq!(edge(POLLING, Outsider::wake), (WOKEN, false));
        assert_eq!(edge(WAITING, Outsider::wake), (WOKEN, true));
        assert_eq!(edge(WOKEN, Outsider::wake), (WOKEN, false));
        assert_eq!(edge(WAITING, Outsider::end_wait), (POLLING, true));
        assert_eq!(edge(WOKEN, Outsider::end_wait), (POLLING, false));
    }

    #[test]
    fn a_loan_has_one_borrower_and_each_thread_one_place() {
        let loan = Loan::new(7);
        assert_eq!(loan.take(), Some(7));
        assert_eq!(loan.take(), None);
        loan.enlist();
        loan.enlist();
        assert_eq!(loan.enlisted.lock().len(), 1);
        assert!(!loan.is_free());
        loan.give_back(7);
        assert!(loan.is_free() && loan.enlisted.lock().is_empty());
        thread::park();
    }
}
