//! `Queue`: every item that was put in is got once, by those who stay, in each of its orders.

use std::cell::{Cell, RefCell};
use std::cmp::Reverse;

use heist::sync::Queue;
use heist::sync::queue::error::TryPutError;
use heist::sync::queue::{Fifo, Lifo, Order, Priority};

use crate::seeds::{Chance, for_seeds};
use crate::stage::{Stage, patiently, pause};

/// What a queue of this order must give out next, of what was put in, in the order of putting.
type Next = fn(&[usize]) -> usize;

struct Account {
    inside: RefCell<Vec<usize>>,
    unfinished: Cell<usize>,
    put: Cell<usize>,
    got: Cell<usize>,
}

impl Account {
    fn put(&self, item: usize) {
        self.inside.borrow_mut().push(item);
        self.put.set(self.put.get() + 1);
        self.unfinished.set(self.unfinished.get() + 1);
    }

    fn got(&self, item: usize, next: Next) {
        let mut inside = self.inside.borrow_mut();
        let at = next(&inside);
        assert_eq!(inside.remove(at), item, "out of order, lost or doubled");
        self.got.set(self.got.get() + 1);
    }
}

fn every_item_is_got<O: Order<usize>>(chance: &Chance, next: Next) {
    let queue = Queue::<usize, O>::with_order(chance.between(1, 4));
    let account = Account {
        inside: RefCell::default(),
        unfinished: Cell::new(0),
        put: Cell::new(0),
        got: Cell::new(0),
    };
    let (queue, account) = (&queue, &account);
    let (producing, names) = (Cell::new(0), Cell::new(0));
    let mut stage = Stage::new(chance);
    for _ in 0..chance.between(1, 4) {
        producing.set(producing.get() + 1);
        stage.add(async {
            for _ in 0..chance.between(1, 5) {
                pause(chance).await;
                // In an order that has nothing to do with that of coming.
                names.set(names.get() + 1);
                let item = names.get() * 7919 % 100;
                if chance.one_in(3) {
                    match queue.try_put(item) {
                        Ok(()) => account.put(item),
                        Err(TryPutError::Full(same)) => assert_eq!(same, item),
                        Err(other) => assert!(queue.is_shutdown(), "{other:?}"),
                    }
                } else if let Some(put) = patiently(chance, queue.put(item)).await {
                    match put {
                        Ok(()) => account.put(item),
                        Err(back) => assert_eq!(back.0, item),
                    }
                }
                assert!(account.inside.borrow().len() <= queue.capacity());
            }
            producing.set(producing.get() - 1);
            if producing.get() == 0 || chance.one_in(10) {
                queue.shutdown(false);
            }
        });
    }
    let deal_with = async |item| {
        account.got(item, next);
        pause(chance).await;
        account.unfinished.set(account.unfinished.get() - 1);
        queue.task_done();
    };
    for mortal in 0..chance.between(1, 4) {
        let part = async {
            loop {
                match patiently(chance, queue.get()).await {
                    Some(Ok(item)) => deal_with(item).await,
                    Some(Err(_)) => return,
                    None => pause(chance).await,
                }
            }
        };
        if mortal == 0 {
            stage.add(part)
        } else {
            stage.add(async { patiently(chance, part).await.unwrap_or(()) })
        }
    }
    assert_eq!(stage.play(), 0, "an item, room, or the end was not told");
    assert_eq!(account.put.get(), account.got.get());
    assert!(queue.is_empty() && queue.try_get().is_err());
}

#[test]
fn the_first_that_was_put_in_is_got_first() {
    for_seeds(1000, |chance| every_item_is_got::<Fifo>(chance, |_| 0));
}

#[test]
fn the_last_that_was_put_in_is_got_first() {
    for_seeds(1000, |chance| every_item_is_got::<Lifo>(chance, |inside| inside.len() - 1));
}

#[test]
fn the_smallest_is_got_first_and_the_older_of_equals() {
    for_seeds(1000, |chance| {
        every_item_is_got::<Priority>(chance, |inside| {
            let smallest = (0..inside.len()).max_by_key(|&at| (Reverse(inside[at]), Reverse(at)));
            smallest.expect("something is in")
        });
    });
}

#[test]
fn the_queue_is_joined_when_all_that_was_in_is_done() {
    for_seeds(1000, |chance| {
        let queue = Queue::unbounded();
        let (total, done) = (chance.between(0, 10), Cell::new(0));
        (0..total).for_each(|n| queue.try_put(n).expect("there is room"));
        let mut stage = Stage::new(chance);
        for _ in 0..chance.between(1, 3) {
            stage.add(async {
                while let Ok(_item) = queue.try_get() {
                    pause(chance).await;
                    done.set(done.get() + 1);
                    queue.task_done();
                }
            });
            stage.add(async {
                while patiently(chance, queue.join()).await.is_none() {
                    pause(chance).await;
                }
                assert_eq!(done.get(), total);
            });
        }
        assert_eq!(stage.play(), 0, "not told that all is done");
    });
}
