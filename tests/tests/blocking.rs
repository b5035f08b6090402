//! Blocking work: pools with names and bounds, how long jobs wait, jobs that are asked to end.

use std::future::Future;
use std::pin::{Pin, pin};
use std::sync::atomic::{AtomicBool, AtomicIsize, AtomicUsize, Ordering};
use std::sync::{Arc, Barrier, Mutex, mpsc};
use std::task::{Context, Poll, Waker};
use std::time::{Duration, Instant};

use futures_lite::future::block_on;
use heist::runtime::{Builder, ShutdownPolicy};
use heist::task::{self, BlockingPool, JoinHandle, PoolFull, TaskState, is_cancelled};
use heist_tests::foreign::{fail, panicking_waker};
use heist_tests::{eventually, eventually_blocking, on_two_workers, two_workers};

/// A job that runs until it is let go of.
#[derive(Debug)]
struct Busy {
    job: JoinHandle<()>,
    release: mpsc::Sender<()>,
}

impl Busy {
    /// Takes up one thread of the pool.
    fn in_pool(pool: &BlockingPool) -> Busy {
        let (release, released) = mpsc::channel();
        let (begun, begins) = mpsc::channel();
        let job = move || {
            begun.send(()).unwrap();
            let _ = released.recv();
        };
        let job = pool.try_spawn(job).expect("there is room");
        task::block_in_place(|| begins.recv()).expect("it begins");
        Busy { job, release }
    }

    async fn release(self) {
        drop(self.release);
        self.job.await.expect("it does not panic");
    }
}

/// A pool of one thread with this much room behind it.
fn one_thread(max_queued: usize) -> BlockingPool {
    BlockingPool::builder("one").max_threads(1).max_queued(max_queued).build()
}

fn poll<F: Future + ?Sized>(future: &mut Pin<Box<F>>) -> Poll<F::Output> {
    future.as_mut().poll(&mut Context::from_waker(Waker::noop()))
}

#[test]
fn a_pool_keeps_to_its_bounds() {
    #[derive(Default)]
    struct Seen {
        running: AtomicUsize,
        /// Counted late, by the spawner, and taken back early, by the job.
        inside: AtomicIsize,
    }
    on_two_workers(async {
        let pool = Arc::new(BlockingPool::builder("few").max_threads(2).max_queued(3).build());
        assert_eq!(pool.num_threads(), 0, "none before the first job");
        let seen = Arc::new(Seen::default());
        let spawner = |n| {
            let (pool, seen) = (pool.clone(), seen.clone());
            async move {
                for _ in 0..20 {
                    let job_seen = seen.clone();
                    let job = pool.spawn(move || {
                        let running = job_seen.running.fetch_add(1, Ordering::SeqCst) + 1;
                        std::thread::yield_now();
                        job_seen.running.fetch_sub(1, Ordering::SeqCst);
                        job_seen.inside.fetch_sub(1, Ordering::SeqCst);
                        (n, running)
                    });
                    let job = job.await;
                    let inside = seen.inside.fetch_add(1, Ordering::SeqCst) + 1;
                    assert!(inside <= 5, "{inside} jobs are inside");
                    let (returned, running) = job.await.unwrap();
                    assert_eq!(returned, n);
                    assert!((1..=2).contains(&running), "{running} run at the same time");
                }
            }
        };
        let spawners: Vec<_> = (0..20).map(|n| heist::spawn(spawner(n))).collect();
        for spawner in spawners {
            spawner.await.unwrap();
        }
        assert!((1..=2).contains(&pool.num_threads()));
        assert_eq!((pool.job_count(), pool.queue_depth()), (400, 0));
    });
}

#[test]
fn who_waits_first_has_room_first_and_who_leaves_takes_none_along() {
    on_two_workers(async {
        for leaves_late in [false, true] {
            let pool = one_thread(1);
            let ran = Arc::new(Mutex::new(Vec::new()));
            let job = |n| {
                let ran = ran.clone();
                move || ran.lock().unwrap().push(n)
            };
            let busy = Busy::in_pool(&pool);
            let queued = pool.spawn(job(0)).await;
            let mut waiting: Vec<_> = (1..4).map(|n| Box::pin(pool.spawn(job(n)))).collect();
            assert!(waiting.iter_mut().all(|spawn| poll(spawn).is_pending()));
            let PoolFull(refused) = pool.try_spawn(job(9)).unwrap_err();
            drop(refused);
            if !leaves_late {
                drop(waiting.remove(0));
            }
            busy.release().await;
            queued.await.unwrap();
            if leaves_late {
                // It was given room, or will be, and does not look.
                drop(waiting.remove(0));
            }
            for spawn in waiting {
                spawn.await.await.unwrap();
            }
            assert_eq!(*ran.lock().unwrap(), [0, 2, 3]);
            // All the room is there again: for one job to run, and one to wait.
            let busy = Busy::in_pool(&pool);
            let queued = pool.try_spawn(job(4)).unwrap();
            assert!(pool.try_spawn(job(9)).is_err());
            busy.release().await;
            queued.await.unwrap();
        }
    });
}

#[test]
fn a_job_gives_its_room_back_however_it_ends() {
    on_two_workers(async {
        let pool = one_thread(1);
        let all_is_free = async |after: u64| {
            eventually("all have ended", || {
                (pool.job_count(), pool.num_idle_threads()) == (after, 1)
            })
            .await;
            let busy = Busy::in_pool(&pool);
            let queued = pool.try_spawn(|| ()).expect("there is room for one to wait");
            busy.release().await;
            queued.await.unwrap();
        };
        let panics = pool.spawn(|| fail("a job")).await;
        assert!(panics.await.unwrap_err().is_panic());
        all_is_free(1).await;
        let busy = Busy::in_pool(&pool);
        let aborted = pool.try_spawn(|| ()).unwrap();
        aborted.abort();
        busy.release().await;
        assert!(aborted.await.unwrap_err().is_cancelled());
        all_is_free(5).await;
        // Whoever is woken for it may panic, and the job has its output all the same.
        let (release, released) = mpsc::channel::<()>();
        let job = pool.try_spawn(move || released.recv().is_err()).unwrap();
        let queued = pool.try_spawn(|| ()).unwrap();
        let mut waiting = pin!(pool.spawn(|| ()));
        let waker = panicking_waker();
        assert!(waiting.as_mut().poll(&mut Context::from_waker(&waker)).is_pending());
        drop(release);
        assert!(job.await.unwrap());
        queued.await.unwrap();
        waiting.await.await.unwrap();
    });
}

#[test]
fn jobs_and_threads_have_the_name_of_their_pool() {
    heist::inherited! {
        static REQUEST: u32;
    }
    // The builder's name is for the others.
    let runtime = Builder::new_multi_thread().worker_threads(2).thread_name("app").build().unwrap();
    runtime.block_on(async {
        let pool = Arc::new(one_thread(1));
        let job = || {
            let name = task::current().name().map(str::to_owned);
            let thread = std::thread::current().name().map(str::to_owned);
            (name, thread, REQUEST.get().as_deref().copied())
        };
        let seen = REQUEST.scope(7, async { pool.spawn(job).await.await.unwrap() }).await;
        assert_eq!(seen, (Some("one".into()), Some("one".into()), Some(7)));
        assert_eq!(pool.name(), "one");

        let waiting = heist::spawn({
            let pool = pool.clone();
            async move {
                let busy = Busy::in_pool(&pool);
                let queued = pool.spawn(|| ()).await;
                let third = pool.spawn(|| ()).await;
                third.await.unwrap();
                queued.await.unwrap();
                busy
            }
        });
        let find = |state| {
            task::all().into_iter().find(move |t| t.name() == Some("one") && t.state() == state)
        };
        eventually("one runs, one is queued, and their spawner waits for room", || {
            let all = task::all();
            let spawner = all.iter().find(|task| task.id() == waiting.id());
            find(TaskState::Running).is_some()
                && find(TaskState::Ready).is_some()
                && spawner.and_then(|task| task.waits_in()).is_some_and(|site| {
                    site.operation == "BlockingPool::spawn"
                        && site.location.file().ends_with("blocking.rs")
                })
        })
        .await;
        let queued = find(TaskState::Ready).unwrap();
        assert_eq!(queued.parent(), Some(waiting.id()));
        assert!(queued.spawned_at().file().ends_with("blocking.rs"));
        waiting.abort();
        assert!(waiting.await.unwrap_err().is_cancelled());
        eventually("nothing is left", || task::all().is_empty()).await;
    });
}

#[test]
fn a_pool_that_is_dropped_runs_what_it_has_accepted_and_ends() {
    let stopped = Arc::new(AtomicUsize::new(0));
    let counted = stopped.clone();
    let runtime = Builder::new_current_thread()
        .thread_keep_alive(Duration::from_secs(3600))
        .on_thread_stop(move || {
            counted.fetch_add(1, Ordering::SeqCst);
        })
        .build()
        .unwrap();
    runtime.block_on(async {
        let (release, released) = mpsc::channel::<()>();
        let pool = one_thread(100);
        let first = pool.spawn(move || released.recv().is_err()).await;
        let mut others = Vec::new();
        for n in 0..10 {
            others.push(pool.spawn(move || n).await);
        }
        drop(pool);
        assert_eq!(stopped.load(Ordering::SeqCst), 0);
        drop(release);
        assert!(first.await.unwrap());
        for (n, job) in others.into_iter().enumerate() {
            assert_eq!(job.await.unwrap(), n);
        }
        eventually("its thread ends", || stopped.load(Ordering::SeqCst) == 1).await;
        // And one that is idle.
        let pool = one_thread(0);
        pool.spawn(|| ()).await.await.unwrap();
        drop(pool);
        eventually("its thread ends, too", || stopped.load(Ordering::SeqCst) == 2).await;
    });
}

#[test]
fn threads_without_work_go() {
    let runtime = two_workers();
    let pool = BlockingPool::builder("brief")
        .max_threads(2)
        .thread_keep_alive(Duration::from_millis(1))
        .build_on(runtime.handle());
    for n in 0..3 {
        let job = pool.try_spawn(move || n).unwrap();
        assert_eq!(runtime.block_on(job).unwrap(), n);
        eventually_blocking("the thread goes", || pool.num_threads() == 0);
    }
}

#[test]
fn a_pool_ends_with_its_runtime() {
    let runtime = two_workers();
    let pool = Arc::new(
        BlockingPool::builder("one").max_threads(1).max_queued(1).build_on(runtime.handle()),
    );
    let (begun, begins) = mpsc::channel();
    let asked = pool.try_spawn(move || {
        begun.send(()).unwrap();
        while !is_cancelled() {
            std::thread::yield_now();
        }
        "asked"
    });
    begins.recv().unwrap();
    let queued = pool.try_spawn(|| ()).unwrap();
    let mut waiting = Box::pin(pool.spawn(|| ()));
    assert!(poll(&mut waiting).is_pending());
    let report = runtime.shutdown(ShutdownPolicy::cancel(Duration::from_secs(60)));
    assert!(report.remaining().is_empty(), "{report}");
    block_on(async {
        assert_eq!(asked.unwrap().await.unwrap(), "asked");
        let late = [pool.spawn(|| ()).await, pool.try_spawn(|| ()).unwrap()];
        for cancelled in [queued, waiting.await].into_iter().chain(late) {
            assert!(cancelled.await.unwrap_err().is_cancelled());
        }
    });
    assert_eq!((pool.num_threads(), pool.queue_depth()), (0, 0));
}

#[test]
fn a_shutdown_names_the_job_that_does_not_end() {
    let runtime = two_workers();
    let pool = BlockingPool::builder("stubborn").max_threads(1).build_on(runtime.handle());
    let (release, released) = mpsc::channel::<()>();
    let (begun, begins) = mpsc::channel();
    let job = pool.try_spawn(move || {
        begun.send(()).unwrap();
        released.recv().is_err()
    });
    begins.recv().unwrap();
    let handle = runtime.handle().clone();
    let report = runtime.shutdown(ShutdownPolicy::cancel(Duration::ZERO));
    let names: Vec<_> = report.remaining().iter().filter_map(|job| job.name()).collect();
    assert_eq!(names, ["stubborn"], "{report}");
    // A pool of a runtime that has ended is of no more use, and does no harm.
    let late = BlockingPool::builder("late").build_on(&handle);
    assert!(block_on(late.try_spawn(|| ()).unwrap()).unwrap_err().is_cancelled());
    drop(release);
    assert!(block_on(job.unwrap()).unwrap());
}

/// Runs until it is asked to end, and says why.
fn until_asked(begun: &mpsc::Sender<()>) -> Option<String> {
    assert!(!is_cancelled());
    begun.send(()).unwrap();
    while !is_cancelled() {
        std::thread::yield_now();
    }
    task::current().cancel_reason().map(str::to_owned)
}

#[test]
fn a_job_learns_that_it_is_to_end() {
    assert!(!is_cancelled(), "outside a runtime");
    on_two_workers(async {
        assert!(!is_cancelled(), "outside a task");
        let (begun, begins) = mpsc::channel();
        let pool = one_thread(0);
        let job = || {
            let begun = begun.clone();
            move || until_asked(&begun)
        };
        let jobs = [task::spawn_blocking(job()), pool.spawn(job()).await];
        for _ in &jobs {
            begins.recv().unwrap();
        }
        for job in jobs {
            job.cancel("enough");
            // It was asked, and not stopped: so this is its output.
            assert_eq!(job.await.unwrap().as_deref(), Some("enough"));
        }
        let job = task::spawn_blocking(job());
        begins.recv().unwrap();
        job.abort();
        assert_eq!(job.await.unwrap(), None);
        // The scope waits for its job, which ends because another child has failed.
        let scope = heist::scope(async |group: task::TaskGroup<&str>| {
            let begun = begun.clone();
            group.spawn_blocking(move || Ok(until_asked(&begun)));
            group.spawn_blocking(move || {
                begins.recv().unwrap();
                Err::<(), _>("failed")
            });
            Ok(())
        });
        assert!(scope.await.is_err());
    });
}

#[test]
fn a_task_learns_it_where_it_does_not_wait() {
    struct Looks(Arc<AtomicBool>);
    impl Drop for Looks {
        fn drop(&mut self) {
            self.0.store(is_cancelled(), Ordering::SeqCst);
        }
    }
    let runtime = two_workers();
    let (begun, begins) = mpsc::channel();
    let aborted = runtime.spawn({
        let begun = begun.clone();
        async move { until_asked(&begun) }
    });
    begins.recv().unwrap();
    aborted.abort();
    runtime.block_on(aborted).unwrap();
    // A destructor may ask, too.
    let seen = [Arc::new(AtomicBool::new(false)), Arc::new(AtomicBool::new(true))];
    let [left, returns] = seen.clone().map(|seen| {
        let looks = Looks(seen);
        async move { drop(looks) }
    });
    let waits = async move {
        std::future::pending::<()>().await;
        left.await;
    };
    let waits = task::Builder::new().eager().spawn_on(waits, runtime.handle());
    runtime.block_on(runtime.spawn(returns)).unwrap();
    waits.abort();
    assert!(runtime.block_on(waits).unwrap_err().is_cancelled());
    assert_eq!(seen.map(|seen| seen.load(Ordering::SeqCst)), [true, false]);
    // The end of the runtime is asked for in the same way, of tasks and of jobs.
    let asking = begun.clone();
    let task = runtime.spawn(async move { task::block_in_place(|| until_asked(&asking)) });
    let job = runtime.spawn_blocking(move || until_asked(&begun));
    for _ in 0..2 {
        begins.recv().unwrap();
    }
    let report = runtime.shutdown(ShutdownPolicy::cancel(Duration::from_secs(60)));
    assert!(report.remaining().is_empty(), "{report}");
    block_on(async {
        task.await.unwrap();
        job.await.unwrap();
    });
}

#[test]
fn the_time_in_the_queue_is_counted() {
    const LEAST: Duration = Duration::from_millis(5);
    let runtime = Builder::new_multi_thread().max_blocking_threads(1).build().unwrap();
    let metrics = runtime.handle().metrics();
    let pool = BlockingPool::builder("one").max_threads(1).build_on(runtime.handle());
    let of_runtime = || {
        let total = metrics.blocking_queue_time();
        (metrics.blocking_job_count(), total, metrics.blocking_queue_time_max())
    };
    let of_pool = || (pool.job_count(), pool.queue_time(), pool.queue_time_max());
    let nothing = (0, Duration::ZERO, Duration::ZERO);
    assert_eq!((of_runtime(), of_pool()), (nothing, nothing));
    let check = |spawn: &dyn Fn(Box<dyn FnOnce() + Send>) -> JoinHandle<()>| {
        let (release, released) = mpsc::channel::<()>();
        let first = spawn(Box::new(move || assert!(released.recv().is_err())));
        let others = [spawn(Box::new(|| ())), spawn(Box::new(|| ()))];
        std::thread::sleep(LEAST);
        drop(release);
        block_on(async {
            first.await.unwrap();
            for job in others {
                job.await.unwrap();
            }
        });
    };
    let holds = |(jobs, total, longest): (u64, Duration, Duration)| {
        assert_eq!(jobs, 3);
        // Two have waited as long at least.
        assert!(longest >= LEAST && total >= 2 * LEAST, "{total:?} and {longest:?}");
        assert!(longest <= total && total <= 3 * longest, "{total:?} and {longest:?}");
    };
    check(&|job| runtime.spawn_blocking(job));
    holds(of_runtime());
    assert_eq!(of_pool(), nothing, "each pool counts for itself");
    let before = of_runtime();
    check(&|job| pool.try_spawn(job).unwrap());
    holds(of_pool());
    assert_eq!(of_runtime(), before);
}

#[test]
fn a_paused_clock_waits_for_the_jobs_of_all_pools() {
    let runtime = Builder::new_current_thread().start_paused(true).build().unwrap();
    runtime.block_on(async {
        let pool = one_thread(0);
        let elapsed = Arc::new(AtomicBool::new(false));
        let (over, seen) = (elapsed.clone(), elapsed.clone());
        let (release, released) = mpsc::channel::<()>();
        let job = pool.spawn(move || {
            let _ = released.recv();
            over.load(Ordering::SeqCst)
        });
        let job = job.await;
        let sleeping = heist::spawn(async move {
            heist::time::sleep(Duration::from_secs(3600)).await;
            seen.store(true, Ordering::SeqCst);
        });
        std::thread::spawn(move || {
            std::thread::sleep(Duration::from_millis(5));
            drop(release);
        });
        assert!(!job.await.unwrap(), "time has passed while a job was running");
        sleeping.await.unwrap();
        // And for nobody once they have ended.
        pool.spawn(|| ()).await.await.unwrap();
        heist::testing::wait_until_idle().await;
        heist::testing::assert_no_leaked_tasks();
    });
}

/// Jobs that keep coming are done by the threads that were there last, so the others are let go.
#[test]
fn what_a_burst_has_left_over_ends_although_jobs_keep_coming() {
    const BURST: usize = 20;
    let runtime = Builder::new_multi_thread()
        .worker_threads(1)
        .thread_keep_alive(Duration::from_secs(1))
        .build()
        .unwrap();
    let threads = || runtime.handle().metrics().num_blocking_threads();
    let all_there = Arc::new(Barrier::new(BURST));
    let burst: Vec<_> = (0..BURST)
        .map(|_| {
            let all_there = all_there.clone();
            runtime.spawn_blocking(move || all_there.wait().is_leader())
        })
        .collect();
    runtime.block_on(async {
        for job in burst {
            job.await.unwrap();
        }
    });
    let start = Instant::now();
    while threads() > BURST / 4 {
        assert!(start.elapsed() < Duration::from_secs(60), "{} threads are left", threads());
        runtime.block_on(runtime.spawn_blocking(|| ())).unwrap();
        std::thread::sleep(Duration::from_millis(5));
    }
}
