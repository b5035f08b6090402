use std::sync::Arc;

use super::error::{RecvError, SendError, TryRecvError};
use super::*;
use crate::sync::testing::{ready, waiting};

#[test]
fn everybody_gets_everything_from_the_subscription_on() {
    let (sender, mut first) = channel(4);
    assert_eq!(sender.send(1), Ok(1));
    let mut second = sender.subscribe();
    assert_eq!(sender.send(2), Ok(2));
    assert_eq!((first.len(), second.len(), sender.len()), (2, 1, 2));
    assert_eq!(ready(first.recv()), Ok(1));
    assert_eq!(ready(first.recv()), Ok(2));
    assert_eq!(sender.len(), 1);
    assert_eq!(second.try_recv(), Ok(2));
    assert_eq!(second.try_recv(), Err(TryRecvError::Empty));
    assert!(sender.is_empty());

    let mut waits = [waiting(first.recv()), waiting(second.recv())];
    sender.send(3).unwrap();
    for wait in &mut waits {
        assert_eq!(wait.wakes(), 1);
        assert_eq!(wait.assert_ready(), Ok(3));
    }
}

#[test]
fn who_is_slow_is_told_what_it_missed() {
    let (sender, mut receiver) = channel(3);
    let values = Arc::new(());
    (0..6).for_each(|n| drop(sender.send((n, values.clone()))));
    assert_eq!(Arc::strong_count(&values), 5, "three was rounded up to four");
    assert_eq!(receiver.len(), 6);
    assert_eq!(ready(receiver.recv()).unwrap_err(), RecvError::Lagged(2));
    assert_eq!(ready(receiver.recv()).unwrap().0, 2);
    let late = receiver.resubscribe();
    assert!(late.is_empty());
    drop(receiver);
    assert_eq!(Arc::strong_count(&values), 1, "nobody else was to see the others");
}

#[test]
fn values_come_before_the_end() {
    let (sender, mut receiver) = channel(2);
    let weak = sender.downgrade();
    weak.upgrade().unwrap().send('a').unwrap();
    drop(sender);
    assert!(weak.upgrade().is_none());
    assert!(receiver.is_closed());
    assert_eq!(ready(receiver.recv()), Ok('a'));
    assert_eq!(ready(receiver.recv()), Err(RecvError::Closed));
    assert_eq!(receiver.try_recv(), Err(TryRecvError::Closed));

    let (sender, mut receiver) = channel::<u8>(2);
    let mut wait = waiting(receiver.recv());
    drop(sender);
    assert_eq!(wait.wakes(), 1);
    assert_eq!(wait.assert_ready(), Err(RecvError::Closed));
}

#[test]
fn weak_senders_do_not_keep_a_channel_open() {
    let (sender, mut receiver) = channel(2);
    let weak = sender.downgrade();
    assert_eq!((weak.strong_count(), weak.weak_count()), (1, 1));
    let again = weak.clone().upgrade().unwrap();
    drop(sender);
    let mut wait = waiting(receiver.recv());
    again.send(1).unwrap();
    assert_eq!(wait.assert_ready(), Ok(1));
    drop(wait);
    let mut end = waiting(receiver.recv());
    drop(again);
    assert_eq!(end.wakes(), 1);
    assert_eq!(end.assert_ready(), Err(RecvError::Closed));
    assert!(weak.upgrade().is_none());
}

#[test]
fn senders_learn_that_nobody_listens() {
    let (sender, receiver) = channel(2);
    let mut closed = waiting(sender.closed());
    drop(receiver);
    closed.assert_ready();
    assert_eq!(sender.send(1), Err(SendError(1)));
    let mut receiver = sender.subscribe();
    assert_eq!(sender.send(2), Ok(1));
    assert_eq!(ready(receiver.recv()), Ok(2));
}

#[test]
fn a_dropped_wait_loses_no_value() {
    let (sender, mut receiver) = channel(2);
    let wait = waiting(receiver.recv());
    sender.send(1).unwrap();
    drop(wait);
    assert_eq!(ready(receiver.recv()), Ok(1));
}

#[test]
fn threads_receive_in_order_or_know_what_they_missed() {
    const VALUES: u64 = 20_000;
    let (sender, receiver) = channel(8);
    let receivers: Vec<_> = (0..3)
        .map(|_| {
            let mut receiver = receiver.resubscribe();
            std::thread::spawn(move || {
                let mut next = 0;
                loop {
                    match receiver.blocking_recv() {
                        Ok(value) => {
                            assert_eq!(value, next);
                            next += 1;
                        }
                        Err(RecvError::Lagged(missed)) => next += missed,
                        Err(RecvError::Closed) => return next,
                    }
                }
            })
        })
        .collect();
    drop(receiver);
    (0..VALUES).for_each(|n| assert!(sender.send(n).is_ok()));
    drop(sender);
    receivers.into_iter().for_each(|thread| assert_eq!(thread.join().unwrap(), VALUES));
}
