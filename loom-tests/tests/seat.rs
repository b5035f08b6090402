//! Hand-over of the driver's seat: `worker/parker.rs`.
//!
//! Properties: nobody sleeps beside an empty seat unless the watchdog's alarm is set; turns of the
//! reactor by different workers follow each other; a token brings along what was published before
//! it. Threads: a worker that leaves the reactor, one that parks. Bound: 3 preemptions. It would
//! catch the case in which the one has looked before the other has announced itself, and the seat
//! stays empty for as long as the first one's task blocks.
#![cfg(heist_loom)]

use heist::model::{Idle, Parker, Seat, Unparked};
use heist_loom_tests::{model, must_fail};
use loom::cell::UnsafeCell;
use loom::sync::Arc;
use loom::sync::atomic::{AtomicBool, Ordering};

struct Pool {
    idle: Idle,
    seat: Seat,
    alarm: AtomicBool,
    parks_beside: AtomicBool,
}

fn hand_over(look_first: bool) {
    let pool = Arc::new(Pool {
        idle: Idle::new(2),
        seat: Seat::new(),
        alarm: AtomicBool::new(false),
        parks_beside: AtomicBool::new(false),
    });
    assert!(pool.seat.try_take(0));
    let parking = pool.clone();
    let parking = loom::thread::spawn(move || {
        let _ = parking.idle.park(1, false);
        if !parking.seat.try_take(1) {
            parking.parks_beside.store(true, Ordering::Relaxed);
        }
    });
    // Worker 0 leaves the reactor with a task to poll.
    let parked_before = pool.idle.glance().parked();
    pool.seat.give_up();
    let parked = if look_first { parked_before } else { pool.idle.glance().parked() };
    if parked > 0 {
        pool.alarm.store(true, Ordering::Relaxed);
    }
    parking.join().unwrap();
    let empty = pool.seat.holder().is_none();
    let beside = pool.parks_beside.load(Ordering::Relaxed);
    let alarm = pool.alarm.load(Ordering::Relaxed);
    assert!(!(empty && beside) || alarm, "somebody sleeps beside an empty seat");
}

#[test]
fn an_empty_seat_is_taken_or_watched() {
    model(3, || hand_over(false));
}

#[test]
fn broken_who_looks_before_leaving_leaves_it_unwatched() {
    let test = "broken_who_looks_before_leaving_leaves_it_unwatched";
    must_fail(test, "beside an empty seat", || hand_over(true));
}

/// A wake reaches a worker wherever it waits: on its parker, in the reactor, or on the way.
#[test]
fn a_token_reaches_a_worker_on_its_way_into_the_reactor() {
    model(3, || {
        let parker = Arc::new(Parker::new());
        let notified = Arc::new(AtomicBool::new(false));
        let (unparker, notify) = (parker.clone(), notified.clone());
        let thread = loom::thread::spawn(move || {
            if unparker.unpark() == Unparked::NotifyReactor {
                notify.store(true, Ordering::Release);
            }
        });
        let stayed_out = !parker.begin_driving();
        if !stayed_out {
            // The turn: it ends because of the notification, or there is a token afterwards.
            parker.end_driving();
        }
        thread.join().unwrap();
        let token_left = !parker.begin_driving();
        let reached = stayed_out || token_left || notified.load(Ordering::Acquire);
        assert!(reached, "the wake went nowhere");
    });
}

/// The reactor's own state, which it keeps without a lock of its own.
struct Reactor {
    seat: Seat,
    turns: UnsafeCell<u32>,
}

// SAFETY: whoever holds the seat has the turns alone; that is what the model checks.
unsafe impl Sync for Reactor {}

fn turn(reactor: &Reactor, worker: usize) -> bool {
    let taken = reactor.seat.try_take(worker);
    if taken {
        // SAFETY: the seat is ours.
        reactor.turns.with_mut(|turns| unsafe { *turns += 1 });
        reactor.seat.give_up();
    }
    taken
}

#[test]
fn turns_follow_each_other() {
    model(3, || {
        let reactor = Arc::new(Reactor { seat: Seat::new(), turns: UnsafeCell::new(0) });
        let others = [1, 2].map(|worker| {
            let reactor = reactor.clone();
            loom::thread::spawn(move || turn(&reactor, worker))
        });
        let mut taken = u32::from(turn(&reactor, 0));
        for other in others {
            taken += u32::from(other.join().unwrap());
        }
        // SAFETY: the others have ended.
        assert_eq!(reactor.turns.with(|turns| unsafe { *turns }), taken);
    });
}

struct Parked {
    parker: Parker,
    message: UnsafeCell<u32>,
}

// SAFETY: the token orders the accesses; that is what the model checks.
unsafe impl Sync for Parked {}

/// The token is consumed in time to stay out of the reactor, or in the sleep.
fn pass_a_message(sleeps: bool, publish_first: bool) {
    let parked = Arc::new(Parked { parker: Parker::new(), message: UnsafeCell::new(0) });
    let unparker = parked.clone();
    let unparking = loom::thread::spawn(move || {
        // SAFETY: the other reads after it has had the token.
        let publish = || unparker.message.with_mut(|text| unsafe { *text = 7 });
        if publish_first {
            publish();
        }
        let _ = unparker.parker.unpark();
        if !publish_first {
            publish();
        }
    });
    let has_token = if sleeps {
        parked.parker.park(None);
        true
    } else {
        !parked.parker.begin_driving()
    };
    if has_token {
        // SAFETY: the token has come.
        assert_eq!(parked.message.with(|text| unsafe { *text }), 7);
    } else {
        parked.parker.end_driving();
    }
    unparking.join().unwrap();
}

#[test]
fn a_token_brings_its_message() {
    model(3, || pass_a_message(true, true));
    model(3, || pass_a_message(false, true));
}

#[test]
fn broken_a_message_after_its_token_is_a_race() {
    let test = "broken_a_message_after_its_token_is_a_race";
    must_fail(test, "Causality violation", || pass_a_message(true, false));
}
