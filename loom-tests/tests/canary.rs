//! The canary: does loom explore anything, and does it see a missing ordering?
//!
//! Property: a message is visible to who sees its flag. Threads: two. Bound: 3 preemptions. It
//! would catch a shim that gives the libraries real atomics, which makes every model green and
//! empty.
#![cfg(heist_loom)]

use heist_loom_tests::{model, must_fail};
use loom::cell::UnsafeCell;
use loom::sync::Arc;
use loom::sync::atomic::{AtomicBool, Ordering};

struct Message {
    text: UnsafeCell<u32>,
    sent: AtomicBool,
}

// SAFETY: the model is about whether the flag orders the accesses; loom checks them.
unsafe impl Sync for Message {}

fn pass_a_message(publish: Ordering) {
    let message = Arc::new(Message { text: UnsafeCell::new(0), sent: AtomicBool::new(false) });
    let sender = message.clone();
    let thread = loom::thread::spawn(move || {
        // SAFETY: nobody reads before the flag is set.
        sender.text.with_mut(|text| unsafe { *text = 7 });
        sender.sent.store(true, publish);
    });
    if message.sent.load(Ordering::Acquire) {
        // SAFETY: the flag says that it was written.
        assert_eq!(message.text.with(|text| unsafe { *text }), 7);
    }
    thread.join().unwrap();
}

#[test]
fn a_released_message_arrives() {
    model(3, || pass_a_message(Ordering::Release));
}

#[test]
fn broken_a_relaxed_message_is_a_race() {
    must_fail("broken_a_relaxed_message_is_a_race", "Causality violation", || {
        pass_a_message(Ordering::Relaxed);
    });
}

/// The executor's own atomics are loom's: a token passed between two threads is explored.
#[test]
fn the_executors_shim_is_explored() {
    model(3, || {
        let parker = Arc::new(heist::model::Parker::new());
        let unparker = parker.clone();
        let thread = loom::thread::spawn(move || {
            let _ = unparker.unpark();
        });
        parker.park(None);
        thread.join().unwrap();
    });
}

/// And so are its atomics alone, without any lock: who takes the seat first is left open.
#[test]
fn the_executors_atomics_are_explored() {
    model(3, || {
        let seat = Arc::new(heist::model::Seat::new());
        let other = seat.clone();
        let other = loom::thread::spawn(move || other.try_take(1));
        let taken = seat.try_take(0);
        assert_ne!(taken, other.join().unwrap());
    });
}
