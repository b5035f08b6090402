//! Groups of tasks: a roster against tasks that end, and a cancellation against those who attend.
//!
//! Properties: every member of a roster comes out once and its owner is woken for it; a cancelled
//! task ends, whether it attends before, during or after the request, and cleans up at most once.
//! Threads: a worker, and one or two others. Bound: 3 preemptions. It would catch an end that falls
//! between the owner's look and its registration, a request that nobody sees, and a last attendant
//! that leaves without ending the task.
#![cfg(heist_loom)]

use std::future::{Future, poll_fn};
use std::pin::{Pin, pin};
use std::task::{Context, Poll, Waker};

use heist::model::{Attends, Roster, Tasks};
use heist_loom_tests::{model, must_fail};
use loom::sync::Arc;
use loom::sync::atomic::{AtomicUsize, Ordering};

/// Runs tasks until all have ended.
fn work(tasks: &Tasks) {
    while tasks.alive() > 0 {
        if !tasks.run_one() {
            loom::thread::yield_now();
        }
    }
}

#[test]
fn every_member_comes_out_and_the_owner_is_woken_for_it() {
    model(3, || {
        let tasks = Arc::new(Tasks::default());
        let mut roster = Roster::default();
        roster.insert(tasks.spawn(async { 1 }));
        let worker = tasks.clone();
        let late = tasks.spawn(async { 2 });
        let worker = loom::thread::spawn(move || work(&worker));
        // This one may have ended already.
        roster.insert(late);
        let mut sum = 0;
        while let Some(n) = loom::future::block_on(poll_fn(|cx| roster.poll_next(cx))) {
            sum += n;
        }
        assert_eq!(sum, 3);
        worker.join().unwrap();
    });
}

/// The twin: the owner looks, and waits without having registered.
#[test]
fn broken_an_owner_that_does_not_register_is_seen() {
    must_fail("broken_an_owner_that_does_not_register_is_seen", "deadlock", || {
        let tasks = Arc::new(Tasks::default());
        let mut roster = Roster::default();
        roster.insert(tasks.spawn(async { 1 }));
        let worker = tasks.clone();
        let worker = loom::thread::spawn(move || work(&worker));
        let look = poll_fn(|_| roster.try_next().map_or(Poll::Pending, Poll::Ready));
        assert_eq!(loom::future::block_on(look), 1);
        worker.join().unwrap();
    });
}

/// Cancels a task while a worker polls it; `polled` before that or not.
fn cancel_against_polls(polled: bool) {
    model(3, move || {
        let tasks = Arc::new(Tasks::default());
        let cleaned = Arc::new(AtomicUsize::new(0));
        let counted = cleaned.clone();
        let attends = Attends::new(move || {
            counted.fetch_add(1, Ordering::Relaxed);
        });
        let mut handle = tasks.spawn(attends);
        if polled {
            assert!(tasks.run_one());
        }
        let worker = tasks.clone();
        let worker = loom::thread::spawn(move || work(&worker));
        handle.cancel("first");
        handle.cancel("second");
        worker.join().unwrap();
        let cleaned = cleaned.load(Ordering::Relaxed);
        assert!(if polled { cleaned == 1 } else { cleaned <= 1 });
        let mut cx = Context::from_waker(Waker::noop());
        let Poll::Ready(Err(error)) = Pin::new(&mut handle).poll(&mut cx) else {
            panic!("the task has ended as cancelled")
        };
        assert_eq!(error.reason(), Some("first"));
    });
}

#[test]
fn a_cancelled_task_cleans_up_once_and_ends() {
    cancel_against_polls(true);
}

#[test]
fn a_task_that_begins_to_attend_meanwhile_ends_too() {
    cancel_against_polls(false);
}

#[test]
fn two_attendants_of_which_one_leaves_by_itself_do_not_keep_the_task() {
    model(2, || {
        let tasks = Arc::new(Tasks::default());
        let cleaned = Arc::new(AtomicUsize::new(0));
        let counted = cleaned.clone();
        let handle = tasks.spawn(async move {
            let mut stays = pin!(Attends::new(move || {
                counted.fetch_add(1, Ordering::Relaxed);
            }));
            let mut leaves = Some(Attends::new(|| ()));
            poll_fn(|cx| {
                let _ = stays.as_mut().poll(cx);
                if let Some(mut leaves) = leaves.take() {
                    // Comes, and goes at once.
                    let _ = Pin::new(&mut leaves).poll(cx);
                }
                Poll::<()>::Pending
            })
            .await;
        });
        let worker = tasks.clone();
        let worker = loom::thread::spawn(move || work(&worker));
        handle.cancel("go");
        worker.join().unwrap();
        assert!(cleaned.load(Ordering::Relaxed) <= 1);
        assert!(handle.is_finished());
    });
}

/// The twin: an attendant that does not notice the request.
#[test]
fn broken_an_attendant_that_stays_is_seen() {
    must_fail(
        "broken_an_attendant_that_stays_is_seen",
        "exceeded maximum number of branches",
        || {
            let tasks = Arc::new(Tasks::default());
            let mut attends = Attends::new(|| ());
            let mut polls = 0;
            let deaf = poll_fn(move |cx| {
                polls += 1;
                if polls == 1 { Pin::new(&mut attends).poll(cx) } else { Poll::Pending }
            });
            let handle = tasks.spawn(deaf);
            assert!(tasks.run_one());
            let worker = tasks.clone();
            let worker = loom::thread::spawn(move || work(&worker));
            handle.cancel("go");
            worker.join().unwrap();
        },
    );
}
