//! Tasks end in their own order, and the results of `gather` come in that of its arguments.
//!
//! Takes 2 s, as long as the slower of the two. To have results as they come there is
//! `heist::as_completed`. Where one failure is to end the rest there is a scope.

mod gallery;

use gallery::{Stopwatch, seconds};
use heist::time::sleep;

#[heist::main]
async fn main() {
    let _stopwatch = Stopwatch::start();
    let results = heist::gather([job(1, 2), job(2, 1)]).await;
    println!("Results: {}", results.join(", "));
}

async fn job(n: u32, duration: u32) -> String {
    println!("Task {n} starts");
    sleep(seconds(duration)).await;
    println!("Task {n} completes");
    format!("result of task {n}")
}
