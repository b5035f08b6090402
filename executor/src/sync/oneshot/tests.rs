use std::rc::Rc;
use std::sync::Arc;

use super::*;
use crate::sync::testing::{ready, waiting};

#[test]
fn a_value_goes_across_before_and_after_the_wait() {
    let (sender, receiver) = channel();
    assert!(receiver.is_empty());
    sender.send(1).unwrap();
    assert!(!receiver.is_empty());
    assert_eq!(ready(receiver), Ok(1));

    let (sender, receiver) = channel();
    let mut receiver = waiting(receiver);
    receiver.assert_pending();
    sender.send(2).unwrap();
    assert_eq!(receiver.wakes(), 1);
    assert_eq!(receiver.assert_ready(), Ok(2));
}

#[test]
fn each_end_learns_that_the_other_is_gone() {
    let (sender, receiver) = channel::<u8>();
    let mut receiver = waiting(receiver);
    drop(sender);
    assert_eq!(receiver.wakes(), 1);
    assert_eq!(receiver.assert_ready(), Err(RecvError(())));

    let (mut sender, receiver) = channel::<u8>();
    assert!(!sender.is_closed());
    let mut closed = waiting(sender.closed());
    closed.assert_pending();
    drop(receiver);
    assert_eq!(closed.wakes(), 1);
    closed.assert_ready();
    drop(closed);
    assert_eq!(sender.send(3), Err(3));
}

#[test]
fn closing_keeps_what_was_sent_before() {
    let (sender, mut receiver) = channel();
    sender.send(4).unwrap();
    receiver.close();
    assert_eq!(receiver.try_recv(), Ok(4));
    assert!(receiver.is_terminated());
    assert_eq!(receiver.try_recv(), Err(TryRecvError::Closed));

    let (sender, mut receiver) = channel();
    assert_eq!(receiver.try_recv(), Err(TryRecvError::Empty));
    receiver.close();
    assert_eq!(sender.send(5), Err(5));
    assert_eq!(ready(&mut receiver), Err(RecvError(())));
}

#[test]
fn a_value_that_nobody_takes_is_dropped() {
    let value = Rc::new(());
    let (sender, receiver) = channel();
    sender.send(value.clone()).unwrap();
    drop(receiver);
    assert_eq!(Rc::strong_count(&value), 1);
}

#[test]
fn the_ends_race_without_loss() {
    for round in 0..2_000 {
        let value = Arc::new(round);
        let (sender, receiver) = channel();
        let sending = std::thread::spawn({
            let value = value.clone();
            move || sender.send(value)
        });
        match round % 3 {
            0 => assert_eq!(*receiver.blocking_recv().unwrap(), round),
            1 => drop(receiver),
            _ => {
                let mut receiver = receiver;
                receiver.close();
                let received = receiver.try_recv();
                assert_eq!(sending.join().unwrap().is_ok(), received.is_ok());
                drop(received);
                assert_eq!(Arc::strong_count(&value), 1);
                continue;
            }
        }
        let _ = sending.join().unwrap();
        assert_eq!(Arc::strong_count(&value), 1, "round {round}");
    }
}
