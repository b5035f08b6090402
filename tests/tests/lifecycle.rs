//! Runtimes begin and end: shutdown, its report, leaks, and misuse that is named.

use std::cell::RefCell;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use heist::runtime::{Builder, Handle, Runtime, ShutdownPolicy};
use heist::sync::oneshot;
use heist_tests::footprint::Footprint;
use heist_tests::{eventually_blocking, in_own_process, panic_message, two_workers};

#[test]
fn run_cancels_what_is_left_and_waits_for_it() {
    struct Guard(Arc<AtomicUsize>);
    impl Drop for Guard {
        fn drop(&mut self) {
            self.0.fetch_add(1, Ordering::SeqCst);
        }
    }
    let drops = Arc::new(AtomicUsize::new(0));
    let answer = heist::run(async {
        for _ in 0..100 {
            let guard = Guard(drops.clone());
            heist::spawn(async move {
                let _guard = guard;
                heist::time::sleep(Duration::from_secs(3600)).await;
            });
        }
        7
    });
    assert_eq!(answer, 7);
    assert_eq!(drops.load(Ordering::SeqCst), 100);
}

#[test]
fn run_waits_for_blocking_jobs_under_way_and_not_for_ever() {
    let (begun, begins) = oneshot::channel();
    let done = Arc::new(AtomicBool::new(false));
    let at_end = done.clone();
    heist::run(async move {
        heist::task::spawn_blocking(move || {
            begun.send(()).unwrap();
            std::thread::sleep(Duration::from_millis(20));
            at_end.store(true, Ordering::SeqCst);
        });
        begins.await.unwrap();
    });
    assert!(done.load(Ordering::SeqCst), "the job was under way");

    // One that goes on until after the end of `run`.
    let (begun, begins) = oneshot::channel();
    let (release, held) = std::sync::mpsc::channel::<()>();
    let (told, ended) = std::sync::mpsc::channel();
    let start = Instant::now();
    heist::run(async move {
        heist::task::spawn_blocking(move || {
            begun.send(()).unwrap();
            let _ = held.recv();
            told.send("after all").unwrap();
        });
        begins.await.unwrap();
    });
    assert!(start.elapsed() >= Duration::from_secs(5), "jobs have 5 s");
    drop(release);
    assert_eq!(ended.recv().unwrap(), "after all");
}

#[test]
fn shutdown_drains_then_cancels_then_reports() {
    let runtime = two_workers();
    let ended = Arc::new(AtomicBool::new(false));
    let seen = ended.clone();
    runtime.spawn(async move {
        heist::time::sleep(Duration::from_millis(20)).await;
        seen.store(true, Ordering::SeqCst);
    });
    let stuck = runtime.enter();
    heist::task::Builder::new().name("stuck").spawn(std::future::pending::<()>());
    drop(stuck);
    // Long, as the worker's thread may have to wait for its first turn.
    let report = runtime.shutdown(ShutdownPolicy::drain(Duration::from_secs(3)));
    assert!(ended.load(Ordering::SeqCst), "the task that could end did");
    assert_eq!(report.cancelled().len(), 1);
    assert_eq!(report.cancelled()[0].name(), Some("stuck"));
    assert!(report.remaining().is_empty() && !report.is_clean());
    assert!(report.to_string().contains("lifecycle.rs"));
}

#[test]
fn shutdown_lets_the_tasks_clean_up_if_asked_to() {
    for current_thread in [false, true] {
        let runtime = if current_thread {
            Builder::new_current_thread().build().unwrap()
        } else {
            two_workers()
        };
        let cleaned = Arc::new(AtomicBool::new(false));
        let seen = cleaned.clone();
        let task = runtime.spawn(async move {
            heist::task::with_cleanup(std::future::pending::<()>(), async |_| {
                heist::time::sleep(Duration::from_millis(2)).await;
                seen.store(true, Ordering::SeqCst);
            })
            .await;
        });
        runtime.spawn(std::future::pending::<()>());
        runtime.block_on(async { heist::testing::wait_until_idle().await });
        let policy = ShutdownPolicy::cancel(Duration::from_secs(60));
        let report = runtime.shutdown(policy.clean_up(Duration::from_secs(60)));
        assert!(cleaned.load(Ordering::SeqCst) && report.elapsed() < Duration::from_secs(60));
        assert_eq!((report.cancelled().len(), report.remaining().len()), (2, 0));
        let error = futures_lite::future::block_on(task).unwrap_err();
        assert_eq!(error.reason(), Some("the runtime ends"));
    }
}

#[test]
fn shutdown_does_not_wait_for_what_does_not_end_and_names_it() {
    let runtime = two_workers();
    let release = Arc::new(AtomicBool::new(false));
    let (held, job) = (release.clone(), release.clone());
    let begun = Arc::new(AtomicUsize::new(0));
    let (begun_task, begun_job) = (begun.clone(), begun.clone());
    runtime.spawn(async move {
        begun_task.fetch_add(1, Ordering::SeqCst);
        while !held.load(Ordering::SeqCst) {
            std::thread::sleep(Duration::from_millis(1));
        }
    });
    let blocking = runtime.spawn_blocking(move || {
        begun_job.fetch_add(1, Ordering::SeqCst);
        while !job.load(Ordering::SeqCst) {
            std::thread::sleep(Duration::from_millis(1));
        }
        "done after all"
    });
    eventually_blocking("both have begun", || begun.load(Ordering::SeqCst) == 2);
    let start = Instant::now();
    let report = runtime.shutdown(Duration::from_millis(50));
    assert!(start.elapsed() < Duration::from_secs(30));
    assert_eq!(report.remaining().len(), 2, "{report}");
    release.store(true, Ordering::SeqCst);
    assert_eq!(futures_lite::future::block_on(blocking).unwrap(), "done after all");
}

#[test]
fn spawning_after_the_end_gives_a_cancelled_task() {
    let runtime = two_workers();
    let handle = runtime.handle().clone();
    drop(runtime);
    let task = handle.spawn(async { 1 });
    assert!(futures_lite::future::block_on(task).unwrap_err().is_cancelled());
    let job = handle.spawn_blocking(|| 1);
    assert!(futures_lite::future::block_on(job).unwrap_err().is_cancelled());
}

#[cfg(target_os = "linux")]
#[test]
fn a_hundred_runtimes_leave_no_thread_and_no_descriptor() {
    if !in_own_process("a_hundred_runtimes_leave_no_thread_and_no_descriptor") {
        return;
    }
    let one = || {
        let runtime = two_workers();
        runtime.block_on(async {
            heist::spawn(async { heist::time::sleep(Duration::from_micros(100)).await })
                .await
                .unwrap();
            heist::task::spawn_blocking(|| ()).await.unwrap();
            heist::spawn(std::future::pending::<()>());
        });
    };
    one();
    let before = Footprint::now();
    for _ in 0..100 {
        one();
    }
    eventually_blocking("nothing is left", || Footprint::now().is_within(&before));
}

#[test]
fn a_runtime_that_has_just_begun_ends_at_once() {
    // Once a worker that went idle silenced the watchdog's alarm after the end had set it off, and
    // the watchdog's thread was waited for in vain.
    for n in 0..1000 {
        let runtime = two_workers();
        if n % 2 == 0 {
            runtime.block_on(runtime.spawn(async {})).unwrap();
        }
        let report = runtime.shutdown(Duration::from_secs(60));
        assert!(report.is_clean() && report.elapsed() < Duration::from_secs(60), "{report}");
    }
}

#[test]
fn misuse_is_named_at_the_callers_line() {
    let message = panic_message(|| drop(heist::spawn(async {})));
    assert!(message.contains("no Heist runtime here"), "{message}");
    let message = panic_message(|| drop(Handle::current()));
    assert!(message.contains("no Heist runtime here"), "{message}");
    let message = panic_message(|| drop(heist::task::spawn_blocking(|| ())));
    assert!(message.contains("no Heist runtime here"), "{message}");
    let message = panic_message(|| {
        futures_lite::future::block_on(heist::time::sleep(Duration::from_millis(1)));
    });
    assert!(
        message.contains("no Heist timer here") && message.contains("lifecycle.rs"),
        "{message}"
    );
    let message = panic_message(|| {
        let _ = futures_lite::future::block_on(heist::net::TcpListener::bind("127.0.0.1:0"));
    });
    assert!(message.contains("no Heist I/O driver here"), "{message}");
    let message = panic_message(|| {
        Builder::new_multi_thread().worker_threads(0);
    });
    assert!(message.contains("at least one worker"), "{message}");
    let message = panic_message(|| {
        heist::time::interval(Duration::ZERO);
    });
    assert!(message.contains("period above zero"), "{message}");
}

#[test]
fn panics_of_misuse_name_the_line() {
    let place = Arc::new(std::sync::Mutex::new(None));
    let seen = place.clone();
    let hook = std::panic::take_hook();
    std::panic::set_hook(Box::new(move |info| {
        if std::thread::current().name() == Some("misuse") {
            *seen.lock().unwrap() = info.location().map(|l| (l.file().to_owned(), l.line()));
        } else {
            eprintln!("{info}");
        }
    }));
    let line = std::thread::Builder::new()
        .name("misuse".into())
        .spawn(|| {
            let line = line!() + 1;
            let _ = std::panic::catch_unwind(|| drop(heist::spawn(async {})));
            line
        })
        .unwrap()
        .join()
        .unwrap();
    std::panic::set_hook(hook);
    let (file, at) = place.lock().unwrap().take().unwrap();
    assert!(file.ends_with("lifecycle.rs"), "{file}");
    assert_eq!(at, line);
}

#[test]
fn blocking_and_ending_a_runtime_in_async_code_is_refused() {
    let runtime = two_workers();
    let message = runtime.block_on(async {
        heist::spawn(async { panic_message(|| Runtime::new().unwrap().block_on(async {})) })
            .await
            .unwrap()
    });
    assert!(message.contains("`block_on` would block this thread"), "{message}");
    let inner = two_workers();
    let message = runtime
        .block_on(async { panic_message(std::panic::AssertUnwindSafe(move || drop(inner))) });
    assert!(message.contains("dropped or shut down inside async code"), "{message}");
    let inner = two_workers();
    runtime.block_on(async move { inner.shutdown_background() });
}

#[test]
fn a_wrong_worker_count_in_the_environment_is_an_error() {
    if !in_own_process("a_wrong_worker_count_in_the_environment_is_an_error") {
        return;
    }
    // SAFETY: this process runs nothing but this test.
    unsafe { std::env::set_var("HEIST_WORKER_THREADS", "many") };
    let error = Builder::new_multi_thread().build().unwrap_err();
    assert_eq!(error.kind(), std::io::ErrorKind::InvalidInput);
    assert!(error.to_string().contains("HEIST_WORKER_THREADS"));
}

#[test]
fn a_local_runtime_runs_what_is_not_send() {
    let runtime = Builder::new_current_thread().build_local(Default::default()).unwrap();
    let sum = runtime.block_on(async {
        let shared = std::rc::Rc::new(std::cell::Cell::new(0));
        let tasks: Vec<_> = (1..=10)
            .map(|n| {
                let shared = shared.clone();
                heist::task::spawn_local(async move {
                    heist::task::yield_now().await;
                    shared.set(shared.get() + n);
                })
            })
            .collect();
        for task in tasks {
            task.await.unwrap();
        }
        shared.get()
    });
    assert_eq!(sum, 55);
    let message = panic_message(|| {
        heist::run(async { drop(heist::task::spawn_local(async {})) });
    });
    assert!(message.contains("LocalRuntime"), "{message}");
}

#[test]
fn two_threads_may_block_on_one_current_thread_runtime() {
    let runtime = Arc::new(Builder::new_current_thread().build().unwrap());
    let threads: Vec<_> = (0..3)
        .map(|n| {
            let runtime = runtime.clone();
            std::thread::spawn(move || {
                runtime.block_on(async move {
                    for _ in 0..20 {
                        heist::spawn(heist::task::yield_now()).await.unwrap();
                        heist::time::sleep(Duration::from_micros(200)).await;
                    }
                    n
                })
            })
        })
        .collect();
    for (n, thread) in threads.into_iter().enumerate() {
        assert_eq!(thread.join().unwrap(), n);
    }
}

#[test]
fn a_handle_says_of_which_kind_its_runtime_is() {
    use heist::runtime::RuntimeFlavor;
    assert_eq!(two_workers().handle().runtime_flavor(), RuntimeFlavor::MultiThread);
    let current_thread = Builder::new_current_thread().build().unwrap();
    let flavor = current_thread.block_on(async { Handle::current().runtime_flavor() });
    assert_eq!(flavor, RuntimeFlavor::CurrentThread);
}

#[test]
fn a_runtime_may_be_dropped_with_the_thread_that_kept_it() {
    // A panic in the destructor of a thread-local would end the process.
    if !in_own_process("a_runtime_may_be_dropped_with_the_thread_that_kept_it") {
        return;
    }
    thread_local!(static KEPT: RefCell<Option<Runtime>> = const { RefCell::new(None) });
    for mut builder in [Builder::new_current_thread(), Builder::new_multi_thread()] {
        let task = Arc::new(());
        let held = task.clone();
        let keeps = std::thread::spawn(move || {
            KEPT.set(Some(builder.worker_threads(1).build().unwrap()));
            KEPT.with_borrow(|kept| {
                let runtime = kept.as_ref().unwrap();
                runtime.spawn(async move {
                    let _held = held;
                    std::future::pending::<()>().await;
                });
                runtime.block_on(heist::time::sleep(Duration::from_millis(1)));
            });
        });
        keeps.join().unwrap();
        assert_eq!(Arc::strong_count(&task), 1, "the runtime has ended, and its task has not");
    }
}

#[test]
fn runtimes_are_told_apart() {
    let named = Builder::new_multi_thread().worker_threads(2).name("front").build().unwrap();
    let plain = Builder::new_current_thread().build().unwrap();
    assert_eq!((named.handle().name(), plain.handle().name()), (Some("front"), None));
    assert_ne!(named.handle().id(), plain.handle().id());
    assert_eq!(named.block_on(async { Handle::current().id() }), named.handle().id());
    assert!(format!("{named:?} {:?}", named.handle()).matches("front").count() == 2);
    let set = heist::task::LocalSet::new();
    assert!(set.id() != named.handle().id() && set.id() != plain.handle().id());
    let nameless = || {
        Builder::new_current_thread().name("");
    };
    assert!(panic_message(nameless).contains("must not be empty"));
}

#[test]
fn a_task_can_ask_which_worker_it_is_with() {
    use heist::runtime::worker_index;
    let runtime = Builder::new_multi_thread().worker_threads(2).build().unwrap();
    runtime.block_on(async {
        assert_eq!(worker_index(), None, "the thread of `block_on` is no worker");
        let task = heist::spawn(async {
            let before = worker_index();
            let inside = heist::task::block_in_place(worker_index);
            (before, inside)
        });
        let (before, inside) = task.await.unwrap();
        assert!(before.unwrap() < 2);
        assert_eq!(inside, None);
        assert_eq!(heist::task::spawn_blocking(worker_index).await.unwrap(), None);
    });
    let lone = Builder::new_current_thread().build().unwrap();
    assert_eq!(lone.block_on(async { worker_index() }), Some(0));
    assert_eq!(worker_index(), None);
}

#[test]
fn events_that_do_not_fit_into_one_look_come_with_the_next() {
    let runtime = Builder::new_current_thread().max_io_events_per_tick(1).build().unwrap();
    runtime.block_on(async {
        let mut readers = heist::task::JoinSet::new();
        let mut writers = Vec::new();
        for _ in 0..20 {
            let (near, far) = heist::net::UnixStream::pair().unwrap();
            readers.spawn(async move { far.read(&mut [0; 4]).await.unwrap() });
            writers.push(near);
        }
        heist::task::yield_now().await;
        for writer in &writers {
            writer.write_all(b"x").await.unwrap();
        }
        assert_eq!(readers.join_all().await, [1; 20]);
    });
    let none = || {
        Builder::new_current_thread().max_io_events_per_tick(0);
    };
    assert!(panic_message(none).contains("max_io_events_per_tick(0)"));
}
