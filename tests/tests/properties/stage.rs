//! A scheduler for tests: it polls its actors by hand, in an order drawn from a seed.

use std::future::{Future, poll_fn};
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Context, Poll, Wake, Waker};

use crate::seeds::Chance;

/// Whether a future was woken since it was last polled.
#[derive(Debug)]
pub(crate) struct Called(AtomicBool);

impl Called {
    /// For a future that was never polled, and so is to be.
    pub(crate) fn new() -> Arc<Called> {
        Arc::new(Called(AtomicBool::new(true)))
    }

    pub(crate) fn is_set(&self) -> bool {
        self.0.load(Ordering::Relaxed)
    }

    /// Polls a future with this as its waker.
    pub(crate) fn poll<F: Future + ?Sized>(
        self: &Arc<Self>,
        future: Pin<&mut F>,
    ) -> Poll<F::Output> {
        self.0.store(false, Ordering::Relaxed);
        future.poll(&mut Context::from_waker(&Waker::from(self.clone())))
    }
}

impl Wake for Called {
    fn wake(self: Arc<Called>) {
        self.0.store(true, Ordering::Relaxed);
    }
}

/// The actors, and who is to be polled.
pub(crate) struct Stage<'a> {
    chance: &'a Chance,
    actors: Vec<Actor<'a>>,
}

struct Actor<'a> {
    part: Pin<Box<dyn Future<Output = ()> + 'a>>,
    called: Arc<Called>,
    mortal: bool,
}

impl<'a> Stage<'a> {
    pub(crate) fn new(chance: &'a Chance) -> Stage<'a> {
        Stage { chance, actors: Vec::new() }
    }

    /// Adds an actor who plays to the end, if he can.
    pub(crate) fn add(&mut self, part: impl Future<Output = ()> + 'a) {
        self.actors.push(Actor { part: Box::pin(part), called: Called::new(), mortal: false });
    }

    /// Adds an actor who may be dropped wherever he stands.
    pub(crate) fn add_mortal(&mut self, part: impl Future<Output = ()> + 'a) {
        self.add(part);
        self.actors.last_mut().expect("added just now").mortal = true;
    }

    /// Plays until nobody is called any more. Returns how many still wait.
    pub(crate) fn play(mut self) -> usize {
        loop {
            let called = |actor: &Actor<'_>| actor.called.is_set();
            let called = self.actors.iter().filter(|actor| called(actor)).count();
            if called == 0 {
                return self.actors.len();
            }
            let any = self.chance.below(self.actors.len());
            if self.chance.one_in(16) {
                if self.actors[any].mortal {
                    self.actors.swap_remove(any);
                } else {
                    self.poll(any);
                }
                continue;
            }
            let nth = self.chance.below(called);
            let who = (0..self.actors.len()).filter(|&n| self.actors[n].called.is_set()).nth(nth);
            self.poll(who.expect("as many are called"));
        }
    }

    fn poll(&mut self, who: usize) {
        let actor = &mut self.actors[who];
        if actor.called.poll(actor.part.as_mut()).is_ready() {
            self.actors.swap_remove(who);
        }
    }
}

/// Lets others go first, some times or not at all.
pub(crate) async fn pause(chance: &Chance) {
    for _ in 0..chance.below(4) {
        let mut yielded = false;
        poll_fn(|cx| {
            if std::mem::replace(&mut yielded, true) {
                return Poll::Ready(());
            }
            cx.waker().wake_by_ref();
            Poll::Pending
        })
        .await;
    }
}

/// Waits for a future, or loses patience and drops it: before it was polled, while it waits, or when
/// it has been woken and does not know why yet.
pub(crate) async fn patiently<F: Future>(chance: &Chance, future: F) -> Option<F::Output> {
    let mut future = pin!(future);
    poll_fn(|cx| {
        if chance.one_in(6) {
            return Poll::Ready(None);
        }
        let polled = future.as_mut().poll(cx);
        if polled.is_pending() && chance.one_in(3) {
            cx.waker().wake_by_ref();
        }
        polled.map(Some)
    })
    .await
}
