//! Tasks that are not `Send`: they stay on their thread, run when their set is driven, and end
//! with it.

use std::cell::{Cell, RefCell};
use std::rc::Rc;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use heist::runtime::{Builder as RuntimeBuilder, Handle, LocalOptions, LocalRuntime};
use heist::sync::{Notify, oneshot};
use heist::task::{
    self, Builder, JoinSet, LocalSet, TaskInfo, TaskState, spawn_local, with_cleanup,
};
use heist::testing::{assert_no_leaked_tasks, wait_until_idle};
use heist::time::sleep;
use heist_tests::{eventually, on_two_workers, panic_message, two_workers};

/// Counts its drops, and sees to it that they happen where it was made.
struct Stays(Rc<Cell<usize>>, std::thread::ThreadId);

impl Stays {
    fn new(drops: &Rc<Cell<usize>>) -> Stays {
        Stays(drops.clone(), std::thread::current().id())
    }
}

impl Drop for Stays {
    fn drop(&mut self) {
        assert_eq!(std::thread::current().id(), self.1);
        self.0.set(self.0.get() + 1);
    }
}

#[test]
fn a_set_runs_its_tasks_on_its_thread_with_time_and_io_of_the_runtime() {
    let runtime = two_workers();
    let local = LocalSet::new();
    let here = std::thread::current().id();
    let sum = local.block_on(&runtime, async {
        let sum = Rc::new(Cell::new(0));
        let tasks: Vec<_> = (0..200)
            .map(|n| {
                let sum = sum.clone();
                spawn_local(async move {
                    match n % 3 {
                        0 => task::yield_now().await,
                        1 => sleep(Duration::from_micros(n)).await,
                        _ => heist::spawn(async {}).await.unwrap(),
                    }
                    assert_eq!(std::thread::current().id(), here);
                    let nested = spawn_local(async move { Rc::new(n) });
                    let n = *nested.await.unwrap();
                    sum.set(sum.get() + n);
                })
            })
            .collect();
        for task in tasks {
            task.await.unwrap();
        }
        sum.get()
    });
    assert_eq!(sum, (0..200).sum());
}

#[test]
fn run_until_drives_no_longer_and_the_set_itself_to_the_end() {
    let runtime = RuntimeBuilder::new_multi_thread().start_paused(true).build().unwrap();
    let log = Rc::new(RefCell::new(Vec::new()));
    let local = LocalSet::new();
    let note = |what: &'static str, after: u64| {
        let log = log.clone();
        async move {
            sleep(Duration::from_millis(after)).await;
            log.borrow_mut().push(what);
        }
    };
    local.spawn_local(note("late", 30));
    runtime.block_on(async {
        local.run_until(note("main", 1)).await;
        assert_eq!(*log.borrow(), ["main"]);
        let entered = local.enter();
        spawn_local(note("entered", 2));
        drop(entered);
        local.await;
        assert_eq!(*log.borrow(), ["main", "entered", "late"]);
    });
    let message = runtime.block_on(async { panic_message(|| drop(spawn_local(async {}))) });
    assert!(message.contains("`LocalSet`, or a `LocalRuntime`"), "{message}");
}

#[test]
fn wakes_come_from_any_thread_and_none_is_lost() {
    on_two_workers(async {
        let local = LocalSet::new();
        local
            .run_until(async {
                for round in 0..300 {
                    let waits = || {
                        spawn_local(async move {
                            let mut sum = Rc::new(0);
                            for n in 0..5 {
                                let remote = heist::spawn(async move {
                                    if round % 2 == 0 {
                                        task::yield_now().await;
                                    }
                                    n
                                });
                                *Rc::make_mut(&mut sum) += remote.await.unwrap();
                            }
                            *sum
                        })
                    };
                    let (a, b) = (waits(), waits());
                    assert_eq!((a.await.unwrap(), b.await.unwrap()), (10, 10));
                }
            })
            .await;
    });
}

#[test]
fn a_dropped_set_cancels_and_drops_on_its_thread() {
    let runtime = two_workers();
    let drops = Rc::new(Cell::new(0));
    for driven in [false, true] {
        drops.set(0);
        let local = LocalSet::new();
        let wakers = Rc::new(RefCell::new(Vec::new()));
        let tasks: Vec<_> = (0..20)
            .map(|n| {
                let (stays, wakers) = (Stays::new(&drops), wakers.clone());
                local.spawn_local(async move {
                    let _stays = stays;
                    std::future::poll_fn(|cx| {
                        wakers.borrow_mut().push(cx.waker().clone());
                        Poll::<()>::Pending
                    })
                    .await;
                    n
                })
            })
            .collect();
        if driven {
            local.block_on(&runtime, task::yield_now());
            assert_eq!(wakers.borrow().len(), 20);
        }
        // Other threads wake and abort while the set goes away.
        let wakers = wakers.take();
        let aborts: Vec<_> = tasks.iter().map(task::JoinHandle::abort_handle).collect();
        let thread = std::thread::spawn(move || {
            for _ in 0..50 {
                wakers.iter().for_each(Waker::wake_by_ref);
            }
            aborts.iter().step_by(3).for_each(task::AbortHandle::abort);
            wakers
        });
        drop(local);
        assert_eq!(drops.get(), 20);
        drop(thread.join().unwrap());
        for task in tasks {
            assert!(futures_lite::future::block_on(task).unwrap_err().is_cancelled());
        }
    }
}

/// The names of what is shown in a runtime.
fn shown(handle: &Handle) -> Vec<String> {
    handle.tasks().iter().filter_map(TaskInfo::name).map(String::from).collect()
}

#[test]
fn tasks_of_a_set_are_shown_in_the_runtime_where_it_was_driven_last() {
    let (a, b) = (two_workers(), two_workers());
    let local = LocalSet::new();
    let spawn = |name| {
        let nap = async { sleep(Duration::from_secs(3600)).await };
        Builder::new().name(name).spawn_local_on(nap, &local)
    };
    drop(spawn("early"));
    assert!(shown(a.handle()).is_empty(), "nobody has told where it is to run");
    // A spawn inside a runtime says it for the first time, and a poll always.
    let entered = a.enter();
    let late = spawn("late");
    drop(entered);
    assert_eq!(shown(a.handle()), ["early", "late"]);
    for (here, there) in [(&a, &b), (&b, &a), (&a, &b)] {
        local.block_on(here, async {
            assert_eq!(shown(here.handle()), ["early", "late"]);
            assert_eq!(task::all().len(), 2);
            task::yield_now().await;
        });
        let tasks = here.handle().tasks();
        for task in &tasks {
            let site = task.waits_in().expect("it was polled");
            assert_eq!((site.operation, site.location.file()), ("sleep", file!()));
            assert_eq!(task.state(), TaskState::Waiting);
        }
        assert_eq!((tasks.len(), tasks[1].id()), (2, late.id()));
        assert!(shown(there.handle()).is_empty());
    }
    // They are not the runtime's, which waits for none of them, and which they survive.
    assert_eq!(a.metrics().num_alive_tasks(), 0);
    let handle = a.handle().clone();
    assert!(a.shutdown(Duration::from_secs(60)).is_clean());
    assert_eq!(shown(&handle), ["early", "late"]);
    late.abort();
    local.block_on(&b, async {
        task::yield_now().await;
        assert_eq!(shown(b.handle()), ["early"]);
    });
    assert!(shown(&handle).is_empty());
    drop(local);
    assert!(shown(b.handle()).is_empty());
}

#[test]
fn dumps_from_other_threads_see_whole_tasks_while_sets_come_and_go() {
    let runtime = two_workers();
    let over = AtomicBool::new(false);
    std::thread::scope(|scope| {
        let look = || {
            let mut seen = 0;
            while !over.load(Ordering::Relaxed) {
                for task in runtime.handle().tasks() {
                    assert_eq!(task.name(), Some("it"));
                    seen += 1;
                }
            }
            seen
        };
        let lookers = [scope.spawn(look), scope.spawn(look)];
        for round in 0..2000 {
            let local = LocalSet::new();
            let drops = Rc::new(Cell::new(0));
            local.block_on(&runtime, async {
                for n in 0..4 {
                    let stays = Stays::new(&drops);
                    let brief = async move {
                        let _stays = stays;
                        for _ in 0..n {
                            task::yield_now().await;
                        }
                        Rc::new(n)
                    };
                    drop(Builder::new().name("it").spawn_local(brief));
                }
                for _ in 0..round % 6 {
                    task::yield_now().await;
                }
            });
            drop(local);
            assert_eq!(drops.get(), 4);
        }
        over.store(true, Ordering::Relaxed);
        let seen: usize = lookers.map(|looker| looker.join().unwrap()).iter().sum();
        assert!(seen > 0);
    });
    assert!(runtime.handle().tasks().is_empty());
}

/// Takes so many turns, sets the flag, and waits for ever.
async fn turns(turns: usize, done: Arc<AtomicBool>) {
    for _ in 0..turns {
        task::yield_now().await;
    }
    done.store(true, Ordering::SeqCst);
    std::future::pending::<()>().await;
}

#[test]
fn idle_are_the_tasks_of_a_set_too_whoever_drives_it() {
    // The caller: whether the helper is called inside or beside what drives it, or by a task of the set.
    on_two_workers(async {
        for n in 0..100 {
            let done = Arc::new(AtomicBool::new(false));
            let local = LocalSet::new();
            local.spawn_local(turns(n, done.clone()));
            let idle = async {
                wait_until_idle().await;
                assert!(done.load(Ordering::SeqCst), "{n} turns");
            };
            match n % 3 {
                0 => local.run_until(idle).await,
                1 => heist::select! {
                    () = idle => {}
                    () = local.run_until(std::future::pending()) => {}
                },
                _ => {
                    let done = done.clone();
                    let idle = spawn_local_idle(&local, done);
                    local.run_until(idle).await.unwrap();
                }
            }
        }
    });
    // Another thread.
    let runtime = two_workers();
    let (start, over) = (Arc::new(Notify::new()), Arc::new(Notify::new()));
    let done = Arc::new(AtomicBool::new(false));
    std::thread::scope(|scope| {
        scope.spawn(|| {
            let local = LocalSet::new();
            let (start, done) = (start.clone(), done.clone());
            local.spawn_local(async move {
                loop {
                    start.notified().await;
                    for _ in 0..100 {
                        task::yield_now().await;
                    }
                    done.store(true, Ordering::SeqCst);
                }
            });
            local.block_on(&runtime, over.notified());
        });
        runtime.block_on(async {
            // It is there.
            eventually("the set is driven", || task::all().len() == 1).await;
            for round in 0..300 {
                wait_until_idle().await;
                done.store(false, Ordering::SeqCst);
                start.notify_one();
                wait_until_idle().await;
                assert!(done.load(Ordering::SeqCst), "round {round}");
            }
            over.notify_one();
        });
    });
}

/// A task of the set that waits for the others.
fn spawn_local_idle(local: &LocalSet, done: Arc<AtomicBool>) -> task::JoinHandle<()> {
    local.spawn_local(async move {
        wait_until_idle().await;
        assert!(done.load(Ordering::SeqCst));
    })
}

#[test]
fn a_set_that_is_left_shows_what_it_has_and_is_not_waited_for() {
    on_two_workers(async {
        let local = LocalSet::new();
        let _busy = local.spawn_local(async {
            loop {
                task::yield_now().await;
            }
        });
        local.run_until(task::yield_now()).await;
        wait_until_idle().await;
        let message = panic_message(assert_no_leaked_tasks);
        for part in ["tasks left behind: 1", "is ready", "local.rs"] {
            assert!(message.contains(part), "{message} lacks {part}");
        }
        drop(local);
        assert_no_leaked_tasks();
    });
}

#[test]
fn a_set_in_a_set_in_a_task_has_callers_that_are_not_waited_for() {
    let runtime = LocalRuntime::new().unwrap();
    let done = Arc::new(AtomicBool::new(false));
    runtime.block_on(async {
        let beside = done.clone();
        let driver = spawn_local(async move {
            let outer = LocalSet::new();
            let inner = outer.run_until(async move {
                let inner = LocalSet::new();
                let innermost = inner.run_until(async move {
                    let seen = beside.clone();
                    let beside = spawn_local(turns(50, beside));
                    let caller = spawn_local(async move {
                        wait_until_idle().await;
                        assert!(seen.load(Ordering::SeqCst));
                        beside.abort();
                        wait_until_idle().await;
                        assert_no_leaked_tasks();
                    });
                    caller.await.unwrap();
                });
                innermost.await;
            });
            inner.await;
        });
        // As awaiting the handle would, but with a limit: who waits for a caller waits for ever.
        heist::time::timeout(Duration::from_secs(60), driver).await.unwrap().unwrap();
    });
    // What the runtime itself spawns is shown as ever.
    let left = runtime.spawn_local(std::future::pending::<()>());
    runtime.block_on(async {
        wait_until_idle().await;
        let message = panic_message(assert_no_leaked_tasks);
        assert!(message.contains(&format!("task {} waits", left.id())), "{message}");
    });
}

#[test]
fn who_drives_a_set_hears_of_its_tasks_also_when_another_driver_has_gone() {
    let runtime = || {
        let mut builder = RuntimeBuilder::new_current_thread();
        builder.start_paused(true).build_local(LocalOptions::default()).unwrap()
    };
    for is_aborted in [false, true] {
        runtime().block_on(async {
            let set = Rc::new(LocalSet::new());
            let (word, waits_for_it) = oneshot::channel();
            let local = set.spawn_local(async { waits_for_it.await.unwrap() });
            let leave = Rc::new(Notify::new());
            // Both drive it, and the second was the last to poll it.
            let (first, second) = (set.clone(), set.clone());
            let left = leave.clone();
            let stays = spawn_local(async move { first.run_until(local).await.unwrap() });
            let goes = spawn_local(async move { second.run_until(left.notified()).await });
            wait_until_idle().await;
            if is_aborted {
                goes.abort();
            }
            leave.notify_one();
            assert_eq!(goes.await.is_err(), is_aborted);
            word.send(()).unwrap();
            heist::time::timeout(Duration::from_secs(60), stays).await.unwrap().unwrap();
        });
    }
}

#[test]
fn a_panic_of_a_local_task_is_its_own() {
    let runtime = two_workers();
    let local = LocalSet::new();
    local.block_on(&runtime, async {
        let failed = spawn_local(async { std::panic::resume_unwind(Box::new("mine")) });
        let failed: Result<(), _> = failed.await;
        assert!(failed.unwrap_err().is_panic());
        assert_eq!(spawn_local(async { 1 }).await.unwrap(), 1);
    });
}

#[test]
fn a_busy_set_lets_the_task_that_drives_it_breathe() {
    on_two_workers(async {
        let local = LocalSet::new();
        local.spawn_local(async {
            loop {
                task::yield_now().await;
            }
        });
        let mut polls = 0;
        let driver = std::future::poll_fn(|cx: &mut Context<'_>| {
            polls += 1;
            cx.waker().wake_by_ref();
            if polls < 10 { Poll::Pending } else { Poll::Ready(()) }
        });
        // It ends although there is always a task of the set that is ready.
        local.run_until(driver).await;
    });
}

#[test]
fn local_tasks_are_cancelled_named_eager_and_collected_like_others() {
    on_two_workers(async {
        let local = LocalSet::new();
        let mut set = JoinSet::new();
        set.spawn_local_on(async { 1 }, &local);
        set.build_task().name("two").spawn_local_on(
            async {
                assert_eq!(task::current().name(), Some("two"));
                2
            },
            &local,
        );
        local
            .run_until(async {
                set.spawn_local(async { 3 });
                let mut outputs = set.join_all().await;
                outputs.sort_unstable();
                assert_eq!(outputs, [1, 2, 3]);

                let eager = Builder::new().eager().spawn_local(async { Rc::new(4) });
                assert!(eager.is_finished());
                assert_eq!(*eager.await.unwrap(), 4);

                let cleaned = Rc::new(Cell::new(false));
                let seen = cleaned.clone();
                let task = Builder::new().eager().spawn_local(async move {
                    with_cleanup(std::future::pending::<()>(), async |_| {
                        task::yield_now().await;
                        seen.set(true);
                    })
                    .await;
                });
                task.cancel("go");
                assert_eq!(task.await.unwrap_err().reason(), Some("go"));
                assert!(cleaned.get());
            })
            .await;
    });
}

#[test]
fn a_scope_takes_local_children_and_waits_for_them() {
    on_two_workers(async {
        let local = LocalSet::new();
        let drops = Rc::new(Cell::new(0));
        let stays = Stays::new(&drops);
        let scoped = heist::scope(async |group| {
            group.spawn_local(async move {
                let _stays = stays;
                std::future::pending::<()>().await;
            });
            let text = group.spawn_local(async { Ok(Rc::new("text")) });
            assert_eq!(text.await.as_deref(), Some(&"text"));
            Err::<(), _>("over")
        });
        let error = local.run_until(scoped).await.unwrap_err();
        assert_eq!((drops.get(), error.len()), (1, 1));
    });
}

#[test]
fn a_local_runtime_has_the_surface_of_a_runtime() {
    let runtime = LocalRuntime::new().unwrap();
    let drops = Rc::new(Cell::new(0));
    let stays = Stays::new(&drops);
    let left = runtime.spawn_local(async move {
        let _stays = stays;
        std::future::pending::<()>().await;
    });
    let sum = runtime.block_on(async {
        let shared = Rc::new(1);
        let local = spawn_local(async move { *shared });
        let eager = Builder::new().eager().spawn_local(async { Rc::new(2) });
        assert!(eager.is_finished());
        let sent = heist::spawn(async { 3 });
        let blocking = task::spawn_blocking(|| 4);
        sleep(Duration::from_millis(1)).await;
        local.await.unwrap() + *eager.await.unwrap() + sent.await.unwrap() + blocking.await.unwrap()
    });
    assert_eq!(sum, 10);
    assert_eq!(runtime.block_on(runtime.spawn_blocking(|| 5)).unwrap(), 5);
    runtime.block_on(async {
        // A set inside takes precedence, and its tasks see the runtime.
        let local = LocalSet::new();
        let inner = local.run_until(async { spawn_local(async { Rc::new(6) }).await.unwrap() });
        assert_eq!(*inner.await, 6);
        eventually("the first task waits", || !left.is_finished()).await;
    });
    runtime.shutdown_timeout(Duration::from_secs(60));
    assert_eq!(drops.get(), 1);
    assert!(futures_lite::future::block_on(left).unwrap_err().is_cancelled());
    LocalRuntime::new().unwrap().shutdown_background();
}
