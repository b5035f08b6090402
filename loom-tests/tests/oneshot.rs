//! A oneshot channel: `executor/src/sync/oneshot/word.rs`.
//!
//! Properties: a value is received, or given back, or dropped with the channel, and each once; who
//! waits is woken by the other's last step; no cell is touched by both. Threads: the two ends.
//! Bound: 3 preemptions. It would catch a waker that is put in place after the look, a cell that
//! changes hands without a bit to say so, and a channel that is freed twice or never: the values are
//! loom's counted references, which it checks for leaks.
#![cfg(heist_loom)]

use std::sync::Arc as StdArc;
use std::task::{Wake, Waker};

use heist::model::oneshot::{Receiver, channel};
use heist_loom_tests::{model, must_fail};
use loom::sync::Arc;
use loom::sync::atomic::{AtomicBool, Ordering};

struct Flag(AtomicBool);

impl Wake for Flag {
    fn wake(self: StdArc<Flag>) {
        self.0.store(true, Ordering::Release);
    }
}

fn flag() -> (Waker, StdArc<Flag>) {
    let flag = StdArc::new(Flag(AtomicBool::new(false)));
    (Waker::from(flag.clone()), flag)
}

/// One poll of a receiver: what was said, or nothing and then the waker is in place.
fn poll<T>(receiver: &mut Receiver<T>, waker: &Waker, heed: bool) -> Option<Option<T>> {
    receiver.take().or_else(|| {
        let waits = receiver.wait(waker);
        if waits || !heed { None } else { receiver.take() }
    })
}

fn one_message(polls: usize, value: bool, heed: bool) {
    let (sender, mut receiver) = channel();
    let sending = loom::thread::spawn(move || {
        assert!(sender.finish(value.then(|| Arc::new(()))).is_ok(), "refused by an open channel");
    });
    let wakers: Vec<_> = (0..polls).map(|_| flag()).collect();
    let mut said = None;
    for (waker, _) in &wakers {
        said = said.or_else(|| poll(&mut receiver, waker, heed));
    }
    sending.join().unwrap();
    if said.is_none() {
        let (_, last) = &wakers[polls - 1];
        assert!(last.0.load(Ordering::Acquire), "the wake was lost");
        said = receiver.take();
    }
    assert_eq!(said.expect("the sender is done").is_some(), value);
}

#[test]
fn who_waits_is_woken_with_the_value() {
    model(3, || one_message(1, true, true));
}

#[test]
fn the_waker_of_the_last_poll_is_the_one_that_is_called() {
    model(3, || one_message(2, true, true));
}

#[test]
fn who_waits_learns_that_there_will_be_no_value() {
    model(3, || one_message(2, false, true));
}

#[test]
fn broken_who_does_not_look_again_after_leaving_its_waker_misses_the_value() {
    let test = "broken_who_does_not_look_again_after_leaving_its_waker_misses_the_value";
    must_fail(test, "the wake was lost", || one_message(1, true, false));
}

#[test]
fn a_value_that_meets_a_leaving_receiver_is_dropped_or_given_back() {
    model(3, || {
        let (sender, mut receiver) = channel();
        let value = Arc::new(());
        let sent = value.clone();
        let sending = loom::thread::spawn(move || sender.finish(Some(sent)).is_ok());
        let (waker, _) = flag();
        let received = poll(&mut receiver, &waker, true);
        drop(receiver);
        let accepted = sending.join().unwrap();
        assert!(accepted || received.is_none(), "received and given back");
        drop(received);
        assert_eq!(Arc::strong_count(&value), 1, "a value is left over");
    });
}

#[test]
fn what_was_sent_before_the_closing_is_found_after_it() {
    model(3, || {
        let (sender, mut receiver) = channel();
        let sending = loom::thread::spawn(move || sender.finish(Some(Arc::new(()))).is_ok());
        receiver.close();
        let found = receiver.take().flatten().is_some();
        assert_eq!(sending.join().unwrap(), found, "accepted and not found, or the reverse");
    });
}

#[test]
fn a_sender_that_waits_for_the_end_is_told() {
    model(3, || {
        let (mut sender, receiver) = channel::<()>();
        let closing = loom::thread::spawn(move || drop(receiver));
        let wakers = [flag(), flag()];
        let closed = wakers.iter().any(|(waker, _)| sender.poll_closed(waker).is_ready());
        closing.join().unwrap();
        assert!(closed || wakers[1].1.0.load(Ordering::Acquire), "the wake was lost");
        assert!(sender.finish(Some(())).is_err(), "nobody is there to receive");
    });
}
