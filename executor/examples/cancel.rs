//! A task is cancelled, cleans up, which itself takes a second, and then ends. Takes 2 s.
//!
//! In asyncio a `CancelledError` is raised inside the task, and the clean-up is a `finally` with an
//! `await` in it. Here the work is dropped where it waits, and what is to follow it is given
//! beforehand, with `with_cleanup`. It follows a result and a panic, too; and it has a time limit.

mod gallery;

use gallery::{Stopwatch, seconds};
use heist::task::{Ending, with_cleanup};
use heist::time::sleep;

#[heist::main]
async fn main() {
    let _stopwatch = Stopwatch::start();
    let task = heist::spawn(with_cleanup(work(), say_goodbye).grace(seconds(5)));
    sleep(seconds(1)).await;
    task.cancel("closing time");
    // The task is awaited as ever; it ends after its clean-up.
    match task.await {
        Ok(()) => println!("Task was done"),
        Err(error) if error.is_cancelled() => {
            println!("Task was cancelled: {}", error.reason().unwrap_or("nobody knows why"));
        }
        Err(error) => println!("Task has failed: {error}"),
    }
}

async fn work() {
    println!("Working");
    sleep(seconds(3600)).await;
    println!("This is not reached");
}

async fn say_goodbye(ending: Ending) {
    if let Ending::Cancelled(reason) = ending {
        println!("Cleaning up, because of {reason}");
    }
    sleep(seconds(1)).await;
    println!("Cleaned up");
}
