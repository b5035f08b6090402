//! Where nobody expects to be called: inside other wakers, in the destructors at the end of a thread, beside
//! signal handlers. What a program may call there reaches its task all the same.
//!
//! Deliberately without wakers that are called *in* a signal handler: they allocate and lock, so whatever
//! they would interrupt may be what they need. A handler writes to a pipe.
#![cfg(target_os = "linux")]

use std::cell::RefCell;
use std::future::{Future, poll_fn};
use std::io::{Read, Write};
use std::os::fd::AsRawFd;
use std::os::unix::net::UnixStream;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicI32, AtomicUsize, Ordering};
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use heist::io::{Async, Interest};
use heist::runtime::{Builder, Handle};
use heist::sync::{Mutex, Notify, mpsc};
use heist_tests::foreign::{assert_sound, meddling_waker};
use heist_tests::{eventually, eventually_blocking, in_own_process, two_workers};

type Wait = Pin<Box<dyn Future<Output = ()> + Send>>;

#[test]
fn a_waker_may_use_the_runtime_whenever_it_is_cloned_called_or_dropped() {
    for flavour in [Builder::new_multi_thread, Builder::new_current_thread] {
        let runtime = flavour().worker_threads(2).build().unwrap();
        let (meddled, ran) = (Arc::new(AtomicUsize::new(0)), Arc::new(AtomicUsize::new(0)));
        let (tell, mut told) = mpsc::unbounded_channel::<()>();
        let meddle = {
            let (handle, meddled, ran) = (runtime.handle().clone(), meddled.clone(), ran.clone());
            move || {
                let _entered = handle.enter();
                meddled.fetch_add(1, Ordering::SeqCst);
                let ran = ran.clone();
                drop(heist::spawn(async move { ran.fetch_add(1, Ordering::SeqCst) }));
                // Wakes a task that waits for it.
                let _ = tell.send(());
                let mut sleep = Box::pin(heist::time::sleep(Duration::from_secs(3600)));
                assert!(sleep.as_mut().poll(&mut Context::from_waker(Waker::noop())).is_pending());
            }
        };
        runtime.block_on(async {
            let heard = Arc::new(AtomicUsize::new(0));
            let hears = heard.clone();
            let hears = heist::spawn(async move {
                while told.recv().await.is_some() {
                    hears.fetch_add(1, Ordering::SeqCst);
                }
            });
            let (notify, go) = (Arc::new(Notify::new()), Arc::new(Notify::new()));
            let lock = Arc::new(Mutex::new(()));
            let held = lock.clone().lock_owned().await;
            let (message, mut messages) = mpsc::channel::<u8>(1);
            let (a, b) = UnixStream::pair().unwrap();
            let (socket, peer) = (Async::new(a).unwrap(), b);
            let read = move |mut socket: &UnixStream| socket.read(&mut [0]);
            let (notified, gone) = (notify.clone(), go.clone());
            let task = heist::spawn(async move { gone.notified().await });
            // Made to end when all have been polled, however long that takes here.
            let never = heist::time::sleep(Duration::from_secs(3600));
            let sleep = Arc::new(std::sync::Mutex::new(Box::pin(never)));
            let slept = sleep.clone();
            let mut waits: Vec<Wait> = vec![
                Box::pin(poll_fn(move |cx| slept.lock().unwrap().as_mut().poll(cx))),
                Box::pin(async move { assert_eq!(socket.read_with(read).await.unwrap(), 1) }),
                Box::pin(async move { notified.notified().await }),
                Box::pin(async move { drop(lock.lock().await) }),
                Box::pin(async move { assert_eq!(messages.recv().await, Some(1)) }),
                Box::pin(async move { task.await.unwrap() }),
            ];
            for _ in 0..3 {
                // Another one each time, so that it takes the place of the last.
                let waker = meddling_waker(meddle.clone());
                for wait in &mut waits {
                    assert!(wait.as_mut().poll(&mut Context::from_waker(&waker)).is_pending());
                }
            }
            sleep.lock().unwrap().as_mut().reset(heist::time::Instant::now());
            (&peer).write_all(b"x").unwrap();
            notify.notify_one();
            drop(held);
            message.try_send(1).unwrap();
            go.notify_one();
            for wait in waits {
                wait.await;
            }
            drop(meddle);
            hears.await.unwrap();
            let count = || meddled.load(Ordering::SeqCst);
            assert!(count() > 30, "cloned and dropped three times at each of six places");
            eventually("every task has run", || ran.load(Ordering::SeqCst) == count()).await;
            assert_eq!(heard.load(Ordering::SeqCst), count());
        });
        assert_sound(runtime);
    }
}

/// What a thread does in its last destructors.
struct AtTheEnd(Vec<Box<dyn FnOnce()>>);

impl Drop for AtTheEnd {
    fn drop(&mut self) {
        self.0.drain(..).for_each(|f| f());
    }
}

fn at_the_end_of_this_thread(f: impl FnOnce() + 'static) {
    thread_local!(static AT_THE_END: RefCell<AtTheEnd> = const { RefCell::new(AtTheEnd(Vec::new())) });
    AT_THE_END.with_borrow_mut(|at_the_end| at_the_end.0.push(Box::new(f)));
}

/// Has its waker taken away, and ends when that is called.
fn wait_for_the_end(taken: &std::sync::mpsc::Sender<Waker>) -> impl Future<Output = ()> + use<> {
    let (taken, mut polled) = (taken.clone(), false);
    poll_fn(move |cx| {
        if std::mem::replace(&mut polled, true) {
            return Poll::Ready(());
        }
        taken.send(cx.waker().clone()).unwrap();
        Poll::Pending
    })
}

/// Something of each kind that may be dropped with a thread, or used there; counts.
fn use_at_the_end(handle: Handle, waker: Waker, used: Arc<AtomicUsize>) {
    let entered = handle.enter();
    let mut sleep = Box::pin(heist::time::sleep(Duration::from_secs(3600)));
    assert!(sleep.as_mut().poll(&mut Context::from_waker(Waker::noop())).is_pending());
    let (socket, peer) = UnixStream::pair().unwrap();
    let socket = Async::new(socket).unwrap();
    assert!(socket.try_io(Interest::READABLE, |mut socket| socket.read(&mut [0])).is_err());
    assert!(socket.poll_readable(&mut Context::from_waker(Waker::noop())).is_pending());
    let task = heist::spawn(std::future::pending::<()>());
    drop(entered);
    at_the_end_of_this_thread(move || {
        waker.wake();
        let spawned = used.clone();
        drop(handle.spawn(async move { spawned.fetch_add(1, Ordering::SeqCst) }));
        task.abort();
        drop((sleep, socket, peer, task));
        let _entered = handle.enter();
        drop(Box::pin(heist::time::sleep(Duration::from_secs(3600))));
        used.fetch_add(1, Ordering::SeqCst);
    });
}

#[test]
fn destructors_at_the_end_of_a_thread_may_wake_spawn_and_let_go() {
    let runtime = Builder::new_multi_thread()
        .worker_threads(2)
        .thread_keep_alive(Duration::from_millis(1))
        .build()
        .unwrap();
    let used = Arc::new(AtomicUsize::new(0));
    let (taken, takes) = std::sync::mpsc::channel();
    // A foreign thread, which has used the runtime before or not; then one for blocking jobs.
    for round in 0..20 {
        let woken = runtime.spawn(wait_for_the_end(&taken));
        let (waker, handle, used) = (takes.recv().unwrap(), runtime.handle().clone(), used.clone());
        match round % 3 {
            0 => std::thread::spawn(move || use_at_the_end(handle, waker, used)).join().unwrap(),
            1 => std::thread::spawn(move || {
                at_the_end_of_this_thread(|| ());
                handle.block_on(heist::task::yield_now());
                use_at_the_end(handle, waker, used);
            })
            .join()
            .unwrap(),
            _ => drop(runtime.spawn_blocking(move || use_at_the_end(handle, waker, used))),
        }
        runtime.block_on(woken).unwrap();
    }
    eventually_blocking("what they spawned has run", || used.load(Ordering::SeqCst) == 40);
    // A whole runtime begins, works and ends there.
    let (done, is_done) = std::sync::mpsc::channel();
    std::thread::spawn(|| {
        at_the_end_of_this_thread(move || {
            let late = Builder::new_current_thread().build().unwrap();
            late.block_on(heist::time::sleep(Duration::from_millis(1)));
            done.send(late.shutdown(Duration::from_secs(60)).is_clean()).unwrap();
        });
    })
    .join()
    .unwrap();
    assert!(is_done.recv().unwrap());
    let metrics = runtime.handle().metrics();
    eventually_blocking("nothing is left", || {
        metrics.num_alive_tasks() + metrics.num_timers() + metrics.num_io_sources() == 0
    });
    // A worker's thread ends with its runtime, when nothing is run any more.
    let woken = runtime.spawn(wait_for_the_end(&taken));
    let (waker, handle, at_end) = (takes.recv().unwrap(), runtime.handle().clone(), used.clone());
    runtime.block_on(runtime.spawn(async move { use_at_the_end(handle, waker, at_end) })).unwrap();
    drop(woken);
    let report = runtime.shutdown(Duration::from_secs(60));
    assert!(report.elapsed() < Duration::from_secs(60), "{report}");
    eventually_blocking("the thread has ended", || used.load(Ordering::SeqCst) == 41);
}

/// Where the handler below writes.
static PIPE: AtomicI32 = AtomicI32::new(-1);

/// Sends this process a signal for each 200 us that it computes, so in the midst of anything.
fn interrupt_whatever_runs() {
    extern "C" fn note(_: libc::c_int) {
        // SAFETY: `write` may be called in a signal handler; the byte is there, the descriptor open.
        unsafe { libc::write(PIPE.load(Ordering::Relaxed), b"x".as_ptr().cast(), 1) };
    }
    // SAFETY: an all-zero `sigaction` is a valid one without flags; the handler only writes.
    unsafe {
        let mut action: libc::sigaction = std::mem::zeroed();
        action.sa_sigaction = note as extern "C" fn(libc::c_int) as usize;
        assert_eq!(libc::sigaction(libc::SIGVTALRM, &action, std::ptr::null_mut()), 0);
        for clock in [libc::ITIMER_VIRTUAL, libc::ITIMER_REAL] {
            let every = libc::timeval { tv_sec: 0, tv_usec: 200 };
            let timer = libc::itimerval { it_interval: every, it_value: every };
            assert_eq!(libc::setitimer(clock, &timer, std::ptr::null_mut()), 0);
        }
    }
}

#[test]
fn a_signal_handler_reaches_tasks_through_a_pipe_whatever_it_interrupts() {
    if !in_own_process("a_signal_handler_reaches_tasks_through_a_pipe_whatever_it_interrupts") {
        return;
    }
    let runtime = two_workers();
    heist::__private::block_on_with_timeout(&runtime, 60_000, async {
        let (reader, writer) = UnixStream::pair().unwrap();
        writer.set_nonblocking(true).unwrap();
        PIPE.store(writer.as_raw_fd(), Ordering::Relaxed);
        // Beside it Heist's own handler, which does the same.
        let mut alarms =
            heist::signal::unix::signal(heist::signal::unix::SignalKind::alarm()).unwrap();
        interrupt_whatever_runs();
        let reader = Async::new(reader).unwrap();
        let notes = heist::spawn(async move {
            for _ in 0..300 {
                let read = |mut reader: &UnixStream| reader.read(&mut [0; 4096]);
                assert_ne!(reader.read_with(read).await.unwrap(), 0);
            }
        });
        let alarms = heist::spawn(async move {
            for _ in 0..300 {
                alarms.recv().await.unwrap();
            }
        });
        // What is interrupted: tasks that are made, woken, stolen and freed.
        while !(notes.is_finished() && alarms.is_finished()) {
            let tasks: Vec<_> = (0..200).map(|_| heist::spawn(heist::task::yield_now())).collect();
            for task in tasks {
                task.await.unwrap();
            }
        }
        notes.await.unwrap();
        alarms.await.unwrap();
    });
    assert_sound(runtime);
}
