//! `Builder::unhandled_panic`: a failure that nobody handles brings its runtime down, everybody in
//! `block_on` is told of it, and nothing is left.

use std::cell::{Cell, RefCell};
use std::future::pending;
use std::panic::{AssertUnwindSafe, Location, catch_unwind};
use std::rc::Rc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Once};
use std::time::Duration;

use heist::runtime::{Builder, Handle, Runtime, ShutdownPolicy, UnhandledPanic};
use heist::task::{self, BlockingPool, JoinHandle, LocalSet};
use heist_tests::footprint::Footprint;
use heist_tests::foreign::{fail, hush};
use heist_tests::{eventually_blocking, in_own_process, two_workers};

const POLICY: &str = "unhandled_panic(ShutdownRuntime)";

thread_local! {
    /// The line and the words of the last panic of this thread.
    static PANIC: RefCell<Option<(u32, String)>> = const { RefCell::new(None) };
}

/// The words of a `block_on` that ends by a failure, whose panic must be at the line of this call.
#[track_caller]
fn comes_down<R>(f: impl FnOnce() -> R) -> String {
    static ONCE: Once = Once::new();
    hush();
    ONCE.call_once(|| {
        let before = std::panic::take_hook();
        std::panic::set_hook(Box::new(move |info| {
            let line = info.location().map_or(0, Location::line);
            PANIC.set(Some((line, info.to_string())));
            before(info);
        }));
    });
    assert!(catch_unwind(AssertUnwindSafe(f)).is_err(), "the runtime has not come down");
    let (line, words) = PANIC.take().expect("the hook was called");
    assert!(words.contains(POLICY), "{words}");
    assert_eq!(line, Location::caller().line(), "{words}");
    words
}

/// Of both flavours, with two workers where there are workers, and silent.
fn fragile() -> [Builder; 2] {
    [Builder::new_multi_thread(), Builder::new_current_thread()].map(|mut builder| {
        builder.worker_threads(2).on_unhandled_failure(|_| ());
        builder.unhandled_panic(UnhandledPanic::ShutdownRuntime);
        builder
    })
}

async fn fails() {
    fail("a broken invariant")
}

/// A task that has failed, with the handle by which it might be joined.
fn failed(runtime: &Runtime) -> JoinHandle<()> {
    let task = runtime.spawn(fails());
    runtime.block_on(async {
        while !task.is_finished() {
            task::yield_now().await;
        }
    });
    task
}

#[test]
fn who_is_in_block_on_is_told_what_has_failed_and_where() {
    for mut builder in fragile() {
        let runtime = builder.build().unwrap();
        let line = line!() + 2;
        let spawn = async {
            drop(task::Builder::new().name("broken").spawn(fails()));
            pending::<()>().await;
        };
        let words = comes_down(|| runtime.block_on(spawn));
        let place = format!("unhandled.rs:{line}:");
        for part in ["`broken`", &place, "a broken invariant"] {
            assert!(words.contains(part), "{words} lacks {part}");
        }
        let polled = Cell::new(false);
        let again = comes_down(|| runtime.block_on(async { polled.set(true) }));
        assert!(again.contains("`broken`") && !polled.get(), "{again}");
        let again = comes_down(|| runtime.handle().block_on(async { polled.set(true) }));
        assert!(again.contains("`broken`") && !polled.get(), "{again}");
    }
}

#[test]
fn everybody_in_block_on_is_told() {
    for mut builder in fragile() {
        let runtime = &builder.build().unwrap();
        let begun = AtomicUsize::new(0);
        let wait = || async {
            begun.fetch_add(1, Ordering::SeqCst);
            pending::<()>().await;
        };
        std::thread::scope(|threads| {
            for n in 0..4 {
                threads.spawn(move || match n {
                    0 => comes_down(|| runtime.handle().block_on(wait())),
                    _ => comes_down(|| runtime.block_on(wait())),
                });
            }
            eventually_blocking("all wait", || begun.load(Ordering::SeqCst) == 4);
            runtime.spawn(fails());
        });
    }
}

#[test]
fn what_somebody_joins_is_handled() {
    for mut builder in fragile() {
        let runtime = builder.build().unwrap();
        runtime.block_on(async {
            assert!(heist::spawn(fails()).await.is_err());
            assert!(task::spawn_blocking(|| fail("a job")).await.is_err());
            let kept = heist::spawn(fails()).await.unwrap_err();
            let mut set = task::JoinSet::new();
            set.spawn(fails());
            assert!(set.join_next().await.unwrap().unwrap_err().is_panic());
            drop(kept);
            heist::spawn(async {}).await.unwrap();
        });
        assert!(runtime.shutdown(Duration::from_secs(60)).is_clean());
    }
}

#[test]
fn the_failure_is_told_of_before_the_end() {
    for mut builder in fragile() {
        let told = Arc::new(AtomicUsize::new(0));
        let telling = told.clone();
        builder.on_unhandled_failure(move |failure| {
            assert!(!heist::spawn(pending::<()>()).is_finished(), "the end comes after this");
            assert!(failure.to_string().contains("a broken invariant"));
            telling.fetch_add(1, Ordering::SeqCst);
        });
        let runtime = builder.build().unwrap();
        // Inside: whoever gives the handle up after the failure is the one who tells of it.
        let fail = async {
            drop(heist::spawn(fails()));
            pending::<()>().await;
        };
        comes_down(|| runtime.block_on(fail));
        assert_eq!(told.load(Ordering::SeqCst), 1);
    }
}

#[test]
fn a_hook_that_panics_does_not_save_the_runtime() {
    for mut builder in fragile() {
        let runtime = builder.on_unhandled_failure(|_| fail("a hook")).build().unwrap();
        runtime.spawn(fails());
        let words = comes_down(|| runtime.block_on(pending::<()>()));
        assert!(words.contains("a broken invariant"), "{words}");
    }
}

#[test]
fn tasks_are_cancelled_and_spawns_refused() {
    for mut builder in fragile() {
        let runtime = builder.max_blocking_threads(1).build().unwrap();
        let alive = Arc::new(());
        let held = alive.clone();
        let inside = runtime.enter();
        let bystander = task::Builder::new().name("bystander").spawn(async move {
            let _held = held;
            pending::<()>().await;
        });
        drop(inside);
        let (begin, begun) = std::sync::mpsc::channel();
        let (release, released) = std::sync::mpsc::channel::<()>();
        let running = runtime.spawn_blocking(move || {
            begin.send(()).unwrap();
            released.recv().is_err()
        });
        begun.recv().unwrap();
        let queued = runtime.spawn_blocking(|| ());
        runtime.spawn(fails());
        comes_down(|| runtime.block_on(pending::<()>()));

        assert!(futures_lite::future::block_on(bystander).unwrap_err().is_cancelled());
        assert_eq!(Arc::strong_count(&alive), 1, "its future has been dropped");
        assert!(futures_lite::future::block_on(queued).unwrap_err().is_cancelled());
        assert!(runtime.spawn(async {}).is_finished());
        assert!(runtime.spawn_blocking(|| ()).is_finished());
        drop(release);
        assert!(futures_lite::future::block_on(running).unwrap(), "what runs goes on to its end");

        let report = runtime.shutdown(ShutdownPolicy::drain(Duration::MAX).wait(Duration::MAX));
        let cancelled: Vec<_> = report.cancelled().iter().map(|task| task.name()).collect();
        assert_eq!(cancelled, [Some("bystander")], "{report}");
        assert!(report.remaining().is_empty(), "{report}");
    }
}

#[test]
fn the_future_is_dropped_inside_the_runtime_and_may_panic_then() {
    struct Spawns<'a>(&'a Cell<bool>);
    impl Drop for Spawns<'_> {
        fn drop(&mut self) {
            self.0.set(heist::spawn(async {}).is_finished() && !std::thread::panicking());
            fail("a destructor");
        }
    }
    for mut builder in fragile() {
        let runtime = builder.build().unwrap();
        let refused = Cell::new(false);
        let future = async {
            let _spawns = Spawns(&refused);
            drop(heist::spawn(fails()));
            pending::<()>().await;
        };
        comes_down(|| runtime.block_on(future));
        assert!(refused.get(), "its destructor finds a runtime that has shut down");
    }
}

#[test]
fn a_failure_in_the_last_poll_counts() {
    for mut builder in fragile() {
        let runtime = builder.build().unwrap();
        let task = failed(&runtime);
        comes_down(|| runtime.block_on(async { drop(task) }));
    }
}

#[test]
fn the_loss_of_the_handle_counts_wherever_it_is() {
    for mut builder in fragile() {
        // While somebody waits.
        let runtime = &builder.build().unwrap();
        let task = failed(runtime);
        let begun = AtomicBool::new(false);
        let wait = async {
            begun.store(true, Ordering::SeqCst);
            pending::<()>().await;
        };
        std::thread::scope(|threads| {
            threads.spawn(|| comes_down(|| runtime.block_on(wait)));
            eventually_blocking("it waits", || begun.load(Ordering::SeqCst));
            drop(task);
        });

        // While nobody does.
        let runtime = builder.build().unwrap();
        let alive = Arc::new(());
        let held = alive.clone();
        let bystander = runtime.spawn(async move {
            let _held = held;
            pending::<()>().await;
        });
        drop(failed(&runtime));
        comes_down(|| runtime.block_on(async {}));
        assert!(futures_lite::future::block_on(bystander).unwrap_err().is_cancelled());
        assert_eq!(Arc::strong_count(&alive), 1);

        // When the runtime is gone.
        let runtime = builder.build().unwrap();
        let task = failed(&runtime);
        assert!(runtime.shutdown(Duration::from_secs(60)).is_clean());
        drop(task);
    }
}

#[test]
fn a_blocking_job_that_fails_counts() {
    for mut builder in fragile() {
        let runtime = builder.build().unwrap();
        runtime.spawn_blocking(|| fail("a job"));
        let words = comes_down(|| runtime.block_on(pending::<()>()));
        assert!(words.contains("a job"), "{words}");

        let runtime = builder.build().unwrap();
        let pool = BlockingPool::builder("jobs").build_on(runtime.handle());
        drop(pool.try_spawn(|| fail("a job")));
        let words = comes_down(|| runtime.block_on(pending::<()>()));
        assert!(words.contains("`jobs`"), "{words}");
    }
}

#[test]
fn a_task_of_a_local_set_brings_down_the_runtime_that_drives_it() {
    for mut builder in fragile() {
        let runtime = builder.build().unwrap();
        let set = LocalSet::new();
        let survivor = set.spawn_local(async { 7 });
        let spawn = async {
            drop(task::spawn_local(fails()));
            pending::<()>().await;
        };
        comes_down(|| set.block_on(&runtime, spawn));
        // The set is not the runtime's: it can be driven elsewhere.
        let seven = two_workers().block_on(set.run_until(survivor)).unwrap();
        assert_eq!(seven, 7);
    }
}

#[test]
fn a_local_runtime_drops_its_tasks_on_its_thread() {
    let [_, mut builder] = fragile();
    let runtime = builder.build_local(Default::default()).unwrap();
    let alive = Rc::new(());
    let held = alive.clone();
    let spawn = async {
        drop(task::spawn_local(async move {
            let _held = held;
            pending::<()>().await;
        }));
        drop(task::spawn_local(fails()));
        pending::<()>().await;
    };
    comes_down(|| runtime.block_on(spawn));
    assert_eq!(Rc::strong_count(&alive), 1);
    assert_eq!(runtime.shutdown(Duration::from_secs(60)).cancelled().len(), 1);
}

#[test]
fn other_runtimes_go_on() {
    for (mut outer, mut inner) in fragile().into_iter().zip(fragile()) {
        let outer = outer.build().unwrap();
        outer.block_on(async {
            let fallen = task::spawn_blocking(move || {
                let runtime = inner.build().unwrap();
                runtime.spawn(fails());
                comes_down(|| runtime.block_on(pending::<()>()));
                let runtime = inner.build().unwrap();
                (failed(&runtime), runtime)
            });
            let (task, inner) = fallen.await.unwrap();
            // Lost by a task of the outer runtime, it is still the inner one's.
            heist::spawn(async move { drop(task) }).await.unwrap();
            assert!(inner.spawn(async {}).is_finished());
            assert!(!Handle::current().spawn(pending::<()>()).is_finished());
            inner.shutdown_background();
        });
        outer.block_on(async { heist::spawn(async {}).await.unwrap() });
    }
}

#[test]
fn a_failure_in_a_shutdown_changes_nothing() {
    let [_, mut builder] = fragile();
    let runtime = builder.build().unwrap();
    // Nothing runs before the drain does.
    runtime.spawn(fails());
    let ended = Arc::new(AtomicBool::new(false));
    let ending = ended.clone();
    runtime.spawn(async move {
        for _ in 0..1000 {
            task::yield_now().await;
        }
        ending.store(true, Ordering::SeqCst);
    });
    let report = runtime.shutdown(ShutdownPolicy::drain(Duration::MAX));
    assert!(report.is_clean() && ended.load(Ordering::SeqCst), "{report}");
}

#[cfg(target_os = "linux")]
#[test]
fn two_hundred_that_came_down_leave_no_thread_and_no_descriptor() {
    if !in_own_process("two_hundred_that_came_down_leave_no_thread_and_no_descriptor") {
        return;
    }
    let one = || {
        for mut builder in fragile() {
            let runtime = builder.build().unwrap();
            runtime.spawn(async {
                let _socket = heist::net::UdpSocket::bind("127.0.0.1:0").await.unwrap();
                task::spawn_blocking(|| ()).await.unwrap();
                drop(heist::spawn(fails()));
                heist::time::sleep(Duration::from_secs(3600)).await;
            });
            comes_down(|| runtime.block_on(pending::<()>()));
        }
    };
    one();
    let before = Footprint::now();
    for _ in 0..100 {
        one();
    }
    eventually_blocking("nothing is left", || Footprint::now().is_within(&before));
}
