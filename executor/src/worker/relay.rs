//! How a worker goes from a thread that is about to block to another: `block_in_place`.
//!
//! It lies in an [`Offer`] until one of two takes it: a thread of the relay's crew, which is called for
//! it and goes on with it, or the one that gave it away, if what blocks is over sooner. So a short
//! block costs a call and no change of threads, and a long one is no longer waited for than it takes to
//! wake a thread. A thread of the crew that has lost its worker stays for a while, for the next one.
//! Deliberately without a limit to the crew: each of its threads was called because another blocks.

use std::io;
use std::sync::Arc;
use std::time::Duration;

use crate::blocking::crew::Crew;
use crate::shim::Mutex;

/// What is taken once, by whoever comes first.
pub struct Offer<W>(Mutex<Option<W>>);

impl<W> Offer<W> {
    /// Takes what is offered, if nobody has.
    pub fn take(&self) -> Option<W> {
        self.0.lock().take()
    }
}

/// See the module's documentation.
pub struct Relay<W> {
    crew: Crew<Arc<Offer<W>>>,
}

impl<W> Relay<W> {
    /// A relay whose threads end after `keep_alive` without a worker.
    pub fn new(keep_alive: Duration) -> Relay<W> {
        // The population counts threads in half a word.
        Relay { crew: Crew::new(u32::MAX as usize, keep_alive) }
    }

    /// Offers a worker, and calls a thread for it; `start` starts one that calls `work`.
    pub fn give(&self, worker: W, start: impl Fn() -> io::Result<()>) -> Arc<Offer<W>> {
        let offer = Arc::new(Offer(Mutex::new(Some(worker))));
        // If there is no thread for it, the worker waits until it is taken back, and the watchdog
        // meanwhile does for it what it does for one whose task does not return.
        let _ = self.crew.submit(offer.clone(), start);
        offer
    }

    /// The life of a thread of the crew; `run` returns when the thread has lost the worker.
    pub fn work(&self, start: impl Fn() -> io::Result<()>, run: impl Fn(W)) {
        let member = self.crew.join();
        let mut next = member.begin(&start);
        while let Some(offer) = next {
            if let Some(worker) = offer.take() {
                run(worker);
            }
            next = member.next(&start);
        }
    }

    /// There is no worker any more that could be given: the threads end.
    pub fn end(&self) {
        self.crew.close();
    }
}

#[cfg(all(test, not(heist_loom)))]
mod tests {
    use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
    use std::time::Instant;

    use super::*;
    use crate::runtime::{Builder, worker_index};
    use crate::task::block_in_place;

    fn eventually(mut condition: impl FnMut() -> bool) {
        let start = Instant::now();
        while !condition() {
            assert!(start.elapsed() < Duration::from_secs(60), "it takes too long");
            std::thread::sleep(Duration::from_micros(100));
        }
    }

    /// No other thread comes before the block is over, and yet the worker goes on.
    #[test]
    fn a_short_block_gets_its_worker_back() {
        let (threads, held) = (AtomicUsize::new(0), Arc::new(AtomicBool::new(true)));
        let holding = held.clone();
        let runtime = Builder::new_multi_thread()
            .worker_threads(1)
            .on_thread_start(move || {
                if threads.fetch_add(1, Ordering::Relaxed) > 0 {
                    eventually(|| !holding.load(Ordering::Relaxed));
                }
            })
            .build()
            .unwrap();
        let task = runtime.spawn(async {
            let inside = block_in_place(worker_index);
            let after = worker_index();
            (inside, after, crate::spawn(async { 7 }).await.unwrap())
        });
        assert_eq!(runtime.block_on(task).unwrap(), (None, Some(0), 7));
        held.store(false, Ordering::Relaxed);
        assert!(runtime.shutdown(Duration::from_secs(60)).is_clean());
    }

    #[test]
    fn threads_that_have_lost_their_worker_serve_again_and_end_with_the_last() {
        let started = Arc::new(AtomicUsize::new(0));
        let starts = started.clone();
        let runtime = Builder::new_multi_thread()
            .worker_threads(1)
            .thread_keep_alive(Duration::from_secs(3600))
            .on_thread_start(move || {
                starts.fetch_add(1, Ordering::Relaxed);
            })
            .build()
            .unwrap();
        for round in 0..100 {
            let task = runtime.spawn(async {
                let ran = Arc::new(AtomicBool::new(false));
                let runs = ran.clone();
                crate::spawn(async move { runs.store(true, Ordering::Relaxed) });
                block_in_place(|| eventually(|| ran.load(Ordering::Relaxed)));
                worker_index()
            });
            assert_eq!(runtime.block_on(task).unwrap(), None, "another thread has it");
            // The first thread was not of the crew.
            let crew = &runtime.handle().scheduler.relay.crew;
            eventually(|| crew.idle_threads() == usize::from(round > 0));
        }
        assert_eq!(started.load(Ordering::Relaxed), 3, "they take turns");
        let report = runtime.shutdown(Duration::from_secs(30));
        assert!(report.elapsed() < Duration::from_secs(30), "a thread is left");
    }
}
