//! The helpers for tests do what tests rely on.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::Duration;

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
