use std::sync::Arc;

use super::error::{SendError, TryRecvError, TrySendError};
use super::*;
use crate::sync::testing::{ready, waiting};

#[test]
fn senders_wait_for_room_in_order() {
    let (sender, mut receiver) = channel(1);
    ready(sender.send(0)).unwrap();
    let mut first = waiting(sender.send(1));
    let mut second = waiting(sender.send(2));
    assert_eq!(sender.try_send(9), Err(TrySendError::Full(9)));
    assert_eq!(ready(receiver.recv()), Some(0));
    assert_eq!((first.wakes(), second.wakes()), (1, 0));
    assert_eq!(sender.try_send(9), Err(TrySendError::Full(9)), "the room is promised");
    first.assert_ready().unwrap();
    assert_eq!(receiver.try_recv(), Ok(1));
    second.assert_ready().unwrap();
    drop((first, second));
    drop(sender);
    assert_eq!(ready(receiver.recv()), Some(2));
    assert_eq!(ready(receiver.recv()), None);
    assert_eq!(receiver.try_recv(), Err(TryRecvError::Disconnected));
}

#[test]
fn the_receiver_is_woken_once_for_many_messages() {
    let (sender, mut receiver) = channel(4);
    let mut buffer = Vec::new();
    let mut many = waiting(receiver.recv_many(&mut buffer, 2));
    for n in 0..3 {
        sender.try_send(n).unwrap();
    }
    assert_eq!(many.wakes(), 1);
    assert_eq!(many.assert_ready(), 2);
    drop(many);
    assert_eq!(buffer, [0, 1]);
    assert_eq!((sender.capacity(), receiver.len(), sender.max_capacity()), (3, 1, 4));
    assert_eq!(ready(receiver.recv_many(&mut buffer, 0)), 0);
    assert_eq!(receiver.blocking_recv_many(&mut buffer, 9), 1);
}

#[test]
fn a_dropped_send_passes_the_room_on() {
    let (sender, mut receiver) = channel(2);
    sender.try_send(0).unwrap();
    sender.try_send(1).unwrap();
    let many = waiting(sender.reserve_many(2));
    let mut one = waiting(sender.send(2));
    receiver.try_recv().unwrap();
    assert_eq!((many.wakes(), one.wakes()), (0, 0), "one slot is not enough for the first");
    drop(many);
    assert_eq!(one.wakes(), 1);
    let next = waiting(sender.send(3));
    one.assert_ready().unwrap();
    receiver.try_recv().unwrap();
    assert_eq!(next.wakes(), 1);
    drop((one, next));
    assert_eq!(sender.capacity(), 1);
}

#[test]
fn permits_send_without_waiting_or_give_their_room_back() {
    let (sender, mut receiver) = channel(3);
    let permit = ready(sender.reserve()).unwrap();
    let mut more = ready(sender.reserve_many(2)).unwrap();
    assert_eq!(sender.try_reserve().unwrap_err(), TrySendError::Full(()));
    more.next().unwrap().send('a');
    assert_eq!(more.len(), 1);
    drop(more);
    permit.send('b');
    let owned = ready(sender.clone().reserve_owned()).unwrap();
    assert!(owned.same_channel_as_sender(&sender));
    assert!(sender.clone().try_reserve_owned().is_err());
    let back = owned.send('c');
    assert_eq!(sender.capacity(), 0);
    receiver.try_recv().unwrap();
    let back = back.try_reserve_owned().unwrap().release();
    assert_eq!((back.capacity(), back.strong_count()), (1, 2));
    assert!(ready(sender.reserve_many(4)).is_err(), "there is never room for as many");
}

#[test]
fn closing_refuses_new_messages_and_delivers_promised_ones() {
    let (sender, mut receiver) = channel(2);
    sender.try_send(1).unwrap();
    let permit = ready(sender.reserve()).unwrap();
    let mut refused = waiting(sender.send(9));
    let mut closed = waiting(sender.closed());
    receiver.close();
    assert_eq!(refused.assert_ready(), Err(SendError(9)));
    closed.assert_ready();
    assert_eq!(sender.try_send(9), Err(TrySendError::Closed(9)));
    assert_eq!(ready(receiver.recv()), Some(1));
    let mut last = waiting(receiver.recv());
    permit.send(2);
    assert_eq!(last.wakes(), 1);
    assert_eq!(last.assert_ready(), Some(2));
    drop(last);
    assert_eq!(ready(receiver.recv()), None);

    let (sender, mut receiver) = channel::<u8>(1);
    let permit = ready(sender.reserve()).unwrap();
    receiver.close();
    let mut last = waiting(receiver.recv());
    drop(permit);
    assert_eq!(last.wakes(), 1);
    assert_eq!(last.assert_ready(), None);
}

#[test]
fn a_receiver_that_goes_takes_its_messages_along() {
    let value = Arc::new(());
    let (sender, receiver) = channel(2);
    sender.try_send(value.clone()).unwrap();
    let permit = ready(sender.reserve()).unwrap();
    drop(receiver);
    assert_eq!(Arc::strong_count(&value), 1);
    permit.send(value.clone());
    assert_eq!(Arc::strong_count(&value), 1);
    assert!(sender.is_closed());
    ready(sender.closed());
}

#[test]
fn weak_senders_do_not_keep_a_channel_open() {
    let (sender, mut receiver) = unbounded_channel();
    let weak = sender.downgrade();
    weak.upgrade().unwrap().send(1).unwrap();
    assert_eq!((weak.strong_count(), sender.weak_count()), (1, 1));
    assert_eq!(ready(receiver.recv()), Some(1));
    let mut end = waiting(receiver.recv());
    drop(sender);
    assert_eq!(end.wakes(), 1);
    assert_eq!(end.assert_ready(), None);
    assert!(weak.upgrade().is_none());

    let (sender, mut receiver) = channel(1);
    let weak = sender.downgrade();
    weak.upgrade().unwrap().try_send(1).unwrap();
    assert_eq!((weak.strong_count(), sender.weak_count()), (1, 1));
    let again = weak.clone().upgrade().unwrap();
    drop(sender);
    assert_eq!(ready(receiver.recv()), Some(1));
    let mut end = waiting(receiver.recv());
    end.assert_pending();
    drop(again);
    assert_eq!(end.assert_ready(), None);
    assert!(weak.upgrade().is_none());
}

#[test]
fn a_send_times_out_with_its_message() {
    let runtime = crate::runtime::Builder::new_current_thread().start_paused(true).build().unwrap();
    runtime.block_on(async {
        let (sender, _receiver) = channel(1);
        sender.send(1).await.unwrap();
        let hour = std::time::Duration::from_secs(3600);
        let late = sender.send_timeout(2, hour).await;
        assert_eq!(late, Err(error::SendTimeoutError::Timeout(2)));
    });
}

#[test]
fn threads_send_and_receive_everything_once_in_each_ones_order() {
    const EACH: usize = 10_000;
    let (sender, mut receiver) = channel(3);
    let senders: Vec<_> = (0..3)
        .map(|thread| {
            let sender = sender.clone();
            std::thread::spawn(move || {
                (0..EACH).for_each(|n| sender.blocking_send((thread, n)).unwrap());
            })
        })
        .collect();
    drop(sender);
    let mut next = [0; 3];
    while let Some((thread, n)) = receiver.blocking_recv() {
        assert_eq!(n, next[thread]);
        next[thread] += 1;
    }
    assert_eq!(next, [EACH; 3]);
    senders.into_iter().for_each(|thread| thread.join().unwrap());
}
