//! Three waits, one after the other, with nothing asynchronous about them. Takes 6 s.
//!
//! This is what `gather3` is to be held against. Each wait blocks the only thread that there is.

mod gallery;

use gallery::{Stopwatch, seconds};

fn main() {
    let _stopwatch = Stopwatch::start();
    for n in 1..=3 {
        job(n);
    }
}

fn job(n: u32) {
    println!("Starting {n}");
    std::thread::sleep(seconds(2));
    println!("Finished {n}");
}
