//! A runtime that has nothing to do does nothing: it wakes up for what is pending, and that once.
//!
//! A runtime that wakes up too often passes every other test, so this one counts.

use std::time::{Duration, Instant};

use heist::runtime::{Runtime, RuntimeMetrics};
use heist_tests::{eventually_blocking, two_workers};

/// How long nothing must happen. Whatever would wake a runtime for nothing does so in milliseconds.
const WATCHED: Duration = Duration::from_millis(300);

/// A runtime whose threads have all been started and are parked again.
fn warm() -> Runtime {
    let runtime = two_workers();
    let compute = |n: u64| async move {
        for step in 0..100_000 {
            std::hint::black_box(step ^ n);
        }
        heist::time::sleep(Duration::from_millis(n % 5)).await;
    };
    for task in (0..200).map(|n| runtime.spawn(compute(n))).collect::<Vec<_>>() {
        runtime.block_on(task).unwrap();
    }
    runtime
}

/// The count of parks, once it has stood still for a while.
fn settled(metrics: &RuntimeMetrics) -> u64 {
    let mut last = (metrics.park_count(), Instant::now());
    eventually_blocking("the workers stay parked", || {
        if metrics.park_count() != last.0 {
            last = (metrics.park_count(), Instant::now());
        }
        last.1.elapsed() >= WATCHED
    });
    last.0
}

#[test]
fn an_idle_runtime_stays_parked() {
    let runtime = warm();
    let metrics = runtime.handle().metrics();
    let parks = settled(&metrics);
    std::thread::sleep(WATCHED);
    assert_eq!(metrics.park_count(), parks);
}

#[test]
fn a_pending_sleep_wakes_nobody_and_its_end_one_worker() {
    let runtime = warm();
    let metrics = runtime.handle().metrics();
    let before = settled(&metrics);
    let pending = runtime.spawn(heist::time::sleep(Duration::from_secs(3600)));
    // For the spawn a worker wakes up, and parks again until the hour is over.
    let waiting = settled(&metrics);
    assert!((before + 1..=before + 2).contains(&waiting), "{} parks", waiting - before);
    // One more for the next spawn, and one for the end of that sleep, if it is not over before the
    // worker runs.
    runtime.block_on(runtime.spawn(heist::time::sleep(Duration::from_millis(20)))).unwrap();
    let after = settled(&metrics);
    assert!((waiting + 1..=waiting + 4).contains(&after), "{} parks", after - waiting);
    pending.abort();
}

#[test]
fn ten_thousand_wakes_of_one_task_wake_no_crowd() {
    let runtime = warm();
    let metrics = runtime.handle().metrics();
    let before = settled(&metrics);
    let start = Instant::now();
    runtime
        .block_on(runtime.spawn(async {
            for _ in 0..10_000 {
                heist::task::yield_now().await;
            }
        }))
        .unwrap();
    // Where the system takes the worker's CPU away, the watchdog sends another one, at most twice in
    // a millisecond.
    let looks = 2 * start.elapsed().as_millis() as u64;
    let parks = settled(&metrics) - before;
    assert!(parks <= 10 + looks, "{parks} parks for a task that only ever wakes itself");
}
