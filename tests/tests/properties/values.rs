//! Single values: `oneshot` and `watch`, with receivers who come and go.

use std::cell::Cell;

use heist::sync::{oneshot, watch};

use crate::seeds::for_seeds;
use crate::stage::{Stage, patiently, pause};

/// Counts its drops.
struct Counted<'a>(&'a Cell<usize>);

impl Drop for Counted<'_> {
    fn drop(&mut self) {
        self.0.set(self.0.get() + 1);
    }
}

/// What has become of the value.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Fate {
    Open,
    Sent,
    Refused,
    Kept,
}

#[test]
fn a_single_value_is_received_or_comes_back() {
    for_seeds(4000, |chance| {
        let dropped = Cell::new(0);
        let (fate, received) = (Cell::new(Fate::Open), Cell::new(false));
        let (sender, receiver) = oneshot::channel();
        let mut stage = Stage::new(chance);
        let value = Counted(&dropped);
        let (fate, received) = (&fate, &received);
        let sending = async move {
            let mut sender = sender;
            pause(chance).await;
            if chance.one_in(3) && patiently(chance, sender.closed()).await.is_some() {
                assert!(sender.is_closed());
            }
            if chance.one_in(8) {
                fate.set(Fate::Kept);
                return;
            }
            let closed = sender.is_closed();
            fate.set(if sender.send(value).is_ok() { Fate::Sent } else { Fate::Refused });
            assert_eq!(fate.get() == Fate::Refused, closed);
        };
        let receiving = async move {
            let mut receiver = receiver;
            for _ in 0..chance.below(4) {
                pause(chance).await;
                match patiently(chance, &mut receiver).await {
                    Some(Ok(_value)) => return received.set(true),
                    Some(Err(_)) => return assert_ne!(fate.get(), Fate::Sent),
                    None => {}
                }
            }
            if chance.one_in(2) {
                return;
            }
            if chance.one_in(2) {
                receiver.close();
            }
            received.set(receiver.await.is_ok());
        };
        if chance.one_in(2) {
            stage.add(sending)
        } else {
            stage.add_mortal(sending)
        }
        if chance.one_in(2) {
            stage.add(receiving)
        } else {
            stage.add_mortal(receiving)
        }
        // Two ends that wait for each other wait for ever, and there is nothing to tell.
        let both_wait = || fate.get() == Fate::Open;
        let left = stage.play();
        assert!(left == 0 || left == 2 && both_wait(), "one end was not told what the other did");
        assert_eq!(dropped.get(), 1, "the value was lost or doubled");
        assert!(!received.get() || fate.get() == Fate::Sent);
    });
}

#[test]
fn a_receiver_that_waits_gets_what_was_sent() {
    for_seeds(1000, |chance| {
        let (sender, mut receiver) = oneshot::channel();
        let mut stage = Stage::new(chance);
        stage.add(async {
            pause(chance).await;
            sender.send(7).expect("the receiver waits");
        });
        stage.add(async {
            loop {
                pause(chance).await;
                match patiently(chance, &mut receiver).await {
                    Some(said) => return assert_eq!(said, Ok(7)),
                    None if chance.one_in(2) => continue,
                    None => {}
                }
                if let Ok(value) = receiver.try_recv() {
                    return assert_eq!(value, 7);
                }
            }
        });
        assert_eq!(stage.play(), 0, "the value was not told");
    });
}

#[test]
fn whoever_watches_sees_the_last_value() {
    for_seeds(3000, |chance| {
        let (sender, receiver) = watch::channel(0_usize);
        let total = chance.between(1, 12);
        let mut stage = Stage::new(chance);
        for _ in 0..chance.between(1, 4) {
            let mut receiver = receiver.clone();
            let part = async move {
                let mut seen = 0;
                loop {
                    pause(chance).await;
                    let news = match chance.below(3) {
                        0 => {
                            // The last one asks for more than will ever come.
                            let least = chance.between(1, total + 1);
                            let newer = receiver.wait_for(|value| *value >= least);
                            let found = patiently(chance, newer).await;
                            match found.map(|found| found.map(|value| *value).ok()) {
                                Some(Some(value)) => {
                                    assert!(value >= least);
                                    Some(value)
                                }
                                Some(None) => {
                                    assert!(least > total, "the last value is as large");
                                    seen = *receiver.borrow();
                                    break;
                                }
                                None => None,
                            }
                        }
                        _ => match patiently(chance, receiver.changed()).await {
                            Some(Ok(())) => {
                                let value = *receiver.borrow_and_update();
                                assert!(value > seen, "told of no change");
                                Some(value)
                            }
                            Some(Err(_)) => break,
                            None => None,
                        },
                    };
                    if let Some(value) = news {
                        assert!(value >= seen, "went back");
                        seen = value;
                    }
                }
                assert_eq!((seen, *receiver.borrow()), (total, total), "missed the last value");
            };
            if chance.one_in(2) { stage.add(part) } else { stage.add_mortal(part) }
        }
        drop(receiver);
        stage.add(async move {
            for value in 1..=total {
                pause(chance).await;
                match chance.below(3) {
                    0 => drop(sender.send_replace(value)),
                    1 => sender.send_modify(|old| *old = value),
                    _ => drop(sender.send_if_modified(|old| {
                        *old = value;
                        true
                    })),
                }
            }
        });
        assert_eq!(stage.play(), 0, "a change or the end was not told");
    });
}
