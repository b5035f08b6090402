//! The primitives of `heist::sync` on two workers: nothing is lost between threads, waiting is
//! shown where it is, and always-ready operations let others run.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::Duration;

use heist::sync::{
    Barrier, Condvar, Event, Mutex, Notify, OnceCell, Queue, RwLock, Semaphore, SetOnce, broadcast,
    mpsc, oneshot, watch,
};
use heist_tests::{eventually, on_two_workers};

#[test]
fn tasks_are_shown_to_wait_in_the_operation_and_at_its_line() {
    on_two_workers(async {
        let mutex = Arc::new(Mutex::new(()));
        let guard = mutex.lock().await;
        let line = line!() + 3;
        let waiter = heist::spawn({
            let mutex = mutex.clone();
            async move { drop(mutex.lock().await) }
        });
        let id = waiter.id();
        eventually("the lock is waited for", || {
            heist::task::all().iter().filter(|task| task.id() == id).any(|task| {
                let shown = task.to_string();
                shown.contains("Mutex::lock") && shown.contains(&format!("{}:{line}:", file!()))
            })
        })
        .await;
        drop(guard);
        waiter.await.unwrap();
    });
}

#[test]
fn a_locked_mutex_names_the_task_that_holds_it() {
    on_two_workers(async {
        let mutex = Arc::new(Mutex::new(()));
        let guard = mutex.lock().await;
        assert!(!format!("{mutex:?}").contains("locked_by"), "it is no task: {mutex:?}");
        let hold = || {
            let mutex = mutex.clone();
            heist::spawn(async move {
                let _guard = mutex.lock().await;
                std::future::pending::<()>().await;
            })
        };
        let named = |id: heist::task::Id| {
            format!("{mutex:?}").contains(&format!("locked_by: task {id} }}"))
        };
        let in_line = hold();
        let waits =
            |task: heist::task::TaskInfo| task.id() == in_line.id() && task.waits_in().is_some();
        eventually("it stands in line", || heist::task::all().into_iter().any(waits)).await;
        drop(guard);
        eventually("it was handed the lock", || named(in_line.id())).await;
        in_line.abort();
        in_line.await.unwrap_err();
        let at_once = hold();
        eventually("it has taken the lock", || named(at_once.id())).await;
        at_once.abort();
        at_once.await.unwrap_err();
        assert_eq!(format!("{mutex:?}"), "Mutex { data: () }");
    });
}

#[heist::test(timeout = "60s")]
async fn a_task_that_is_always_served_lets_others_run() {
    let stop = Arc::new(AtomicBool::new(false));
    let busy = heist::spawn({
        let stop = stop.clone();
        async move {
            let (sender, mut receiver) = mpsc::unbounded_channel();
            while !stop.load(Ordering::Relaxed) {
                sender.send(()).unwrap();
                receiver.recv().await;
            }
        }
    });
    heist::task::yield_now().await;
    stop.store(true, Ordering::Relaxed);
    busy.await.unwrap();
}

#[test]
fn locks_exclude_and_semaphores_limit() {
    on_two_workers(async {
        let mutex = Arc::new(Mutex::new(0_u64));
        let lock = Arc::new(RwLock::new(0_u64));
        let three = Arc::new(Semaphore::new(3));
        let inside = Arc::new(AtomicUsize::new(0));
        let tasks: Vec<_> = (0..8)
            .map(|_| {
                let (mutex, lock) = (mutex.clone(), lock.clone());
                let (three, inside) = (three.clone(), inside.clone());
                heist::spawn(async move {
                    for n in 0..500 {
                        let permit = three.acquire().await.unwrap();
                        assert!(inside.fetch_add(1, Ordering::SeqCst) < 3);
                        let mut guard = mutex.lock().await;
                        let before = *guard;
                        if n % 10 == 0 {
                            heist::task::yield_now().await;
                        }
                        *guard = before + 1;
                        drop(guard);
                        inside.fetch_sub(1, Ordering::SeqCst);
                        drop(permit);
                        if n % 4 == 0 {
                            *lock.write().await += 1;
                        } else {
                            let first = lock.read().await;
                            heist::task::yield_now().await;
                            assert!(*first <= 8 * 125);
                        }
                    }
                })
            })
            .collect();
        for task in tasks {
            task.await.unwrap();
        }
        assert_eq!((*mutex.lock().await, *lock.read().await), (8 * 500, 8 * 125));
        assert_eq!(three.available_permits(), 3);
    });
}

#[test]
fn waits_that_are_cancelled_at_random_lose_nothing() {
    on_two_workers(async {
        let semaphore = Arc::new(Semaphore::new(2));
        let mutex = Arc::new(Mutex::new(0_usize));
        let notify = Arc::new(Notify::new());
        for round in 0..300_usize {
            let tasks: Vec<_> = (0..6)
                .map(|_| {
                    let (semaphore, mutex) = (semaphore.clone(), mutex.clone());
                    let notify = notify.clone();
                    heist::spawn(async move {
                        let permit = semaphore.acquire_many(2).await.unwrap();
                        *mutex.lock().await += 1;
                        heist::task::yield_now().await;
                        drop(permit);
                        notify.notified().await;
                    })
                })
                .collect();
            for (n, task) in tasks.iter().enumerate() {
                if (n + round) % 2 == 0 {
                    heist::task::yield_now().await;
                    task.abort();
                }
            }
            // One permanent notification for each that may still wait.
            for task in tasks {
                while !task.is_finished() {
                    notify.notify_one();
                    heist::task::yield_now().await;
                }
                let _ = task.await;
            }
        }
        assert_eq!(semaphore.available_permits(), 2);
        assert!(mutex.try_lock().is_ok());
    });
}

#[test]
fn messages_arrive_once_over_every_channel() {
    const SENDERS: u64 = 4;
    const EACH: u64 = 3_000;
    on_two_workers(async {
        let (sender, mut receiver) = mpsc::channel(5);
        let (told, _) = broadcast::channel(16 * 1024);
        let (shown, mut seen) = watch::channel(0);
        let mut heard = told.subscribe();
        let listener = heist::spawn(async move {
            let mut sum = 0;
            while let Ok(n) = heard.recv().await {
                sum += n;
            }
            sum
        });
        let watcher = heist::spawn(async move {
            let mut last = 0;
            while seen.changed().await.is_ok() {
                last = *seen.borrow_and_update();
            }
            last
        });
        for number in 0..SENDERS {
            let (sender, told) = (sender.clone(), told.clone());
            heist::spawn(async move {
                for n in 0..EACH {
                    if n % 3 == 0 {
                        sender.reserve().await.unwrap().send((number, n));
                    } else {
                        sender.send((number, n)).await.unwrap();
                    }
                    told.send(n).unwrap();
                }
            });
        }
        drop((sender, told));
        let mut next = [0; SENDERS as usize];
        let mut received = 0;
        while let Some((number, n)) = receiver.recv().await {
            assert_eq!(n, next[number as usize], "in the order of each sender");
            next[number as usize] += 1;
            received += 1;
            shown.send_replace(received);
        }
        drop(shown);
        assert_eq!(received, SENDERS * EACH);
        assert_eq!(watcher.await.unwrap(), received);
        assert_eq!(listener.await.unwrap(), SENDERS * EACH * (EACH - 1) / 2);
    });
}

#[test]
fn a_thousand_tasks_exchange_oneshots() {
    on_two_workers(async {
        let tasks: Vec<_> = (0..1_000)
            .map(|n| {
                let (ask, asked) = oneshot::channel();
                let (answer, answered) = oneshot::channel();
                heist::spawn(async move { answer.send(asked.await.unwrap() + 1) });
                heist::spawn(async move {
                    ask.send(n).unwrap();
                    assert_eq!(answered.await, Ok(n + 1));
                })
            })
            .collect();
        for task in tasks {
            task.await.unwrap();
        }
    });
}

#[test]
fn three_producers_and_two_consumers_finish_their_work() {
    on_two_workers(async {
        let queue = Arc::new(Queue::new(2));
        let consumed = Arc::new(AtomicUsize::new(0));
        let consumers: Vec<_> = (0..2)
            .map(|_| {
                let (queue, consumed) = (queue.clone(), consumed.clone());
                heist::spawn(async move {
                    while queue.get().await.is_ok() {
                        consumed.fetch_add(1, Ordering::SeqCst);
                        queue.task_done();
                    }
                })
            })
            .collect();
        let producers: Vec<_> = (0..3)
            .map(|producer| {
                let queue = queue.clone();
                heist::spawn(async move {
                    for n in 0..500 {
                        queue.put((producer, n)).await.unwrap();
                    }
                })
            })
            .collect();
        for producer in producers {
            producer.await.unwrap();
        }
        queue.join().await;
        assert_eq!(consumed.load(Ordering::SeqCst), 1_500);
        queue.shutdown(false);
        for consumer in consumers {
            consumer.await.unwrap();
        }
    });
}

#[test]
fn signals_reach_everybody() {
    on_two_workers(async {
        let barrier = Arc::new(Barrier::new(4));
        let go = Arc::new(Event::new());
        let turn = Arc::new((Mutex::new(0), Condvar::new()));
        let once = Arc::new(OnceCell::new());
        let made = Arc::new(AtomicUsize::new(0));
        let tasks: Vec<_> = (0..4)
            .map(|me| {
                let (barrier, go, turn) = (barrier.clone(), go.clone(), turn.clone());
                let (once, made) = (once.clone(), made.clone());
                heist::spawn(async move {
                    go.wait().await;
                    let mut led = 0;
                    for round in 0..200 {
                        led += usize::from(barrier.wait().await.is_leader());
                        let guard = turn.0.lock().await;
                        let mut guard = turn.1.wait_while(guard, |n| *n != 4 * round + me).await;
                        *guard += 1;
                        turn.1.notify_all();
                    }
                    let make = || async { made.fetch_add(1, Ordering::SeqCst) };
                    assert_eq!(*once.get_or_init(make).await, 0);
                    led
                })
            })
            .collect();
        go.set();
        let mut led = 0;
        for task in tasks {
            led += task.await.unwrap();
        }
        assert_eq!((led, *turn.0.lock().await), (200, 800));
        assert_eq!(made.load(Ordering::SeqCst), 1);
    });
}

#[test]
fn blocking_jobs_receive_more_than_a_budget_of_messages() {
    on_two_workers(async {
        let (sender, mut receiver) = mpsc::channel(10);
        let job = heist::task::spawn_blocking(move || {
            std::iter::from_fn(|| receiver.blocking_recv()).sum::<u64>()
        });
        for n in 0..1_000 {
            sender.send(n).await.unwrap();
        }
        drop(sender);
        assert_eq!(job.await.unwrap(), 499_500);
    });
}

#[heist::test(start_paused = true)]
async fn a_timed_out_wait_gives_its_place_up() {
    let mutex = Mutex::new(());
    let guard = mutex.lock().await;
    let hour = Duration::from_secs(3600);
    assert!(heist::time::timeout(hour, mutex.lock()).await.is_err());
    drop(guard);
    assert!(mutex.try_lock().is_ok());
}

#[test]
fn an_initialization_that_is_dropped_leaves_the_cell_to_the_next() {
    on_two_workers(async {
        let cell = Arc::new(OnceCell::new());
        let (begun, begins) = oneshot::channel();
        let first = heist::spawn({
            let cell = cell.clone();
            async move {
                let make = || async {
                    begun.send(()).unwrap();
                    std::future::pending().await
                };
                *cell.get_or_init(make).await
            }
        });
        begins.await.unwrap();
        let waiting = || {
            let cell = cell.clone();
            heist::spawn(async move { *cell.get_or_init(|| std::future::ready(2)).await })
        };
        let (second, third) = (waiting(), waiting());
        heist::testing::wait_until_idle().await;
        assert!(cell.set(3).is_err(), "somebody is at it");
        // The one that was in line is no longer, and the one that made the value does not any more.
        second.abort();
        first.abort();
        assert_eq!(third.await.unwrap(), 2);
        assert_eq!(cell.get(), Some(&2));
        assert!(first.await.unwrap_err().is_cancelled());
        assert!(second.await.unwrap_err().is_cancelled());
    });
}

#[test]
fn waits_for_a_value_that_are_dropped_keep_it_from_nobody() {
    on_two_workers(async {
        let once = Arc::new(SetOnce::new());
        let waiters: Vec<_> = (0..20)
            .map(|_| {
                let once = once.clone();
                heist::spawn(async move { *once.wait().await })
            })
            .collect();
        heist::testing::wait_until_idle().await;
        waiters.iter().step_by(2).for_each(heist::task::JoinHandle::abort);
        once.set(7).unwrap();
        for (n, waiter) in waiters.into_iter().enumerate() {
            match waiter.await {
                Ok(value) => assert_eq!(value, 7),
                Err(error) => assert!(error.is_cancelled() && n % 2 == 0, "{n}: {error}"),
            }
        }
    });
}

#[test]
fn a_barrier_counts_nobody_who_was_dropped_or_sent_away() {
    on_two_workers(async {
        let barrier = Arc::new(Barrier::new(3));
        let come = || {
            let barrier = barrier.clone();
            heist::spawn(async move { barrier.wait_or_broken().await.map(|end| end.is_leader()) })
        };
        let there = &barrier;
        let at_barrier = |n| eventually("so many wait", move || there.waiting() == n);
        let (first, second) = (come(), come());
        at_barrier(2).await;
        first.abort();
        at_barrier(1).await;
        // Those there are sent away, and the next three meet.
        barrier.reset();
        assert!(second.await.unwrap().is_err());
        let three = [come(), come(), come()];
        let mut led = 0;
        for task in three {
            led += usize::from(task.await.unwrap().unwrap());
        }
        assert_eq!(led, 1);
        // Broken, it takes nobody until it is reset.
        let third = come();
        at_barrier(1).await;
        barrier.abort();
        assert!(third.await.unwrap().is_err() && come().await.unwrap().is_err());
    });
}
