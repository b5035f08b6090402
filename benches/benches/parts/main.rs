//! Single parts by themselves: `cargo bench -p heist-benches --bench parts`, with criterion's options
//! behind `--`, such as `--quick` or a part of a name.
//!
//! It tells which part has become slower when the duel says that something has. Deliberately without
//! peers, and without anything that two threads do at once: where parts meet, the duel measures.

mod queues;
mod tasks;
mod timers;

use std::hint::black_box;
use std::time::{Duration, Instant};

use criterion::Criterion;

fn main() {
    let mut criterion = Criterion::default().configure_from_args();
    queues::measure(&mut criterion);
    tasks::measure(&mut criterion);
    timers::measure(&mut criterion);
    criterion.final_summary();
}

/// How long `rounds` calls of `timed` take, each after one of `prepare`, which is not counted.
fn time_after<T>(
    rounds: u64,
    mut prepare: impl FnMut() -> T,
    mut timed: impl FnMut(&mut T),
) -> Duration {
    (0..rounds)
        .map(|_| {
            let mut prepared = prepare();
            let start = Instant::now();
            timed(black_box(&mut prepared));
            start.elapsed()
        })
        .sum()
}
