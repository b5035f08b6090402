//! Helpers for the tests by promise in `tests/`: waiting for conditions, and counting what could leak.

#[cfg(target_os = "linux")]
pub mod footprint;
pub mod foreign;
#[cfg(doctest)]
mod guide;

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

/// How many threads this process has. One that was joined may still be among them for a moment: the
/// system tells its joiner before it takes it off the list. So wait for a number.
#[cfg(target_os = "linux")]
pub fn threads() -> usize {
    std::fs::read_dir("/proc/self/task").expect("procfs is there").count()
}

/// How many descriptors this process has open.
#[cfg(target_os = "linux")]
pub fn descriptors() -> usize {
    std::fs::read_dir("/proc/self/fd").expect("procfs is there").count()
}

/// Runs a test in a process of its own, for what concerns the whole process. True in that process;
/// false in the one that has started it, once it has succeeded.
#[track_caller]
pub fn in_own_process(test: &str) -> bool {
    const CHILD: &str = "HEIST_TEST_IN_OWN_PROCESS";
    if std::env::var(CHILD).is_ok_and(|child| child == test) {
        return true;
    }
    let output = std::process::Command::new(std::env::current_exe().expect("a test binary"))
        .args([test, "--exact", "--test-threads=1", "--nocapture"])
        .env(CHILD, test)
        .output()
        .expect("cannot start the test binary");
    assert!(
        output.status.success() && String::from_utf8_lossy(&output.stdout).contains("1 passed"),
        "{test} failed in its own process:\n{}\n{}",
        String::from_utf8_lossy(&output.stdout),
        String::from_utf8_lossy(&output.stderr)
    );
    false
}
