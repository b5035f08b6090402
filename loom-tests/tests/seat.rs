//! Hand-over of the driver's seat: `worker/parker.rs`.
//!
//! Property: nobody sleeps beside an empty seat unless the watchdog's alarm is set. Threads: a
//! worker that leaves the reactor, one that parks. Bound: 3 preemptions. It would catch the case in
//! which the one has looked before the other has announced itself, and the seat stays empty for as
//! long as the first one's task blocks.
#![cfg(heist_loom)]

use heist::model::{Idle, Parker, Seat, Unparked};
use heist_loom_tests::{model, must_fail};
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
