//! How to model code of one's own against Heist: a one-shot channel between two tasks.
//!
//! Property: the receiver gets the value, or hears that the sender is gone. Threads: two workers.
//! Bound: 3 preemptions. It would catch a receiver that looks before its waker is in place, and then
//! waits for a value that is there already. The README of this package walks through this file.
#![cfg(heist_loom)]

use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll, Waker};

use heist::model::Tasks;
use heist_loom_tests::{model, must_fail};
use loom::sync::atomic::{AtomicBool, Ordering};
use loom::sync::{Arc, Mutex};

/// The code under test. Its locks and atomics come from loom; outside a model, from std.
struct Channel {
    value: Mutex<Option<u32>>,
    sent: AtomicBool,
    receiver: Mutex<Option<Waker>>,
}

struct Sender(Arc<Channel>);

impl Sender {
    fn send(self, value: u32) {
        *self.0.value.lock().unwrap() = Some(value);
    }
}

impl Drop for Sender {
    fn drop(&mut self) {
        self.0.sent.store(true, Ordering::Release);
        let waker = self.0.receiver.lock().unwrap().take();
        if let Some(waker) = waker {
            waker.wake();
        }
    }
}

struct Receiver {
    channel: Arc<Channel>,
    /// The mistake of the broken twin.
    looks_first: bool,
}

impl Future for Receiver {
    type Output = Option<u32>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<u32>> {
        let sent_before = self.channel.sent.load(Ordering::Acquire);
        *self.channel.receiver.lock().unwrap() = Some(cx.waker().clone());
        // Only now: a sender that comes before this is seen, one that comes after finds the waker.
        let sent =
            if self.looks_first { sent_before } else { self.channel.sent.load(Ordering::Acquire) };
        if sent { Poll::Ready(self.channel.value.lock().unwrap().take()) } else { Poll::Pending }
    }
}

fn two_tasks(sends: bool, looks_first: bool) {
    let channel = Arc::new(Channel {
        value: Mutex::new(None),
        sent: AtomicBool::new(false),
        receiver: Mutex::new(None),
    });
    let (sender, receiver) =
        (Sender(channel.clone()), Receiver { channel: channel.clone(), looks_first });
    let tasks = Arc::new(Tasks::default());
    let received = tasks.spawn(receiver);
    let sent = tasks.spawn(async move {
        if sends {
            sender.send(7);
        }
    });
    // Two workers: whoever finds a task polls it.
    let other = tasks.clone();
    let other = loom::thread::spawn(move || while other.run_one() {});
    while tasks.run_one() {}
    other.join().unwrap();
    // What was woken last may have been left by both.
    while tasks.run_one() {}
    assert!(sent.is_finished());
    assert!(received.is_finished(), "the receiver waits in vain");
    assert_eq!(loom::future::block_on(received).unwrap(), sends.then_some(7));
}

#[test]
fn the_receiver_gets_the_value() {
    model(3, || two_tasks(true, false));
}

#[test]
fn the_receiver_hears_that_the_sender_is_gone() {
    model(3, || two_tasks(false, false));
}

#[test]
fn broken_a_receiver_that_looks_too_early_waits_in_vain() {
    let test = "broken_a_receiver_that_looks_too_early_waits_in_vain";
    must_fail(test, "waits in vain", || two_tasks(true, true));
}
