//! Structured scopes: nothing of them is alive afterwards, whichever way they were left.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use heist::scope;
use heist::task::{self, Builder, FailureKind, GroupCause, TaskGroup, shield, with_cleanup};
use heist::time::{Instant, sleep};
use heist_tests::{eventually, on_two_workers, panic_message};

/// How many are alive.
#[derive(Clone, Default)]
struct Alive(Arc<AtomicUsize>);

struct Life(Alive);

impl Alive {
    fn begin(&self) -> Life {
        self.0.fetch_add(1, Ordering::SeqCst);
        Life(self.clone())
    }

    fn count(&self) -> usize {
        self.0.load(Ordering::SeqCst)
    }

    /// Never returns; counts as alive until its asynchronous clean-up has run.
    async fn endless(self, cleanup: Duration) {
        let life = self.begin();
        with_cleanup(std::future::pending::<()>(), async move |_| {
            sleep(cleanup).await;
            drop(life);
        })
        .await;
    }
}

impl Drop for Life {
    fn drop(&mut self) {
        self.0.0.fetch_sub(1, Ordering::SeqCst);
    }
}

fn seconds(n: u64) -> heist::time::Sleep {
    sleep(Duration::from_secs(n))
}

type Text = Result<(), &'static str>;

/// Spawns endless children on three levels, some of them in scopes of their own.
fn populate(group: &TaskGroup<&'static str>, alive: &Alive) {
    for n in 0..3 {
        group.spawn(alive.clone().endless(Duration::from_secs(n)));
        let (group, alive) = (group.clone(), alive.clone());
        group.clone().spawn(async move {
            let _life = alive.begin();
            group.spawn(alive.clone().endless(Duration::from_secs(n)));
            let nested = scope(async |inner: TaskGroup<&'static str>| {
                inner.spawn(alive.clone().endless(Duration::from_secs(n)));
                alive.clone().endless(Duration::from_millis(10)).await;
                Ok(())
            });
            let _ = nested.await;
        });
    }
}

/// The tasks of the current runtime, besides this one.
fn others() -> Vec<task::TaskInfo> {
    let own = task::try_id();
    task::all().into_iter().filter(|info| Some(info.id()) != own).collect()
}

#[heist::test(start_paused = true)]
async fn a_scope_ends_with_its_last_child_and_returns_the_bodys_value() {
    let start = Instant::now();
    let value = scope(async |group| {
        let late = group.clone();
        group.spawn(async move {
            seconds(1).await;
            late.spawn(async { seconds(2).await });
        });
        let seven = group.spawn(async {
            seconds(1).await;
            Ok(7)
        });
        group.spawn_blocking(|| ());
        assert!(group.len() >= 2, "the job may have ended already");
        Ok::<_, &str>(seven.await.unwrap() + 1)
    });
    assert_eq!(value.await.unwrap(), 8);
    assert_eq!(start.elapsed().as_secs(), 3);
    assert!(others().is_empty(), "{:?}", others());
}

#[heist::test(start_paused = true)]
async fn the_first_failure_cancels_the_others_and_all_failures_are_kept() {
    let alive = Alive::default();
    let start = Instant::now();
    let failed = scope(async |group| {
        populate(&group, &alive);
        group.spawn_as(Builder::new().name("first"), async {
            seconds(1).await;
            Err::<(), _>("broken")
        });
        group.spawn(async {
            let failing = with_cleanup(std::future::pending::<()>(), async |_| {
                seconds(1).await;
                panic!("in the clean-up");
            });
            failing.await;
        });
        let _life = alive.begin();
        std::future::pending::<Text>().await
    });
    let error = failed.await.unwrap_err();
    assert_eq!(alive.count(), 0);
    assert!(others().is_empty(), "{:?}", others());
    assert_eq!(start.elapsed().as_secs(), 3, "the longest clean-up takes 2 s");
    assert_eq!(*error.cause(), GroupCause::Failure);
    assert_eq!(error.len(), 2, "{error:?}");
    assert_eq!(error.errors().collect::<Vec<_>>(), [&"broken"]);
    let text = error.to_string();
    assert!(text.starts_with("the scope failed in 2 places: task "), "{text}");
    for part in ["`first`: broken", "scope.rs", "in the clean-up"] {
        assert!(text.contains(part), "{text} lacks {part}");
    }
    let mut failures = error.into_iter();
    let first = failures.next().unwrap();
    assert_eq!((first.name(), first.error()), (Some("first"), Some(&"broken")));
    let FailureKind::Panic(panic) = failures.next().unwrap().into_kind() else {
        panic!("no panic")
    };
    assert!(panic.is_panic());
}

#[heist::test(start_paused = true)]
async fn a_failing_and_a_panicking_body_leave_nothing_behind() {
    let alive = Alive::default();
    let failed = scope(async |group| {
        populate(&group, &alive);
        task::yield_now().await;
        Err::<(), _>("the body")
    });
    let error = failed.await.unwrap_err();
    assert_eq!((alive.count(), others().len()), (0, 0));
    assert_eq!(error.into_first_error(), Some("the body"));

    let alive = alive.clone();
    let panics = heist::spawn(async move {
        let inner = alive.clone();
        let outer = with_cleanup(
            scope(async |group| -> Text {
                populate(&group, &inner);
                task::yield_now().await;
                std::panic::resume_unwind(Box::new("the body"));
            }),
            async |_| assert_eq!(alive.count(), 0, "before the panic goes on"),
        );
        outer.await
    });
    let error = panics.await.unwrap_err();
    assert_eq!(*error.into_panic().downcast::<&str>().unwrap(), "the body");
    assert!(others().is_empty(), "{:?}", others());
}

#[heist::test(start_paused = true)]
async fn cancelling_the_scope_is_no_failure_if_there_is_a_value() {
    let alive = Alive::default();
    let value = scope(async |group| {
        populate(&group, &alive);
        let canceller = group.clone();
        group.spawn(async move {
            seconds(5).await;
            canceller.cancel_because("enough");
            canceller.cancel_because("again");
        });
        Ok(1)
    });
    assert_eq!(value.await.unwrap(), 1);
    assert_eq!((alive.count(), others().len()), (0, 0));

    let value = scope(async |group: TaskGroup<&'static str>| {
        populate(&group, &alive);
        group.cancel_because("at once");
        assert!(group.is_cancelled());
        let refused = group.spawn(async { unreachable!("dropped unrun") });
        assert!(refused.await.is_none());
        Ok(2)
    });
    assert_eq!(value.await.unwrap(), 2, "it came without another wait");
    assert_eq!((alive.count(), others().len()), (0, 0));

    let cut = scope(async |group: TaskGroup<&str>| {
        populate(&group, &Alive::default());
        group.cancel_because("at once");
        with_cleanup(std::future::pending::<()>(), async |_| seconds(3).await).await;
        Ok(())
    });
    let start = Instant::now();
    let error = cut.await.unwrap_err();
    assert!(error.is_cancelled() && error.is_empty());
    assert_eq!(error.to_string(), "the scope was cancelled: at once");
    assert_eq!(start.elapsed().as_secs(), 3, "the body, too, may clean up");
}

#[heist::test(start_paused = true)]
async fn a_deadline_cuts_and_can_be_moved() {
    let alive = Alive::default();
    let start = Instant::now();
    let cut = scope(async |group| {
        group.set_deadline(start + Duration::from_secs(1));
        populate(&group, &alive);
        let mover = group.clone();
        group.spawn(async move {
            mover.set_deadline(None);
            seconds(5).await;
            assert_eq!(mover.deadline(), None);
            mover.set_deadline(Instant::now() + Duration::from_secs(1));
        });
        Ok::<_, &str>(())
    });
    let error = cut.await.unwrap_err();
    assert!(error.is_deadline() && error.is_empty());
    assert_eq!((alive.count(), others().len()), (0, 0));
    assert_eq!(start.elapsed().as_secs(), 8, "6 s until the deadline, 2 s of clean-up");
}

#[heist::test(start_paused = true)]
async fn cancelling_the_task_cancels_its_scopes_and_waits_for_them() {
    for nested in [false, true] {
        let alive = Alive::default();
        let inner = alive.clone();
        let task = Builder::new().eager().spawn(async move {
            let innermost = scope(async |group| {
                populate(&group, &inner);
                let _life = inner.begin();
                std::future::pending::<Text>().await
            });
            if nested {
                let outer = scope(async |group| {
                    populate(&group, &inner);
                    innermost.await.map_err(|_| "never")
                });
                let _ = outer.await;
            } else {
                let _ = innermost.await;
            }
            unreachable!("the task ends with the scope");
        });
        seconds(1).await;
        assert!(alive.count() > 0);
        task.cancel("leave");
        assert_eq!(task.await.unwrap_err().reason(), Some("leave"));
        assert_eq!(alive.count(), 0);
        assert!(others().is_empty(), "{:?}", others());
    }
}

#[heist::test(start_paused = true)]
async fn a_failure_outside_waits_for_the_scopes_inside_the_body() {
    let alive = Alive::default();
    let failed = scope(async |group| {
        group.spawn(async {
            seconds(1).await;
            Err::<(), _>("outside")
        });
        scope(async |inner| {
            populate(&inner, &alive);
            std::future::pending::<Text>().await
        })
        .await
        .map_err(|_| "never")
    });
    let error = failed.await.unwrap_err();
    assert_eq!((alive.count(), others().len()), (0, 0));
    assert_eq!(error.into_first_error(), Some("outside"));
}

#[heist::test(start_paused = true)]
async fn a_shielded_part_is_not_cut() {
    let start = Instant::now();
    let whole = Alive::default();
    let mut life = Some(whole.begin());
    let failed = scope(async |group| {
        let life = life.take();
        group.spawn(async move {
            shield(async move {
                seconds(4).await;
                drop(life);
            })
            .await;
            seconds(100).await;
        });
        seconds(1).await;
        Err::<(), _>("one")
    });
    assert_eq!(failed.await.unwrap_err().len(), 1);
    assert_eq!((whole.count(), start.elapsed().as_secs()), (0, 4));
}

#[heist::test(start_paused = true)]
async fn cancelling_one_child_is_its_own_affair() {
    let value = scope(async |group: TaskGroup<&str>| {
        let child = group.spawn(async {
            seconds(3600).await;
            Ok(1)
        });
        let aborted = group.spawn(std::future::pending::<()>());
        let joined = group.spawn(async { Ok(5) });
        assert!(child.id().is_some() && !child.is_finished());
        child.cancel("you");
        aborted.abort();
        assert_eq!((child.await, aborted.await), (None, None));
        Ok(joined.await)
    });
    assert_eq!(value.await.unwrap(), Some(5));
}

#[test]
fn a_dropped_scope_aborts_its_children() {
    on_two_workers(async {
        for n in 0..50 {
            let alive = Alive::default();
            let inner = alive.clone();
            let scoped = heist::spawn(async move {
                let scoped = scope(async |group| {
                    populate(&group, &inner);
                    std::future::pending::<Text>().await
                });
                let _ = scoped.await;
            });
            if n % 2 == 0 {
                eventually("children run", || alive.count() > 0).await;
            }
            scoped.abort();
            assert!(scoped.await.unwrap_err().is_cancelled());
            eventually("the children end", || alive.count() == 0 && others().is_empty()).await;
        }
        let lost = Arc::new(std::sync::Mutex::new(None));
        let (kept, never) = (lost.clone(), async |_| std::future::pending::<Text>().await);
        let scoped = scope(|group: TaskGroup<&'static str>| {
            *kept.lock().unwrap() = Some(group.clone());
            never(group)
        });
        assert!(heist::time::timeout(Duration::from_millis(1), scoped).await.is_err());
        let group = lost.lock().unwrap().take().unwrap();
        assert!(group.is_cancelled());
        let late = group.spawn(async { unreachable!() });
        assert_eq!((late.id(), late.await), (None, None));
    });
}

#[test]
fn children_that_come_from_everywhere_are_all_waited_for() {
    on_two_workers(async {
        for round in 0..200 {
            let alive = Alive::default();
            let counted = alive.clone();
            let result = scope(async move |group: TaskGroup<usize>| {
                for n in 0..8 {
                    let (group, alive) = (group.clone(), counted.clone());
                    group.clone().spawn(async move {
                        let _life = alive.begin();
                        for m in 0..4 {
                            let alive = alive.clone();
                            group.spawn(async move {
                                let _life = alive.begin();
                                task::yield_now().await;
                                // In some rounds several fail at the same time.
                                if round % 2 == 1 && m == round % 4 { Err(n) } else { Ok(()) }
                            });
                        }
                        task::yield_now().await;
                    });
                }
                Ok(())
            })
            .await;
            assert_eq!(alive.count(), 0);
            assert_eq!(result.is_err(), round % 2 == 1);
            assert!(result.is_ok() || !result.unwrap_err().is_empty());
            assert!(others().is_empty(), "{:?}", others());
        }
    });
}

#[test]
fn a_scope_under_a_blocking_call_is_not_cancelled_with_the_task() {
    on_two_workers(async {
        for in_place in [false, true] {
            let (begun, begins) = std::sync::mpsc::channel();
            let (go, goes) = std::sync::mpsc::channel();
            let handle = heist::runtime::Handle::current();
            let job = move || {
                handle.block_on(scope(async |group: TaskGroup<&str>| {
                    group.spawn(sleep(Duration::from_millis(1)));
                    begun.send(()).unwrap();
                    task::block_in_place(|| goes.recv().unwrap());
                    task::yield_now().await;
                    Ok(())
                }))
            };
            let task = if in_place {
                heist::spawn(async { task::block_in_place(job) })
            } else {
                task::spawn_blocking(job)
            };
            task::block_in_place(|| begins.recv().unwrap());
            task.cancel("in vain");
            go.send(()).unwrap();
            assert!(task.await.unwrap().is_ok());
        }
    });
}

#[test]
fn a_panic_that_no_error_carries_is_reported() {
    let reports = Arc::new(std::sync::Mutex::new(Vec::new()));
    let seen = reports.clone();
    let runtime = heist::runtime::Builder::new_current_thread()
        .on_unhandled_failure(move |failure| seen.lock().unwrap().push(failure.to_string()))
        .build()
        .unwrap();
    runtime.block_on(async {
        let task = Builder::new().eager().spawn(async {
            let _ = scope(async |group| {
                group.spawn(async {
                    with_cleanup(std::future::pending::<()>(), async |_| panic!("lost")).await;
                });
                task::yield_now().await;
                std::future::pending::<Text>().await
            })
            .await;
        });
        task::yield_now().await;
        task::yield_now().await;
        task.cancel("all");
        assert!(task.await.unwrap_err().is_cancelled());
    });
    let reports = reports.lock().unwrap();
    assert!(reports.len() == 1 && reports[0].contains("lost"), "{reports:?}");
}

#[test]
fn misuse_is_named() {
    let message = panic_message(|| drop(scope(async |_| Ok::<_, ()>(()))));
    assert!(message.contains("no Heist runtime here"), "{message}");
}
