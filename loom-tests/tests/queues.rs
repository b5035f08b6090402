//! The queues: a worker against thieves, a thief against thieves, and the injector.
//!
//! Property: each item is taken once, by whoever, with what its pusher wrote. Threads: a worker and
//! one or two thieves, or two pushers and two takers. Bound: 3 preemptions. The queues themselves
//! are stand-ins here (crossbeam's spin, which loom cannot), so this is about how they are used:
//! stealing into a queue from which others steal at the same time, and what a look is worth. It
//! would catch a user who takes a queue that looked full for one that still is.
#![cfg(heist_loom)]

use heist::model::{Injector, LocalQueue, Stealer};
use heist_loom_tests::{model, must_fail};
use loom::sync::Arc;

/// Everything that is left in a queue.
fn drain(queue: &LocalQueue<u32>) -> Vec<u32> {
    std::iter::from_fn(|| queue.pop()).collect()
}

/// As a searching worker: half of another's queue to one's own, from which others may steal.
fn steal(from: &Stealer<u32>, to: &LocalQueue<u32>) -> Vec<u32> {
    let mut taken: Vec<u32> = from.steal_half(to, 4).into_iter().collect();
    taken.extend(drain(to));
    taken
}

fn assert_each_once(mut taken: Vec<u32>, all: u32) {
    taken.sort_unstable();
    assert!(taken.iter().copied().eq(0..all), "taken: {taken:?}");
}

#[test]
fn a_worker_and_two_thieves_take_each_item_once() {
    model(3, || {
        let queue = LocalQueue::new();
        queue.push(0);
        let thieves = [(); 2].map(|()| {
            let stealer = queue.stealer();
            loom::thread::spawn(move || steal(&stealer, &LocalQueue::new()))
        });
        queue.push(1);
        queue.push(2);
        let mut taken: Vec<u32> = queue.pop().into_iter().collect();
        for thief in thieves {
            taken.extend(thief.join().unwrap());
        }
        taken.extend(drain(&queue));
        assert_each_once(taken, 3);
    });
}

#[test]
fn what_is_stolen_can_be_stolen_again() {
    model(3, || {
        let queue = LocalQueue::new();
        (0..4).for_each(|item| queue.push(item));
        let (from, thief) = (queue.stealer(), LocalQueue::new());
        let from_the_thief = thief.stealer();
        let first = loom::thread::spawn(move || steal(&from, &thief));
        let second = loom::thread::spawn(move || steal(&from_the_thief, &LocalQueue::new()));
        let mut taken: Vec<u32> = queue.pop().into_iter().collect();
        taken.extend(first.join().unwrap());
        taken.extend(second.join().unwrap());
        taken.extend(drain(&queue));
        assert_each_once(taken, 4);
    });
}

#[test]
fn two_pushers_and_two_takers_share_the_injector() {
    model(2, || {
        let injector = Arc::new(Injector::new());
        let pushing = injector.clone();
        let pushing = loom::thread::spawn(move || pushing.push(0));
        let takers = [(); 2].map(|()| {
            let injector = injector.clone();
            loom::thread::spawn(move || {
                let queue = LocalQueue::new();
                let mut taken: Vec<u32> = injector.pop_batch(&queue, 4).into_iter().collect();
                taken.extend(drain(&queue));
                taken
            })
        });
        injector.push(1);
        injector.push(2);
        pushing.join().unwrap();
        let mut taken: Vec<u32> = Vec::new();
        for taker in takers {
            taken.extend(taker.join().unwrap());
        }
        taken.extend(std::iter::from_fn(|| injector.pop()));
        assert_each_once(taken, 3);
    });
}

#[test]
fn the_injector_keeps_the_order_of_each_pusher() {
    model(3, || {
        let injector = Arc::new(Injector::new());
        let pushing = injector.clone();
        let pushing = loom::thread::spawn(move || (0..3).for_each(|item| pushing.push(item)));
        let mut taken: Vec<u32> = (0..2).filter_map(|_| injector.pop()).collect();
        pushing.join().unwrap();
        taken.extend(std::iter::from_fn(|| injector.pop()));
        assert_eq!(taken, [0, 1, 2]);
    });
}

/// The twin: a worker that believes its own look.
#[test]
fn broken_what_was_seen_in_a_queue_may_be_gone() {
    must_fail("broken_what_was_seen_in_a_queue_may_be_gone", "somebody was quicker", || {
        let queue = LocalQueue::new();
        queue.push(0);
        let stealer = queue.stealer();
        let thief = loom::thread::spawn(move || steal(&stealer, &LocalQueue::new()));
        if !queue.is_empty() {
            let _ = queue.pop().expect("somebody was quicker");
        }
        thief.join().unwrap();
    });
}
