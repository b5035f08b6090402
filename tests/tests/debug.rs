//! Debug mode: what it reports, and that it is silent otherwise.

use std::process::Command;
use std::time::Duration;

use heist::task::TaskState;
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
