//! How a thread waits inside `block_on`: `worker/outsider.rs`.
//!
//! Properties: a wake of the future is followed by a poll that sees what the waker published; a
//! worker that is given back is taken over by a thread that waits for it, which is not forgotten
//! either when somebody else is quicker. Threads: the waiting one, and one or two that wake it, or
//! two that want the worker. Bound: 3 preemptions. It would catch a second wake that is wiped out
//! together with the first, and a worker that lies free beside a thread that sleeps for it.
#![cfg(heist_loom)]

use heist::model::{Loan, Outsider};
use heist_loom_tests::{model, must_fail};
use loom::sync::Arc;
use loom::sync::atomic::{AtomicUsize, Ordering};

/// As `Caller` in `runtime/block_on.rs`.
struct Caller {
    outsider: Outsider,
    /// How many outsiders do not wait, for the paused clock. Who wakes one counts it after the
    /// word says so, so it is out by one for a moment.
    busy: AtomicUsize,
    events: AtomicUsize,
}

impl Caller {
    fn new() -> Arc<Caller> {
        Arc::new(Caller {
            outsider: Outsider::new(),
            busy: AtomicUsize::new(1),
            events: AtomicUsize::new(0),
        })
    }

    /// Polls until so many events have been seen, and waits in between.
    fn block_on(&self, all: usize) {
        // Ordering: Relaxed, here and below: what must be seen is what the wake publishes.
        while self.events.load(Ordering::Relaxed) < all {
            if self.outsider.begin_wait() {
                self.busy.fetch_sub(1, Ordering::AcqRel);
                self.outsider.sleep(|| false);
            }
            if self.outsider.end_wait() {
                self.busy.fetch_add(1, Ordering::AcqRel);
            }
        }
    }

    fn wake(&self, unparks: bool) {
        if self.outsider.wake() {
            self.busy.fetch_add(1, Ordering::AcqRel);
            if unparks {
                self.outsider.unpark();
            }
        }
    }
}

fn two_wakes_in_a_row(publish_first: bool) {
    let caller = Caller::new();
    let waker = caller.clone();
    let waker = loom::thread::spawn(move || {
        for event in 1..=2 {
            if publish_first {
                waker.events.store(event, Ordering::Relaxed);
            }
            waker.wake(true);
            waker.events.store(event, Ordering::Relaxed);
        }
    });
    caller.block_on(2);
    waker.join().unwrap();
    assert_eq!(caller.busy.load(Ordering::Relaxed), 1, "counted wrongly");
}

#[test]
fn the_second_of_two_wakes_is_not_lost() {
    model(3, || two_wakes_in_a_row(true));
}

#[test]
fn broken_a_wake_before_its_event_is_lost() {
    let test = "broken_a_wake_before_its_event_is_lost";
    must_fail(test, "deadlock", || two_wakes_in_a_row(false));
}

fn two_wakers(unparks: bool) {
    let caller = Caller::new();
    let wakers = [(); 2].map(|()| {
        let caller = caller.clone();
        loom::thread::spawn(move || {
            caller.events.fetch_add(1, Ordering::Relaxed);
            caller.wake(unparks);
        })
    });
    caller.block_on(2);
    for waker in wakers {
        waker.join().unwrap();
    }
    assert_eq!(caller.busy.load(Ordering::Relaxed), 1, "counted wrongly");
}

#[test]
fn two_wakers_are_both_heard() {
    model(3, || two_wakers(true));
}

#[test]
fn broken_without_unparking_the_thread_sleeps_on() {
    must_fail("broken_without_unparking_the_thread_sleeps_on", "deadlock", || two_wakers(false));
}

/// What every thread of `Lone::block_on` does to get hold of the worker; `item` counts turns.
fn borrow(loan: &Loan<u32>, enlist_first: bool) -> u32 {
    let outsider = Outsider::new();
    loop {
        if let Some(turns) = loan.take() {
            loan.give_back(turns + 1);
            return turns;
        }
        assert!(outsider.begin_wait());
        outsider.sleep(|| {
            if enlist_first {
                loan.enlist();
                return loan.is_free();
            }
            let free = loan.is_free();
            loan.enlist();
            free
        });
        outsider.end_wait();
    }
}

fn everybody_has_a_turn(threads: u32, enlist_first: bool) {
    let loan = Arc::new(Loan::new(0));
    let others: Vec<_> = (1..threads)
        .map(|_| {
            let loan = loan.clone();
            loom::thread::spawn(move || borrow(&loan, enlist_first))
        })
        .collect();
    let mut turns: Vec<_> = [borrow(&loan, enlist_first)].into();
    turns.extend(others.into_iter().map(|thread| thread.join().unwrap()));
    turns.sort_unstable();
    assert!(turns.into_iter().eq(0..threads), "two had the worker at a time");
}

#[test]
fn a_free_worker_is_taken_over() {
    model(3, || everybody_has_a_turn(2, true));
}

#[test]
fn who_comes_too_late_is_not_forgotten() {
    model(2, || everybody_has_a_turn(3, true));
}

#[test]
fn broken_who_looks_before_enlisting_sleeps_beside_a_free_worker() {
    let test = "broken_who_looks_before_enlisting_sleeps_beside_a_free_worker";
    must_fail(test, "deadlock", || everybody_has_a_turn(2, false));
}
