//! Readiness of a source: events against operations that find nothing, and against waiters.
//!
//! Properties: readiness that came after an operation had looked is not taken away by it; a waiter
//! is woken by an event or told not to wait, also when another one gives up at the same moment.
//! Threads: the reactor and one or two tasks. Bound: 3 preemptions.
//! It would catch a stale "would block" that wipes out a new event, and a waker that is put in
//! place after the look.
#![cfg(heist_loom)]

use std::sync::Arc as StdArc;
use std::task::{Wake, Waker};

use heist_io::model::{Interest, Place, Ready, Registration, wake_all};
use heist_loom_tests::{model, must_fail};
use loom::sync::Arc;
use loom::sync::atomic::{AtomicBool, Ordering};

/// A kernel that has data or not; telling of it is an edge.
struct Source {
    data: AtomicBool,
    registration: Registration,
}

impl Source {
    fn new() -> Arc<Source> {
        Arc::new(Source {
            data: AtomicBool::new(false),
            registration: Registration::new(Ready::READABLE | Ready::WRITABLE),
        })
    }

    /// Data comes, once, and the reactor is told.
    fn arrive(&self) {
        self.data.store(true, Ordering::Release);
        let mut woken = Vec::new();
        self.registration.event(Ready::READABLE, &mut woken);
        wake_all(&mut woken);
    }

    /// The reactor shuts down.
    fn end(&self) {
        let mut woken = Vec::new();
        self.registration.end(&mut woken);
        wake_all(&mut woken);
    }

    fn read(&self) -> bool {
        self.data.load(Ordering::Acquire)
    }
}

struct Flag(AtomicBool);

impl Wake for Flag {
    fn wake(self: StdArc<Flag>) {
        self.0.store(true, Ordering::Release);
    }
}

/// A task that reads: try, then wait. Afterwards it has read, or it will be woken.
fn read_or_wait(source: &Source, flag: &StdArc<Flag>, stale: bool) -> bool {
    let waker = Waker::from(flag.clone());
    loop {
        let tried = if stale {
            source.registration.operate_stale(Ready::READABLE, || source.read())
        } else {
            source.registration.operate(Ready::READABLE, || source.read())
        };
        if tried == Some(true) {
            return true;
        }
        if tried.is_some() {
            continue;
        }
        match source.registration.wait(&mut Place::Shared, Interest::READABLE, &waker) {
            Ok(()) => return false,
            // Ready to read after all, or told that there is no reactor any more.
            Err(ready) if ready.is_readable() => {}
            Err(_) => return true,
        }
    }
}

fn one_reader(stale: bool) {
    let source = Source::new();
    let flag = StdArc::new(Flag(AtomicBool::new(false)));
    let reactor = source.clone();
    let reactor = loom::thread::spawn(move || reactor.arrive());
    let read = read_or_wait(&source, &flag, stale);
    reactor.join().unwrap();
    assert!(read || flag.0.load(Ordering::Acquire), "the event was lost");
}

#[test]
fn an_event_is_never_lost() {
    model(3, || one_reader(false));
}

#[test]
fn broken_a_stale_would_block_wipes_out_an_event() {
    let test = "broken_a_stale_would_block_wipes_out_an_event";
    must_fail(test, "the event was lost", || one_reader(true));
}

#[test]
fn the_end_of_the_reactor_reaches_who_waits() {
    model(3, || {
        let source = Source::new();
        let flag = StdArc::new(Flag(AtomicBool::new(false)));
        let reactor = source.clone();
        let reactor = loom::thread::spawn(move || reactor.end());
        let told = read_or_wait(&source, &flag, false);
        reactor.join().unwrap();
        assert!(told || flag.0.load(Ordering::Acquire), "a waiter outlives its reactor");
    });
}

/// A future waits in a place of its own until it is woken.
fn wait(source: &Source, flag: &StdArc<Flag>, place: &mut Place) -> bool {
    let waker = Waker::from(flag.clone());
    source.registration.wait(place, Interest::READABLE, &waker).is_err()
}

/// Two futures of the same source; the second gives up at once, as in a `select!`.
fn two_futures(waits_for_real: bool) {
    let source = Source::new();
    // Nothing is there at first.
    assert_eq!(source.registration.operate(Ready::READABLE, || false), Some(false));
    let reactor = source.clone();
    let reactor = loom::thread::spawn(move || reactor.arrive());
    let leaving = source.clone();
    let leaving = loom::thread::spawn(move || {
        let mut place = Place::Own(None);
        let flag = StdArc::new(Flag(AtomicBool::new(false)));
        let _ = wait(&leaving, &flag, &mut place);
        leaving.registration.leave(&mut place);
    });
    let flag = StdArc::new(Flag(AtomicBool::new(false)));
    let mut place = Place::Own(None);
    let told = waits_for_real && wait(&source, &flag, &mut place);
    reactor.join().unwrap();
    leaving.join().unwrap();
    assert!(told || flag.0.load(Ordering::Acquire), "the event was lost");
    source.registration.leave(&mut place);
}

#[test]
fn who_gives_up_takes_no_event_along() {
    model(3, || two_futures(true));
}

#[test]
fn broken_who_does_not_wait_is_not_woken() {
    must_fail("broken_who_does_not_wait_is_not_woken", "the event was lost", || two_futures(false));
}
