use super::error::SendError;
use super::*;
use crate::sync::testing::{ready, waiting};

#[test]
fn the_latest_value_is_seen_once() {
    let (sender, mut receiver) = channel(0);
    assert!(!receiver.has_changed().unwrap());
    sender.send(1).unwrap();
    sender.send(2).unwrap();
    assert!(receiver.borrow().has_changed());
    ready(receiver.changed()).unwrap();
    assert!(!receiver.borrow().has_changed());
    assert_eq!(*receiver.borrow(), 2);
    let mut changed = waiting(receiver.changed());
    assert_eq!(sender.send_replace(3), 2);
    assert_eq!(changed.wakes(), 1);
    changed.assert_ready().unwrap();
    drop(changed);
    receiver.mark_changed();
    assert!(receiver.borrow_and_update().has_changed());
    assert!(!receiver.has_changed().unwrap());
}

#[test]
fn only_real_changes_are_told() {
    let (sender, mut receiver) = channel(0);
    let mut changed = waiting(receiver.changed());
    assert!(!sender.send_if_modified(|_| false));
    assert_eq!(changed.wakes(), 0);
    sender.send_modify(|value| *value += 1);
    changed.assert_ready().unwrap();
}

#[test]
fn the_last_value_comes_before_the_end() {
    let (sender, mut receiver) = channel(0);
    let second = sender.clone();
    sender.send(1).unwrap();
    drop(sender);
    ready(receiver.changed()).unwrap();
    let mut changed = waiting(receiver.changed());
    drop(second);
    assert_eq!(changed.wakes(), 1);
    assert!(changed.assert_ready().is_err());
    drop(changed);
    assert!(receiver.has_changed().is_err());
    assert_eq!(*ready(receiver.wait_for(|&value| value == 1)).unwrap(), 1);
    assert!(ready(receiver.wait_for(|&value| value == 2)).is_err());
}

#[test]
fn a_value_is_waited_for() {
    let (sender, mut receiver) = channel(0);
    let mut large = waiting(receiver.wait_for(|&value| value > 1));
    sender.send(1).unwrap();
    assert_eq!(large.wakes(), 1);
    large.assert_pending();
    sender.send(2).unwrap();
    let value = large.assert_ready().unwrap();
    assert!(value.has_changed());
    assert_eq!(*value, 2);
    drop(value);
    drop(large);
    assert!(!ready(receiver.wait_for(|_| true)).unwrap().has_changed());
}

#[test]
fn senders_learn_that_nobody_listens() {
    let (sender, receiver) = channel(0);
    let second = receiver.clone();
    assert_eq!((sender.receiver_count(), sender.sender_count()), (2, 1));
    let mut closed = waiting(sender.closed());
    drop(receiver);
    closed.assert_pending();
    drop(second);
    assert_eq!(closed.wakes(), 1);
    closed.assert_ready();
    assert_eq!(sender.send(7), Err(SendError(7)));
    sender.send_replace(8);
    assert_eq!(*sender.subscribe().borrow(), 8);
}

#[test]
fn readers_on_threads_see_the_last_value() {
    let (sender, receiver) = channel(0);
    let readers: Vec<_> = (0..3)
        .map(|_| {
            let mut receiver = receiver.clone();
            std::thread::spawn(move || {
                let mut last = 0;
                while futures_lite::future::block_on(receiver.changed()).is_ok() {
                    let value = *receiver.borrow();
                    assert!(value >= last);
                    last = value;
                }
                last
            })
        })
        .collect();
    (1..=5_000).for_each(|n| sender.send(n).unwrap());
    drop(sender);
    readers.into_iter().for_each(|reader| assert_eq!(reader.join().unwrap(), 5_000));
}
