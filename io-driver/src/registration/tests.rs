//! A registration beside two models that are too simple to be wrong, in schedules drawn at random: what its
//! documentation says of events, looks and waits, one after the other; and a pipe whose poller goes by a
//! script, which delays events, joins them, splits them, and makes some up, also between an operation and
//! its outcome.
//!
//! Deliberately on one thread: `loom-tests` has the others.

use std::cell::{Cell, RefCell};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::task::Wake;

use proptest::prelude::*;

use super::*;

/// Counts how often its waker is called.
#[derive(Debug, Default)]
struct Calls(AtomicUsize);

impl Calls {
    fn count(&self) -> usize {
        self.0.load(Ordering::Relaxed)
    }
}

impl Wake for Calls {
    fn wake(self: Arc<Calls>) {
        self.0.fetch_add(1, Ordering::Relaxed);
    }
}

/// Decisions, drawn one after the other until there are none.
#[derive(Debug)]
struct Script(RefCell<std::vec::IntoIter<u8>>);

impl Script {
    fn new(bytes: Vec<u8>) -> Script {
        Script(RefCell::new(bytes.into_iter()))
    }

    fn next(&self, end: usize) -> Option<usize> {
        self.0.borrow_mut().next().map(|byte| usize::from(byte) % end)
    }

    /// The first choice, once there are no decisions left.
    fn below(&self, end: usize) -> usize {
        self.next(end).unwrap_or(0)
    }
}

fn script() -> impl Strategy<Value = Script> {
    prop::collection::vec(any::<u8>(), 1..300).prop_map(Script::new)
}

/// Somebody at the registration, and whether it is to be called.
struct Waiter {
    place: Place,
    interest: Interest,
    calls: Arc<Calls>,
    /// It was told to wait, and no event has concerned it since.
    waits: bool,
}

const INTERESTS: [Interest; 3] =
    [Interest::READABLE, Interest::WRITABLE, Interest::READABLE.add(Interest::WRITABLE)];

/// What comes and goes.
fn passing() -> Ready {
    Ready::READABLE | Ready::WRITABLE
}

fn any_event(n: usize) -> Ready {
    [
        Ready::READABLE,
        Ready::WRITABLE,
        passing(),
        Ready::READ_CLOSED,
        Ready::WRITE_CLOSED,
        Ready::GONE,
    ][n]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2000))]

    #[test]
    fn a_registration_does_as_its_documentation_says(script in script()) {
        let registration = Registration::new(Ready::EMPTY);
        // What it is ready for, how many events there were, and at which of them somebody has looked.
        let (mut ready, mut events) = (Ready::EMPTY, 0);
        let mut looks: Vec<(Seen, usize)> = Vec::new();
        let shared = |interest| {
            Waiter { place: Place::Shared, interest, calls: Arc::default(), waits: false }
        };
        let mut waiters = vec![shared(Interest::READABLE), shared(Interest::WRITABLE)];
        // Wakers that others have taken the place of.
        let mut replaced: Vec<(Arc<Calls>, usize)> = Vec::new();
        while let Some(step) = script.next(16) {
            let who = script.below(waiters.len());
            match step {
                0..3 => {
                    // What is final comes rarely, since nobody waits from then on.
                    let event = any_event(script.below(if script.below(8) == 0 { 6 } else { 3 }));
                    let before: Vec<_> = waiters.iter().map(|waiter| waiter.calls.count()).collect();
                    let mut woken = Vec::new();
                    registration.event(event, &mut woken);
                    wake_all(&mut woken);
                    (ready, events) = (ready | event, events + 1);
                    for (waiter, before) in waiters.iter_mut().zip(before) {
                        let concerned = !(event & waiter.interest.mask()).is_empty();
                        let called = waiter.calls.count() - before;
                        if concerned && std::mem::take(&mut waiter.waits) {
                            prop_assert_eq!(called, 1, "{:?} waited for {:?}", waiter.interest, event);
                        } else {
                            // A waker that was left without need may be called once.
                            prop_assert!(called <= usize::from(concerned));
                        }
                    }
                }
                3..6 => looks.push((registration.seen(), events)),
                6..9 if !looks.is_empty() => {
                    let (seen, at) = looks[script.below(looks.len())];
                    let what = INTERESTS[script.below(3)].mask() & passing();
                    registration.not_ready(seen, what);
                    if at == events {
                        ready = ready - what;
                    }
                }
                9..13 => {
                    let waiter = &mut waiters[who];
                    if script.below(3) == 0 {
                        let calls = std::mem::take(&mut waiter.calls);
                        replaced.push((calls.clone(), calls.count()));
                    }
                    let waker = Waker::from(waiter.calls.clone());
                    let told = registration.wait(&mut waiter.place, waiter.interest, &waker);
                    let expected = ready & waiter.interest.mask();
                    waiter.waits = expected.is_empty();
                    let expected = if waiter.waits { Ok(()) } else { Err(expected) };
                    prop_assert_eq!(told, expected);
                }
                13 | 14 => {
                    let interest = INTERESTS[script.below(3)];
                    waiters.push(Waiter { place: Place::Own(None), ..shared(interest) });
                }
                15 if who > 1 => {
                    let mut waiter = waiters.swap_remove(who);
                    registration.leave(&mut waiter.place);
                    replaced.push((waiter.calls.clone(), waiter.calls.count()));
                }
                _ => {}
            }
            prop_assert_eq!(registration.seen().ready, ready);
            for (calls, count) in &replaced {
                prop_assert_eq!(calls.count(), *count, "a waker that is no longer there is called");
            }
        }
        for waiter in &mut waiters {
            registration.leave(&mut waiter.place);
        }
        drop(registration);
        let left = waiters.iter().map(|waiter| &waiter.calls).chain(replaced.iter().map(|(c, _)| c));
        for calls in left {
            // The model's own: the one in `waiters`, or in `replaced`.
            prop_assert_eq!(Arc::strong_count(calls), 1, "a waker is left");
        }
    }
}

/// How much fits into the pipe.
const ROOM: usize = 3;

/// What the kernel knows: what lies in the pipe, and what it has not told of yet. It tells of what
/// changes, and of nothing twice.
#[derive(Default)]
struct Pipe {
    filled: Cell<usize>,
    ended: Cell<bool>,
    untold: Cell<u64>,
}

impl Pipe {
    fn note(&self, ready: Ready) {
        self.untold.set(self.untold.get() | ready.bits());
    }

    /// `None` if it would block.
    fn write(&self, most: usize) -> Option<usize> {
        let written = most.min(ROOM - self.filled.get());
        self.filled.set(self.filled.get() + written);
        if written > 0 {
            self.note(Ready::READABLE);
        }
        (written > 0).then_some(written)
    }

    /// As `write`; nothing at the end.
    fn read(&self, most: usize) -> Option<usize> {
        let read = most.min(self.filled.get());
        self.filled.set(self.filled.get() - read);
        if read > 0 {
            self.note(Ready::WRITABLE);
        }
        (read > 0 || self.ended.get()).then_some(read)
    }

    fn end(&self) {
        self.ended.set(true);
        self.note(Ready::READABLE | Ready::READ_CLOSED);
    }
}

/// The pipe, its two ends, and the poller between them.
struct World {
    script: Script,
    pipe: Pipe,
    reading: Registration,
    writing: Registration,
}

impl World {
    /// Tells of what is untold and among `what`.
    fn deliver(&self, what: Ready) {
        let told = Ready::from_bits(self.pipe.untold.get()) & what;
        self.pipe.untold.set(self.pipe.untold.get() & !told.bits());
        let mut woken = Vec::new();
        for (end, concerned) in [
            (&self.reading, Ready::READABLE | Ready::READ_CLOSED),
            (&self.writing, Ready::WRITABLE),
        ] {
            if !(told & concerned).is_empty() {
                end.event(told & concerned, &mut woken);
            }
        }
        wake_all(&mut woken);
    }

    /// What may happen at any moment, some of it or nothing.
    fn meddle(&self) {
        for _ in 0..self.script.below(4) {
            match self.script.below(6) {
                0 => self.deliver(Ready::ALL),
                1 => self.deliver(Ready::READABLE),
                2 => self.deliver(Ready::WRITABLE | Ready::READ_CLOSED),
                3 => {
                    // An event about nothing.
                    self.pipe.note(passing());
                    self.deliver(Ready::ALL);
                }
                4 if !self.pipe.ended.get() => drop(self.pipe.write(1)),
                _ => drop(self.pipe.read(1)),
            }
        }
    }
}

/// Reads without end, or writes so much.
struct Actor {
    place: Place,
    calls: Arc<Calls>,
    /// How many calls it has heeded.
    heeded: usize,
    /// What is left to be written; `None` of a reader.
    left: Option<usize>,
    over: bool,
}

impl Actor {
    fn new(place: Place, left: Option<usize>) -> Actor {
        // It begins unasked.
        Actor { place, calls: Arc::new(Calls(AtomicUsize::new(1))), heeded: 0, left, over: false }
    }

    fn is_called(&self) -> bool {
        !self.over && self.calls.count() > self.heeded
    }

    fn end<'w>(&self, world: &'w World) -> (&'w Registration, Interest) {
        match self.left {
            None => (&world.reading, Interest::READABLE),
            Some(_) => (&world.writing, Interest::WRITABLE),
        }
    }

    /// One operation, tried and waited for as `Async` does it.
    fn poll(&mut self, world: &World) {
        self.heeded = self.calls.count();
        let (end, direction) = self.end(world);
        let passing = direction.mask() & passing();
        let most = 1 + world.script.below(4);
        let most = self.left.map_or(most, |left| most.min(left));
        loop {
            let seen = end.seen();
            if (seen.ready & direction.mask()).is_empty() {
                world.meddle();
                let waker = Waker::from(self.calls.clone());
                if end.wait(&mut self.place, direction, &waker).is_ok() {
                    return;
                }
                continue;
            }
            world.meddle();
            let done =
                if self.left.is_none() { world.pipe.read(most) } else { world.pipe.write(most) };
            world.meddle();
            let Some(count) = done else {
                end.not_ready(seen, passing);
                continue;
            };
            if count < most {
                end.not_ready(seen, passing);
            }
            self.left = self.left.map(|left| left - count);
            self.over = self.left == Some(0) || count == 0;
            if self.over {
                end.leave(&mut self.place);
            }
            // It goes on with the next one, unasked.
            return self.calls.clone().wake();
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(4000))]

    #[test]
    fn whatever_the_poller_does_nobody_waits_for_what_is_there(script in script()) {
        let (reading, writing) = (Registration::new(passing()), Registration::new(passing()));
        let world = World { script, pipe: Pipe::default(), reading, writing };
        let script = &world.script;
        let mut actors = vec![Actor::new(Place::Shared, None), Actor::new(Place::Shared, Some(9))];
        while let Some(step) = script.next(12) {
            let who = script.below(actors.len());
            match step {
                0..6 => {
                    let called: Vec<_> =
                        (0..actors.len()).filter(|&n| actors[n].is_called()).collect();
                    if !called.is_empty() {
                        actors[called[who % called.len()]].poll(&world);
                    }
                }
                6 if !actors[who].over => actors[who].poll(&world),
                7 => {
                    let left = [None, Some(5)][script.below(2)];
                    actors.push(Actor::new(Place::Own(None), left));
                }
                // Somebody is dropped where it stands, perhaps with a call that it has not heeded.
                8 if who > 1 => {
                    let mut actor = actors.swap_remove(who);
                    let (end, _) = actor.end(&world);
                    end.leave(&mut actor.place);
                }
                9 if script.below(16) == 0 && !world.pipe.ended.get() => world.pipe.end(),
                _ => world.meddle(),
            }
        }
        // From now on the poller tells of all there is.
        loop {
            world.deliver(Ready::ALL);
            let Some(actor) = actors.iter_mut().find(|actor| actor.is_called()) else { break };
            actor.poll(&world);
        }
        let (filled, ended) = (world.pipe.filled.get(), world.pipe.ended.get());
        for actor in actors.iter().filter(|actor| !actor.over) {
            match actor.left {
                None => prop_assert!(filled == 0 && !ended, "a reader waits for what is there"),
                Some(_) => prop_assert_eq!(filled, ROOM, "a writer waits although there is room"),
            }
        }
    }
}
