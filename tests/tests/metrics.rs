//! A runtime's counters count what they say.

use std::sync::mpsc;
use std::time::Duration;

use heist::net::TcpListener;
use heist::runtime::Builder;
use heist_tests::eventually_blocking;

#[test]
fn counters_follow_what_happens() {
    let runtime = Builder::new_multi_thread()
        .worker_threads(2)
        .max_blocking_threads(1)
        .thread_keep_alive(Duration::from_secs(3600))
        .build()
        .unwrap();
    let metrics = runtime.handle().metrics();
    assert_eq!((metrics.num_workers(), metrics.num_alive_tasks()), (2, 0));
    // A worker's thread may start only when there is work for it.
    eventually_blocking("a worker sleeps", || metrics.park_count() > 0);
    let parks = metrics.park_count();
    assert_eq!(parks, metrics.worker_park_count(0) + metrics.worker_park_count(1));

    // A task that is polled three times.
    let polls = metrics.poll_count();
    let task = runtime.spawn(async {
        heist::task::yield_now().await;
        heist::task::yield_now().await;
    });
    runtime.block_on(task).unwrap();
    assert_eq!(metrics.poll_count(), polls + 3);
    assert_eq!(metrics.poll_count(), metrics.worker_poll_count(0) + metrics.worker_poll_count(1));
    eventually_blocking("they sleep again", || metrics.park_count() > parks);
    assert!(metrics.reactor_turn_count() > 0);

    // A timer and a socket.
    let waiting = runtime.spawn(async {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        heist::select! {
            _ = listener.accept() => unreachable!("nobody connects"),
            _ = heist::time::sleep(Duration::from_secs(3600)) => unreachable!("not so long"),
        }
    });
    eventually_blocking("both are there", || {
        (metrics.num_alive_tasks(), metrics.num_io_sources(), metrics.num_timers()) == (1, 1, 1)
    });
    waiting.abort();
    eventually_blocking("both are gone", || {
        (metrics.num_alive_tasks(), metrics.num_io_sources(), metrics.num_timers()) == (0, 0, 0)
    });

    // Three jobs for one thread.
    let (release, held) = mpsc::channel::<()>();
    let first = runtime.spawn_blocking(move || held.recv());
    let others = [runtime.spawn_blocking(|| ()), runtime.spawn_blocking(|| ())];
    eventually_blocking("one runs and two wait", || {
        metrics.num_blocking_threads() == 1
            && metrics.num_idle_blocking_threads() == 0
            && metrics.blocking_queue_depth() == 2
    });
    drop(release);
    runtime.block_on(async {
        assert!(first.await.unwrap().is_err());
        for job in others {
            job.await.unwrap();
        }
    });
    eventually_blocking("the thread waits for more", || {
        metrics.num_idle_blocking_threads() == 1 && metrics.blocking_queue_depth() == 0
    });
}

#[test]
fn what_waits_in_queues_is_counted() {
    let runtime = Builder::new_multi_thread().worker_threads(1).build().unwrap();
    let metrics = runtime.handle().metrics();
    let (release, held) = mpsc::channel::<()>();
    let (begun, begins) = mpsc::channel();
    // The one worker is busy, and has two tasks in its own queue behind the one that it takes first.
    let busy = runtime.spawn(async move {
        let tasks = [0, 1, 2].map(|_| heist::spawn(async {}));
        begun.send(()).unwrap();
        let _ = held.recv();
        tasks
    });
    begins.recv().unwrap();
    let outside = [runtime.spawn(async {}), runtime.spawn(async {})];
    assert_eq!(metrics.global_queue_depth(), 2);
    assert!((1..=3).contains(&metrics.worker_local_queue_depth(0)));
    drop(release);
    runtime.block_on(async {
        for task in busy.await.unwrap().into_iter().chain(outside) {
            task.await.unwrap();
        }
    });
    assert_eq!((metrics.global_queue_depth(), metrics.worker_local_queue_depth(0)), (0, 0));
}

#[test]
fn what_an_idle_worker_takes_from_a_busy_one_is_counted_as_stolen() {
    const TASKS: usize = 50;
    for workers in [1, 2] {
        let runtime = Builder::new_multi_thread().worker_threads(workers).build().unwrap();
        let metrics = runtime.handle().metrics();
        assert_eq!((metrics.steal_count(), metrics.stolen_task_count()), (0, 0));
        let counted = metrics.clone();
        let busy = runtime.spawn(async move {
            let tasks: Vec<_> = (0..TASKS).map(|_| heist::spawn(async {})).collect();
            // They are in the queue of this worker, which has no time for them.
            if workers == 2 {
                eventually_blocking("the other worker has run them", || {
                    tasks.iter().all(heist::task::JoinHandle::is_finished)
                });
                let stolen = counted.stolen_task_count();
                assert_eq!(stolen, TASKS as u64);
                assert!((1..=stolen).contains(&counted.steal_count()));
            }
            tasks
        });
        runtime.block_on(async {
            for task in busy.await.unwrap() {
                task.await.unwrap();
            }
        });
        // Nobody steals from itself.
        assert_eq!(metrics.steal_count() > 0, workers == 2);
    }
}
