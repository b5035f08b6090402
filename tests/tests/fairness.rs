//! One bad task harms no other: what is queued behind it, its timers and all I/O go on elsewhere.

use std::cell::Cell;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::Duration;

use heist::net::{TcpListener, TcpStream};
use heist::runtime::Builder;
use heist::time::timeout;
use heist_tests::{eventually_blocking, on_two_workers, two_workers};

/// Blocks its worker, as no task should, until told otherwise.
fn block(until: &AtomicBool) {
    while !until.load(Ordering::SeqCst) {
        std::thread::sleep(Duration::from_millis(1));
    }
}

#[test]
fn what_a_task_has_woken_runs_although_it_does_not_yield() {
    let runtime = two_workers();
    let ran = Arc::new(AtomicBool::new(false));
    let seen = ran.clone();
    runtime.block_on(async move {
        let hog = heist::spawn(async move {
            let flag = ran.clone();
            heist::spawn(async move { flag.store(true, Ordering::SeqCst) });
            block(&ran);
        });
        hog.await.unwrap();
    });
    assert!(seen.load(Ordering::SeqCst));
}

/// Yields until told otherwise.
fn keep_busy(until: &Arc<AtomicBool>) -> heist::task::JoinHandle<()> {
    let over = until.clone();
    heist::spawn(async move {
        while !over.load(Ordering::SeqCst) {
            heist::task::yield_now().await;
        }
    })
}

/// Blocks its worker until ten tasks have run that it has spawned.
async fn block_before_ten() {
    let ran = Arc::new(AtomicUsize::new(0));
    for _ in 0..10 {
        let ran = ran.clone();
        heist::spawn(async move { ran.fetch_add(1, Ordering::SeqCst) });
    }
    eventually_blocking("those behind it run", || ran.load(Ordering::SeqCst) == 10);
}

/// Nobody is parked who could be woken for what lies behind the one that blocks.
#[test]
fn what_waits_behind_a_blocked_worker_runs_although_the_others_never_rest() {
    on_two_workers(async {
        let over = Arc::new(AtomicBool::new(false));
        let busy: Vec<_> = (0..8).map(|_| keep_busy(&over)).collect();
        for _ in 0..20 {
            heist::spawn(block_before_ten()).await.unwrap();
        }
        over.store(true, Ordering::SeqCst);
        for task in busy {
            task.await.unwrap();
        }
    });
}

/// However short their polls are: of many tasks that stay, a part goes to each CPU.
#[test]
fn many_tasks_that_only_yield_come_to_as_many_workers_as_there_are_cpus() {
    thread_local! {
        static IS_COUNTED: Cell<bool> = const { Cell::new(false) };
    }
    let cpus = std::thread::available_parallelism().unwrap().get();
    let wanted = cpus.min(4);
    let runtime = Builder::new_multi_thread().worker_threads(2 * cpus).build().unwrap();
    let threads = Arc::new(AtomicUsize::new(0));
    let count = threads.clone();
    runtime.block_on(async move {
        let task = |_| {
            let threads = threads.clone();
            heist::spawn(async move {
                while threads.load(Ordering::Relaxed) < wanted {
                    if !IS_COUNTED.replace(true) {
                        threads.fetch_add(1, Ordering::Relaxed);
                    }
                    heist::task::yield_now().await;
                }
            })
        };
        let tasks: Vec<_> = (0..400).map(task).collect();
        for task in tasks {
            timeout(Duration::from_secs(30), task).await.expect("no part came").unwrap();
        }
    });
    assert!(count.load(Ordering::Relaxed) >= wanted);
}

/// While one takes over from those that are blocked, others take from it.
#[test]
fn workers_that_relieve_others_may_be_robbed_meanwhile() {
    let runtime = Builder::new_multi_thread().worker_threads(8).build().unwrap();
    runtime.block_on(async {
        let over = Arc::new(AtomicBool::new(false));
        let busy: Vec<_> = (0..4).map(|_| keep_busy(&over)).collect();
        let hogs = (0..6).map(|_| {
            heist::spawn(async {
                for _ in 0..50 {
                    heist::spawn(block_before_ten()).await.unwrap();
                }
            })
        });
        for hog in hogs.collect::<Vec<_>>() {
            hog.await.unwrap();
        }
        over.store(true, Ordering::SeqCst);
        for task in busy {
            task.await.unwrap();
        }
    });
}

#[test]
fn a_woken_task_in_the_slot_is_rescued() {
    on_two_workers(async {
        for _ in 0..20 {
            let ran = Arc::new(AtomicBool::new(false));
            let notify = Arc::new(std::sync::Mutex::new(None::<std::task::Waker>));
            let (flag, slot) = (ran.clone(), notify.clone());
            let mut waited = false;
            let waiter = heist::spawn(std::future::poll_fn(move |cx| {
                if std::mem::replace(&mut waited, true) {
                    flag.store(true, Ordering::SeqCst);
                    return std::task::Poll::Ready(());
                }
                *slot.lock().unwrap() = Some(cx.waker().clone());
                std::task::Poll::Pending
            }));
            heist::spawn(async move {
                while notify.lock().unwrap().is_none() {
                    heist::task::yield_now().await;
                }
                notify.lock().unwrap().take().unwrap().wake();
                block(&ran);
            })
            .await
            .unwrap();
            waiter.await.unwrap();
        }
    });
}

#[test]
fn io_and_timers_go_on_while_a_task_blocks_its_worker() {
    let runtime = two_workers();
    let release = Arc::new(AtomicBool::new(false));
    let rounds = Arc::new(AtomicUsize::new(0));
    let ticks = Arc::new(AtomicUsize::new(0));
    let (held, counted, ticked) = (release.clone(), rounds.clone(), ticks.clone());
    runtime.spawn(async move {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let addr = listener.local_addr().unwrap();
        heist::spawn(async move {
            let (stream, _) = listener.accept().await.unwrap();
            let mut byte = [0];
            while stream.read(&mut byte).await.unwrap() > 0 {
                stream.write_all(&byte).await.unwrap();
            }
        });
        heist::spawn(async move {
            let stream = TcpStream::connect(addr).await.unwrap();
            loop {
                stream.write_all(&[1]).await.unwrap();
                stream.read_exact(&mut [0]).await.unwrap();
                counted.fetch_add(1, Ordering::SeqCst);
                heist::time::sleep(Duration::from_micros(100)).await;
            }
        });
        heist::spawn(async move {
            let mut interval = heist::time::interval(Duration::from_millis(1));
            loop {
                interval.tick().await;
                ticked.fetch_add(1, Ordering::SeqCst);
            }
        });
    });
    for _ in 0..20 {
        let held = held.clone();
        held.store(false, Ordering::SeqCst);
        let (rounds_before, ticks_before) =
            (rounds.load(Ordering::SeqCst), ticks.load(Ordering::SeqCst));
        let hog = runtime.spawn(async move { block(&held) });
        // None of this can come about if what the blocked worker held stands still.
        eventually_blocking("echo and ticker go on", || {
            rounds.load(Ordering::SeqCst) >= rounds_before + 20
                && ticks.load(Ordering::SeqCst) >= ticks_before + 20
        });
        assert!(!hog.is_finished());
        release.store(true, Ordering::SeqCst);
        eventually_blocking("the hog ends", || hog.is_finished());
    }
}

#[test]
fn two_tasks_that_wake_each_other_do_not_starve_a_third() {
    let runtime = heist::runtime::Builder::new_current_thread().build().unwrap();
    runtime.block_on(async {
        let wakers: Arc<[std::sync::Mutex<Option<std::task::Waker>>; 2]> = Arc::default();
        let pair: Vec<_> = (0..2)
            .map(|me| {
                let wakers = wakers.clone();
                heist::spawn(std::future::poll_fn(move |cx| {
                    *wakers[me].lock().unwrap() = Some(cx.waker().clone());
                    if let Some(other) = &*wakers[1 - me].lock().unwrap() {
                        other.wake_by_ref();
                    }
                    std::task::Poll::<()>::Pending
                }))
            })
            .collect();
        for _ in 0..100 {
            heist::spawn(async {}).await.unwrap();
        }
        pair.iter().for_each(|task| task.abort());
    });
}

/// Each spawns the next, alone, until somebody else has had a turn.
fn chain(over: Arc<AtomicBool>) -> Pin<Box<dyn Future<Output = ()> + Send>> {
    Box::pin(async move {
        if !over.load(Ordering::SeqCst) {
            heist::spawn(chain(over));
        }
    })
}

#[test]
fn a_chain_of_spawns_does_not_starve_another_task() {
    let runtime = Builder::new_multi_thread().worker_threads(1).build().unwrap();
    let over = Arc::new(AtomicBool::new(false));
    let seen = over.clone();
    let other = runtime.spawn(async move {
        let other = over.clone();
        heist::spawn(chain(over));
        heist::spawn(async move { other.store(true, Ordering::SeqCst) });
    });
    runtime.block_on(other).unwrap();
    eventually_blocking("the other task has its turn", || seen.load(Ordering::SeqCst));
}

#[test]
fn blocking_in_place_leaves_the_other_tasks_a_worker() {
    on_two_workers(async {
        let tasks: Vec<_> = (0..4)
            .map(|n| {
                heist::spawn(async move {
                    let ran = Arc::new(AtomicBool::new(false));
                    let flag = ran.clone();
                    heist::spawn(async move { flag.store(true, Ordering::SeqCst) });
                    // More tasks block than there are workers, each until a task has run.
                    heist::task::block_in_place(|| block(&ran));
                    heist::task::yield_now().await;
                    n
                })
            })
            .collect();
        for (n, task) in tasks.into_iter().enumerate() {
            assert_eq!(task.await.unwrap(), n);
        }
    });
}

#[test]
fn blocking_jobs_run_beside_the_workers_and_report_back() {
    on_two_workers(async {
        let jobs: Vec<_> =
            (0..1000u64).map(|n| heist::task::spawn_blocking(move || n * n)).collect();
        for (n, job) in jobs.into_iter().enumerate() {
            assert_eq!(job.await.unwrap(), (n * n) as u64);
        }
        let panicked = heist::task::spawn_blocking(|| std::panic::resume_unwind(Box::new(())));
        let panicked: Result<(), _> = panicked.await;
        assert!(panicked.unwrap_err().is_panic());
    });
}
