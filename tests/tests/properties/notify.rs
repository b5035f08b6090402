//! Notifications: `Notify` against a model of its line, and what is built of notifications.

use std::cell::{Cell, RefCell};
use std::collections::{BTreeMap, VecDeque};
use std::pin::Pin;
use std::sync::Arc;

use heist::sync::futures::Notified;
use heist::sync::{Condvar, Event, Mutex, Notify};

use crate::seeds::for_seeds;
use crate::stage::{Called, Stage, patiently, pause};

/// To whom a notification went, and so who gets it if it is not made use of.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Whom {
    First,
    Last,
    All,
}

/// What the documentation says, and nothing else.
#[derive(Default)]
struct Model {
    line: VecDeque<usize>,
    told: BTreeMap<usize, Whom>,
    permit: bool,
}

impl Model {
    fn notify(&mut self, whom: Whom) {
        let next = if whom == Whom::Last { self.line.pop_back() } else { self.line.pop_front() };
        match next {
            Some(id) => drop(self.told.insert(id, whom)),
            None => self.permit = true,
        }
    }

    fn notify_waiters(&mut self) {
        self.told.extend(self.line.drain(..).map(|id| (id, Whom::All)));
    }

    /// Whether the wait is over; otherwise it is in line.
    fn poll(&mut self, id: usize, missed_round: bool) -> bool {
        let in_line = self.line.contains(&id);
        let over = self.told.remove(&id).is_some()
            || (!in_line && (missed_round || std::mem::take(&mut self.permit)));
        if !over && !in_line {
            self.line.push_back(id);
        }
        over
    }

    fn drop(&mut self, id: usize) {
        self.line.retain(|&other| other != id);
        match self.told.remove(&id) {
            Some(Whom::All) | None => {}
            Some(whom) => self.notify(whom),
        }
    }
}

struct Wait<'a> {
    notified: Pin<Box<Notified<'a>>>,
    called: Arc<Called>,
    round: usize,
}

#[test]
fn notify_does_as_its_documentation_says() {
    for_seeds(3000, |chance| {
        let (notify, mut model, mut round) = (Notify::new(), Model::default(), 0);
        let mut waits: BTreeMap<usize, Wait<'_>> = BTreeMap::new();
        for next in 0..chance.between(5, 80) {
            let any = |waits: &BTreeMap<usize, Wait<'_>>| {
                waits.keys().copied().nth(chance.below(waits.len().max(1)))
            };
            match chance.below(12) {
                0..3 => {
                    let notified = Box::pin(notify.notified());
                    waits.insert(next, Wait { notified, called: Called::new(), round });
                }
                3..7 => {
                    let Some(id) = any(&waits) else { continue };
                    let wait = waits.get_mut(&id).expect("chosen among them");
                    let over = if chance.one_in(4) {
                        wait.notified.as_mut().enable()
                    } else {
                        wait.called.poll(wait.notified.as_mut()).is_ready()
                    };
                    assert_eq!(over, model.poll(id, wait.round != round));
                    if over {
                        waits.remove(&id);
                    }
                }
                7..9 => {
                    let Some(id) = any(&waits) else { continue };
                    model.drop(id);
                    waits.remove(&id);
                }
                9 => {
                    model.notify(Whom::First);
                    notify.notify_one();
                }
                10 => {
                    model.notify(Whom::Last);
                    notify.notify_last();
                }
                _ => {
                    round += 1;
                    model.notify_waiters();
                    notify.notify_waiters();
                }
            }
            for id in model.told.keys() {
                assert!(waits[id].called.is_set(), "told and not woken");
            }
        }
    });
}

#[test]
fn whoever_drops_a_notification_leaves_it_to_the_next() {
    for_seeds(2000, |chance| {
        let (notify, items) = (Notify::new(), Cell::new(0));
        let total = chance.between(1, 12);
        let (made, used) = (Cell::new(0), Cell::new(0));
        let mut stage = Stage::new(chance);
        let use_all = || used.set(used.get() + items.take());
        for _ in 0..chance.between(0, 4) {
            stage.add_mortal(async {
                loop {
                    if patiently(chance, notify.notified()).await.is_some() {
                        use_all();
                    }
                    pause(chance).await;
                }
            });
        }
        stage.add(async {
            while used.get() < total {
                notify.notified().await;
                use_all();
                // The others may have been quicker, and used the last.
                if used.get() == total {
                    return;
                }
            }
        });
        stage.add(async {
            while made.get() < total {
                pause(chance).await;
                made.set(made.get() + 1);
                items.set(items.get() + 1);
                if chance.one_in(4) { notify.notify_last() } else { notify.notify_one() }
            }
        });
        stage.play();
        assert_eq!((used.get(), items.get()), (total, 0), "an item lies there and nobody knows");
    });
}

#[test]
fn a_condition_variable_loses_no_notification() {
    for_seeds(2000, |chance| {
        let (items, changed) = (Mutex::new(VecDeque::new()), Condvar::new());
        let total = chance.between(1, 10);
        let used = RefCell::new(Vec::new());
        let mut stage = Stage::new(chance);
        let take = async || {
            let items = items.lock().await;
            let mut items = changed.wait_while(items, |items| items.is_empty()).await;
            used.borrow_mut().push(items.pop_front().expect("it is not empty"));
        };
        for _ in 0..chance.between(0, 4) {
            stage.add_mortal(async {
                while used.borrow().len() < total {
                    patiently(chance, take()).await;
                    pause(chance).await;
                }
            });
        }
        stage.add(async {
            loop {
                take().await;
            }
        });
        stage.add(async {
            for n in 0..total {
                pause(chance).await;
                let mut items = items.lock().await;
                pause(chance).await;
                items.push_back(n);
                let held = if chance.one_in(2) { Some(items) } else { None };
                pause(chance).await;
                if chance.one_in(4) {
                    changed.notify_all()
                } else {
                    changed.notify_one()
                }
                // Who is notified now waits for the lock, and may give that up.
                pause(chance).await;
                drop(held);
            }
        });
        stage.play();
        assert_eq!(*used.borrow(), (0..total).collect::<Vec<_>>());
        assert!(items.try_lock().is_ok());
    });
}

#[test]
fn an_event_lets_everybody_go_who_waits_when_it_is_set() {
    for_seeds(2000, |chance| {
        let (event, sets) = (Event::new(), Cell::new(0));
        let mut stage = Stage::new(chance);
        for _ in 0..chance.between(1, 6) {
            let part = async {
                pause(chance).await;
                if let Some(()) = patiently(chance, event.wait()).await {
                    assert!(sets.get() > 0);
                }
                event.wait().await;
            };
            if chance.one_in(2) { stage.add(part) } else { stage.add_mortal(part) }
        }
        stage.add(async {
            for _ in 0..chance.between(1, 3) {
                pause(chance).await;
                sets.set(sets.get() + 1);
                event.set();
                pause(chance).await;
                event.clear();
            }
            event.set();
        });
        assert_eq!(stage.play(), 0, "somebody waits for an event that is set");
    });
}
