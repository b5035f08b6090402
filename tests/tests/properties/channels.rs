//! Streams of messages: none is lost or doubled, whoever gives up sending or receiving.

use std::cell::{Cell, RefCell};

use heist::sync::{broadcast, mpsc};

use crate::seeds::{Chance, for_seeds};
use crate::stage::{Stage, patiently, pause};

/// Who sent it, and how manieth of his it is.
type Message = (usize, usize);

/// Keeps account of what was sent and has arrived.
struct Ledger {
    sent: RefCell<Vec<Vec<Message>>>,
    received: RefCell<Vec<Vec<Message>>>,
    on_the_way: Cell<usize>,
    next: Cell<usize>,
}

impl Ledger {
    fn new(senders: usize) -> Ledger {
        Ledger {
            sent: RefCell::new(vec![Vec::new(); senders]),
            received: RefCell::new(vec![Vec::new(); senders]),
            on_the_way: Cell::new(0),
            next: Cell::new(0),
        }
    }

    /// A message like no other.
    fn message(&self, from: usize) -> Message {
        self.next.set(self.next.get() + 1);
        (from, self.next.get())
    }

    fn sent(&self, message: Message) {
        self.sent.borrow_mut()[message.0].push(message);
        self.on_the_way.set(self.on_the_way.get() + 1);
    }

    fn received(&self, message: Message) {
        self.received.borrow_mut()[message.0].push(message);
    }

    /// What one sender has sent arrives whole and in order.
    fn settle(&self) {
        assert_eq!(*self.sent.borrow(), *self.received.borrow());
    }
}

/// Sends messages in every way there is.
async fn send_some(chance: &Chance, sender: mpsc::Sender<Message>, from: usize, ledger: &Ledger) {
    for _ in 0..chance.between(1, 6) {
        pause(chance).await;
        match chance.below(5) {
            0 => {
                // A send whose future is dropped has not sent.
                let message = ledger.message(from);
                if let Some(Ok(())) = patiently(chance, sender.send(message)).await {
                    ledger.sent(message);
                }
            }
            1 => {
                let message = ledger.message(from);
                if sender.try_send(message).is_ok() {
                    ledger.sent(message);
                }
            }
            2 => {
                let Some(Ok(permit)) = patiently(chance, sender.reserve()).await else { continue };
                pause(chance).await;
                if chance.one_in(2) {
                    let message = ledger.message(from);
                    permit.send(message);
                    ledger.sent(message);
                }
            }
            3 => {
                let room = chance.between(1, sender.max_capacity());
                let all = patiently(chance, sender.reserve_many(room)).await;
                let Some(Ok(permits)) = all else { continue };
                for permit in permits.take(chance.between(0, room)) {
                    pause(chance).await;
                    let message = ledger.message(from);
                    permit.send(message);
                    ledger.sent(message);
                }
            }
            _ => {
                let own = patiently(chance, sender.clone().reserve_owned()).await;
                let Some(Ok(permit)) = own else { continue };
                pause(chance).await;
                if chance.one_in(2) {
                    let message = ledger.message(from);
                    drop(permit.send(message));
                    ledger.sent(message);
                } else {
                    drop(permit.release());
                }
            }
        }
    }
}

/// Receives until nothing can come any more. May close the channel on the way, and does if it must.
async fn receive_all(
    chance: &Chance,
    receiver: &mut mpsc::Receiver<Message>,
    ledger: &Ledger,
    must_close: bool,
) {
    let mut batch = Vec::new();
    let mut before_closing = chance.below(10);
    loop {
        pause(chance).await;
        before_closing = before_closing.saturating_sub(1);
        if chance.one_in(20) || (must_close && before_closing == 0) {
            receiver.close();
        }
        // Who is to close must not wait before, for a message that may not come.
        match if must_close && !receiver.is_closed() { 2 } else { chance.below(3) } {
            0 => match patiently(chance, receiver.recv()).await {
                Some(Some(message)) => batch.push(message),
                Some(None) => return,
                None => {}
            },
            1 => {
                let limit = chance.between(1, 4);
                let before = batch.len();
                let many = patiently(chance, receiver.recv_many(&mut batch, limit)).await;
                assert_eq!(many.unwrap_or(0), batch.len() - before);
                if many == Some(0) {
                    return;
                }
            }
            _ => batch.extend(receiver.try_recv().ok()),
        }
        for message in batch.drain(..) {
            ledger.received(message);
        }
    }
}

#[test]
fn a_bounded_channel_delivers_what_was_sent_and_keeps_its_room() {
    for_seeds(3000, |chance| {
        let (capacity, senders) = (chance.between(1, 4), chance.between(1, 5));
        let (sender, mut receiver) = mpsc::channel(capacity);
        let (ledger, watch) = (Ledger::new(senders), sender.downgrade());
        let (room, sender_stays) = (Cell::new(None), chance.one_in(2));
        let mut stage = Stage::new(chance);
        for from in 0..senders {
            let part = send_some(chance, sender.clone(), from, &ledger);
            if chance.one_in(2) { stage.add(part) } else { stage.add_mortal(part) }
        }
        stage.add(async {
            receive_all(chance, &mut receiver, &ledger, sender_stays).await;
            room.set(Some(receiver.capacity()));
        });
        // With a sender left, closing and the last of those with room for a message are the end.
        let stays = Some(sender).filter(|_| sender_stays);
        assert_eq!(stage.play(), 0, "a message or the end of all was not told");
        drop(stays);
        ledger.settle();
        assert_eq!(room.get(), Some(capacity), "room was lost");
        assert!(watch.upgrade().is_none());
    });
}

#[test]
fn a_bounded_channel_never_holds_more_than_its_capacity() {
    for_seeds(1000, |chance| {
        let capacity = chance.between(1, 4);
        let (sender, mut receiver) = mpsc::channel(capacity);
        let ledger = Ledger::new(3);
        let mut stage = Stage::new(chance);
        for from in 0..3 {
            stage.add_mortal(send_some(chance, sender.clone(), from, &ledger));
        }
        drop(sender);
        // Nobody receives: what goes in before all are stuck is what fits in.
        stage.play();
        assert!(ledger.on_the_way.get() <= capacity);
        while let Ok(message) = receiver.try_recv() {
            ledger.received(message);
        }
        ledger.settle();
        assert_eq!(receiver.try_recv(), Err(mpsc::error::TryRecvError::Disconnected));
    });
}

#[test]
fn an_unbounded_channel_delivers_what_was_sent() {
    for_seeds(1000, |chance| {
        let (sender, mut receiver) = mpsc::unbounded_channel();
        let ledger = Ledger::new(3);
        let ledger = &ledger;
        let mut stage = Stage::new(chance);
        for from in 0..3 {
            let sender = sender.clone();
            stage.add_mortal(async move {
                for _ in 0..chance.between(1, 6) {
                    let message = ledger.message(from);
                    if sender.send(message).is_ok() {
                        ledger.sent(message);
                    }
                    pause(chance).await;
                }
            });
        }
        drop(sender);
        stage.add(async {
            loop {
                if chance.one_in(20) {
                    receiver.close();
                }
                match patiently(chance, receiver.recv()).await {
                    Some(Some(message)) => ledger.received(message),
                    Some(None) => return,
                    None => pause(chance).await,
                }
            }
        });
        assert_eq!(stage.play(), 0, "a message or the end of all was not told");
        ledger.settle();
    });
}

#[test]
fn a_broadcast_reaches_every_subscriber_or_is_counted_as_missed() {
    for_seeds(2000, |chance| {
        let capacity = chance.between(1, 5);
        let (sender, first) = broadcast::channel::<usize>(capacity);
        let (sent, total) = (Cell::new(0), chance.between(1, 20));
        let (sent, subscribing) = (&sent, sender.downgrade());
        let mut stage = Stage::new(chance);
        let sender_stays = chance.one_in(2);
        let listen = |mut receiver: broadcast::Receiver<usize>, mut next: usize| async move {
            while !sender_stays || next < total {
                pause(chance).await;
                match patiently(chance, receiver.recv()).await {
                    Some(Ok(message)) => {
                        assert_eq!(message, next, "out of order, lost or doubled");
                        next += 1;
                    }
                    Some(Err(broadcast::error::RecvError::Lagged(missed))) => {
                        next += missed as usize;
                        assert!(missed > 0 && next <= sent.get());
                    }
                    Some(Err(broadcast::error::RecvError::Closed)) => break,
                    None => {}
                }
            }
            assert_eq!(next, total, "the end came before the last message");
        };
        stage.add(listen(first, 0));
        for _ in 0..chance.between(0, 3) {
            let subscribing = &subscribing;
            let part = async move {
                pause(chance).await;
                let Some(sender) = subscribing.upgrade() else { return };
                let (receiver, next) = (sender.subscribe(), sent.get());
                drop(sender);
                listen(receiver, next).await;
            };
            if chance.one_in(2) { stage.add(part) } else { stage.add_mortal(part) }
        }
        let sends = sender.clone();
        stage.add(async move {
            for n in 0..total {
                sent.set(n + 1);
                sends.send(n).expect("the first subscriber stays");
                pause(chance).await;
            }
        });
        let stays = Some(sender).filter(|_| sender_stays);
        assert_eq!(stage.play(), 0, "a subscriber was not told");
        if let Some(sender) = stays {
            assert_eq!((sender.len(), sender.receiver_count()), (0, 0), "kept for nobody");
        }
    });
}
