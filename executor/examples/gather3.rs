//! Three waits at once. Takes 2 s; one after the other they take 6: see `sync_baseline`.
//!
//! `heist::gather` is `asyncio.gather`: each future becomes a task, and the results come in the
//! order of the futures. What differs: tasks run on all cores, so that the three lines "Starting"
//! may come in any order when there is more than one worker.

mod gallery;

use gallery::{Stopwatch, seconds};
use heist::time::sleep;

#[heist::main]
async fn main() {
    let _stopwatch = Stopwatch::start();
    heist::gather((1..=3).map(job)).await;
}

/// An `async fn` is a coroutine: to call it does nothing yet but make a future.
async fn job(n: u32) {
    println!("Starting {n}");
    sleep(seconds(2)).await;
    println!("Finished {n}");
}
