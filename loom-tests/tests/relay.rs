//! A worker that is given away while its thread blocks. `worker/relay.rs`.
//!
//! Properties: one thread at a time has the worker, and sees what the one before did with it; it is
//! never lost, be it that a thread comes for it or that it is taken back; a block that lasts keeps nobody
//! from it; every thread ends. Threads: the first one, which has the worker, and those of the crew.
//! Bound: 3 preemptions. It would catch a thread that goes on with a worker which another has taken, and a
//! worker for which nobody comes.
#![cfg(heist_loom)]

use std::io;
use std::time::Duration;

use heist::model::Relay;
use heist_loom_tests::{model, must_fail};
use loom::cell::UnsafeCell;
use loom::sync::atomic::{AtomicBool, Ordering};
use loom::sync::{Arc, Mutex};
use loom::thread::JoinHandle;

const NEVER: Duration = Duration::MAX;
const AT_ONCE: Duration = Duration::ZERO;

/// What only the thread that has the worker touches: how often it was run.
type Worker = Arc<UnsafeCell<u32>>;

struct House {
    relay: Relay<Worker>,
    /// So many runs give the worker away again in their middle, without waiting for anybody.
    blocks: u32,
    /// Whether the worker has run at all since it was first given away.
    ran: AtomicBool,
    ended: Mutex<Option<u32>>,
    threads: Mutex<Vec<JoinHandle<()>>>,
}

impl House {
    fn new(blocks: u32, keep_alive: Duration) -> Arc<House> {
        Arc::new(House {
            relay: Relay::new(keep_alive),
            blocks,
            ran: AtomicBool::new(false),
            ended: Mutex::new(None),
            threads: Mutex::new(Vec::new()),
        })
    }

    fn start(house: &Arc<House>) -> io::Result<()> {
        let held = house.clone();
        let thread = loom::thread::spawn(move || {
            held.relay.work(|| House::start(&held), |worker| House::run(&held, worker));
        });
        house.threads.lock().unwrap().push(thread);
        Ok(())
    }

    /// The life of a worker on a thread: it is given away while it blocks, if it still does, and
    /// goes on with whoever has it then, to its end.
    fn run(house: &Arc<House>, worker: Worker) {
        // SAFETY: nobody else has the worker; loom fails if that is not so.
        let times = worker.with_mut(|times| unsafe {
            *times += 1;
            *times
        });
        house.ran.store(times > 1, Ordering::Relaxed);
        if times <= house.blocks {
            let offer = house.relay.give(worker, || House::start(house));
            let Some(worker) = offer.take() else { return };
            return House::run(house, worker);
        }
        *house.ended.lock().unwrap() = Some(times);
        house.relay.end();
    }

    fn end(&self) {
        loop {
            let Some(thread) = self.threads.lock().unwrap().pop() else { break };
            thread.join().unwrap();
        }
        let times = self.ended.lock().unwrap().expect("the worker has come to its end");
        assert_eq!(times, self.blocks + 1, "the worker was had by two");
    }
}

fn given_away(blocks: u32, keep_alive: Duration) {
    let house = House::new(blocks, keep_alive);
    House::run(&house, Worker::default());
    house.end();
}

#[test]
fn a_worker_is_taken_by_a_thread_or_taken_back() {
    model(3, || given_away(1, NEVER));
    model(3, || given_away(1, AT_ONCE));
}

#[test]
fn a_worker_may_be_given_away_again_by_whoever_has_it() {
    model(2, || given_away(2, NEVER));
    model(2, || given_away(2, AT_ONCE));
}

/// What blocks waits for what only the worker can do.
#[test]
fn a_worker_is_not_waited_for_by_a_block_that_lasts() {
    model(3, || {
        let house = House::new(1, NEVER);
        let worker = Worker::default();
        // SAFETY: nobody else has the worker yet.
        worker.with_mut(|times| unsafe { *times = 1 });
        let offer = house.relay.give(worker, || House::start(&house));
        while !house.ran.load(Ordering::Relaxed) {
            loom::thread::yield_now();
        }
        assert!(offer.take().is_none());
        house.end();
    });
}

/// The twin: the first thread goes on with the worker as soon as it no longer blocks.
#[test]
fn broken_who_does_not_ask_goes_on_with_a_worker_that_another_has() {
    let test = "broken_who_does_not_ask_goes_on_with_a_worker_that_another_has";
    must_fail(test, "the worker was had by two", || {
        let house = House::new(0, NEVER);
        let worker = Worker::default();
        let _offer = house.relay.give(worker.clone(), || House::start(&house));
        House::run(&house, worker);
        house.end();
    });
}
