//! The task word: wake, abort, join and drop against a worker that polls.
//!
//! Properties: a wake is never lost; a future is dropped exactly once, on the worker; the output
//! goes to the joiner or is dropped, exactly once; nothing leaks (loom counts its `Arc`s). Threads:
//! a worker and one or two others. Bound: 3 preemptions. It would catch a wake that falls between
//! the end of a poll and the return to idle, and a join waker that both sides, or neither, drop.
#![cfg(heist_loom)]

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc as StdArc;
use std::task::{Context, Poll, Wake, Waker};

use heist::model::Tasks;
use heist_loom_tests::{model, must_fail};
use loom::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use loom::sync::{Arc, Mutex};

/// Pending until the flag is set; gives its waker away at the first poll.
struct Gate {
    open: Arc<AtomicBool>,
    waker: Arc<Mutex<Option<Waker>>>,
    given: bool,
    dropped: Arc<AtomicUsize>,
}

impl Future for Gate {
    type Output = Arc<AtomicUsize>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        if self.open.load(Ordering::Acquire) {
            return Poll::Ready(self.dropped.clone());
        }
        if !std::mem::replace(&mut self.given, true) {
            *self.waker.lock().unwrap() = Some(cx.waker().clone());
            // As every leaf: with the waker in place, look again.
            if self.open.load(Ordering::Acquire) {
                return Poll::Ready(self.dropped.clone());
            }
        }
        Poll::Pending
    }
}

impl Drop for Gate {
    fn drop(&mut self) {
        self.dropped.fetch_add(1, Ordering::Relaxed);
    }
}

struct Parts {
    open: Arc<AtomicBool>,
    waker: Arc<Mutex<Option<Waker>>>,
    dropped: Arc<AtomicUsize>,
}

fn gate() -> (Gate, Parts) {
    let parts = Parts {
        open: Arc::new(AtomicBool::new(false)),
        waker: Arc::new(Mutex::new(None)),
        dropped: Arc::new(AtomicUsize::new(0)),
    };
    let gate = Gate {
        open: parts.open.clone(),
        waker: parts.waker.clone(),
        given: false,
        dropped: parts.dropped.clone(),
    };
    (gate, parts)
}

/// Runs tasks until all have ended, or until nothing is queued and `gave_up` says so.
fn work(tasks: &Tasks) {
    while tasks.alive() > 0 {
        if !tasks.run_one() {
            loom::thread::yield_now();
        }
    }
}

#[test]
fn a_wake_is_never_lost() {
    model(3, || {
        let tasks = Arc::new(Tasks::default());
        let (gate, parts) = gate();
        let handle = tasks.spawn(gate);
        let worker = tasks.clone();
        let worker = loom::thread::spawn(move || work(&worker));
        parts.open.store(true, Ordering::Release);
        let waker = parts.waker.lock().unwrap().take();
        if let Some(waker) = waker {
            waker.wake();
        }
        worker.join().unwrap();
        assert!(handle.is_finished());
        assert_eq!(parts.dropped.load(Ordering::Relaxed), 1);
    });
}

/// The twin: the waker forgets its duty.
#[test]
fn broken_a_lost_wake_is_seen() {
    must_fail("broken_a_lost_wake_is_seen", "exceeded maximum number of branches", || {
        let tasks = Arc::new(Tasks::default());
        let (gate, parts) = gate();
        let handle = tasks.spawn(gate);
        let worker = tasks.clone();
        let worker = loom::thread::spawn(move || work(&worker));
        parts.open.store(true, Ordering::Release);
        drop(parts.waker.lock().unwrap().take());
        worker.join().unwrap();
        drop(handle);
    });
}

#[test]
fn abort_against_the_poll_drops_the_future_once() {
    model(3, || {
        let tasks = Arc::new(Tasks::default());
        let (gate, parts) = gate();
        let handle = tasks.spawn(gate);
        let worker = tasks.clone();
        let worker = loom::thread::spawn(move || work(&worker));
        handle.abort();
        worker.join().unwrap();
        assert_eq!(parts.dropped.load(Ordering::Relaxed), 1);
        assert!(handle.is_finished());
        parts.waker.lock().unwrap().take();
    });
}

#[test]
fn abort_against_wake_queues_the_task_once() {
    model(2, || {
        let tasks = Arc::new(Tasks::default());
        let (gate, parts) = gate();
        let handle = tasks.spawn(gate);
        assert!(tasks.run_one());
        let waker = parts.waker.lock().unwrap().take().unwrap();
        let waking = loom::thread::spawn(move || waker.wake());
        let worker = tasks.clone();
        let worker = loom::thread::spawn(move || work(&worker));
        handle.abort();
        waking.join().unwrap();
        worker.join().unwrap();
        assert_eq!(parts.dropped.load(Ordering::Relaxed), 1);
        drop(handle);
    });
}

#[test]
fn the_joiner_gets_the_output_and_is_woken_for_it() {
    model(3, || {
        let tasks = Arc::new(Tasks::default());
        let (gate, parts) = gate();
        parts.open.store(true, Ordering::Relaxed);
        let handle = tasks.spawn(gate);
        let worker = tasks.clone();
        let worker = loom::thread::spawn(move || work(&worker));
        let output = loom::future::block_on(handle).unwrap();
        assert_eq!(output.load(Ordering::Relaxed), 1, "the future is gone before its output comes");
        worker.join().unwrap();
    });
}

/// A joiner's waker, which tells of its end.
struct Joiner(Arc<AtomicUsize>);

impl Wake for Joiner {
    fn wake(self: StdArc<Joiner>) {}
}

impl Drop for Joiner {
    fn drop(&mut self) {
        self.0.fetch_add(1, Ordering::Relaxed);
    }
}

#[test]
fn a_joiner_that_leaves_drops_nothing_twice() {
    model(3, || {
        let tasks = Arc::new(Tasks::default());
        let (gate, parts) = gate();
        parts.open.store(true, Ordering::Relaxed);
        let mut handle = tasks.spawn(gate);
        // Registers a join waker, then goes away while the task completes.
        let left = Arc::new(AtomicUsize::new(0));
        let waker = Waker::from(StdArc::new(Joiner(left.clone())));
        let mut cx = Context::from_waker(&waker);
        assert!(Pin::new(&mut handle).poll(&mut cx).is_pending());
        drop(waker);
        let worker = tasks.clone();
        let worker = loom::thread::spawn(move || work(&worker));
        drop(handle);
        worker.join().unwrap();
        assert_eq!(parts.dropped.load(Ordering::Relaxed), 1);
        assert_eq!(Arc::strong_count(&parts.dropped), 1, "the output is gone, too");
        assert_eq!(left.load(Ordering::Relaxed), 1, "and so is the join waker");
    });
}

#[test]
fn shutdown_against_a_foreign_wake_ends_every_task() {
    model(3, || {
        let tasks = Arc::new(Tasks::default());
        let (gate, parts) = gate();
        let handle = tasks.spawn(gate);
        assert!(tasks.run_one());
        let waker = parts.waker.lock().unwrap().take().unwrap();
        let waking = loom::thread::spawn(move || waker.wake());
        while tasks.alive() > 0 {
            tasks.cancel_round();
            loom::thread::yield_now();
        }
        waking.join().unwrap();
        assert_eq!(parts.dropped.load(Ordering::Relaxed), 1);
        drop(handle);
    });
}

/// Wakes itself at its first poll, in which it also gives its waker away; ready when all of `changed`
/// are.
struct Restless {
    changed: Vec<Arc<AtomicBool>>,
    waker: Arc<Mutex<Option<Waker>>>,
    given: bool,
}

impl Future for Restless {
    type Output = ();

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        if !std::mem::replace(&mut self.given, true) {
            *self.waker.lock().unwrap() = Some(cx.waker().clone());
            cx.waker().wake_by_ref();
        }
        // Ordering: Relaxed; it is the task word that must bring the changes.
        let is_ready = self.changed.iter().all(|changed| changed.load(Ordering::Relaxed));
        if is_ready { Poll::Ready(()) } else { Poll::Pending }
    }
}

/// Two workers share a task that queues itself again, and a third thread changes what it waits for
/// and wakes it; in the wrong order, if so wished.
fn wake_of_a_restless_task(wake_first: bool) {
    let tasks = Arc::new(Tasks::default());
    let changed = Arc::new(AtomicBool::new(false));
    let waker = Arc::new(Mutex::new(None));
    let handle = tasks.spawn(Restless {
        changed: vec![changed.clone()],
        waker: waker.clone(),
        given: false,
    });
    assert!(tasks.run_one());
    let waker: Waker = waker.lock().unwrap().take().unwrap();
    let worker = tasks.clone();
    let worker = loom::thread::spawn(move || work(&worker));
    if wake_first {
        waker.wake_by_ref();
    }
    changed.store(true, Ordering::Relaxed);
    if !wake_first {
        waker.wake_by_ref();
    }
    drop(waker);
    tasks.run_one();
    worker.join().unwrap();
    assert!(handle.is_finished());
}

#[test]
fn a_wake_of_a_task_that_queued_itself_again_brings_its_data() {
    model(3, || wake_of_a_restless_task(false));
}

/// The twin: the waker wakes before it changes anything.
#[test]
fn broken_a_wake_before_the_change_leaves_a_restless_task_waiting() {
    let test = "broken_a_wake_before_the_change_leaves_a_restless_task_waiting";
    must_fail(test, "exceeded maximum number of branches", || wake_of_a_restless_task(true));
}

#[test]
fn two_wakes_of_a_task_that_queued_itself_again_bring_the_data_of_both() {
    model(3, || {
        let tasks = Tasks::default();
        let changed: Vec<_> = (0..2).map(|_| Arc::new(AtomicBool::new(false))).collect();
        let waker = Arc::new(Mutex::new(None));
        let future = Restless { changed: changed.clone(), waker: waker.clone(), given: false };
        let handle = tasks.spawn(future);
        assert!(tasks.run_one());
        let waker: Waker = waker.lock().unwrap().take().unwrap();
        let threads: Vec<_> = changed
            .into_iter()
            .map(|changed| {
                let waker = waker.clone();
                loom::thread::spawn(move || {
                    changed.store(true, Ordering::Relaxed);
                    waker.wake_by_ref();
                })
            })
            .collect();
        drop(waker);
        tasks.run_one();
        threads.into_iter().for_each(|thread| thread.join().unwrap());
        work(&tasks);
        assert!(handle.is_finished());
    });
}

#[test]
fn an_abort_of_a_task_that_queued_itself_again_ends_it() {
    model(3, || {
        let tasks = Arc::new(Tasks::default());
        let waker = Arc::new(Mutex::new(None));
        let changed = vec![Arc::new(AtomicBool::new(false))];
        let handle = tasks.spawn(Restless { changed, waker: waker.clone(), given: false });
        let worker = tasks.clone();
        let worker = loom::thread::spawn(move || work(&worker));
        handle.abort();
        worker.join().unwrap();
        assert!(handle.is_finished());
        waker.lock().unwrap().take();
    });
}

/// Goes with a future; when that is dropped, notes what it was told.
struct Listener {
    told: Arc<AtomicBool>,
    heard: Arc<AtomicBool>,
}

impl Drop for Listener {
    fn drop(&mut self) {
        // Ordering: Relaxed; it is the task word that must bring what was told.
        self.heard.store(self.told.load(Ordering::Relaxed), Ordering::Relaxed);
    }
}

#[test]
fn an_abort_of_a_task_that_queued_itself_again_brings_its_data() {
    model(3, || {
        let tasks = Arc::new(Tasks::default());
        let flag = || Arc::new(AtomicBool::new(false));
        let (told, heard) = (flag(), flag());
        let waker = Arc::new(Mutex::new(None));
        let listener = Listener { told: told.clone(), heard: heard.clone() };
        let future = Restless { changed: vec![flag()], waker: waker.clone(), given: false };
        let handle = tasks.spawn(async move {
            let _listener = listener;
            future.await;
        });
        assert!(tasks.run_one());
        let worker = tasks.clone();
        let worker = loom::thread::spawn(move || work(&worker));
        told.store(true, Ordering::Relaxed);
        handle.abort();
        worker.join().unwrap();
        assert!(heard.load(Ordering::Relaxed));
        waker.lock().unwrap().take();
    });
}
