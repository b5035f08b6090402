//! Panics of foreign code inside a task: its future, the destructors of future and output, and the
//! waker of who joins it. `task/poll.rs`.
//!
//! Properties: the task ends all the same, its future is dropped once, its cell is freed once, and
//! somebody hears of the panic: the joiner, or the hook if nobody joins. Threads: a worker, and one
//! that joins, aborts or goes away. Bound: 3 preemptions. It would catch a panic that takes the
//! worker along or leaves the task running for ever, and one that nobody hears of because the
//! handle goes away at the same time.
#![cfg(heist_loom)]

use std::future::Future;
use std::panic::resume_unwind;
use std::pin::Pin;
use std::sync::Arc as StdArc;
use std::task::{Context, Poll, Wake, Waker};

use heist::model::Tasks;
use heist_loom_tests::{model, must_fail};
use loom::sync::Arc;
use loom::sync::atomic::{AtomicUsize, Ordering};

/// A panic without the hook's message on standard error.
fn panic_quietly() -> ! {
    resume_unwind(Box::new("on purpose"))
}

/// Counts its end, and may panic in it.
struct Fuse {
    dropped: Arc<AtomicUsize>,
    panics: bool,
}

impl Drop for Fuse {
    fn drop(&mut self) {
        self.dropped.fetch_add(1, Ordering::Relaxed);
        if self.panics {
            panic_quietly();
        }
    }
}

/// Panics, or is ready with a fuse as its output.
struct Bomb {
    poll_panics: bool,
    /// Dropped with the future.
    _own: Option<Fuse>,
    output: Option<Fuse>,
}

impl Future for Bomb {
    type Output = Option<Fuse>;

    fn poll(mut self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<Option<Fuse>> {
        if self.poll_panics {
            panic_quietly();
        }
        Poll::Ready(self.output.take())
    }
}

struct Parts {
    tasks: Arc<Tasks>,
    dropped: Arc<AtomicUsize>,
}

impl Parts {
    fn new() -> Parts {
        Parts { tasks: Arc::new(Tasks::default()), dropped: Arc::new(AtomicUsize::new(0)) }
    }

    fn fuse(&self, panics: bool) -> Option<Fuse> {
        Some(Fuse { dropped: self.dropped.clone(), panics })
    }

    fn worker(&self) -> loom::thread::JoinHandle<()> {
        let tasks = self.tasks.clone();
        loom::thread::spawn(move || while tasks.run_one() {})
    }

    fn assert_ended(&self, fuses: usize) {
        assert_eq!(self.dropped.load(Ordering::Relaxed), fuses);
        assert_eq!((self.tasks.alive(), self.tasks.freed()), (0, 1));
    }
}

/// One who joins hears of the panic, whichever part of the future it came from.
fn joined(poll_panics: bool, drop_panics: bool) {
    let parts = Parts::new();
    let bomb = Bomb { poll_panics, _own: parts.fuse(drop_panics), output: None };
    let handle = parts.tasks.spawn(bomb);
    let worker = parts.worker();
    match loom::future::block_on(handle) {
        Ok(_) => panic!("the panic is lost"),
        Err(error) => assert!(error.is_panic()),
    }
    worker.join().unwrap();
    parts.assert_ended(1);
    assert_eq!(parts.tasks.reported(), 0);
}

#[test]
fn a_panic_of_the_future_reaches_who_joins() {
    model(3, || joined(true, false));
}

#[test]
fn a_panic_of_the_futures_destructor_reaches_who_joins() {
    model(3, || joined(false, true));
    model(3, || joined(true, true));
}

/// The handle goes away while the task panics: one of the two reports it.
fn detached(forgets: bool) {
    let parts = Parts::new();
    let bomb = Bomb { poll_panics: true, _own: parts.fuse(false), output: None };
    let handle = parts.tasks.spawn(bomb);
    let worker = parts.worker();
    if forgets {
        std::mem::forget(handle);
    } else {
        drop(handle);
    }
    worker.join().unwrap();
    assert_eq!(parts.tasks.reported(), 1, "nobody hears of the panic");
    parts.assert_ended(1);
}

#[test]
fn a_panic_that_nobody_joins_is_reported_once() {
    model(3, || detached(false));
}

#[test]
fn broken_a_forgotten_handle_keeps_the_panic_to_itself() {
    let test = "broken_a_forgotten_handle_keeps_the_panic_to_itself";
    must_fail(test, "nobody hears of the panic", || detached(true));
}

#[test]
fn an_output_whose_destructor_panics_is_dropped_once() {
    model(3, || {
        let parts = Parts::new();
        let bomb = Bomb { poll_panics: false, _own: None, output: parts.fuse(true) };
        let handle = parts.tasks.spawn(bomb);
        let worker = parts.worker();
        drop(handle);
        worker.join().unwrap();
        parts.assert_ended(1);
    });
}

#[test]
fn an_abort_of_a_future_whose_destructor_panics_ends_it() {
    model(3, || {
        let parts = Parts::new();
        let fuse = parts.fuse(true);
        let future = async move {
            let _own = fuse;
            std::future::pending::<()>().await;
        };
        let handle = parts.tasks.spawn(future);
        let worker = parts.worker();
        handle.abort();
        worker.join().unwrap();
        parts.worker().join().unwrap();
        assert!(loom::future::block_on(handle).unwrap_err().is_panic());
        parts.assert_ended(1);
    });
}

struct Trap;

impl Wake for Trap {
    fn wake(self: StdArc<Trap>) {
        panic_quietly();
    }
}

#[test]
fn a_join_waker_that_panics_does_not_stop_the_worker() {
    model(3, || {
        let parts = Parts::new();
        let bomb = Bomb { poll_panics: false, _own: parts.fuse(false), output: None };
        let mut handle = parts.tasks.spawn(bomb);
        let worker = parts.worker();
        let trap = Waker::from(StdArc::new(Trap));
        let mut cx = Context::from_waker(&trap);
        let ready = Pin::new(&mut handle).poll(&mut cx).is_ready();
        if !ready {
            drop(handle);
        }
        worker.join().unwrap();
        parts.assert_ended(1);
    });
}
