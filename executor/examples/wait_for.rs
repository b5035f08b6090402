//! A long task under a time limit: `asyncio.wait_for`. Takes 5 s instead of an hour.
//!
//! When the time is up the future is dropped, there and then. That runs the destructors of all
//! that it holds, so by the time the caller learns of the time-out its files are closed and its locks
//! are free. A future cannot refuse, as a coroutine can that catches `CancelledError`.

mod gallery;

use gallery::{Stopwatch, seconds};
use heist::time::{sleep, timeout};

#[heist::main]
async fn main() {
    let _stopwatch = Stopwatch::start();
    match timeout(seconds(5), long_task()).await {
        Ok(()) => println!("The task is done"),
        Err(_elapsed) => println!("The task took too long"),
    }
}

async fn long_task() {
    let _desk = Desk;
    println!("The task begins");
    sleep(seconds(3600)).await;
    println!("The task ends, after an hour");
}

/// What the task holds while it works.
struct Desk;

impl Drop for Desk {
    fn drop(&mut self) {
        println!("The task's desk is cleared");
    }
}
