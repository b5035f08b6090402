//! How workers go to sleep and are woken: `executor/src/worker/SLEEPING.md`.
//!
//! Property: what is published to the injector is taken, whatever the workers do meanwhile.
//! Threads: one or two workers and a publisher. Bound: 3 preemptions. It would catch a wake that is
//! skipped because of a stale look at the idle word: a worker then sleeps for ever, which loom
//! reports as a deadlock.
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
        if let Some(worker) = self.idle.choose_if_needed(None) {
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
            if !(look_again && !self.injector.is_empty()) {
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
