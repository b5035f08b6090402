//! A call that blocks for two seconds, while a ticker goes on ticking. Takes 2 s.
//!
//! `task::spawn_blocking` is `asyncio.to_thread`: the call runs on a thread of a pool that grows when
//! it must. What differs: a blocking call that is made in a task all the same holds up that task
//! alone; the others of its worker are taken over by another one.

mod gallery;

use gallery::{Stopwatch, seconds, ticking};
use heist::task::spawn_blocking;

#[heist::main]
async fn main() {
    let _stopwatch = Stopwatch::start();
    let call = spawn_blocking(blocking_call);
    // Both wait in this one task, and the ticks come every 100 ms all the while.
    let answer = ticking(seconds(0.1), call).await.expect("the call does not panic");
    println!("The call returned {answer}");
}

/// What a driver of a database does, or a library that computes for long.
fn blocking_call() -> u32 {
    println!("The call blocks its thread");
    std::thread::sleep(seconds(2));
    42
}
