//! How a thread waits inside `block_on`: `worker/outsider.rs`, `worker/downfall.rs`.
//!
//! Properties: a wake of the future is followed by a poll that sees what the waker published; a
//! worker that is given back is taken over by a thread that waits for it, which is not forgotten
//! either when somebody else is quicker; a failure that brings the runtime down is heard of by who
//! waits, and counts or comes too late. Threads: the waiting one, and one or two that wake it, or
//! two that want the worker. Bound: 3 preemptions. It would catch a second wake that is wiped out
//! together with the first, a worker that lies free beside a thread that sleeps for it, and a thread
//! that sleeps on in a runtime that has come down.
#![cfg(heist_loom)]

use std::task::{Wake, Waker};

use heist::model::{Downfall, Loan, Outsider, Standstill};
use heist_loom_tests::{model, must_fail};
use loom::sync::Arc;
use loom::sync::atomic::{AtomicUsize, Ordering};

/// As `Caller` in `runtime/block_on.rs`.
struct Caller {
    outsider: Outsider,
    /// The thread is active while it does not wait, and no clock leaps meanwhile.
    standstill: Standstill,
    leaps: AtomicUsize,
    events: AtomicUsize,
}

impl Caller {
    fn new() -> Arc<Caller> {
        let caller = Caller {
            outsider: Outsider::new(),
            standstill: Standstill::new(),
            leaps: AtomicUsize::new(0),
            events: AtomicUsize::new(0),
        };
        caller.standstill.enter();
        Arc::new(caller)
    }

    /// Polls until so many events have been seen, and waits in between.
    fn block_on(&self, all: usize) {
        // Ordering: Relaxed, here and below: what must be seen is what the wake publishes.
        while self.events.load(Ordering::Relaxed) < all {
            if self.outsider.begin_wait() {
                self.standstill.leave();
                self.outsider.sleep(|| false);
            }
            if self.outsider.end_wait() {
                self.standstill.enter();
            }
        }
    }

    fn wake(&self, unparks: bool) {
        self.standstill.enter();
        if !self.outsider.wake() {
            self.standstill.leave();
        } else if unparks {
            self.outsider.unpark();
        }
    }

    /// A try of a worker that has parked. True if the clock has moved.
    fn leap(&self) -> bool {
        let leap = || {
            self.leaps.fetch_add(1, Ordering::Relaxed);
        };
        self.standstill.try_leap(|| true, || (), leap)
    }

    /// Whether the thread is counted once, and nobody else.
    fn is_counted(&self) -> bool {
        !self.leap() && {
            self.standstill.leave();
            self.leap()
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
    assert!(caller.is_counted(), "counted wrongly");
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
    assert!(caller.is_counted(), "counted wrongly");
}

#[test]
fn two_wakers_are_both_heard() {
    model(3, || two_wakers(true));
}

#[test]
fn broken_without_unparking_the_thread_sleeps_on() {
    must_fail("broken_without_unparking_the_thread_sleeps_on", "deadlock", || two_wakers(false));
}

/// A thread that is no worker wakes the one that waits, which polls; a worker leaps when it can.
fn a_wake_meets_a_leap(counts_first: bool) {
    let caller = Caller::new();
    let waker = caller.clone();
    let waker = loom::thread::spawn(move || {
        waker.events.fetch_add(1, Ordering::Relaxed);
        if counts_first {
            waker.wake(true);
        } else if waker.outsider.wake() {
            waker.standstill.enter();
            waker.outsider.unpark();
        }
    });
    let leaping = caller.clone();
    let leaping = loom::thread::spawn(move || {
        if leaping.leap() {
            leaping.standstill.leave();
        }
    });
    caller.block_on(1);
    // Not in `block_on`, where its fence would stand in for the orderings of the word.
    caller.standstill.settle(|| true);
    let polled = caller.leaps.load(Ordering::Relaxed);
    loom::thread::yield_now();
    assert_eq!(caller.leaps.load(Ordering::Relaxed), polled, "time passed under a poll");
    waker.join().unwrap();
    leaping.join().unwrap();
}

#[test]
fn no_time_passes_under_a_poll() {
    model(3, || a_wake_meets_a_leap(true));
}

#[test]
fn broken_who_counts_after_the_wake_lets_time_pass_under_a_poll() {
    let test = "broken_who_counts_after_the_wake_lets_time_pass_under_a_poll";
    must_fail(test, "time passed", || a_wake_meets_a_leap(false));
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

/// A thread whose future has nothing to do but to listen.
struct Listening(Outsider);

impl Wake for Listening {
    fn wake(self: std::sync::Arc<Listening>) {
        if self.0.wake() {
            self.0.unpark();
        }
    }
}

/// As `Heeding` and the loop around it.
fn wait_for_the_downfall(downfall: &Downfall<u32>, in_one_step: bool) -> u32 {
    let thread = std::sync::Arc::new(Listening(Outsider::new()));
    let waker = Waker::from(thread.clone());
    let mut listener = downfall.listener();
    loop {
        let heard = if in_one_step {
            listener.hear(&waker)
        } else {
            let seen = downfall.listener().hear(Waker::noop());
            listener.hear(&waker);
            seen
        };
        if let Some(cause) = heard {
            return *cause;
        }
        if thread.0.begin_wait() {
            thread.0.sleep(|| false);
        }
        thread.0.end_wait();
    }
}

fn a_failure_meets_a_listener(in_one_step: bool) {
    let downfall = Arc::new(Downfall::new());
    let failing = downfall.clone();
    let failing = loom::thread::spawn(move || failing.bring(7));
    assert_eq!(wait_for_the_downfall(&downfall, in_one_step), 7);
    assert!(failing.join().unwrap());
}

#[test]
fn who_is_about_to_sleep_hears_of_the_downfall() {
    model(3, || a_failure_meets_a_listener(true));
}

#[test]
fn broken_who_leaves_a_waker_after_the_look_sleeps_on() {
    let test = "broken_who_leaves_a_waker_after_the_look_sleeps_on";
    must_fail(test, "deadlock", || a_failure_meets_a_listener(false));
}

#[test]
fn of_two_failures_and_a_shutdown_one_is_first() {
    model(3, || {
        let downfall = Arc::new(Downfall::new());
        let failing = [1, 2].map(|cause| {
            let downfall = downfall.clone();
            loom::thread::spawn(move || downfall.bring(cause).then_some(cause))
        });
        let averted = downfall.avert().map(|cause| *cause);
        let [one, other] = failing.map(|thread| thread.join().unwrap());
        assert!(one.is_none() || other.is_none(), "the runtime came down twice");
        assert_eq!(one.or(other), averted, "a failure came down on a shutdown");
    });
}
