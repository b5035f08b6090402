//! The live set: spawning against the end of a runtime, and dumps against tasks that end.
//! `task/live_set.rs`, `runtime/shutdown.rs`.
//!
//! Properties: a task that is spawned while the runtime ends is run, cancelled in the drain, or
//! cancelled on the spot, so none is left; a dump never meets a task that is gone, and each cell is
//! freed once; a task that ended elsewhere and is given back does not stay behind when its owner parks.
//! Threads: a spawner or a worker, one that ends, dumps or gives back. Bound: 3 preemptions. It
//! would catch a spawn that slips in behind the last look at the set.
#![cfg(heist_loom)]

use std::future::{pending, ready};

use heist::model::{Progress, Tasks};
use heist_loom_tests::{model, must_fail};
use loom::sync::Arc;
use loom::sync::atomic::{AtomicUsize, Ordering, fence};

/// Tells of its end.
struct Witness(Arc<AtomicUsize>);

impl Drop for Witness {
    fn drop(&mut self) {
        self.0.fetch_add(1, Ordering::Relaxed);
    }
}

/// The drain of `runtime/shutdown.rs`.
fn drain(tasks: &Tasks) {
    loop {
        tasks.cancel_round();
        if tasks.alive() == 0 {
            return;
        }
        loom::thread::yield_now();
    }
}

fn a_late_spawn(closes: bool) {
    let tasks = Arc::new(Tasks::default());
    let dropped = Arc::new(AtomicUsize::new(0));
    let (home, witness) = (tasks.clone(), Witness(dropped.clone()));
    let spawner = loom::thread::spawn(move || {
        let future = async move {
            let _witness = witness;
            pending::<()>().await;
        };
        let handle = home.spawn(future);
        drop(handle);
    });
    if closes {
        tasks.close();
    }
    drain(&tasks);
    spawner.join().unwrap();
    assert_eq!(tasks.alive(), 0, "a task outlives its runtime");
    assert_eq!(dropped.load(Ordering::Relaxed), 1);
    assert_eq!(tasks.freed(), 1);
}

#[test]
fn a_spawn_that_meets_the_end_leaves_nothing() {
    model(3, || a_late_spawn(true));
}

#[test]
fn broken_a_set_that_is_not_closed_keeps_a_task() {
    let test = "broken_a_set_that_is_not_closed_keeps_a_task";
    must_fail(test, "outlives its runtime", || a_late_spawn(false));
}

/// A worker takes part in the end: it polls while the others are being cancelled.
#[test]
fn two_who_cancel_meet_at_each_task_once() {
    model(3, || {
        let tasks = Arc::new(Tasks::default());
        let dropped = Arc::new(AtomicUsize::new(0));
        for _ in 0..2 {
            let witness = Witness(dropped.clone());
            let future = async move {
                let _witness = witness;
                pending::<()>().await;
            };
            drop(tasks.spawn(future));
        }
        assert!(tasks.run_one(), "one is idle, the other queued");
        let other = tasks.clone();
        let other = loom::thread::spawn(move || other.cancel_round());
        tasks.close();
        drain(&tasks);
        other.join().unwrap();
        assert_eq!(dropped.load(Ordering::Relaxed), 2);
        assert_eq!(tasks.freed(), 2);
    });
}

/// The middle one of three leaves while the others are being cancelled.
#[test]
fn a_drain_reaches_both_ends_of_the_list() {
    model(3, || {
        let tasks = Arc::new(Tasks::default());
        let handles = [(); 3].map(|()| tasks.spawn(pending::<()>()));
        while tasks.run_one() {}
        let other = tasks.clone();
        let other = loom::thread::spawn(move || {
            handles[1].abort();
            other.run_one();
        });
        tasks.close();
        drain(&tasks);
        other.join().unwrap();
        assert_eq!((tasks.alive(), tasks.freed()), (0, 3));
    });
}

/// A dump holds references while tasks end and leave the set, from its middle and its ends.
fn dump_against_the_end_of_tasks(tasks: Tasks) {
    let tasks = Arc::new(tasks);
    for _ in 0..3 {
        drop(tasks.spawn(ready(())));
    }
    let worker = tasks.clone();
    let worker = loom::thread::spawn(move || {
        while worker.run_one() {}
        worker.retire_all();
    });
    let polls = tasks.dump();
    assert!(polls.len() <= 3 && polls.iter().all(|&polls| polls <= 1));
    worker.join().unwrap();
    assert_eq!((tasks.alive(), tasks.freed()), (0, 3));
}

#[test]
fn a_dump_never_meets_a_task_that_is_gone() {
    model(3, || dump_against_the_end_of_tasks(Tasks::default()));
}

#[test]
fn tasks_may_be_retired_in_batches() {
    model(3, || dump_against_the_end_of_tasks(Tasks::retired_in_batches()));
}

/// A spawn into the set while another thread takes tasks out of it.
#[test]
fn spawning_and_retiring_share_the_list() {
    model(3, || {
        let tasks = Arc::new(Tasks::retired_in_batches());
        for _ in 0..2 {
            drop(tasks.spawn(ready(())));
        }
        while tasks.run_one() {}
        let other = tasks.clone();
        let other = loom::thread::spawn(move || other.retire_all());
        drop(tasks.spawn(ready(())));
        assert!(tasks.run_one());
        other.join().unwrap();
        tasks.retire_all();
        assert_eq!((tasks.alive(), tasks.freed()), (0, 3));
    });
}

/// The twin: who never gives complete tasks back.
#[test]
fn broken_who_does_not_retire_leaks() {
    must_fail("broken_who_does_not_retire_leaks", "a cell is left", || {
        let tasks = Arc::new(Tasks::retired_in_batches());
        drop(tasks.spawn(ready(())));
        let worker = tasks.clone();
        let worker = loom::thread::spawn(move || while worker.run_one() {});
        worker.join().unwrap();
        assert_eq!(tasks.freed(), 1, "a cell is left");
    });
}

/// A worker gives tasks back while their owner comes to the end of a poll and parks.
fn tasks_return(announces_first: bool) {
    let tasks = Arc::new(Tasks::retired_in_batches());
    let owner = Arc::new(Progress::new());
    owner.advance(1);
    for _ in 0..2 {
        drop(tasks.spawn(ready(())));
    }
    while tasks.run_one() {}
    let (home, progress) = (tasks.clone(), owner.clone());
    let worker = loom::thread::spawn(move || home.give_back_all(&progress));
    if announces_first {
        owner.advance(2);
        fence(Ordering::SeqCst);
        tasks.take_back();
    } else {
        tasks.take_back();
        owner.advance(2);
        fence(Ordering::SeqCst);
    }
    worker.join().unwrap();
    assert_eq!(tasks.freed(), 2, "a task stays behind");
}

#[test]
fn no_task_stays_behind_on_its_way_home() {
    model(3, || tasks_return(true));
}

#[test]
fn broken_who_takes_back_before_the_poll_ends_leaves_tasks_behind() {
    let test = "broken_who_takes_back_before_the_poll_ends_leaves_tasks_behind";
    must_fail(test, "stays behind", || tasks_return(false));
}

/// Two batches come home while the owner spawns.
#[test]
fn tasks_come_home_while_others_leave() {
    model(3, || {
        let tasks = Arc::new(Tasks::retired_in_batches());
        let owner = Arc::new(Progress::new());
        owner.advance(1);
        drop(tasks.spawn(ready(())));
        while tasks.run_one() {}
        let (home, progress) = (tasks.clone(), owner.clone());
        let worker = loom::thread::spawn(move || {
            home.give_back_all(&progress);
            while home.run_one() {}
            home.give_back_all(&progress);
        });
        for _ in 0..2 {
            drop(tasks.spawn(ready(())));
        }
        worker.join().unwrap();
        while tasks.run_one() {}
        tasks.give_back_all(&owner);
        assert_eq!((tasks.alive(), tasks.freed()), (0, 3));
    });
}
