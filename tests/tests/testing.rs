//! The helpers for tests do what tests rely on.

use std::process::Command;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::Duration;

use heist::sync::Notify;
use heist::task::{self, Builder};
use heist::testing::{assert_no_leaked_tasks, wait_until_idle};
use heist::time::{Instant, sleep};
use heist_tests::{on_two_workers, panic_message};

#[test]
fn idle_is_when_a_chain_of_wakes_has_come_to_its_end() {
    on_two_workers(async {
        for round in 0..300 {
            let steps = Arc::new(AtomicUsize::new(0));
            let counted = steps.clone();
            let task = heist::spawn(async move {
                for n in 0..round % 20 {
                    let counted = counted.clone();
                    let step = heist::spawn(async move {
                        if n % 2 == 0 {
                            task::yield_now().await;
                        }
                        counted.fetch_add(1, Ordering::SeqCst);
                    });
                    step.await.unwrap();
                }
                std::future::pending::<()>().await;
            });
            wait_until_idle().await;
            assert_eq!(steps.load(Ordering::SeqCst), round % 20);
            task.abort();
            wait_until_idle().await;
            assert_no_leaked_tasks();
            assert!(task.is_finished());
        }
    });
}

#[heist::test(start_paused = true)]
async fn idle_is_not_brought_about_by_time() {
    let start = Instant::now();
    let woken = Arc::new(AtomicBool::new(false));
    let seen = woken.clone();
    let sleeper = heist::spawn(async move {
        sleep(Duration::from_secs(1)).await;
        seen.store(true, Ordering::SeqCst);
    });
    wait_until_idle().await;
    assert!(!woken.load(Ordering::SeqCst) && start.elapsed().is_zero());
    sleeper.await.unwrap();
    let done = Arc::new(AtomicBool::new(false));
    let seen = done.clone();
    task::spawn_blocking(move || {
        std::thread::sleep(Duration::from_millis(20));
        seen.store(true, Ordering::SeqCst);
    });
    wait_until_idle().await;
    assert!(done.load(Ordering::SeqCst), "blocking jobs are waited for");
}

#[heist::test]
async fn leaked_tasks_are_named() {
    assert_no_leaked_tasks();
    let leaked = Builder::new().name("leaked").spawn(sleep(Duration::from_secs(3600)));
    wait_until_idle().await;
    let message = panic_message(assert_no_leaked_tasks);
    for part in ["tasks left behind: 1", "`leaked`", "waits in sleep", "testing.rs"] {
        assert!(message.contains(part), "{message} lacks {part}");
    }
    leaked.abort();
    wait_until_idle().await;
    heist::spawn(async { assert_no_leaked_tasks() }).await.unwrap();
}

#[test]
fn helpers_outside_a_runtime_name_the_mistake() {
    let message = panic_message(assert_no_leaked_tasks);
    assert!(message.contains("no Heist runtime here"), "{message}");
    let message = panic_message(|| futures_lite::future::block_on(wait_until_idle()));
    assert!(message.contains("no Heist runtime here"), "{message}");
}

/// Set where a test is meant to hang, so that its time runs out.
const HANGS: &str = "HEIST_TEST_HANGS";

const BEFORE_HANG: u32 = line!();
async fn hang() {
    if std::env::var_os(HANGS).is_some() {
        let word = Notify::new();
        let stuck = Builder::new().name("stuck").spawn(async move { word.notified().await });
        stuck.await.unwrap();
    }
}

#[heist::test(timeout = "1s")]
async fn a_test_that_hangs_beside_one_worker() {
    hang().await;
}

#[heist::test(flavor = "multi_thread", worker_threads = 2, timeout = "1s")]
async fn a_test_that_hangs_beside_two_workers() {
    hang().await;
}

#[test]
fn a_test_whose_time_runs_out_fails_and_says_where_every_task_stands() {
    for test in ["a_test_that_hangs_beside_one_worker", "a_test_that_hangs_beside_two_workers"] {
        let output = Command::new(std::env::current_exe().unwrap())
            .args([test, "--exact", "--test-threads=1", "--nocapture"])
            .env(HANGS, "1")
            .output()
            .unwrap();
        let said = String::from_utf8_lossy(&output.stdout);
        let errors = String::from_utf8_lossy(&output.stderr);
        assert!(!output.status.success() && said.contains("1 failed"), "{said}{errors}");
        assert!(errors.contains("the test has taken longer than 1s; its tasks:"), "{errors}");
        let stuck = errors.lines().find(|line| line.contains("`stuck`")).expect(&errors);
        // Both in one line of `hang`.
        let place = format!("{}:{}:", file!(), BEFORE_HANG + 4);
        for part in [" waits in Notify::notified at ", ", spawned at "] {
            assert!(stuck.contains(&format!("{part}{place}")), "{stuck} lacks {part}{place}");
        }
        // The failure itself has the place of the test.
        assert!(errors.contains("panicked at tests/tests/testing.rs:"), "{errors}");
    }
}
