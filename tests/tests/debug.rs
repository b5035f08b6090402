//! Debug mode: what it reports, and that it is silent otherwise.

#[path = "debug/forgotten.rs"]
mod forgotten;

use std::process::Command;
use std::time::Duration;

use heist::io::{self, AsyncWriteExt, BufStream, BufWriter};
use heist::runtime::{Builder, LocalRuntime};
use heist::task::{LocalSet, TaskState};
use heist::{fs, task, time};
use heist_tests::{eventually, two_workers};

/// Runs a test of this file in a process of its own, and returns its standard error. `None` in
/// that process.
#[track_caller]
fn errors_of(test: &str, debug: &str) -> Option<String> {
    const CHILD: &str = "HEIST_TEST_DEBUG";
    if std::env::var(CHILD).is_ok_and(|child| child == test) {
        return None;
    }
    let output = Command::new(std::env::current_exe().unwrap())
        .args([test, "--exact", "--test-threads=1", "--nocapture"])
        .env(CHILD, test)
        .env("HEIST_DEBUG", debug)
        .output()
        .unwrap();
    let errors = String::from_utf8(output.stderr).unwrap();
    assert!(output.status.success(), "{errors}");
    Some(errors)
}

/// Runs a task whose first poll is slow, and ends it as soon as that is over.
async fn run_slow(name: &str) {
    let slow = heist::task::Builder::new().name(name).spawn(async {
        std::thread::sleep(Duration::from_millis(100));
        heist::time::sleep(Duration::MAX).await;
    });
    let waits = || {
        let tasks = heist::task::all();
        tasks.iter().any(|task| task.id() == slow.id() && task.state() == TaskState::Waiting)
    };
    eventually("its first poll is over", waits).await;
    slow.abort();
    assert!(slow.await.unwrap_err().is_cancelled());
}

#[test]
fn slow_polls_are_reported_once_for_each_place() {
    let Some(errors) = errors_of("slow_polls_are_reported_once_for_each_place", "1") else {
        return two_workers().block_on(async {
            for name in ["first", "second"] {
                run_slow(name).await;
            }
            let elsewhere = heist::spawn(async { std::thread::sleep(Duration::from_millis(100)) });
            elsewhere.await.unwrap();
            let blocking = heist::spawn(async {
                heist::task::block_in_place(|| std::thread::sleep(Duration::from_millis(100)));
            });
            blocking.await.unwrap();
        });
    };
    let reports: Vec<_> = errors.lines().filter(|line| line.contains("kept its worker")).collect();
    assert_eq!(reports.len(), 2, "{errors}");
    assert!(reports[0].contains("`first` (spawned at tests/tests/debug.rs:"), "{errors}");
    assert!(reports[0].contains("which ended in sleep at tests/tests/debug.rs:"), "{errors}");
}

/// A future whose one poll is slow.
async fn slow() {
    std::thread::sleep(Duration::from_millis(100));
}

#[test]
fn slow_polls_of_the_future_of_block_on_are_reported_once_for_each_place() {
    const TEST: &str = "slow_polls_of_the_future_of_block_on_are_reported_once_for_each_place";
    let Some(errors) = errors_of(TEST, "1") else {
        let runtime = two_workers();
        let lone = Builder::new_current_thread().build().unwrap();
        let local = LocalRuntime::new().unwrap();
        for _ in 0..2 {
            runtime.block_on(slow());
            runtime.handle().block_on(slow());
            lone.block_on(slow());
            local.block_on(slow());
        }
        heist::run(slow());
        runtime.block_on(async {
            task::block_in_place(|| std::thread::sleep(Duration::from_millis(100)));
        });
        return;
    };
    let reports = errors.lines().filter(|line| line.contains("the future of `block_on`"));
    let places: Vec<_> = reports.map(|line| line.split(" at ").nth(1).unwrap()).collect();
    assert_eq!(places.len(), 5, "{errors}");
    assert!(places.iter().all(|place| place.starts_with("tests/tests/debug.rs:")), "{errors}");
    assert!(places.iter().all(|place| place.contains(" kept its thread for ")), "{errors}");
}

#[test]
fn a_slow_poll_in_a_local_set_is_reported_as_that_of_its_task() {
    const TEST: &str = "a_slow_poll_in_a_local_set_is_reported_as_that_of_its_task";
    let Some(errors) = errors_of(TEST, "1") else {
        let set = LocalSet::new();
        let in_set = task::Builder::new().name("in a set").spawn_local_on(slow(), &set);
        return set.block_on(&two_workers(), in_set).unwrap();
    };
    let reports: Vec<_> = errors.lines().filter(|line| line.contains(" kept its ")).collect();
    assert_eq!(reports.len(), 1, "{errors}");
    assert!(reports[0].contains("`in a set` (spawned at tests/tests/debug.rs:"), "{errors}");
}

#[test]
fn a_builder_decides_before_the_environment() {
    let Some(errors) = errors_of("a_builder_decides_before_the_environment", "0") else {
        two_workers().block_on(run_slow("silent"));
        let mut builder = heist::runtime::Builder::new_current_thread();
        let debugging = builder.debug(true).build().unwrap();
        debugging.block_on(run_slow("reported"));
        return;
    };
    assert!(errors.contains("`reported`"), "{errors}");
    assert!(!errors.contains("`silent`"), "{errors}");
}

#[test]
fn a_builder_says_what_is_slow() {
    let Some(errors) = errors_of("a_builder_says_what_is_slow", "1") else {
        for (name, threshold) in [("patient", Duration::MAX), ("strict", Duration::from_nanos(1))] {
            let mut builder = heist::runtime::Builder::new_current_thread();
            let runtime = builder.slow_poll_threshold(threshold).build().unwrap();
            runtime.block_on(run_slow(name));
        }
        return;
    };
    assert!(errors.contains("`strict`"), "{errors}");
    assert!(!errors.contains("`patient`"), "{errors}");
}

/// The lines of `errors` that report data which did not arrive.
fn lost(errors: &str) -> Vec<&str> {
    errors.lines().filter(|line| line.contains(" lost")).collect()
}

#[test]
fn without_debug_mode_nothing_is_reported() {
    let Some(errors) = errors_of("without_debug_mode_nothing_is_reported", "0") else {
        let runtime = two_workers();
        runtime.block_on(async {
            forgotten::forget_everything().await;
            write_and_forget().await;
        });
        let handle = runtime.handle().clone();
        drop(runtime);
        drop(handle.spawn(async {}));
        return;
    };
    assert!(!errors.contains("heist: "), "{errors}");
}

/// Writes what is never flushed, twice at each place.
async fn write_and_forget() {
    for _ in 0..2 {
        let mut writer = BufWriter::new(Vec::new());
        writer.write_all(b"12345").await.unwrap();
        drop(writer);
        let mut writer = BufWriter::with_capacity(8, Vec::new());
        writer.write_all(b"too long for it").await.unwrap();
        writer.write_all(b"1234567").await.unwrap();
        assert_eq!(writer.into_inner(), b"too long for it");
        let mut stream = BufStream::new(io::duplex(64).0);
        stream.write_all(b"1").await.unwrap();
        drop(stream);
    }
}

#[test]
fn a_buffered_writer_that_is_not_flushed_is_reported() {
    const TEST: &str = "a_buffered_writer_that_is_not_flushed_is_reported";
    let Some(errors) = errors_of(TEST, "1") else {
        return two_workers().block_on(async {
            write_and_forget().await;
            let mut flushed = BufWriter::new(Vec::new());
            flushed.write_all(b"12345678").await.unwrap();
            flushed.flush().await.unwrap();
            drop(flushed);
            let (near, _far) = io::duplex(64);
            let mut closed = BufStream::new(near);
            closed.write_all(b"12345678").await.unwrap();
            closed.close().await.unwrap();
            drop(closed);
            drop(BufWriter::new(Vec::new()));
        });
    };
    let reports = lost(&errors);
    assert_eq!(reports.len(), 3, "{errors}");
    for (report, bytes) in reports.iter().zip(["lost: 5", "lost: 7", "lost: 1"]) {
        assert!(report.contains("made at tests/tests/debug.rs:"), "{errors}");
        assert!(report.ends_with(bytes), "{errors}");
    }
}

#[cfg(target_os = "linux")]
#[test]
fn a_file_whose_failure_nobody_sees_is_reported() {
    const TEST: &str = "a_file_whose_failure_nobody_sees_is_reported";
    let Some(errors) = errors_of(TEST, "1") else {
        // One thread for all blocking work, so that a job holds up what is to be written.
        let mut builder = heist::runtime::Builder::new_current_thread();
        return builder.max_blocking_threads(1).build().unwrap().block_on(async {
            // Every write to this device fails.
            let full = fs::OpenOptions::new().write(true).clone();
            // Dropped while the write is under way.
            let mut file = full.open("/dev/full").await.unwrap();
            let (go_on, waits) = std::sync::mpsc::channel::<()>();
            let job = heist::task::spawn_blocking(move || waits.recv());
            file.write_all(b"lost").await.unwrap();
            drop(file);
            drop(go_on);
            job.await.unwrap().unwrap_err();
            // Dropped when it has failed.
            let mut file = full.open("/dev/full").await.unwrap();
            file.write_all(b"lost").await.unwrap();
            drop(file.into_std().await);
            // Its failure has been seen.
            let mut file = full.open("/dev/full").await.unwrap();
            file.write_all(b"lost").await.unwrap();
            file.flush().await.unwrap_err();
            drop(file);
            // There is none.
            let mut file = full.open("/dev/null").await.unwrap();
            file.write_all(b"gone").await.unwrap();
            drop(file);
        });
    };
    let reports = lost(&errors);
    assert_eq!(reports.len(), 2, "{errors}");
    for report in reports {
        assert!(report.contains("opened at tests/tests/debug.rs:"), "{errors}");
    }
}

#[test]
fn a_handle_that_is_used_after_the_shutdown_is_reported() {
    const TEST: &str = "a_handle_that_is_used_after_the_shutdown_is_reported";
    let Some(errors) = errors_of(TEST, "1") else {
        let runtime = two_workers();
        let handle = runtime.handle().clone();
        let use_it = || {
            drop(handle.spawn(async {}));
            drop(handle.spawn_blocking(|| ()));
            handle.block_on(async {});
            drop(handle.enter());
        };
        use_it();
        drop(runtime);
        use_it();
        use_it();
        // Looking is no mistake.
        assert!(handle.tasks().is_empty());
        return;
    };
    let reports = errors.lines().filter(|line| line.contains("after the shutdown"));
    let places: Vec<_> = reports.map(|line| line.split(" at ").nth(1).unwrap()).collect();
    assert_eq!(places.len(), 4, "{errors}");
    assert!(places.iter().all(|place| place.starts_with("tests/tests/debug.rs:")), "{errors}");
}

/// Every write to the standard error of this test's process fails.
#[cfg(target_os = "linux")]
#[test]
fn a_report_that_nobody_can_read_is_no_panic() {
    const TEST: &str = "a_report_that_nobody_can_read_is_no_panic";
    const CHILD: &str = "HEIST_TEST_FULL";
    if std::env::var_os(CHILD).is_some() {
        return two_workers().block_on(async {
            let forgets = heist::spawn(async { drop(time::sleep(Duration::from_secs(1))) });
            forgets.await.unwrap();
        });
    }
    let full = std::fs::OpenOptions::new().write(true).open("/dev/full").unwrap();
    let status = Command::new(std::env::current_exe().unwrap())
        .args([TEST, "--exact", "--test-threads=1", "--nocapture"])
        .env(CHILD, "1")
        .env("HEIST_DEBUG", "1")
        .stdout(std::process::Stdio::null())
        .stderr(full)
        .status();
    assert!(status.unwrap().success());
}
