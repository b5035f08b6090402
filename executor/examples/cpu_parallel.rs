//! The same computation on one worker and on all of them.
//!
//! asyncio runs on one core, and a computation in it stops everything else; it goes to a pool of
//! processes. Here tasks run on all cores, and so do computations. One that takes longer than about
//! a millisecond gives way now and then, with `consume_budget`, so that its worker can serve others;
//! or it goes to `spawn_blocking`.

mod gallery;

use std::ops::Range;

use gallery::{Stopwatch, scale};
use heist::runtime::Builder;
use heist::task::coop::consume_budget;

/// How many numbers a task looks at.
const CHUNK: u32 = 10_000;

fn main() {
    let _stopwatch = Stopwatch::start();
    let limit = (4e6 * scale()) as u32;
    let mut one = Builder::new_multi_thread();
    one.worker_threads(1);
    // A worker for each core, or as many as HEIST_WORKER_THREADS says.
    let all = Builder::new_multi_thread();
    for (mut builder, name) in [(one, "one worker"), (all, "all workers")] {
        let runtime = builder.build().expect("the system has threads for it");
        let stopwatch = Stopwatch::for_(name);
        let primes = runtime.block_on(primes_below(limit));
        println!("{name}: there are {primes} primes below {limit}");
        drop(stopwatch);
    }
}

/// Counts primes, in as many tasks as there are chunks; whoever is free takes the next.
async fn primes_below(limit: u32) -> usize {
    let chunks = (0..limit).step_by(CHUNK as usize);
    let counts = heist::gather(chunks.map(|start| primes_in(start..limit.min(start + CHUNK))));
    counts.await.into_iter().sum()
}

async fn primes_in(numbers: Range<u32>) -> usize {
    let mut primes = 0;
    for n in numbers {
        primes += usize::from(is_prime(n));
        consume_budget().await;
    }
    primes
}

/// Slowly, but surely.
fn is_prime(n: u32) -> bool {
    n >= 2 && (2..).take_while(|d| d * d <= n).all(|d| n % d != 0)
}
