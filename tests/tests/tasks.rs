//! Spawning, joining, aborting: what a task's handles promise.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::task::Poll;
use std::time::Duration;

use heist::task::{self, TaskState};
use heist_tests::{eventually, on_two_workers, two_workers};

#[test]
fn outputs_come_back_and_every_task_runs_once() {
    on_two_workers(async {
        let runs = Arc::new(AtomicUsize::new(0));
        let handles: Vec<_> = (0..10_000)
            .map(|n| {
                let runs = runs.clone();
                heist::spawn(async move {
                    runs.fetch_add(1, Ordering::Relaxed);
                    if n % 3 == 0 {
                        task::yield_now().await;
                    }
                    n
                })
            })
            .collect();
        for (n, handle) in handles.into_iter().enumerate() {
            assert_eq!(handle.await.unwrap(), n);
        }
        assert_eq!(runs.load(Ordering::Relaxed), 10_000);
    });
}

#[test]
fn tasks_spawned_from_a_task_start_in_order_on_one_worker() {
    let runtime = heist::runtime::Builder::new_current_thread().build().unwrap();
    runtime.block_on(async {
        let order = Arc::new(std::sync::Mutex::new(Vec::new()));
        let handles: Vec<_> = (0..5)
            .map(|n| {
                let order = order.clone();
                heist::spawn(async move { order.lock().unwrap().push(n) })
            })
            .collect();
        for handle in handles {
            handle.await.unwrap();
        }
        assert_eq!(*order.lock().unwrap(), [0, 1, 2, 3, 4]);
    });
}

/// Counts its drops.
struct Guard(Arc<AtomicUsize>);

impl Drop for Guard {
    fn drop(&mut self) {
        self.0.fetch_add(1, Ordering::SeqCst);
    }
}

#[test]
fn abort_drops_the_future_where_it_stands() {
    on_two_workers(async {
        let drops = Arc::new(AtomicUsize::new(0));
        let guard = Guard(drops.clone());
        let handle = heist::spawn(async move {
            let _guard = guard;
            std::future::pending::<()>().await;
        });
        let id = handle.id();
        eventually("the task waits", || {
            task::all().iter().any(|t| t.id() == id && t.state() == TaskState::Waiting)
        })
        .await;
        handle.abort();
        let error = handle.await.unwrap_err();
        assert!(error.is_cancelled() && error.id() == id);
        assert_eq!(drops.load(Ordering::SeqCst), 1, "dropped before the join returns");
    });
}

#[test]
fn a_task_that_yields_is_ready_until_its_turn_comes() {
    let runtime = heist::runtime::Builder::new_current_thread().build().unwrap();
    runtime.block_on(async {
        let yields = heist::spawn(async {
            loop {
                assert_eq!(task::current().state(), TaskState::Running);
                task::yield_now().await;
            }
        });
        // Nobody polls it while this future is polled.
        let state = || task::all().iter().find(|t| t.id() == yields.id()).map(|t| t.state());
        for _ in 0..3 {
            assert_eq!(state(), Some(TaskState::Ready));
            task::yield_now().await;
        }
        assert!(task::all().iter().any(|t| t.id() == yields.id() && t.polls() > 0));
        yields.abort();
        assert!(yields.await.unwrap_err().is_cancelled());
    });
}

#[test]
fn abort_after_the_end_changes_nothing() {
    on_two_workers(async {
        let handle = heist::spawn(async { 5 });
        let abort = handle.abort_handle();
        eventually("the task ends", || abort.is_finished()).await;
        abort.abort();
        assert_eq!(handle.await.unwrap(), 5);
        assert!(abort.is_finished());
    });
}

#[test]
fn a_dropped_handle_detaches() {
    on_two_workers(async {
        let done = Arc::new(AtomicUsize::new(0));
        let counted = done.clone();
        drop(heist::spawn(async move {
            heist::time::sleep(Duration::from_millis(2)).await;
            counted.fetch_add(1, Ordering::SeqCst);
        }));
        eventually("the detached task ends", || done.load(Ordering::SeqCst) == 1).await;
    });
}

#[test]
fn a_panic_goes_to_the_joiner_and_harms_nobody_else() {
    on_two_workers(async {
        for n in 0..1000 {
            let error = heist::spawn(async move {
                if n % 2 == 0 {
                    task::yield_now().await;
                }
                std::panic::resume_unwind(Box::new(n));
            })
            .await
            .unwrap_err();
            assert!(error.is_panic());
            assert_eq!(*error.into_panic().downcast::<i32>().unwrap(), n);
        }
        assert_eq!(heist::runtime::Handle::current().metrics().num_workers(), 2);
        assert_eq!(heist::spawn(async { 1 }).await.unwrap(), 1);
    });
}

#[test]
fn a_panic_that_nobody_reads_is_reported_with_name_and_place() {
    let reports = Arc::new(std::sync::Mutex::new(Vec::new()));
    let seen = reports.clone();
    let runtime = heist::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .on_unhandled_failure(move |failure| seen.lock().unwrap().push(failure.to_string()))
        .build()
        .unwrap();
    runtime.block_on(async {
        let panic = || std::panic::resume_unwind(Box::new("the reason"));
        let joined = task::Builder::new().name("joined").spawn(async move { panic() });
        assert!(joined.await.is_err());
        drop(task::Builder::new().name("lost").spawn(async move { panic() }));
        eventually("the report", || !reports.lock().unwrap().is_empty()).await;
    });
    let reports = reports.lock().unwrap();
    assert_eq!(reports.len(), 1, "{reports:?}");
    for part in ["`lost`", "tasks.rs", "the reason"] {
        assert!(reports[0].contains(part), "{} lacks {part}", reports[0]);
    }
}

#[test]
fn a_panicking_destructor_is_the_tasks_own_panic() {
    struct Bomb;
    impl Drop for Bomb {
        fn drop(&mut self) {
            std::panic::resume_unwind(Box::new("bomb"));
        }
    }
    on_two_workers(async {
        let bomb = Bomb;
        let handle = heist::spawn(async move {
            let _bomb = bomb;
            std::future::pending::<()>().await;
        });
        task::yield_now().await;
        handle.abort();
        assert!(handle.await.unwrap_err().is_panic());
        let bomb = Bomb;
        drop(heist::spawn(async move { bomb }));
        assert_eq!(heist::spawn(async { 3 }).await.unwrap(), 3);
    });
}

#[test]
fn a_task_tells_its_name_place_parent_and_where_it_waits() {
    on_two_workers(async {
        let parent = task::Builder::new().name("parent").spawn(async {
            let child = heist::spawn(async {
                heist::time::sleep(Duration::from_secs(3600)).await;
            });
            let id = child.id();
            let parent = task::id();
            eventually("the child sleeps", || {
                task::all().iter().any(|t| t.id() == id && t.waits_in().is_some())
            })
            .await;
            let all = task::all();
            let info = all.iter().find(|t| t.id() == id).unwrap();
            assert_eq!(info.parent(), Some(parent));
            assert_eq!(info.state(), TaskState::Waiting);
            assert!(info.polls() >= 1);
            let site = info.waits_in().unwrap();
            assert_eq!(site.operation, "sleep");
            assert!(site.location.file().ends_with("tasks.rs"));
            assert!(info.spawned_at().line() < site.location.line());
            child.abort();
            assert_eq!(task::current().name(), Some("parent"));
        });
        parent.await.unwrap();
    });
}

#[test]
fn a_tree_tells_who_spawned_whom_and_who_awaits_whom() {
    on_two_workers(async {
        let named = |name| task::Builder::new().name(name);
        let find = |name: &str| {
            let tree = task::tree();
            let found = tree.iter().find(|(_, task)| task.name() == Some(name));
            found.map(|(depth, task)| (depth, task.clone()))
        };
        let awaits = |name: &str| find(name).and_then(|(_, task)| task.awaits());
        let owner = named("owner").spawn(async move {
            let member = named("member").spawn(std::future::pending::<()>());
            let scope = heist::scope(async move |group| {
                let child = group.spawn_as(named("child"), async move {
                    let _ = member.await;
                });
                child.await;
            });
            scope.await
        });
        eventually("each awaits the next", || {
            awaits("owner").is_some() && awaits("child").is_some()
        })
        .await;

        let [(top, top_task), (below, child), (beside, member)] =
            ["owner", "child", "member"].map(|name| find(name).unwrap());
        assert_eq!((top, below, beside), (0, 1, 1));
        assert_eq!(top_task.id(), owner.id());
        assert_eq!(top_task.waits_in().unwrap().operation, "Child");
        assert_eq!(top_task.awaits(), Some(child.id()));
        let site = child.waits_in().unwrap();
        assert_eq!((site.operation, site.location), ("JoinHandle", member.spawned_at()));
        assert_eq!((child.awaits(), member.awaits()), (Some(member.id()), None));
        let tree = task::tree();
        let awaiter = |task| tree.awaiter(task).map(|awaiter| awaiter.id());
        assert_eq!(awaiter(member.id()), Some(child.id()));
        assert_eq!(awaiter(child.id()), Some(owner.id()));
        assert_eq!(awaiter(owner.id()), None);

        let printed = tree.to_string();
        let line = |name: &str| printed.lines().find(|line| line.contains(name)).unwrap();
        assert!(line("`owner`").starts_with("task "));
        assert!(line("`child`").starts_with("  task "));
        assert!(line("`child`").contains(&format!(" for task {}, ", member.id())));
        assert!(line("`member`").ends_with(&format!(", awaited by task {}", child.id())));

        owner.abort();
        assert!(owner.await.unwrap_err().is_cancelled());
    });
}

#[test]
fn wakers_from_foreign_threads_and_after_the_runtime_are_harmless() {
    let runtime = two_workers();
    let (sender, wakers) = std::sync::mpsc::channel();
    let sent = sender.clone();
    let handle = runtime.spawn(std::future::poll_fn(move |cx| {
        sent.send(cx.waker().clone()).unwrap();
        Poll::<()>::Pending
    }));
    let waker = wakers.recv().unwrap();
    let threads: Vec<_> = (0..4)
        .map(|_| {
            let waker = waker.clone();
            std::thread::spawn(move || {
                for _ in 0..10_000 {
                    waker.wake_by_ref();
                    drop(waker.clone());
                }
            })
        })
        .collect();
    for thread in threads {
        thread.join().unwrap();
    }
    drop(runtime);
    waker.wake_by_ref();
    waker.wake();
    assert!(handle.is_finished());
    let error = futures_lite::future::block_on(handle).unwrap_err();
    assert!(error.is_cancelled());
}

#[test]
fn a_task_that_is_always_ready_lets_others_run() {
    let runtime = heist::runtime::Builder::new_current_thread().build().unwrap();
    runtime.block_on(async {
        let hog = heist::spawn(async {
            loop {
                task::consume_budget().await;
            }
        });
        for _ in 0..100 {
            heist::spawn(async {}).await.unwrap();
        }
        heist::time::sleep(Duration::from_millis(1)).await;
        hog.abort();
    });
}

#[test]
fn an_idle_task_fits_in_128_bytes() {
    // Measured where it is decided: the size of the cell that a pending future is put in.
    use std::alloc::{GlobalAlloc, Layout, System};
    use std::cell::Cell;
    struct Counting;
    thread_local!(static BYTES: Cell<usize> = const { Cell::new(0) });
    // SAFETY: passes everything on to the system's allocator.
    unsafe impl GlobalAlloc for Counting {
        unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
            BYTES.with(|bytes| bytes.set(bytes.get() + layout.size()));
            // SAFETY: passed on from the caller.
            unsafe { System.alloc(layout) }
        }
        unsafe fn dealloc(&self, pointer: *mut u8, layout: Layout) {
            // SAFETY: passed on from the caller.
            unsafe { System.dealloc(pointer, layout) }
        }
    }
    #[global_allocator]
    static COUNTING: Counting = Counting;

    let runtime = heist::runtime::Builder::new_current_thread().build().unwrap();
    runtime.block_on(async {
        let spawn = || heist::spawn(async { std::future::pending::<()>().await });
        drop((spawn(), spawn()));
        task::yield_now().await;
        let before = BYTES.get();
        let handle = spawn();
        let spent = BYTES.get() - before;
        drop(handle);
        assert!(spent <= 128, "{spent} bytes");
    });
}
