//! How workers go to sleep and are woken: `executor/src/worker/SLEEPING.md`.
//!
//! Properties: what is published to the injector is taken, whatever the workers do meanwhile, and by a
//! parked worker if the others are inside polls. Threads: one or two workers and a publisher. Bound:
//! 3 preemptions. It would catch a wake that is skipped because of a stale look at the idle word: a
//! worker then sleeps for ever, which loom reports as a deadlock.
#![cfg(heist_loom)]

use heist::model::{Idle, Injector, Parker, Roused, Unparked};
use heist_loom_tests::{model, must_fail};
use loom::sync::Arc;
use loom::sync::atomic::{AtomicUsize, Ordering};

struct Pool {
    idle: Idle,
    injector: Injector<u32>,
    parkers: Vec<Parker>,
    taken: AtomicUsize,
}

impl Pool {
    fn new(workers: usize) -> Arc<Pool> {
        Arc::new(Pool {
            idle: Idle::new(workers),
            injector: Injector::new(),
            parkers: (0..workers).map(|_| Parker::new()).collect(),
            taken: AtomicUsize::new(0),
        })
    }

    fn unpark(&self, worker: usize) {
        assert_eq!(self.parkers[worker].unpark(), Unparked::Done);
    }

    fn wake_one(&self) {
        if let Some(worker) = self.idle.choose_if_needed(|_| 0) {
            self.unpark(worker);
        }
    }

    /// As `Scheduler::inject`; a broken twin leaves out the fence.
    fn publish(&self, item: u32, fence: bool) {
        self.injector.push(item);
        let seen = if fence { self.idle.look() } else { self.idle.glance() };
        if seen.wants_wake() {
            self.wake_one();
        }
    }

    /// As the worker's loop, until so many items have been taken by all.
    fn work(&self, me: usize, items: usize, look_again: bool) {
        let mut searching = false;
        while self.taken.load(Ordering::Acquire) < items {
            if self.injector.pop().is_some() {
                if self.taken.fetch_add(1, Ordering::AcqRel) + 1 == items {
                    // The others may end, too.
                    for other in 0..self.parkers.len() {
                        self.unpark(other);
                    }
                }
                if std::mem::take(&mut searching)
                    && self.idle.end_search()
                    && !self.injector.is_empty()
                {
                    self.wake_one();
                }
                continue;
            }
            let _ = self.idle.park(me, std::mem::take(&mut searching));
            if !look_again || self.injector.is_empty() {
                self.parkers[me].park(None);
            }
            searching = self.idle.rouse(me) == Roused::Chosen;
        }
    }
}

fn one_worker(fence: bool, look_again: bool) {
    let pool = Pool::new(1);
    let worker = pool.clone();
    let worker = loom::thread::spawn(move || worker.work(0, 1, look_again));
    pool.publish(1, fence);
    worker.join().unwrap();
}

#[test]
fn a_worker_that_parks_does_not_miss_what_is_published() {
    model(3, || one_worker(true, true));
}

#[test]
fn broken_without_the_publishers_fence_a_worker_sleeps_on() {
    must_fail("broken_without_the_publishers_fence_a_worker_sleeps_on", "deadlock", || {
        one_worker(false, true);
    });
}

#[test]
fn broken_without_the_second_look_a_worker_sleeps_on() {
    must_fail("broken_without_the_second_look_a_worker_sleeps_on", "deadlock", || {
        one_worker(true, false);
    });
}

/// A worker that looks for the work of others counts as searching, and publishers rely on it: so
/// it must take that back when it parks.
fn a_searcher_parks(takes_it_back: bool) {
    let pool = Pool::new(1);
    let worker = pool.clone();
    let worker = loom::thread::spawn(move || {
        loop {
            assert!(worker.idle.begin_search());
            if worker.injector.pop().is_some() {
                // The last searcher owes a wake for what else there is.
                assert!(worker.idle.end_search());
                return;
            }
            let _ = worker.idle.park(0, takes_it_back);
            if worker.injector.is_empty() {
                worker.parkers[0].park(None);
            }
            if worker.idle.rouse(0) == Roused::Chosen {
                let _ = worker.idle.end_search();
            }
        }
    });
    pool.publish(1, true);
    worker.join().unwrap();
}

#[test]
fn a_searcher_that_parks_is_not_relied_on() {
    model(3, || a_searcher_parks(true));
}

#[test]
fn broken_a_searcher_that_goes_on_counting_is_relied_on_in_vain() {
    let test = "broken_a_searcher_that_goes_on_counting_is_relied_on_in_vain";
    must_fail(test, "deadlock", || a_searcher_parks(false));
}

/// The tasks of two items wait for each other, so they must be polled at the same time: a worker
/// that sleeps beside an item while the other is inside a poll is one too many.
fn both_items_find_a_worker(passes_on: bool) {
    let pool = Pool::new(2);
    let workers: Vec<_> = (0..2)
        .map(|me| {
            let pool = pool.clone();
            loom::thread::spawn(move || {
                let mut searching = false;
                while pool.injector.pop().is_none() {
                    let _ = pool.idle.park(me, searching);
                    if pool.injector.is_empty() {
                        pool.parkers[me].park(None);
                    }
                    searching = pool.idle.rouse(me) == Roused::Chosen;
                }
                if searching && pool.idle.end_search() && passes_on && !pool.injector.is_empty() {
                    pool.wake_one();
                }
                pool.taken.fetch_add(1, Ordering::AcqRel);
                while pool.taken.load(Ordering::Acquire) < 2 {
                    loom::thread::yield_now();
                }
            })
        })
        .collect();
    pool.publish(1, true);
    pool.publish(2, true);
    for worker in workers {
        worker.join().unwrap();
    }
}

#[test]
fn a_second_item_finds_a_second_worker() {
    model(3, || both_items_find_a_worker(true));
}

#[test]
fn broken_without_passing_the_wake_on_the_second_item_lies() {
    let test = "broken_without_passing_the_wake_on_the_second_item_lies";
    must_fail(test, "exceeded maximum number of branches", || both_items_find_a_worker(false));
}

#[test]
fn two_workers_take_two_items() {
    model(2, || {
        let pool = Pool::new(2);
        let workers: Vec<_> = (0..2)
            .map(|me| {
                let pool = pool.clone();
                loom::thread::spawn(move || pool.work(me, 2, true))
            })
            .collect();
        pool.publish(1, true);
        pool.publish(2, true);
        for worker in workers {
            worker.join().unwrap();
        }
    });
}
