//! Three tasks that each hold a lock for a second. Takes 3 s.
//!
//! `sync::Mutex` is `asyncio.Lock`, but holds what it protects: nobody can reach the value without
//! the lock. Who waits first is served first. A lock that is held over no `await` can be a
//! `std::sync::Mutex` just as well, and is faster then.

mod gallery;

use std::sync::Arc;

use gallery::{Stopwatch, seconds};
use heist::sync::Mutex;
use heist::time::sleep;

#[heist::main]
async fn main() {
    let _stopwatch = Stopwatch::start();
    let total = Arc::new(Mutex::new(0));
    heist::gather((1..=3).map(|n| add(n, total.clone()))).await;
    println!("The total is {}", total.lock().await);
}

async fn add(n: u32, total: Arc<Mutex<u32>>) {
    let mut total = total.lock().await;
    println!("Task {n} has the lock");
    // Without the lock, the others would read the same total now, and one sum would be lost.
    let sum = *total + n;
    sleep(seconds(1)).await;
    *total = sum;
    println!("Task {n} gives it up");
    // As the guard is dropped, at the end of its scope, the lock is free: there is no `async with`.
}
