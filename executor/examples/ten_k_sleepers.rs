//! Ten thousand tasks that sleep for a second each, all at once. Takes 1 s.
//!
//! A task is one allocation of a few hundred bytes, and a sleep is an entry in a table; ten thousand
//! threads would need gigabytes of stacks.

mod gallery;

use gallery::{Stopwatch, seconds};
use heist::task::JoinSet;
use heist::time::{Instant, sleep};

const TASKS: usize = 10_000;

#[heist::main]
async fn main() {
    let _stopwatch = Stopwatch::start();
    let mut sleepers = JoinSet::new();
    for _ in 0..TASKS {
        sleepers.spawn(async {
            let start = Instant::now();
            sleep(seconds(1)).await;
            // None is woken early.
            start.elapsed() >= seconds(1)
        });
    }
    println!("{} tasks are asleep", sleepers.len());
    let rested = sleepers.join_all().await.into_iter().filter(|rested| *rested).count();
    println!("{rested} tasks have slept their second");
}
