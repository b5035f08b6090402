//! One event lets three waiting tasks go on. Takes 1 s.
//!
//! `sync::Event` is `asyncio.Event`: it stays set, so who comes late does not wait.

mod gallery;

use std::sync::Arc;

use gallery::{Stopwatch, seconds};
use heist::sync::Event;
use heist::time::sleep;

#[heist::main]
async fn main() {
    let _stopwatch = Stopwatch::start();
    let start = Arc::new(Event::new());
    let runners: Vec<_> = (1..=3).map(|n| heist::spawn(run(n, start.clone()))).collect();
    sleep(seconds(1)).await;
    println!("Go!");
    start.set();
    for runner in runners {
        runner.await.expect("a runner only runs");
    }
    // The event is still set.
    run(4, start).await;
}

async fn run(n: u32, start: Arc<Event>) {
    println!("Runner {n} is ready");
    start.wait().await;
    println!("Runner {n} runs");
}
