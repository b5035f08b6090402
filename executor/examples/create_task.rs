//! Two tasks that are started first and awaited later. Takes 2 s, not 3.
//!
//! `heist::spawn` is `asyncio.create_task`. The task runs from then on, whether anybody awaits it or
//! not. What differs: nobody has to keep a reference to it. A dropped handle lets the task go on by
//! itself, and if it panics then, the panic is reported.

mod gallery;

use gallery::{Stopwatch, seconds};
use heist::time::sleep;

#[heist::main]
async fn main() {
    let _stopwatch = Stopwatch::start();
    let hello = heist::spawn(say_after(1, "hello"));
    let world = heist::spawn(say_after(2, "world"));
    println!("Both are under way");
    // An error here would mean that the task was cancelled or has panicked.
    let hello = hello.await.expect("it only sleeps");
    let world = world.await.expect("it only sleeps");
    println!("They said {hello} and {world}");
}

async fn say_after(delay: u32, what: &'static str) -> &'static str {
    sleep(seconds(delay)).await;
    println!("{what}");
    what
}
