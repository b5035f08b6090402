//! Wakers and references: clones, drops and wakes on foreign threads while the task ends.
//! `task/waker.rs`, `task/header.rs`.
//!
//! Properties: the cell is freed once, by whoever lets go of it last; a wake that meets the end of
//! the task queues nothing. Threads: a worker and one or two that hold wakers. Bound: 3 preemptions.
//! It would catch a reference that is counted too late or not given up, and a wake after completion
//! that queues a task which nobody may touch.
#![cfg(heist_loom)]

use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll, Waker};

use heist::model::Tasks;
use heist_loom_tests::{model, must_fail};
use loom::sync::atomic::{AtomicBool, Ordering};
use loom::sync::{Arc, Mutex};

/// Gives its waker away at the first poll, and is ready at the second.
struct Twice {
    given: bool,
    to: Arc<Mutex<Option<Waker>>>,
}

impl Future for Twice {
    type Output = ();

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        if std::mem::replace(&mut self.given, true) {
            return Poll::Ready(());
        }
        *self.to.lock().unwrap() = Some(cx.waker().clone());
        Poll::Pending
    }
}

/// A task that has been polled once, and its waker.
fn waiting_task() -> (Arc<Tasks>, Waker) {
    let tasks = Arc::new(Tasks::default());
    let to = Arc::new(Mutex::new(None));
    drop(tasks.spawn(Twice { given: false, to: to.clone() }));
    assert!(tasks.run_one());
    let waker = to.lock().unwrap().take().unwrap();
    (tasks, waker)
}

fn run_to_the_end(tasks: &Tasks) {
    while tasks.alive() > 0 {
        if !tasks.run_one() {
            loom::thread::yield_now();
        }
    }
}

#[test]
fn the_last_waker_frees_the_cell() {
    model(3, || {
        let (tasks, waker) = waiting_task();
        let other = waker.clone();
        let cloning = loom::thread::spawn(move || {
            let again = other.clone();
            drop(other);
            drop(again);
        });
        let worker = tasks.clone();
        let worker = loom::thread::spawn(move || run_to_the_end(&worker));
        waker.wake();
        cloning.join().unwrap();
        worker.join().unwrap();
        assert_eq!(tasks.freed(), 1);
    });
}

#[test]
fn two_wakes_queue_the_task_once() {
    model(3, || {
        let (tasks, waker) = waiting_task();
        let other = waker.clone();
        let waking = loom::thread::spawn(move || other.wake());
        let worker = tasks.clone();
        let worker = loom::thread::spawn(move || run_to_the_end(&worker));
        waker.wake_by_ref();
        drop(waker);
        waking.join().unwrap();
        worker.join().unwrap();
        assert!(!tasks.run_one(), "a complete task is queued");
        assert_eq!(tasks.freed(), 1);
    });
}

/// Ready once two others have each done their part; what they did is published by their wakes alone.
struct Both {
    done: Arc<[AtomicBool; 2]>,
    to: Arc<Mutex<Option<Waker>>>,
}

impl Future for Both {
    type Output = ();

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        let mut to = self.to.lock().unwrap();
        to.get_or_insert_with(|| cx.waker().clone());
        // Ordering: Relaxed: it is the task word that must order these.
        let done = self.done.iter().all(|done| done.load(Ordering::Relaxed));
        if done { Poll::Ready(()) } else { Poll::Pending }
    }
}

fn two_wakes_bring_their_data(wakes: [bool; 2]) {
    let tasks = Arc::new(Tasks::default());
    let done = Arc::new([AtomicBool::new(false), AtomicBool::new(false)]);
    let to = Arc::new(Mutex::new(None));
    let handle = tasks.spawn(Both { done: done.clone(), to: to.clone() });
    assert!(tasks.run_one());
    let waker = to.lock().unwrap().clone().unwrap();
    let others = [0, 1].map(|part| {
        let (done, waker) = (done.clone(), waker.clone());
        loom::thread::spawn(move || {
            done[part].store(true, Ordering::Relaxed);
            match (wakes[part], part) {
                (true, 0) => waker.wake(),
                (true, _) => waker.wake_by_ref(),
                (false, _) => {}
            }
        })
    });
    drop(waker);
    // A worker: whatever it leaves, a wake that has not come yet queues again.
    while tasks.run_one() {}
    for other in others {
        other.join().unwrap();
    }
    to.lock().unwrap().take();
    while tasks.run_one() {}
    assert!(handle.is_finished(), "a wake came without its data");
}

#[test]
fn each_wake_brings_its_data() {
    model(3, || two_wakes_bring_their_data([true, true]));
}

#[test]
fn broken_a_change_without_a_wake_goes_unnoticed() {
    let test = "broken_a_change_without_a_wake_goes_unnoticed";
    must_fail(test, "without its data", || two_wakes_bring_their_data([true, false]));
}

/// The wake and the waker's own reference may be the last to go, after the task has ended.
#[test]
fn a_wake_that_comes_too_late_frees_the_cell() {
    model(3, || {
        let (tasks, waker) = waiting_task();
        let other = waker.clone();
        let ending = tasks.clone();
        let ending = loom::thread::spawn(move || {
            ending.close();
            ending.cancel_round();
        });
        let waking = loom::thread::spawn(move || other.wake());
        waker.wake();
        waking.join().unwrap();
        ending.join().unwrap();
        // What was on its way into the queue.
        tasks.cancel_round();
        assert_eq!((tasks.alive(), tasks.freed()), (0, 1));
    });
}

/// Replacing the join waker while the task completes.
#[test]
fn a_joiner_may_change_its_waker_at_any_time() {
    model(3, || {
        let (tasks, waker) = waiting_task();
        let mut join = Box::pin(tasks.spawn(async {}));
        let mut first = Context::from_waker(&waker);
        assert!(join.as_mut().poll(&mut first).is_pending());
        let worker = tasks.clone();
        let worker = loom::thread::spawn(move || assert!(worker.run_one()));
        let mut second = Context::from_waker(Waker::noop());
        let ready = join.as_mut().poll(&mut second).is_ready();
        worker.join().unwrap();
        assert!(ready || join.as_mut().poll(&mut second).is_ready());
        drop(join);
        drop(waker);
        // The task whose waker was lent for joining: woken by that, or not.
        tasks.cancel_round();
        assert_eq!((tasks.alive(), tasks.freed()), (0, 2));
    });
}

/// The twin: a waker whose reference is never given up.
#[test]
fn broken_a_forgotten_waker_keeps_the_cell() {
    must_fail("broken_a_forgotten_waker_keeps_the_cell", "the cell is left", || {
        let (tasks, waker) = waiting_task();
        let worker = tasks.clone();
        let worker = loom::thread::spawn(move || run_to_the_end(&worker));
        waker.wake_by_ref();
        std::mem::forget(waker);
        worker.join().unwrap();
        assert_eq!(tasks.freed(), 1, "the cell is left");
    });
}

/// The twin: wakers that are dropped where they should wake.
#[test]
fn broken_a_wake_that_is_not_made_leaves_the_task_waiting() {
    let test = "broken_a_wake_that_is_not_made_leaves_the_task_waiting";
    must_fail(test, "exceeded maximum number of branches", || {
        let (tasks, waker) = waiting_task();
        let other = waker.clone();
        let forgetting = loom::thread::spawn(move || drop(other));
        let worker = tasks.clone();
        let worker = loom::thread::spawn(move || run_to_the_end(&worker));
        drop(waker);
        forgetting.join().unwrap();
        worker.join().unwrap();
    });
}
