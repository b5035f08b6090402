//! Timer entries: firing against polling, resetting, dropping and a change of the owner; filing against a
//! parking owner.
//!
//! Properties: a timer fires or is cancelled, and its entry is not touched after it has said that it
//! fired (loom checks the accesses to node and waker); one whose task has moved is its new owner's, or
//! has fired; an owner that parks wakes for a timer filed by somebody else. Threads: the owner and a
//! task. Bound: 3 preemptions. It would catch an entry that the wheel touches after the sleep could be
//! gone, a timer that stays behind with a worker that is stuck, and an owner that oversleeps.
#![cfg(heist_loom)]

use std::sync::Arc as StdArc;
use std::task::{Context, Wake, Waker};
use std::time::Duration;

use heist_loom_tests::{model, must_fail};
use heist_timer::{Clock, Timers, context, sleep_until};
use loom::sync::atomic::{AtomicBool, Ordering};
use loom::sync::{Arc, Notify};

struct Flag(AtomicBool);

impl Wake for Flag {
    fn wake(self: StdArc<Flag>) {
        self.0.store(true, Ordering::Release);
    }
}

fn timers(rouse: impl Fn(usize) + Send + Sync + 'static) -> StdArc<Timers> {
    Timers::new(Clock::paused(), 2, Box::new(rouse))
}

/// Moves the clock past everything and fires it.
fn fire(timers: &Timers) {
    timers.clock().advance(Duration::from_secs(1));
    timers.advance(0, timers.clock().now());
}

#[test]
fn a_timer_fires_or_is_dropped() {
    model(3, || {
        let timers = timers(|_| {});
        let guard = context::enter(&timers, 0);
        let flag = StdArc::new(Flag(AtomicBool::new(false)));
        let waker = Waker::from(flag.clone());
        let mut cx = Context::from_waker(&waker);
        let mut sleep = Box::pin(sleep_until(timers.clock().now() + Duration::from_millis(5)));
        assert!(sleep.as_mut().poll(&mut cx).is_pending());
        let owner = timers.clone();
        let owner = loom::thread::spawn(move || fire(&owner));
        let ready = sleep.as_mut().poll(&mut cx).is_ready();
        if !ready {
            drop(sleep);
        }
        owner.join().unwrap();
        assert_eq!(timers.len(), 0);
        drop(guard);
    });
}

#[test]
fn a_timer_that_is_reset_fires_once_more() {
    model(3, || {
        let timers = timers(|_| {});
        let guard = context::enter(&timers, 0);
        let flag = StdArc::new(Flag(AtomicBool::new(false)));
        let waker = Waker::from(flag.clone());
        let mut cx = Context::from_waker(&waker);
        let start = timers.clock().now();
        let mut sleep = Box::pin(sleep_until(start + Duration::from_millis(5)));
        assert!(sleep.as_mut().poll(&mut cx).is_pending());
        let owner = timers.clone();
        let owner = loom::thread::spawn(move || fire(&owner));
        // Later than the owner looks: if it has fired by now, the entry is filed anew.
        sleep.as_mut().reset(start + Duration::from_millis(1500));
        assert!(sleep.as_mut().poll(&mut cx).is_pending());
        owner.join().unwrap();
        fire(&timers);
        assert!(flag.0.load(Ordering::Acquire), "the task was not woken");
        assert!(sleep.as_mut().poll(&mut cx).is_ready());
        assert_eq!(timers.len(), 0);
        drop(sleep);
        drop(guard);
    });
}

/// A sleep is filed with one owner and polled again where another one is, while the first fires it, or
/// parks and wakes up for something else. Then the first is stuck, and time goes on for the second alone.
fn change_of_the_owner(fires: bool, follows: bool) {
    let timers = timers(|_| {});
    let deadline = timers.clock().now() + Duration::from_millis(5);
    let mut sleep = Box::pin(sleep_until(deadline));
    let guard = context::enter(&timers, 0);
    assert!(sleep.as_mut().poll(&mut Context::from_waker(Waker::noop())).is_pending());
    drop(guard);
    let first = timers.clone();
    let first = loom::thread::spawn(move || {
        if fires {
            first.advance(0, deadline + Duration::from_millis(5));
        } else {
            let _ = first.begin_park(0);
            first.end_park(0);
        }
    });
    let guard = context::enter(&timers, if follows { 1 } else { 0 });
    let flag = StdArc::new(Flag(AtomicBool::new(false)));
    let waker = Waker::from(flag.clone());
    let ready = sleep.as_mut().poll(&mut Context::from_waker(&waker)).is_ready();
    drop(guard);
    first.join().unwrap();
    timers.clock().advance(Duration::from_secs(1));
    timers.advance(1, timers.clock().now());
    assert!(ready || flag.0.load(Ordering::Acquire), "the task was not woken");
    assert_eq!(timers.len(), 0);
    drop(sleep);
}

#[test]
fn a_timer_follows_its_task_or_has_fired() {
    model(3, || change_of_the_owner(true, true));
}

#[test]
fn a_timer_follows_its_task_away_from_a_worker_that_gets_stuck() {
    model(3, || change_of_the_owner(false, true));
}

#[test]
fn broken_a_timer_that_stays_behind_does_not_fire() {
    let test = "broken_a_timer_that_stays_behind_does_not_fire";
    must_fail(test, "the task was not woken", || change_of_the_owner(false, false));
}

/// An owner that parks until it is roused, unless there is a timer already, against somebody who
/// files one. With the paused clock no deadline wakes it, so it sleeps for ever if it is forgotten.
fn foreign_filing(rouses: bool) {
    let bell = Arc::new(Notify::new());
    let rung = bell.clone();
    let timers = timers(move |_| {
        if rouses {
            rung.notify();
        }
    });
    let guard = context::enter(&timers, 0);
    let owner = timers.clone();
    let owner = loom::thread::spawn(move || {
        let _ = owner.begin_park(0);
        if owner.is_empty() {
            bell.wait();
        }
        owner.end_park(0);
    });
    let mut cx = Context::from_waker(Waker::noop());
    let deadline = timers.clock().now() + Duration::from_millis(5);
    let mut sleep = Box::pin(sleep_until(deadline));
    assert!(sleep.as_mut().poll(&mut cx).is_pending());
    owner.join().unwrap();
    drop(sleep);
    drop(guard);
}

#[test]
fn a_parked_owner_is_roused_for_an_earlier_timer() {
    model(3, || foreign_filing(true));
}

#[test]
fn broken_without_rousing_the_owner_oversleeps() {
    let test = "broken_without_rousing_the_owner_oversleeps";
    must_fail(test, "deadlock", || foreign_filing(false));
}
