//! Many tasks at once: sets, gathering, waiting, and what their owners promise.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use heist::task::{self, JoinSet, When, as_completed, gather, wait};
use heist::time::{Instant, sleep};
use heist_tests::{eventually, on_two_workers, panic_message};

/// Counts its drops.
#[derive(Clone)]
struct Drops(Arc<AtomicUsize>);

struct Counted(Drops);

impl Drops {
    fn new() -> Drops {
        Drops(Arc::default())
    }

    fn guard(&self) -> Counted {
        Counted(self.clone())
    }

    fn count(&self) -> usize {
        self.0.load(Ordering::SeqCst)
    }
}

impl Drop for Counted {
    fn drop(&mut self) {
        self.0.0.fetch_add(1, Ordering::SeqCst);
    }
}

#[test]
fn a_join_set_gives_back_every_output_once() {
    on_two_workers(async {
        let mut set = JoinSet::new();
        let mut seen = vec![0; 5000];
        for n in 0..5000 {
            set.spawn(async move {
                if n % 3 == 0 {
                    task::yield_now().await;
                }
                n
            });
            if n % 7 == 0 {
                if let Some(n) = set.try_join_next() {
                    seen[n.unwrap()] += 1;
                }
            }
        }
        while let Some(n) = set.join_next().await {
            seen[n.unwrap()] += 1;
        }
        assert!(seen.iter().all(|&times| times == 1));
        assert!(set.is_empty() && set.join_next().await.is_none());
    });
}

#[heist::test(start_paused = true)]
async fn a_join_set_joins_in_the_order_of_the_ends() {
    let mut set: JoinSet<u64> = [30, 10, 20]
        .into_iter()
        .map(|ms| async move {
            sleep(Duration::from_millis(ms)).await;
            ms
        })
        .collect();
    assert_eq!(set.len(), 3);
    assert!(set.try_join_next().is_none());
    assert_eq!(set.join_next().await.unwrap().unwrap(), 10);
    let abort = set.spawn(std::future::pending());
    let (id, output) = set.join_next_with_id().await.unwrap().unwrap();
    assert!(output == 20 && id != abort.id());
    assert_eq!(set.join_next().await.unwrap().unwrap(), 30);
    abort.abort();
    let error = set.join_next().await.unwrap().unwrap_err();
    assert!(error.is_cancelled() && error.id() == abort.id());
    set.spawn(async { 1 });
    set.spawn_blocking(|| 2);
    let mut all = set.join_all().await;
    all.sort_unstable();
    assert_eq!(all, [1, 2]);
}

#[test]
fn a_dropped_join_set_aborts_and_a_shut_down_one_has_aborted() {
    on_two_workers(async {
        let drops = Drops::new();
        let endless = |set: &mut JoinSet<()>| {
            for _ in 0..10 {
                let guard = drops.guard();
                set.spawn(async move {
                    let _guard = guard;
                    std::future::pending().await
                });
            }
        };
        let mut set = JoinSet::new();
        endless(&mut set);
        set.shutdown().await;
        assert_eq!(drops.count(), 10);
        endless(&mut set);
        drop(set);
        eventually("the tasks end", || drops.count() == 20).await;
        let mut set = JoinSet::new();
        let (done, detached) = (Drops::new(), Drops::new());
        let (guard, end) = (done.guard(), detached.guard());
        set.spawn(async move {
            let _end = end;
            sleep(Duration::from_millis(2)).await;
            drop(guard);
        });
        set.detach_all();
        assert!(set.is_empty());
        drop(set);
        eventually("the detached task goes on to its end", || done.count() == 1).await;
    });
}

#[test]
fn a_join_set_whose_tasks_are_all_aborted_still_tells_how_each_has_ended() {
    on_two_workers(async {
        let drops = Drops::new();
        let mut set = JoinSet::new();
        let ended = set.spawn(async { 1 });
        eventually("the first has ended", || ended.is_finished()).await;
        for _ in 0..10 {
            let guard = drops.guard();
            set.spawn(async move {
                let _guard = guard;
                std::future::pending().await
            });
        }
        set.abort_all();
        assert_eq!(set.len(), 11, "they are still to be joined");
        let (mut outputs, mut cancelled) = (Vec::new(), 0);
        while let Some(end) = set.join_next().await {
            match end {
                Ok(output) => outputs.push(output),
                Err(error) => cancelled += usize::from(error.is_cancelled()),
            }
        }
        assert_eq!((&outputs[..], cancelled, drops.count()), (&[1][..], 10, 10));
        set.spawn(async { 2 });
        assert_eq!(set.join_next().await.unwrap().unwrap(), 2, "new ones are not aborted");
    });
}

#[test]
fn join_all_passes_a_panic_on_and_aborts_the_others() {
    on_two_workers(async {
        let drops = Drops::new();
        let guard = drops.guard();
        let mut set = JoinSet::new();
        set.spawn(async move {
            let _guard = guard;
            std::future::pending::<()>().await
        });
        set.spawn(async { std::panic::resume_unwind(Box::new("no")) });
        let error = heist::spawn(set.join_all()).await.unwrap_err();
        assert_eq!(*error.into_panic().downcast::<&str>().unwrap(), "no");
        eventually("the other is aborted", || drops.count() == 1).await;
    });
}

#[test]
fn a_task_of_a_set_may_have_a_name_and_start_at_once() {
    on_two_workers(async {
        let mut set = JoinSet::new();
        set.build_task().name("it").eager().spawn(async { task::current().name() == Some("it") });
        assert!(set.try_join_next().expect("eager tasks start at once").unwrap());
        set.build_task().name("job").spawn_blocking(|| true);
        assert!(set.join_next().await.unwrap().unwrap());
    });
}

#[test]
fn an_eager_task_is_polled_by_its_spawner_and_woken_like_any_other() {
    on_two_workers(async {
        let body = || {
            let spawner = (std::thread::current().id(), task::try_id());
            let eager = || task::Builder::new().eager();
            let ready = eager().spawn(async move {
                assert_eq!(std::thread::current().id(), spawner.0);
                assert_ne!(task::try_id(), spawner.1);
                5
            });
            assert!(ready.is_finished());
            assert_eq!(task::try_id(), spawner.1);
            let nested = eager().spawn(async move {
                let inner = eager().spawn(async {
                    task::yield_now().await;
                    sleep(Duration::from_millis(1)).await;
                    1
                });
                inner.await.unwrap() + 1
            });
            assert!(!nested.is_finished());
            let failed = eager().spawn(async { std::panic::resume_unwind(Box::new(())) });
            (ready, nested, failed)
        };
        for in_a_task in [true, false] {
            let (ready, nested, failed) =
                if in_a_task { heist::spawn(async move { body() }).await.unwrap() } else { body() };
            assert_eq!(ready.await.unwrap(), 5);
            assert_eq!(nested.await.unwrap(), 2);
            let failed: Result<(), _> = failed.await;
            assert!(failed.unwrap_err().is_panic());
        }
    });
}

#[heist::test(start_paused = true)]
async fn gather_keeps_the_order_and_runs_at_the_same_time() {
    let start = Instant::now();
    let outputs = gather([2, 1, 3].map(|s| async move {
        sleep(Duration::from_secs(s)).await;
        s
    }))
    .await;
    assert_eq!(outputs, [2, 1, 3]);
    assert!(start.elapsed() < Duration::from_millis(3001));
    let empty = gather(Vec::<std::future::Ready<u8>>::new()).await;
    assert!(empty.is_empty());
}

#[heist::test(start_paused = true)]
async fn gather_takes_an_error_for_an_output_like_any_other() {
    let start = Instant::now();
    let outputs = gather([3, 1, 2].map(|s| async move {
        sleep(Duration::from_secs(s)).await;
        if s == 1 { Err("no") } else { Ok(s) }
    }))
    .await;
    assert_eq!(outputs, [Ok(3), Err("no"), Ok(2)]);
    assert_eq!(start.elapsed(), Duration::from_secs(3), "it has ended none of the others");
}

#[test]
fn gather_owns_its_tasks() {
    on_two_workers(async {
        let drops = Drops::new();
        let endless = |drops: &Drops| {
            let guard = drops.guard();
            async move {
                let _guard = guard;
                std::future::pending::<()>().await;
            }
        };
        drop(gather([endless(&drops), endless(&drops)]));
        eventually("both are aborted", || drops.count() == 2).await;
        let other = endless(&drops);
        let gathered = heist::spawn(async move {
            let failing = async { std::panic::resume_unwind(Box::new("gathered")) };
            let both: [std::pin::Pin<Box<dyn Future<Output = ()> + Send>>; 2] =
                [Box::pin(other), Box::pin(failing)];
            gather(both).await
        });
        let error = gathered.await.unwrap_err();
        assert_eq!(*error.into_panic().downcast::<&str>().unwrap(), "gathered");
        eventually("the other is aborted", || drops.count() == 3).await;
    });
}

#[heist::test(start_paused = true)]
async fn as_completed_gives_what_is_there() {
    let mut outputs = as_completed([3, 1, 2].map(|s| async move {
        sleep(Duration::from_secs(s)).await;
        s
    }));
    assert_eq!(outputs.next().await, Some(1));
    assert_eq!(outputs.len(), 2);
    let rest: Vec<_> = futures_lite::StreamExt::collect(outputs).await;
    assert_eq!(rest, [2, 3]);
}

#[heist::test(start_paused = true)]
async fn wait_ends_nothing() {
    let start = Instant::now();
    let sleeps = |seconds: [u64; 3]| {
        seconds.map(|s| {
            heist::spawn(async move {
                sleep(Duration::from_secs(s)).await;
                if s == 2 { Err(s) } else { Ok(s) }
            })
        })
    };
    let waited = wait(sleeps([3, 1, 2]), When::First, None).await;
    assert_eq!(waited.done.len(), 1);
    assert_eq!(waited.done[0].1.as_ref().unwrap(), &Ok(1));
    assert_eq!(start.elapsed().as_secs(), 1);
    let waited = wait(waited.pending, When::All, Duration::ZERO).await;
    assert_eq!((waited.done.len(), waited.pending.len()), (0, 2));
    let waited = wait(waited.pending, When::FirstError, Duration::from_secs(9))
        .error_if(Result::is_err)
        .await;
    assert_eq!(start.elapsed().as_secs(), 2);
    assert_eq!(waited.done[0].1.as_ref().unwrap(), &Err(2));
    let mut pending = waited.pending;
    assert_eq!(pending.pop().unwrap().await.unwrap(), Ok(3));
    let aborted = sleeps([9, 9, 9]);
    aborted[1].abort();
    let id = aborted[1].id();
    let waited = wait(aborted, When::FirstError, None).await;
    assert!(waited.done[0].1.as_ref().unwrap_err().is_cancelled());
    assert_eq!((waited.done[0].0, waited.pending.len()), (id, 2));
    let nothing = wait(Vec::<task::JoinHandle<()>>::new(), When::First, None).await;
    assert!(nothing.done.is_empty() && nothing.pending.is_empty());
}

#[test]
fn groups_of_tasks_outside_a_runtime_name_the_mistake() {
    let message = panic_message(|| drop(gather([async {}])));
    assert!(message.contains("no Heist runtime here"), "{message}");
    let message = panic_message(|| {
        JoinSet::new().spawn(async {});
    });
    assert!(message.contains("no Heist runtime here"), "{message}");
}
