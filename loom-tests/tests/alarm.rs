//! The watchdog's alarm: `worker/watchdog.rs` and `worker/alarm.rs`.
//!
//! Property: when a worker is busy and another parked, the alarm is set, whoever silenced it
//! meanwhile; a poll that asked for a close look gets it, whoever puts the alarm off; and once it rings
//! for ever, the watchdog ends. Threads: a worker that wakes up or asks, one
//! that parks as the last or stands in, or the watchdog itself. Bound: 3 preemptions. It would catch an alarm that
//! is silenced on the ground of a stale look at the idle word: a poll that does not end then keeps
//! its worker's timers and the reactor for itself.
#![cfg(heist_loom)]

use std::cell::Cell;
use std::time::{Duration, Instant};

use heist::model::{Idle, Progress, Watchdog};
use heist_loom_tests::{model, must_fail};
use loom::sync::Arc;
use loom::sync::atomic::{AtomicBool, Ordering};

struct Pool {
    idle: Idle,
    watchdog: Watchdog,
}

fn pool() -> Arc<Pool> {
    Arc::new(Pool { idle: Idle::new(2), watchdog: Watchdog::new().unwrap() })
}

/// Worker 1 comes out of its sleep: `end_park`.
fn wake_up(pool: &Pool) {
    let _ = pool.idle.rouse(1);
    pool.watchdog.worker_wakes(&pool.idle);
}

/// Worker 0 parks as the last one while worker 1 wakes up. The next timer is due so much later, if
/// there is one.
fn the_last_parks(looks_again: bool, next: Option<Duration>) {
    let pool = pool();
    let next = next.map(|after| Instant::now() + after);
    pool.watchdog.worker_parks(&pool.idle, pool.idle.park(1, false), None);
    let waking = pool.clone();
    let waking = loom::thread::spawn(move || wake_up(&waking));
    let word = pool.idle.park(0, false);
    if looks_again || word.parked() < 2 {
        pool.watchdog.worker_parks(&pool.idle, word, next);
    } else {
        pool.watchdog.all_idle(next);
    }
    waking.join().unwrap();
    let soon = Instant::now() + Duration::from_secs(60);
    assert!(pool.watchdog.looks_at().is_some_and(|at| at < soon), "a busy worker is not watched");
}

#[test]
fn silencing_does_not_hit_a_worker_that_wakes_up() {
    model(3, || the_last_parks(true, None));
    model(3, || the_last_parks(true, Some(Duration::from_secs(3600))));
}

#[test]
fn broken_without_a_second_look_a_busy_worker_is_not_watched() {
    let test = "broken_without_a_second_look_a_busy_worker_is_not_watched";
    must_fail(test, "is not watched", || the_last_parks(false, None));
}

/// The alarm rings while every worker is parked, and worker 1 wakes up.
fn the_watchdog_looks(look_first: bool) {
    let pool = pool();
    for worker in [0, 1] {
        let _ = pool.idle.park(worker, false);
    }
    // As after a close look that nobody needs any more.
    pool.watchdog.look_closely(Instant::now());
    let watching = pool.clone();
    let watching = loom::thread::spawn(move || {
        let all_parked_before = watching.idle.all_parked();
        watching.watchdog.wait();
        if !(look_first && all_parked_before) {
            let now = Instant::now();
            let _ = watching.watchdog.come_back(&watching.idle, now, Duration::from_millis(1));
        }
    });
    wake_up(&pool);
    watching.join().unwrap();
    assert!(pool.watchdog.looks_at().is_some(), "a busy worker is not watched");
}

#[test]
fn the_watchdog_comes_back_for_a_worker_that_wakes_up() {
    model(3, || the_watchdog_looks(false));
}

#[test]
fn broken_a_look_before_the_ring_misses_a_worker() {
    let test = "broken_a_look_before_the_ring_misses_a_worker";
    must_fail(test, "is not watched", || the_watchdog_looks(true));
}

/// A worker asks for a close look while another one stands in for the watchdog.
fn one_stands_in(looks_again: bool) {
    let pool = pool();
    let asking = Arc::new(Progress::new());
    let now = Instant::now();
    // About to ring, for a poll that has ended.
    pool.watchdog.look_closely(now);
    asking.advance(1);
    let (other, progress) = (pool.clone(), asking.clone());
    let other = loom::thread::spawn(move || {
        progress.watch();
        other.watchdog.look_closely(now);
    });
    let looks = Cell::new(0);
    let _ = pool.watchdog.stand_in(now, || {
        looks.set(looks.get() + 1);
        (looks_again || looks.get() == 1) && asking.is_watched()
    });
    other.join().unwrap();
    let soon = now + Duration::from_micros(50);
    assert!(pool.watchdog.looks_at().is_some_and(|at| at <= soon), "a poll is not looked at");
}

#[test]
fn a_close_look_is_not_put_off() {
    model(3, || one_stands_in(true));
}

#[test]
fn broken_without_a_second_look_a_close_look_is_put_off() {
    let test = "broken_without_a_second_look_a_close_look_is_put_off";
    must_fail(test, "is not looked at", || one_stands_in(false));
}

/// Shutdown begins while a worker asks for a close look, which starts the watchdog's thread, and then
/// parks as the last and silences the alarm.
fn the_end(rings: bool) {
    let pool = pool();
    let closing = Arc::new(AtomicBool::new(false));
    let _ = pool.idle.park(1, false);
    let (working, told) = (pool.clone(), closing.clone());
    let working = loom::thread::spawn(move || {
        working.watchdog.look_closely(Instant::now());
        let watching = working.watchdog.wants_thread().then(|| {
            let watching = working.clone();
            loom::thread::spawn(move || {
                loop {
                    watching.watchdog.wait();
                    if told.load(Ordering::Acquire) {
                        break;
                    }
                }
            })
        });
        working.watchdog.worker_parks(&working.idle, working.idle.park(0, false), None);
        if let Some(watching) = watching {
            watching.join().unwrap();
        }
    });
    closing.store(true, Ordering::Release);
    if rings {
        pool.watchdog.end();
    }
    working.join().unwrap();
}

#[test]
fn the_watchdog_ends() {
    model(3, || the_end(true));
}

#[test]
fn broken_without_the_last_ring_the_watchdog_stays() {
    must_fail("broken_without_the_last_ring_the_watchdog_stays", "deadlock", || the_end(false));
}
