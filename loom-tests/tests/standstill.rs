//! When a paused clock may move: `worker/standstill.rs`.
//!
//! Properties: who has begun sees no time pass until he rests, whether he counted himself or was
//! counted by somebody else; nobody leaps over what was published or sent before a rest; of two workers that
//! leap, the second does not before the first has woken whom it wakes, and one of the two does; a
//! clock that is being paused is no exception; the last to rest is looked after.
//! Threads: one or two that leap, one that begins. Bound: 3 preemptions. It would catch a clock that
//! leaps under a blocking job which began while a worker was looking, as it did once.
#![cfg(heist_loom)]

use heist::model::{Idle, Parker, Seat, Standstill};
use heist_loom_tests::{model, must_fail};
use loom::sync::Arc;
use loom::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

/// A clock of whole numbers, and who keeps it still.
struct World {
    standstill: Standstill,
    time: AtomicUsize,
    paused: AtomicBool,
}

impl World {
    fn new(paused: bool) -> Arc<World> {
        Arc::new(World {
            standstill: Standstill::new(),
            time: AtomicUsize::new(0),
            paused: AtomicBool::new(paused),
        })
    }

    // Ordering: Relaxed, here and below: what keeps the clock still is the standstill alone.
    fn now(&self) -> usize {
        self.time.load(Ordering::Relaxed)
    }

    /// One try, as that of a worker which has parked. True if the clock has moved.
    fn leap(&self) -> bool {
        let leap = || self.time.store(self.now() + 1, Ordering::Relaxed);
        self.standstill.try_leap(|| true, || (), leap)
    }

    /// What a thread does between its beginning and its rest.
    fn run(&self) {
        let begun = self.now();
        loom::thread::yield_now();
        assert_eq!(self.now(), begun, "time passed under a running thread");
    }

    fn settle(&self) {
        self.standstill.settle(|| self.paused.load(Ordering::Relaxed));
    }
}

fn a_leap_meets_who_begins(settles: bool) {
    let world = World::new(true);
    let leaping = world.clone();
    let leaping = loom::thread::spawn(move || {
        if leaping.leap() {
            leaping.standstill.leave();
        }
    });
    world.standstill.enter();
    if settles {
        world.settle();
    }
    world.run();
    world.standstill.leave();
    leaping.join().unwrap();
    assert!(world.leap(), "all are at rest");
}

#[test]
fn no_time_passes_under_who_has_begun() {
    model(3, || a_leap_meets_who_begins(true));
}

#[test]
fn broken_who_does_not_settle_sees_time_pass() {
    let test = "broken_who_does_not_settle_sees_time_pass";
    must_fail(test, "time passed", || a_leap_meets_who_begins(false));
}

/// The clock is paused by a thread that then rests and leaps, while another begins.
fn a_pause_meets_who_begins(pauses_before_leaping: bool) {
    let world = World::new(false);
    let pausing = world.clone();
    let pausing = loom::thread::spawn(move || {
        if pauses_before_leaping {
            pausing.paused.store(true, Ordering::Relaxed);
        }
        if pausing.leap() {
            pausing.standstill.leave();
        }
    });
    world.standstill.enter();
    world.settle();
    world.run();
    world.standstill.leave();
    pausing.join().unwrap();
}

#[test]
fn who_begins_at_the_pausing_is_no_exception() {
    model(3, || a_pause_meets_who_begins(true));
}

#[test]
fn broken_a_clock_that_leaps_unpaused_is_not_waited_for() {
    let test = "broken_a_clock_that_leaps_unpaused_is_not_waited_for";
    must_fail(test, "time passed", || a_pause_meets_who_begins(false));
}

/// A worker's leap to a timer, and the wake that is due then.
fn two_workers_leap(active_until_woken: bool) {
    let world = World::new(true);
    let woken = Arc::new(AtomicUsize::new(0));
    let leap = move |world: &World, woken: &AtomicUsize| {
        let mut fires = 0;
        let leapt = world.standstill.try_leap(
            || true,
            || (),
            || {
                assert_eq!(world.now(), woken.load(Ordering::Relaxed), "a wake was leapt over");
                fires = world.now() + 1;
                world.time.store(fires, Ordering::Relaxed);
            },
        );
        if !leapt {
            return;
        }
        if !active_until_woken {
            world.standstill.leave();
        }
        woken.store(fires, Ordering::Relaxed);
        if active_until_woken {
            world.standstill.leave();
        }
    };
    let other = (world.clone(), woken.clone());
    let other = loom::thread::spawn(move || leap(&other.0, &other.1));
    leap(&world, &woken);
    other.join().unwrap();
}

#[test]
fn no_wake_is_leapt_over() {
    model(3, || two_workers_leap(true));
}

#[test]
fn broken_who_rests_before_it_has_woken_is_leapt_over() {
    let test = "broken_who_rests_before_it_has_woken_is_leapt_over";
    must_fail(test, "leapt over", || two_workers_leap(false));
}

/// What was published before the last has come to rest is found by who would leap over it.
fn work_is_published_before_the_rest(publish_first: bool) {
    let world = World::new(true);
    let work = Arc::new(AtomicBool::new(false));
    world.standstill.enter();
    let leaping = (world.clone(), work.clone());
    let leaping = loom::thread::spawn(move || {
        let (world, work) = leaping;
        let leapt = world.standstill.try_leap(|| !work.load(Ordering::Relaxed), || (), || ());
        assert!(!leapt, "work was leapt over");
    });
    if publish_first {
        work.store(true, Ordering::Relaxed);
    }
    world.standstill.leave();
    if !publish_first {
        work.store(true, Ordering::Relaxed);
    }
    leaping.join().unwrap();
}

#[test]
fn no_work_is_leapt_over() {
    model(3, || work_is_published_before_the_rest(true));
}

#[test]
fn broken_who_rests_before_it_has_published_is_leapt_over() {
    let test = "broken_who_rests_before_it_has_published_is_leapt_over";
    must_fail(test, "leapt over", || work_is_published_before_the_rest(false));
}

/// What was sent before the last has come to rest arrives before the clock leaps.
fn a_message_arrives_first(arrives_in_turn: bool) {
    let world = World::new(true);
    let sent = Arc::new(AtomicBool::new(false));
    world.standstill.enter();
    let leaping = (world.clone(), sent.clone());
    let leaping = loom::thread::spawn(move || {
        let (world, sent) = leaping;
        let receives = || {
            if sent.load(Ordering::Relaxed) {
                world.standstill.enter();
            }
        };
        let leapt = if arrives_in_turn {
            world.standstill.try_leap(|| true, receives, || ())
        } else {
            receives();
            world.standstill.try_leap(|| true, || (), || ())
        };
        assert!(!leapt, "a message was leapt over");
    });
    sent.store(true, Ordering::Relaxed);
    world.standstill.leave();
    leaping.join().unwrap();
}

#[test]
fn what_has_been_sent_arrives_first() {
    model(3, || a_message_arrives_first(true));
}

#[test]
fn broken_who_looks_for_messages_before_its_turn_leaps_over_one() {
    let test = "broken_who_looks_for_messages_before_its_turn_leaps_over_one";
    must_fail(test, "leapt over", || a_message_arrives_first(false));
}

/// A worker parks while the last that is active comes to rest: one of the two sees it, or the clock
/// stands for ever.
fn the_last_rests(leaves_before_rousing: bool) {
    let world = World::new(true);
    let idle = Arc::new(Idle::new(1));
    world.standstill.enter();
    let parking = (world.clone(), idle.clone());
    let parking = loom::thread::spawn(move || {
        let (world, idle) = parking;
        let _ = idle.park(0, false);
        !world.standstill.is_active() && world.leap()
    });
    if leaves_before_rousing {
        world.standstill.leave();
    }
    let roused = idle.choose(|_| 0).is_some();
    if !leaves_before_rousing {
        world.standstill.leave();
    }
    assert!(parking.join().unwrap() || roused, "nobody looks any more");
}

#[test]
fn the_last_to_rest_is_seen() {
    model(3, || the_last_rests(true));
}

#[test]
fn broken_who_rouses_before_leaving_is_not_seen() {
    let test = "broken_who_rouses_before_leaving_is_not_seen";
    must_fail(test, "nobody looks", || the_last_rests(false));
}

/// Two workers that park and would leap, in the seat.
struct Pair {
    idle: Idle,
    seat: Seat,
    parkers: [Parker; 2],
    standstill: Standstill,
    leapt: AtomicBool,
}

impl Pair {
    fn park(&self, worker: usize, looks_again: bool) {
        if self.idle.park(worker, false).parked() < 2 {
            return;
        }
        let unpark = |other: usize| {
            let _ = self.parkers[other].unpark();
        };
        let taken = if looks_again {
            self.seat.take_or_unpark(worker, unpark)
        } else {
            let taken = self.seat.try_take(worker);
            if !taken {
                self.seat.holder().map(unpark);
            }
            taken
        };
        if taken {
            let leap = || self.leapt.store(true, Ordering::Relaxed);
            let _ = self.standstill.try_leap(|| self.idle.all_parked(), || (), leap);
            self.seat.give_up();
        }
    }
}

/// One parks, in the seat finds the other awake again, and leaves; the other parks meanwhile.
fn two_workers_meet_in_the_seat(looks_again: bool) {
    let pair = Arc::new(Pair {
        idle: Idle::new(2),
        seat: Seat::new(),
        parkers: [Parker::new(), Parker::new()],
        standstill: Standstill::new(),
        leapt: AtomicBool::new(false),
    });
    let _ = pair.idle.park(0, false);
    let other = pair.clone();
    let other = loom::thread::spawn(move || other.park(1, looks_again));
    let _ = pair.idle.rouse(0);
    pair.park(0, looks_again);
    other.join().unwrap();
    // With a token, a worker does not sleep, but comes here once more.
    let comes_again = pair.parkers.iter().any(|parker| !parker.begin_driving());
    assert!(pair.leapt.load(Ordering::Relaxed) || comes_again, "nobody leaps");
}

#[test]
fn one_of_two_in_the_seat_leaps() {
    model(3, || two_workers_meet_in_the_seat(true));
}

#[test]
fn broken_who_does_not_look_again_leaves_the_clock() {
    let test = "broken_who_does_not_look_again_leaves_the_clock";
    must_fail(test, "nobody leaps", || two_workers_meet_in_the_seat(false));
}
