//! What outlives its runtime: wakers, sockets, timers, handles; and runtimes that live and end inside
//! each other.

use std::future::poll_fn;
use std::pin::Pin;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use heist::net::{TcpListener, TcpStream, UdpSocket};
use heist::runtime::{Builder, Handle, Runtime};
use heist::sync::{Notify, mpsc, oneshot};
use heist_tests::footprint::Footprint;
use heist_tests::foreign::Calls;
use heist_tests::{eventually_blocking, in_own_process, two_workers};

/// Leaves a clone of each poll's waker in `wakers`, and never ends.
async fn leave_wakers(wakers: Arc<Mutex<Vec<Waker>>>) {
    poll_fn(|cx| {
        wakers.lock().unwrap().push(cx.waker().clone());
        Poll::<()>::Pending
    })
    .await;
}

#[test]
fn wakers_may_be_called_while_and_after_their_runtime_ends() {
    for round in 0..300 {
        let runtime = match round % 3 {
            0 => Builder::new_current_thread().build().unwrap(),
            _ => two_workers(),
        };
        let wakers = Arc::new(Mutex::new(Vec::new()));
        for _ in 0..20 {
            runtime.spawn(leave_wakers(wakers.clone()));
        }
        runtime.block_on(async {
            // Those of `block_on` and of a time-out, too.
            let waiting = leave_wakers(wakers.clone());
            let _ = heist::time::timeout(Duration::from_micros(200), waiting).await;
        });
        let done = Arc::new(AtomicBool::new(false));
        let foreign: Vec<_> = (0..3)
            .map(|_| {
                let (wakers, done) = (wakers.clone(), done.clone());
                std::thread::spawn(move || {
                    while !done.load(Ordering::Relaxed) {
                        let copies = wakers.lock().unwrap().clone();
                        copies.iter().for_each(Waker::wake_by_ref);
                        copies.into_iter().for_each(Waker::wake);
                    }
                })
            })
            .collect();
        if round % 2 == 0 {
            drop(runtime);
        } else {
            runtime.shutdown_background();
        }
        std::thread::yield_now();
        done.store(true, Ordering::Relaxed);
        for thread in foreign {
            thread.join().unwrap();
        }
        for waker in wakers.lock().unwrap().drain(..) {
            waker.wake();
        }
    }
}

#[test]
fn a_waker_of_an_earlier_block_on_does_not_hold_the_paused_clock() {
    for flavour in [Builder::new_multi_thread, Builder::new_current_thread] {
        let runtime = flavour().worker_threads(2).start_paused(true).build().unwrap();
        let wakers = Arc::new(Mutex::new(Vec::new()));
        runtime.block_on(async {
            let waiting = leave_wakers(wakers.clone());
            let _ = heist::time::timeout(Duration::from_millis(1), waiting).await;
        });
        // They are still here when the next one waits.
        wakers.lock().unwrap().iter().for_each(Waker::wake_by_ref);
        heist::__private::block_on_with_timeout(&runtime, 20_000, async {
            heist::time::sleep(Duration::from_secs(3600)).await;
        });
    }
}

#[test]
fn whoever_takes_over_the_one_worker_lets_the_paused_clock_go_on() {
    let runtime = Builder::new_current_thread().start_paused(true).build().unwrap();
    let started = Arc::new(AtomicUsize::new(0));
    std::thread::scope(|scope| {
        for hours in 1..=3 {
            let (runtime, started) = (&runtime, &started);
            scope.spawn(move || {
                heist::__private::block_on_with_timeout(runtime, 20_000, async {
                    started.fetch_add(1, Ordering::SeqCst);
                    // Time begins when all are there: whoever drives is gone before the others.
                    while started.load(Ordering::SeqCst) < 3 {
                        heist::task::yield_now().await;
                    }
                    heist::time::sleep(Duration::from_secs(3600 * hours)).await;
                });
            });
        }
    });
}

#[test]
fn what_outlives_its_runtime_says_so_and_can_be_dropped() {
    if !in_own_process("what_outlives_its_runtime_says_so_and_can_be_dropped") {
        return;
    }
    let before = Footprint::now();
    for _ in 0..50 {
        let runtime = two_workers();
        let listener = runtime.block_on(TcpListener::bind("127.0.0.1:0")).unwrap();
        let addr = listener.local_addr().unwrap();
        let (client, server) = runtime.block_on(async {
            let (client, server) = heist::join!(TcpStream::connect(addr), listener.accept());
            (client.unwrap(), server.unwrap().0)
        });
        let udp = runtime.block_on(UdpSocket::bind("127.0.0.1:0")).unwrap();
        let (reader, writer) = server.into_split();
        let mut sleep = Box::pin(heist::time::sleep(Duration::from_secs(3600)));
        let calls = Calls::new();
        let waker = calls.waker();
        let cx = &mut Context::from_waker(&waker);
        let (never, answer) = oneshot::channel::<()>();
        let task = runtime.spawn(async move {
            let _never = never;
            std::future::pending::<()>().await;
        });
        runtime.block_on(async { assert!(Future::poll(sleep.as_mut(), cx).is_pending()) });
        // One waits on a foreign thread while the runtime ends.
        let (waits, waiting) = std::sync::mpsc::channel();
        let reading = std::thread::spawn(move || {
            futures_lite::future::block_on(async {
                let mut buffer = [0; 16];
                let mut read = std::pin::pin!(client.read(&mut buffer));
                poll_fn(|cx| {
                    let polled = Future::poll(read.as_mut(), cx);
                    let _ = waits.send(());
                    polled
                })
                .await
            })
        });
        waiting.recv().unwrap();
        let handle = runtime.handle().clone();
        drop(runtime);
        let gone = |error: std::io::Error| {
            assert!(error.to_string().contains("has shut down"), "{error}");
        };
        gone(reading.join().unwrap().unwrap_err());
        futures_lite::future::block_on(async {
            gone(reader.read(&mut [0; 16]).await.unwrap_err());
            gone(writer.write_all(&[0; 16]).await.unwrap_err());
            gone(listener.accept().await.map(drop).unwrap_err());
            gone(udp.recv(&mut [0; 16]).await.unwrap_err());
            assert!(task.await.unwrap_err().is_cancelled());
            assert!(answer.await.is_err(), "the task's own are dropped with it");
            assert!(handle.spawn(async {}).await.unwrap_err().is_cancelled());
        });
        let _inside = handle.enter();
        let bound = futures_lite::future::block_on(TcpListener::bind("127.0.0.1:0"));
        gone(bound.map(drop).unwrap_err());
        assert!(Future::poll(sleep.as_mut(), cx).is_pending(), "its clock is gone");
    }
    eventually_blocking("nothing is left", || Footprint::now().is_within(&before));
}

#[test]
fn channels_and_locks_outlive_runtimes_and_go_between_them() {
    let (sender, mut receiver) = mpsc::channel::<u32>(4);
    let notify = Arc::new(Notify::new());
    for round in 0..100 {
        let (a, b) = (two_workers(), Builder::new_current_thread().build().unwrap());
        let (sender, told) = (sender.clone(), notify.clone());
        a.spawn(async move {
            for n in 0..20 {
                sender.send(round * 20 + n).await.unwrap();
            }
            told.notify_one();
        });
        receiver = b.block_on(async move {
            for n in 0..20 {
                assert_eq!(receiver.recv().await, Some(round * 20 + n));
            }
            receiver
        });
        b.block_on(notify.notified());
    }
}

#[test]
fn runtimes_are_built_and_ended_inside_each_other() {
    if !in_own_process("runtimes_are_built_and_ended_inside_each_other") {
        return;
    }
    let before = Footprint::now();
    let ended = Arc::new(AtomicUsize::new(0));
    let small = || Builder::new_multi_thread().worker_threads(1).build().unwrap();
    {
        let outer = two_workers();
        outer.block_on(async {
            for round in 0..1000 {
                let (inner, counted) = (small(), ended.clone());
                inner.spawn(async move {
                    // In the inner runtime's task, one that has no threads of its own.
                    let lone = Builder::new_current_thread().build().unwrap();
                    heist::task::block_in_place(|| lone.block_on(heist::task::yield_now()));
                    lone.shutdown_background();
                    counted.fetch_add(1, Ordering::Relaxed);
                });
                // A task of the one waits for a task of the other.
                let there = inner.spawn(async { 6 * 7 });
                assert_eq!(heist::spawn(there).await.unwrap().unwrap(), 42);
                match round % 4 {
                    0 => heist::task::spawn_blocking(move || drop(inner)).await.unwrap(),
                    1 => inner.shutdown_background(),
                    2 => {
                        let end =
                            heist::spawn(async { heist::task::block_in_place(|| drop(inner)) });
                        end.await.unwrap();
                    }
                    _ => {
                        // A task of the outer holds the last handle for a moment.
                        let handle = inner.handle().clone();
                        inner.shutdown_background();
                        heist::spawn(async move { drop::<Handle>(handle) }).await.unwrap();
                    }
                }
            }
        });
    }
    eventually_blocking("nothing is left", || Footprint::now().is_within(&before));
    assert!(ended.load(Ordering::Relaxed) > 0);
}

#[test]
fn a_runtime_that_is_dropped_in_its_own_task_ends_after_it() {
    for _ in 0..100 {
        let runtime = two_workers();
        let handle = runtime.handle().clone();
        let (told, tells) = std::sync::mpsc::channel();
        handle.spawn(async move {
            runtime.shutdown_background();
            told.send(()).unwrap();
        });
        tells.recv().unwrap();
        eventually_blocking("the task has ended", || handle.metrics().num_alive_tasks() == 0);
        let late = handle.spawn(async {});
        assert!(futures_lite::future::block_on(late).unwrap_err().is_cancelled());
    }
}

#[test]
fn a_runtime_ends_while_its_tasks_spawn_without_end() {
    fn breed(bred: Arc<AtomicUsize>) -> Pin<Box<dyn Future<Output = ()> + Send>> {
        Box::pin(async move {
            bred.fetch_add(1, Ordering::Relaxed);
            heist::spawn(breed(bred.clone()));
            heist::task::spawn_blocking(|| ());
            heist::task::yield_now().await;
            heist::spawn(breed(bred));
        })
    }
    for _ in 0..20 {
        let runtime: Runtime = two_workers();
        let bred = Arc::new(AtomicUsize::new(0));
        runtime.spawn(breed(bred.clone()));
        eventually_blocking("many are there", || bred.load(Ordering::Relaxed) > 1000);
        let report = runtime.shutdown(Duration::from_secs(60));
        assert!(report.elapsed() < Duration::from_secs(60) && report.remaining().is_empty());
        assert_eq!(Arc::strong_count(&bred), 1, "every task is dropped");
    }
}

#[test]
fn destructors_may_use_their_runtime_while_it_ends() {
    struct Uses(Arc<AtomicUsize>);
    impl Drop for Uses {
        fn drop(&mut self) {
            drop(heist::spawn(async {}));
            drop(heist::task::spawn_blocking(|| ()));
            let calls = Calls::new();
            let waker = calls.waker();
            let cx = &mut Context::from_waker(&waker);
            let mut sleep = Box::pin(heist::time::sleep(Duration::from_secs(3600)));
            let _ = Future::poll(sleep.as_mut(), cx);
            let mut bound = Box::pin(TcpListener::bind("127.0.0.1:0"));
            let _ = Future::poll(bound.as_mut(), cx);
            // And a runtime of its own, which ends in here.
            let own = Builder::new_current_thread().build().unwrap();
            own.spawn(std::future::pending::<()>());
            own.shutdown_background();
            let left = Handle::current().tasks();
            assert!(left.len() < 1000);
            self.0.fetch_add(1, Ordering::SeqCst);
        }
    }
    for flavour in [Builder::new_multi_thread, Builder::new_current_thread] {
        for _ in 0..20 {
            let runtime = flavour().worker_threads(2).build().unwrap();
            let dropped = Arc::new(AtomicUsize::new(0));
            for n in 0..50 {
                let uses = Uses(dropped.clone());
                runtime.spawn(async move {
                    let _uses = uses;
                    if n % 2 == 0 {
                        heist::task::yield_now().await;
                    }
                    std::future::pending::<()>().await;
                });
            }
            runtime.block_on(heist::task::yield_now());
            let report = runtime.shutdown(Duration::from_secs(60));
            assert!(report.elapsed() < Duration::from_secs(60), "{report}");
            assert_eq!(dropped.load(Ordering::SeqCst), 50);
        }
    }
}

#[test]
fn foreign_threads_drop_and_reset_sleeps_while_they_fire() {
    let runtime = two_workers();
    let (sender, receiver) = std::sync::mpsc::channel::<Pin<Box<heist::time::Sleep>>>();
    let receiver = Arc::new(Mutex::new(receiver));
    let threads: Vec<_> = (0..2)
        .map(|thread| {
            let receiver = receiver.clone();
            std::thread::spawn(move || {
                loop {
                    let received = receiver.lock().unwrap().recv();
                    let Ok(mut sleep) = received else { return };
                    if thread == 0 {
                        sleep.as_mut().reset(heist::time::Instant::now());
                    }
                    drop(sleep);
                }
            })
        })
        .collect();
    runtime.block_on(async {
        let calls = Calls::new();
        let waker = calls.waker();
        for n in 0..20_000u64 {
            let brief = Duration::from_micros(n % 300);
            let mut sleep = Box::pin(heist::time::sleep(brief));
            let _ = Future::poll(sleep.as_mut(), &mut Context::from_waker(&waker));
            sender.send(sleep).unwrap();
            if n % 100 == 0 {
                heist::time::sleep(Duration::from_micros(100)).await;
            }
        }
        drop(sender);
    });
    for thread in threads {
        thread.join().unwrap();
    }
    assert_eq!(runtime.metrics().num_timers(), 0);
}
