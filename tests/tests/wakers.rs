//! Wakers that panic when they are called or dropped, or come back to what called them, wherever they
//! may lie: in sockets, timers, handles, files, lookups, groups. None takes a thread of the runtime,
//! another waker, or the orderly end with it.

use std::future::Future;
use std::io::{Read, Write};
use std::os::unix::net::UnixStream;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::task::Context;
use std::time::Duration;

use heist::io::{Async, AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt, Interest};
use heist::runtime::Builder;
use heist_tests::foreign::{Calls, assert_sound, fail, hush, panicking_waker, waker_with_drop};
use heist_tests::{eventually, eventually_blocking, in_own_process, two_workers};

/// Two ends of a socket on the current runtime; the first is known to have nothing to read.
fn pair() -> (Arc<Async<UnixStream>>, Arc<Async<UnixStream>>) {
    let (a, b) = UnixStream::pair().unwrap();
    let a = Async::new(a).unwrap();
    assert!(a.try_io(Interest::READABLE, |mut a| a.read(&mut [0; 16])).is_err());
    (Arc::new(a), Arc::new(Async::new(b).unwrap()))
}

async fn read_one(socket: Arc<Async<UnixStream>>) {
    let read = socket.read_with(|mut socket| socket.read(&mut [0; 16])).await;
    assert_eq!(read.unwrap(), 1);
}

#[test]
fn wakers_that_panic_in_the_reactor_keep_no_other_from_being_called() {
    hush();
    for flavour in [Builder::new_multi_thread, Builder::new_current_thread] {
        let runtime = flavour().worker_threads(2).build().unwrap();
        runtime.block_on(async {
            let pairs: Vec<_> = (0..20).map(|_| pair()).collect();
            let readers: Vec<_> =
                pairs.iter().map(|(a, _)| heist::spawn(read_one(a.clone()))).collect();
            let bad = panicking_waker();
            for (socket, _) in &pairs {
                assert!(socket.poll_readable(&mut Context::from_waker(&bad)).is_pending());
            }
            for _ in 0..100 {
                heist::task::yield_now().await;
            }
            for (_, peer) in &pairs {
                peer.get_ref().write_all(b"x").unwrap();
            }
            for reader in readers {
                reader.await.unwrap();
            }
        });
        assert_sound(runtime);
    }
}

#[test]
fn a_waker_may_use_its_socket_while_it_is_dropped() {
    let runtime = two_workers();
    runtime.block_on(async {
        let (socket, peer) = pair();
        let held = socket.clone();
        let dropped = Arc::new(AtomicUsize::new(0));
        let seen = dropped.clone();
        let waker = waker_with_drop(move || {
            let calls = Calls::new();
            let _ = held.poll_readable(&mut Context::from_waker(&calls.waker()));
            seen.fetch_add(1, Ordering::SeqCst);
        });
        assert!(socket.poll_readable(&mut Context::from_waker(&waker)).is_pending());
        drop(waker);
        // The last waker wins: the first is dropped, which asks for the same place.
        let calls = Calls::new();
        let _ = socket.poll_readable(&mut Context::from_waker(&calls.waker()));
        assert_eq!(dropped.load(Ordering::SeqCst), 1);
        let _ = socket.poll_readable(&mut Context::from_waker(&calls.waker()));
        peer.get_ref().write_all(b"x").unwrap();
        eventually("the last waker is called", || calls.count() > 0).await;
    });
    assert_sound(runtime);
}

#[test]
fn wakers_that_panic_in_the_timers_keep_no_other_from_being_called() {
    hush();
    for flavour in [Builder::new_multi_thread, Builder::new_current_thread] {
        let runtime = flavour().worker_threads(2).build().unwrap();
        runtime.block_on(async {
            let at = heist::time::Instant::now() + Duration::from_millis(500);
            let mut bad: Vec<_> = (0..50).map(|_| Box::pin(heist::time::sleep_until(at))).collect();
            let good: Vec<_> =
                (0..50).map(|_| heist::spawn(heist::time::sleep_until(at))).collect();
            let waker = panicking_waker();
            for sleep in &mut bad {
                assert!(sleep.as_mut().poll(&mut Context::from_waker(&waker)).is_pending());
            }
            for sleep in good {
                sleep.await.unwrap();
            }
        });
        assert_sound(runtime);
    }
}

#[test]
fn wakers_of_handles_may_panic_when_called_and_when_dropped() {
    hush();
    for flavour in [Builder::new_multi_thread, Builder::new_current_thread] {
        let runtime = flavour().worker_threads(2).build().unwrap();
        runtime.block_on(async {
            for bad in [panicking_waker(), waker_with_drop(|| fail("a waker's destructor"))] {
                let (release, released) = heist::sync::oneshot::channel::<()>();
                let mut handle = heist::spawn(async { released.await.unwrap() });
                let pending = Pin::new(&mut handle).poll(&mut Context::from_waker(&bad));
                assert!(pending.is_pending());
                // The task has the last reference to the waker.
                drop(bad);
                release.send(()).unwrap();
                eventually("the task has ended", || handle.is_finished()).await;
                // Whoever is later drops the waker: the completing worker, or this.
                let _ = catch_unwind(AssertUnwindSafe(|| drop(handle)));
            }
        });
        assert_sound(runtime);
    }
}

#[test]
fn a_waker_that_panics_when_it_is_dropped_does_not_stop_the_end() {
    hush();
    let runtime = two_workers();
    let mut sleeps = Vec::new();
    let mut sockets = Vec::new();
    runtime.block_on(async {
        for _ in 0..4 {
            let mut sleep = Box::pin(heist::time::sleep(Duration::from_secs(3600)));
            let waker = waker_with_drop(|| fail("a waker's destructor"));
            assert!(sleep.as_mut().poll(&mut Context::from_waker(&waker)).is_pending());
            sleeps.push((sleep, waker));
            let (socket, peer) = pair();
            let waker = waker_with_drop(|| fail("a waker's destructor"));
            assert!(socket.poll_readable(&mut Context::from_waker(&waker)).is_pending());
            sockets.push((socket, peer, waker));
        }
    });
    // What the runtime holds are the last references.
    let sleeps: Vec<_> = sleeps.into_iter().map(|(sleep, _)| sleep).collect();
    let sockets: Vec<_> = sockets.into_iter().map(|(socket, peer, _)| (socket, peer)).collect();
    assert_sound(runtime);
    drop((sleeps, sockets));
}

#[test]
fn a_waker_that_panics_does_not_keep_a_file_from_being_written() {
    hush();
    let runtime = two_workers();
    runtime.block_on(async {
        let bad = panicking_waker();
        let cx = &mut Context::from_waker(&bad);
        for _ in 0..50 {
            let mut file = heist::fs::File::create("/dev/null").await.unwrap();
            while Pin::new(&mut file).poll_write(cx, &[0; 65536]).is_ready() {}
            let _ = Pin::new(&mut file).poll_flush(cx);
            file.flush().await.unwrap();
        }
    });
    assert_sound(runtime);
}

#[test]
fn wakers_that_panic_leave_names_to_be_looked_up() {
    hush();
    let runtime = two_workers();
    runtime.block_on(async {
        let bad = panicking_waker();
        // More than are looked up at once.
        for _ in 0..40 {
            let mut lookup = Box::pin(heist::net::lookup_host("localhost:80"));
            let _ = lookup.as_mut().poll(&mut Context::from_waker(&bad));
            let metrics = heist::runtime::Handle::current().metrics();
            let idle = || metrics.num_idle_blocking_threads() == metrics.num_blocking_threads();
            eventually("it has been looked up", || metrics.blocking_queue_depth() == 0 && idle())
                .await;
        }
        assert!(heist::net::lookup_host("localhost:80").await.unwrap().next().is_some());
    });
    assert_sound(runtime);
}

#[test]
fn wakers_that_panic_do_not_end_the_reading_of_standard_input() {
    // Standard input is empty there.
    if !in_own_process("wakers_that_panic_do_not_end_the_reading_of_standard_input") {
        return;
    }
    hush();
    let runtime = two_workers();
    runtime.block_on(async {
        let bad = panicking_waker();
        for _ in 0..20 {
            let mut stdin = heist::io::stdin();
            let _ = Pin::new(&mut stdin).poll_read(&mut Context::from_waker(&bad), &mut [0]);
            assert_eq!(stdin.read(&mut [0]).await.unwrap(), 0);
        }
    });
    assert_sound(runtime);
}

#[test]
fn wakers_of_groups_may_panic_when_called_and_when_dropped() {
    use heist::task::{JoinSet, LocalSet, TaskGroup, with_cleanup};

    let bad = [panicking_waker(), waker_with_drop(|| fail("the destructor of a waker"))];
    let runtime = two_workers();
    let entered = runtime.enter();
    for waker in bad {
        // Polls with a bad waker first: it is in place when the ends come.
        let poll = |future: std::pin::Pin<&mut dyn Future<Output = ()>>| {
            let mut cx = Context::from_waker(&waker);
            assert!(future.poll(&mut cx).is_pending());
        };
        let (go, gone) = std::sync::mpsc::channel::<()>();
        let mut set = JoinSet::new();
        set.spawn_blocking(move || gone.recv().is_ok());
        poll(std::pin::pin!(async { drop(set.join_next().await) }));
        go.send(()).unwrap();
        assert!(runtime.block_on(set.join_next()).unwrap().unwrap());

        let mut scoped = Box::pin(async {
            let cut = heist::scope(async |group: TaskGroup<()>| {
                let inner = heist::scope(async |inner: TaskGroup<()>| {
                    inner.spawn(std::future::pending::<()>());
                    with_cleanup(std::future::pending::<()>(), async |_| ()).await;
                    Ok(())
                });
                group.spawn(async { heist::time::sleep(Duration::from_millis(1)).await });
                let failing = group.spawn(async {
                    heist::time::sleep(Duration::from_millis(2)).await;
                    Err::<(), _>(())
                });
                heist::join!(inner, failing).0.map_err(|_| ())
            });
            assert_eq!(cut.await.unwrap_err().len(), 1);
        });
        poll(scoped.as_mut());
        runtime.block_on(scoped);

        let local = LocalSet::new();
        let task = local.spawn_local(async { heist::time::sleep(Duration::from_millis(1)).await });
        poll(std::pin::pin!(local.run_until(std::future::pending())));
        eventually_blocking("the sleep ends", || {
            local.block_on(&runtime, heist::task::yield_now());
            task.is_finished()
        });
        drop(catch_unwind(AssertUnwindSafe(|| drop(waker))));
    }
    drop(entered);
    assert_sound(runtime);
}

#[test]
fn the_waker_of_a_local_set_may_wake_its_tasks_while_it_is_dropped() {
    use heist::task::LocalSet;
    use std::rc::Rc;
    use std::task::{Poll, Waker};

    // On a thread of its own, which would be stuck.
    let test = std::thread::spawn(|| {
        let local = Rc::new(LocalSet::new());
        let (taken, takes) = std::sync::mpsc::channel();
        let woken = local.spawn_local(std::future::poll_fn(move |cx| {
            taken.send(cx.waker().clone()).unwrap();
            Poll::<()>::Pending
        }));
        let mut driven = Box::pin(local.run_until(std::future::pending::<()>()));
        let mut poll = |waker: &Waker| {
            assert!(driven.as_mut().poll(&mut Context::from_waker(waker)).is_pending());
        };
        poll(Waker::noop());
        let wakes = || {
            let waker = takes.try_recv().expect("the task has been polled");
            waker_with_drop(move || waker.wake())
        };
        // At the next poll another waker takes its place.
        poll(&wakes());
        poll(Waker::noop());
        // And here in the midst of one: a task of the set has driven it, too.
        let (inner, bad) = (local.clone(), wakes());
        local.spawn_local(async move {
            let mut driven = Box::pin(inner.run_until(std::future::pending::<()>()));
            assert!(driven.as_mut().poll(&mut Context::from_waker(&bad)).is_pending());
        });
        let calls = Calls::new();
        poll(&calls.waker());
        // The task that was woken meanwhile has been polled, or will be.
        if takes.try_recv().is_err() {
            assert!(calls.count() > 0, "the set is to be driven again");
            poll(Waker::noop());
            takes.try_recv().expect("the task has been polled");
        }
        drop(woken);
    });
    eventually_blocking("the set has gone on", || test.is_finished());
    test.join().unwrap();
}

type Wait = Pin<Box<dyn Future<Output = ()>>>;

/// Two wait with bad wakers, and two with good ones between and behind them; then `release` ends all four
/// waits, or the first one's, who passes it on. It must not see the panics, and the good be called.
#[track_caller]
fn assert_all_are_called(what: &str, mut wait: impl FnMut() -> Wait, release: impl FnOnce()) {
    type Make = fn() -> std::task::Waker;
    let bad: [Make; 2] =
        [panicking_waker, || waker_with_drop(|| fail("the destructor of a waker"))];
    let calls = [Calls::new(), Calls::new()];
    let mut waits: Vec<Wait> = (0..4).map(|_| wait()).collect();
    for (n, wait) in waits.iter_mut().enumerate() {
        let waker = if n % 2 == 0 { bad[n / 2]() } else { calls[n / 2].waker() };
        assert!(wait.as_mut().poll(&mut Context::from_waker(&waker)).is_pending(), "{what}");
    }
    let released = catch_unwind(AssertUnwindSafe(release));
    assert!(released.is_ok(), "{what}: who wakes is told of a waker's panic");
    for (n, mut wait) in waits.into_iter().enumerate() {
        if n % 2 == 1 {
            assert_eq!(calls[n / 2].count(), 1, "{what}: a waker was not called");
        }
        let polled = wait.as_mut().poll(&mut Context::from_waker(std::task::Waker::noop()));
        assert!(polled.is_ready(), "{what}: the wait has not ended");
    }
}

#[test]
fn wakers_that_panic_keep_no_other_in_front_of_locks_and_channels() {
    use heist::sync::{
        Barrier, Condvar, Event, Mutex, Notify, Queue, RwLock, Semaphore, SetOnce, broadcast, mpsc,
        watch,
    };

    hush();
    /// A wait on what everybody shares.
    fn on<T: 'static, F: AsyncFn(&T) + Copy + 'static>(
        shared: &Arc<T>,
        wait: F,
    ) -> impl FnMut() -> Wait + use<T, F> {
        let shared = shared.clone();
        move || {
            let shared = shared.clone();
            Box::pin(async move { wait(&shared).await })
        }
    }

    let notify = Arc::new(Notify::new());
    let wait = on(&notify, async |notify: &Notify| notify.notified().await);
    assert_all_are_called("notify_waiters", wait, || notify.notify_waiters());
    let event = Arc::new(Event::new());
    let wait = on(&event, async |event: &Event| event.wait().await);
    assert_all_are_called("an event", wait, || event.set());
    let once = Arc::new(SetOnce::new());
    let wait = on(&once, async |once: &SetOnce<u8>| _ = once.wait().await);
    assert_all_are_called("a value", wait, || once.set(1).unwrap());
    let barrier = Arc::new(Barrier::new(5));
    let wait = on(&barrier, async |barrier: &Barrier| _ = barrier.wait_or_broken().await);
    assert_all_are_called("a barrier", wait, || barrier.abort());

    let permits = Arc::new(Semaphore::new(0));
    let wait = on(&permits, async |permits: &Semaphore| drop(permits.acquire().await));
    assert_all_are_called("permits", wait, || permits.add_permits(4));
    let lock = Arc::new(Mutex::new(()));
    let held = lock.clone().try_lock_owned().unwrap();
    let wait = on(&lock, async |lock: &Mutex<()>| drop(lock.lock().await));
    assert_all_are_called("a mutex", wait, || drop(held));
    let lock = Arc::new(RwLock::new(()));
    let held = lock.clone().try_write_owned().unwrap();
    let wait = on(&lock, async |lock: &RwLock<()>| drop(lock.read().await));
    assert_all_are_called("readers", wait, || drop(held));
    let state = Arc::new((Mutex::new(()), Condvar::new()));
    let wait = on(&state, async |state: &(Mutex<()>, Condvar)| {
        drop(state.1.wait(state.0.lock().await).await);
    });
    assert_all_are_called("a condition", wait, || state.1.notify_all());

    let queue = Arc::new(Queue::unbounded());
    let wait = on(&queue, async |queue: &Queue<u8>| _ = queue.get().await);
    assert_all_are_called("a queue", wait, || queue.shutdown(false));
    let (sender, receiver) = mpsc::channel(1);
    sender.try_send(0).unwrap();
    let sender = Arc::new(sender);
    let wait = on(&sender, async |sender: &mpsc::Sender<u8>| _ = sender.send(1).await);
    assert_all_are_called("senders", wait, || drop(receiver));
    let (sender, receiver) = watch::channel(0);
    let wait = on(&Arc::new(receiver), async |receiver: &watch::Receiver<u8>| {
        receiver.clone().changed().await.unwrap();
    });
    assert_all_are_called("a last value", wait, || sender.send(1).unwrap());
    let (sender, receiver) = broadcast::channel(1);
    let wait = on(&Arc::new(receiver), async |receiver: &broadcast::Receiver<u8>| {
        receiver.resubscribe().recv().await.unwrap();
    });
    assert_all_are_called("a broadcast", wait, || assert_eq!(sender.send(1).unwrap(), 5));
}

#[test]
fn a_stream_in_memory_ends_for_reader_and_writer_whatever_their_wakers_do() {
    hush();
    let runtime = two_workers();
    runtime.block_on(async {
        for bad_reader in [true, false] {
            let calls = Calls::new();
            let (reader, writer) = match bad_reader {
                true => (panicking_waker(), calls.waker()),
                false => (calls.waker(), panicking_waker()),
            };
            let (mut here, there) = heist::io::duplex(4);
            here.write_all(b"full").await.unwrap();
            let polled = Pin::new(&mut here).poll_write(&mut Context::from_waker(&writer), b"x");
            assert!(polled.is_pending());
            let cx = &mut Context::from_waker(&reader);
            assert!(Pin::new(&mut here).poll_read(cx, &mut [0]).is_pending());
            drop(there);
            assert_eq!(calls.count(), 1, "one waker was not called because of the other");
            assert_eq!(here.read(&mut [0]).await.unwrap(), 0);
            assert!(here.write(b"x").await.is_err());
        }
    });
    assert_sound(runtime);
}
