//! Panics of foreign code, wherever the runtime calls it: futures, destructors, hooks, jobs. None of
//! them takes a thread of the runtime, another task, or the orderly end with it. Wakers have a file
//! of their own, `wakers.rs`.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use heist::runtime::Builder;
use heist_tests::foreign::{MEANT, assert_sound, fail, hush};
use heist_tests::{eventually, eventually_blocking, in_own_process, two_workers};

async fn fails() {
    fail("a future")
}

#[test]
fn tasks_that_panic_leave_the_others_alone() {
    hush();
    struct Bomb;
    impl Drop for Bomb {
        fn drop(&mut self) {
            if !std::thread::panicking() {
                fail("a destructor");
            }
        }
    }
    let unread = Arc::new(AtomicUsize::new(0));
    let counted = unread.clone();
    let runtime = Builder::new_multi_thread()
        .worker_threads(2)
        .on_unhandled_failure(move |failure| {
            assert!(failure.to_string().contains(MEANT), "{failure}");
            counted.fetch_add(1, Ordering::SeqCst);
        })
        .build()
        .unwrap();
    runtime.block_on(async {
        for n in 0..500 {
            let in_poll = heist::spawn(async move {
                if n % 2 == 0 {
                    heist::task::yield_now().await;
                }
                fails().await;
            });
            let in_drop = heist::spawn(async {
                let _bomb = Bomb;
                heist::task::yield_now().await;
            });
            let dropped_early = heist::spawn(async {
                let _bomb = Bomb;
                std::future::pending::<()>().await;
            });
            let in_output = heist::spawn(async { Bomb });
            let in_job = heist::task::spawn_blocking(|| -> () { fail("a job") });
            dropped_early.abort();
            assert!(in_poll.await.unwrap_err().is_panic());
            assert!(in_drop.await.unwrap_err().is_panic());
            assert!(in_job.await.unwrap_err().is_panic());
            drop(in_output);
            drop(heist::spawn(fails()));
            let aborted = dropped_early.await.unwrap_err();
            assert!(aborted.is_panic() || aborted.is_cancelled());
        }
        let metrics = heist::runtime::Handle::current().metrics();
        eventually("every task has ended", || metrics.num_alive_tasks() == 0).await;
    });
    assert_eq!(unread.load(Ordering::SeqCst), 500);
    assert_sound(runtime);
}

#[test]
fn hooks_that_panic_take_no_thread_along() {
    if !in_own_process("hooks_that_panic_take_no_thread_along") {
        return;
    }
    hush();
    let threads = heist_tests::threads();
    type Set = fn(&mut Builder);
    let hooks: [(&str, Set); 8] = [
        ("on_thread_start", |b| _ = b.on_thread_start(|| fail("a hook"))),
        ("on_thread_stop", |b| _ = b.on_thread_stop(|| fail("a hook"))),
        ("on_thread_park", |b| _ = b.on_thread_park(|| fail("a hook"))),
        ("on_thread_unpark", |b| _ = b.on_thread_unpark(|| fail("a hook"))),
        ("on_task_spawn", |b| _ = b.on_task_spawn(|_| fail("a hook"))),
        ("on_task_terminate", |b| _ = b.on_task_terminate(|_| fail("a hook"))),
        ("on_unhandled_failure", |b| _ = b.on_unhandled_failure(|_| fail("a hook"))),
        ("thread_name_fn", |b| _ = b.thread_name_fn(|| fail("a hook"))),
    ];
    for (name, set) in hooks {
        for flavour in [Builder::new_multi_thread, Builder::new_current_thread] {
            eprintln!("{name}");
            let mut builder = flavour();
            set(builder.worker_threads(2));
            let runtime = builder.build().unwrap();
            runtime.block_on(async {
                drop(heist::spawn(fails()));
                let metrics = heist::runtime::Handle::current().metrics();
                eventually("every task has ended", || metrics.num_alive_tasks() == 0).await;
            });
            assert_sound(runtime);
        }
    }
    eventually_blocking("every thread has gone", || heist_tests::threads() == threads);
}

#[test]
fn a_panic_behind_a_worker_that_was_given_away_is_its_tasks_alone() {
    hush();
    let runtime = two_workers();
    runtime.block_on(async {
        for _ in 0..300 {
            let panicked = heist::spawn(async {
                heist::task::block_in_place(|| {
                    // Once more, on a thread that has no worker to give away.
                    heist::task::block_in_place(|| fail("in place"))
                })
            });
            let other = heist::spawn(heist::task::yield_now());
            assert!(panicked.await.unwrap_err().is_panic());
            other.await.unwrap();
        }
    });
    assert_sound(runtime);
}

#[test]
fn inherited_values_may_panic_when_they_are_dropped() {
    hush();
    struct Value;
    impl Drop for Value {
        fn drop(&mut self) {
            fail("a value's destructor");
        }
    }
    heist::inherited! { static VALUE: Value; }
    let runtime = two_workers();
    for _ in 0..20 {
        runtime.block_on(async {
            let (release, released) = heist::sync::oneshot::channel::<()>();
            // The child outlives the scope, and nobody holds its handle: it drops the value.
            let child = async { drop(heist::spawn(async { released.await.unwrap() })) };
            VALUE.scope(Value, child).await;
            release.send(()).unwrap();
        });
    }
    assert_sound(runtime);
}

#[test]
fn a_future_that_panics_in_block_on_leaves_the_runtime_usable() {
    hush();
    for flavour in [Builder::new_multi_thread, Builder::new_current_thread] {
        let runtime = flavour().worker_threads(2).start_paused(true).build().unwrap();
        for n in 0..20 {
            let panicked = catch_unwind(AssertUnwindSafe(|| {
                runtime.block_on(async {
                    if n % 2 == 0 {
                        heist::spawn(heist::task::yield_now()).await.unwrap();
                    }
                    fails().await;
                })
            }));
            assert!(panicked.is_err());
        }
        // Whoever panicked is not counted as under way, which would keep the clock still.
        runtime.block_on(heist::time::sleep(Duration::from_secs(3600)));
        assert_sound(runtime);
    }
}

#[test]
fn a_current_thread_runtime_ends_after_its_future_has_panicked() {
    // Once the tasks that had ended just before were never taken out of their set, and the end waited
    // for them.
    hush();
    let runtime = Builder::new_current_thread().build().unwrap();
    for _ in 0..3 {
        runtime.spawn(async {});
    }
    let panicked = catch_unwind(AssertUnwindSafe(|| {
        runtime.block_on(async {
            heist::task::yield_now().await;
            fails().await;
        });
    }));
    assert!(panicked.is_err());
    assert_eq!(runtime.metrics().num_alive_tasks(), 0);
    assert!(runtime.shutdown(Duration::from_secs(60)).is_clean());
}
