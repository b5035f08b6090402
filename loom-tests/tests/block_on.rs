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

/// Polls until so many events have been seen, and waits in between.
fn block_on(outsider: &Outsider, events: &AtomicUsize, all: usize) {
    // Ordering: Relaxed, here and below: what must be seen is what the wake publishes.
    while events.load(Ordering::Relaxed) < all {
        if outsider.begin_wait() {
            outsider.sleep(|| false);
        }
        outsider.end_wait();
    }
}

fn wake(outsider: &Outsider, unparks: bool) {
    if outsider.wake() && unparks {
        outsider.unpark();
    }
}

fn two_wakes_in_a_row(publish_first: bool) {
    let events = Arc::new(AtomicUsize::new(0));
    let outsider = Arc::new(Outsider::new());
    let (happened, caller) = (events.clone(), outsider.clone());
    let waker = loom::thread::spawn(move || {
        for event in 1..=2 {
            if publish_first {
                happened.store(event, Ordering::Relaxed);
            }
            wake(&caller, true);
            happened.store(event, Ordering::Relaxed);
        }
    });
    block_on(&outsider, &events, 2);
    waker.join().unwrap();
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

fn two_wakers(unpark: bool) {
    let events = Arc::new(AtomicUsize::new(0));
    let outsider = Arc::new(Outsider::new());
    let wakers = [(); 2].map(|()| {
        let (happened, caller) = (events.clone(), outsider.clone());
        loom::thread::spawn(move || {
            happened.fetch_add(1, Ordering::Relaxed);
            wake(&caller, unpark);
        })
    });
    block_on(&outsider, &events, 2);
    for waker in wakers {
        waker.join().unwrap();
    }
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
