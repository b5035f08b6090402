//! The end of a runtime: telling the workers, and the drain by the last one. `runtime/shutdown.rs`,
//! `Scheduler::begin_closing`.
//!
//! Properties: a worker ends although it was about to park; a task that is spawned at this moment
//! is cancelled by the drain or on the spot, and its joiner learns of it; who ends the runtime is
//! left with the drain by nobody. Threads: a worker, a spawner, one or two that end the runtime.
//! Bound: 3 preemptions. It would catch a worker that sleeps through the end, a drain that goes by
//! the queues instead of the live set and so leaves a task that is between the two, and one in the
//! middle of a poll, which it would wait for.
#![cfg(heist_loom)]

use std::future::pending;

use heist::model::{Idle, Parker, Roused, Tasks, Unparked};
use heist_loom_tests::{model, must_fail};
use loom::sync::atomic::{AtomicBool, Ordering};
use loom::sync::{Arc, Mutex};

/// The parts of a scheduler with one worker that matter here.
struct Runtime {
    tasks: Tasks,
    idle: Idle,
    parker: Parker,
    closing: AtomicBool,
}

impl Runtime {
    fn new() -> Arc<Runtime> {
        Arc::new(Runtime {
            tasks: Tasks::default(),
            idle: Idle::new(1),
            parker: Parker::new(),
            closing: AtomicBool::new(false),
        })
    }

    /// As `Scheduler::begin_closing`.
    fn begin_closing(&self, unparks: bool) {
        self.tasks.close();
        self.closing.store(true, Ordering::Release);
        if unparks {
            assert_eq!(self.parker.unpark(), Unparked::Done);
        }
    }

    fn is_closing(&self) -> bool {
        self.closing.load(Ordering::Acquire)
    }

    /// As `worker::run` and `shutdown::leave`; what is queued wakes nobody here.
    fn work(&self, asks_the_live_set: bool) {
        while !self.is_closing() {
            if self.tasks.run_one() {
                continue;
            }
            let _ = self.idle.park(0, false);
            if !self.is_closing() {
                self.parker.park(None);
            }
            assert_eq!(self.idle.rouse(0), Roused::ByItself);
        }
        loop {
            self.tasks.cancel_round();
            if !asks_the_live_set || self.tasks.alive() == 0 {
                return;
            }
            loom::thread::yield_now();
        }
    }
}

fn a_worker_is_told(unparks: bool) {
    let runtime = Runtime::new();
    let worker = runtime.clone();
    let worker = loom::thread::spawn(move || worker.work(true));
    runtime.begin_closing(unparks);
    worker.join().unwrap();
}

#[test]
fn a_worker_that_parks_is_told_of_the_end() {
    model(3, || a_worker_is_told(true));
}

#[test]
fn broken_a_worker_that_is_not_unparked_sleeps_through_the_end() {
    let test = "broken_a_worker_that_is_not_unparked_sleeps_through_the_end";
    must_fail(test, "deadlock", || a_worker_is_told(false));
}

fn a_spawn_meets_the_end(asks_the_live_set: bool) {
    let runtime = Runtime::new();
    let worker = runtime.clone();
    let worker = loom::thread::spawn(move || worker.work(asks_the_live_set));
    let spawner = runtime.clone();
    let spawner = loom::thread::spawn(move || spawner.tasks.spawn(pending::<()>()));
    runtime.begin_closing(true);
    worker.join().unwrap();
    let handle = spawner.join().unwrap();
    assert!(handle.is_finished(), "a task outlives its runtime");
    drop(handle);
    assert_eq!((runtime.tasks.alive(), runtime.tasks.freed()), (0, 1));
}

#[test]
fn a_spawn_at_the_end_is_cancelled() {
    model(3, || a_spawn_meets_the_end(true));
}

#[test]
fn broken_a_drain_that_goes_by_the_queue_leaves_a_task() {
    let test = "broken_a_drain_that_goes_by_the_queue_leaves_a_task";
    must_fail(test, "outlives its runtime", || a_spawn_meets_the_end(false));
}

/// Who waits for a task when the runtime ends is woken by the drain.
#[test]
fn a_joiner_learns_of_the_end() {
    model(2, || {
        let runtime = Runtime::new();
        let worker = runtime.clone();
        let handle = runtime.tasks.spawn(pending::<()>());
        let worker = loom::thread::spawn(move || worker.work(true));
        let ending = runtime.clone();
        let ending = loom::thread::spawn(move || ending.begin_closing(true));
        assert!(loom::future::block_on(handle).unwrap_err().is_cancelled());
        ending.join().unwrap();
        worker.join().unwrap();
        assert_eq!((runtime.tasks.alive(), runtime.tasks.freed()), (0, 1));
    });
}

/// The end of a runtime with two workers, of which one has no thread.
struct Leaving {
    dormant: Mutex<Option<usize>>,
    workers_left: Mutex<usize>,
    closing: AtomicBool,
    turn: Mutex<()>,
}

impl Leaving {
    /// As `shutdown::leave`: true for the last, who drains.
    fn leave(&self) -> bool {
        let mut left = self.workers_left.lock().unwrap();
        *left -= 1;
        *left == 0
    }

    /// As `Scheduler::begin_closing`.
    fn begin_closing(&self, in_turn: bool) {
        let _turn = in_turn.then(|| self.turn.lock().unwrap());
        if self.closing.load(Ordering::Acquire) {
            return;
        }
        let dormant = self.dormant.lock().unwrap().take();
        if dormant.is_some() {
            assert!(!self.leave(), "drained by who ends it");
        }
        self.closing.store(true, Ordering::Release);
    }
}

/// A failure and a shutdown come to the end of a runtime at the same time.
fn two_end_a_runtime(in_turn: bool) {
    let leaving = Arc::new(Leaving {
        dormant: Mutex::new(Some(1)),
        workers_left: Mutex::new(2),
        closing: AtomicBool::new(false),
        turn: Mutex::new(()),
    });
    let worker = leaving.clone();
    let worker = loom::thread::spawn(move || {
        while !worker.closing.load(Ordering::Acquire) {
            loom::thread::yield_now();
        }
        worker.leave()
    });
    let failing = leaving.clone();
    let failing = loom::thread::spawn(move || failing.begin_closing(in_turn));
    leaving.begin_closing(in_turn);
    failing.join().unwrap();
    assert!(worker.join().unwrap(), "drained by nobody");
}

#[test]
fn the_drain_is_a_workers_whoever_ends_the_runtime() {
    model(3, || two_end_a_runtime(true));
}

#[test]
fn broken_out_of_turn_the_drain_is_left_to_who_ends_the_runtime() {
    let test = "broken_out_of_turn_the_drain_is_left_to_who_ends_the_runtime";
    must_fail(test, "drained by who ends it", || two_end_a_runtime(false));
}
