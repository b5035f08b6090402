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
            let at = heist::time::Instant::now() + Duration::from_millis(20);
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
