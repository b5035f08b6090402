//! Helpers for the tests by promise in `tests/`: waiting for conditions, and counting what could leak.

use std::time::{Duration, Instant};

/// Runs a test's body on a runtime with two workers, and fails if it does not end in a minute.
#[track_caller]
pub fn on_two_workers<F: Future>(body: F) -> F::Output {
    let runtime = two_workers();
    heist::__private::block_on_with_timeout(&runtime, 60_000, body)
}

/// A runtime with two workers.
pub fn two_workers() -> heist::runtime::Runtime {
    heist::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .build()
        .expect("cannot start a runtime")
}

/// Waits, without blocking a worker, until a condition holds; fails after a minute.
#[track_caller]
pub async fn eventually(what: &str, mut condition: impl FnMut() -> bool) {
    let start = Instant::now();
    while !condition() {
        assert!(start.elapsed() < Duration::from_secs(60), "still not so after a minute: {what}");
        heist::time::sleep(Duration::from_millis(1)).await;
    }
}

/// Waits on this thread until a condition holds; fails after a minute.
#[track_caller]
pub fn eventually_blocking(what: &str, mut condition: impl FnMut() -> bool) {
    let start = Instant::now();
    while !condition() {
        assert!(start.elapsed() < Duration::from_secs(60), "still not so after a minute: {what}");
        std::thread::sleep(Duration::from_millis(1));
    }
}

/// The message of a panic.
#[track_caller]
pub fn panic_message(body: impl FnOnce() + std::panic::UnwindSafe) -> String {
    let payload = std::panic::catch_unwind(body).expect_err("this must panic");
    match payload.downcast::<String>() {
        Ok(message) => *message,
        Err(payload) => (*payload.downcast::<&str>().expect("a message")).to_owned(),
    }
}

/// How many threads this process has.
#[cfg(target_os = "linux")]
pub fn threads() -> usize {
    std::fs::read_dir("/proc/self/task").expect("procfs is there").count()
}

/// How many descriptors this process has open.
#[cfg(target_os = "linux")]
pub fn descriptors() -> usize {
    std::fs::read_dir("/proc/self/fd").expect("procfs is there").count()
}
