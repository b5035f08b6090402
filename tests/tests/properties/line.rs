//! First come, first served: locks, permits and room in a channel against a line of people.
//!
//! All of them are the same thing seen from the line: a pool of so many parts, of which each asks for
//! some. A mutex has one; a writer asks for as many as there may be readers.

use std::collections::VecDeque;
use std::pin::Pin;
use std::sync::Arc;
use std::task::Poll;

use heist::sync::mpsc::PermitIterator;
use heist::sync::{
    Mutex, RwLock, RwLockReadGuard, RwLockWriteGuard, Semaphore, SemaphorePermit, mpsc,
};

use crate::seeds::{Chance, for_seeds};
use crate::stage::Called;

/// What was got, given back when it is dropped, where it has no name.
trait Got {}

impl<T> Got for T {}

type AnyGot<'a> = Box<dyn Got + 'a>;

fn boxed<'a, T: 'a>(got: T) -> AnyGot<'a> {
    Box::new(got)
}

type Ask<'a, G> = Pin<Box<dyn Future<Output = G> + 'a>>;

struct InLine<'a, G> {
    parts: usize,
    ask: Ask<'a, G>,
    called: Arc<Called>,
}

/// Asks and gives back, wholly or (`shrink`) in part, at random; after each step exactly those must
/// have been served whose turn it is.
fn compare<'a, G>(
    chance: &Chance,
    pool: usize,
    sizes: &[usize],
    ask: impl Fn(usize) -> Ask<'a, G>,
    try_ask: impl Fn(usize) -> Option<G>,
    shrink: impl Fn(usize, G) -> (usize, G),
) {
    let mut free = pool;
    let mut line: VecDeque<InLine<'a, G>> = VecDeque::new();
    let mut got: Vec<(usize, G)> = Vec::new();
    for _ in 0..chance.between(5, 60) {
        let parts = sizes[chance.below(sizes.len())];
        match chance.below(6) {
            0 | 1 => line.push_back(InLine { parts, ask: ask(parts), called: Called::new() }),
            2 if !got.is_empty() => {
                let (parts, guard) = got.swap_remove(chance.below(got.len()));
                free += parts;
                drop(guard);
            }
            3 if !got.is_empty() => {
                let (parts, guard) = got.swap_remove(chance.below(got.len()));
                let (kept, guard) = shrink(parts, guard);
                free += parts - kept;
                got.push((kept, guard));
            }
            4 if !line.is_empty() => drop(line.remove(chance.below(line.len()))),
            _ => {
                let now = try_ask(parts);
                assert_eq!(now.is_some(), line.is_empty() && parts <= free, "out of turn");
                free -= now.iter().map(|_| parts).sum::<usize>();
                got.extend(now.map(|now| (parts, now)));
            }
        }
        // Who was woken is served, who is served was woken; and those are the first in line.
        let mut left = VecDeque::new();
        for mut waits in line.drain(..) {
            let (turn, woken) = (left.is_empty() && waits.parts <= free, waits.called.is_set());
            assert!(woken || !turn, "served without being told");
            match waits.called.poll(waits.ask.as_mut()) {
                Poll::Ready(guard) => {
                    assert!(turn, "served out of turn");
                    free -= waits.parts;
                    got.push((waits.parts, guard));
                }
                Poll::Pending => {
                    assert!(!turn, "not served in his turn");
                    left.push_back(waits);
                }
            }
        }
        line = left;
    }
    drop(line);
    drop(got);
    assert!(try_ask(pool).is_some() || !sizes.contains(&pool), "something was lost");
}

/// There is no giving back in part.
fn whole<G>(parts: usize, guard: G) -> (usize, G) {
    (parts, guard)
}

/// Access to a value.
enum Access<'a> {
    Read(RwLockReadGuard<'a, ()>),
    Write(RwLockWriteGuard<'a, ()>),
}

#[test]
fn a_mutex_serves_in_the_order_of_asking() {
    for_seeds(1000, |chance| {
        let mutex = Arc::new(Mutex::new(()));
        let ask = |_| -> Ask<'_, AnyGot<'_>> {
            if chance.one_in(2) {
                Box::pin(async { boxed(mutex.lock().await) })
            } else {
                Box::pin(async { boxed(mutex.clone().lock_owned().await) })
            }
        };
        compare(chance, 1, &[1], ask, |_| mutex.try_lock().ok().map(boxed), whole);
    });
}

#[test]
fn a_read_write_lock_serves_in_the_order_of_asking() {
    for_seeds(1000, |chance| {
        let most = chance.between(2, 4);
        let lock = RwLock::with_max_readers((), most as u32);
        let ask = |parts| -> Ask<'_, Access<'_>> {
            if parts == most {
                Box::pin(async { Access::Write(lock.write().await) })
            } else {
                Box::pin(async { Access::Read(lock.read().await) })
            }
        };
        let try_ask = |parts| {
            if parts == most {
                lock.try_write().ok().map(Access::Write)
            } else {
                lock.try_read().ok().map(Access::Read)
            }
        };
        let downgrade = |parts, access| match access {
            Access::Write(guard) => (1, Access::Read(RwLockWriteGuard::downgrade(guard))),
            Access::Read(guard) => (parts, Access::Read(guard)),
        };
        compare(chance, most, &[1, 1, most], ask, try_ask, downgrade);
    });
}

#[test]
fn a_semaphore_serves_in_the_order_of_asking() {
    for_seeds(1000, |chance| {
        let semaphore = Semaphore::new(4);
        let ask = |parts| -> Ask<'_, SemaphorePermit<'_>> {
            let all = semaphore.acquire_many(parts as u32);
            Box::pin(async { all.await.expect("it is open") })
        };
        let try_ask = |parts| semaphore.try_acquire_many(parts as u32).ok();
        compare(chance, 4, &[1, 2, 3, 4], ask, try_ask, |parts, mut permit| {
            drop(permit.split(chance.between(0, parts)));
            (permit.num_permits(), permit)
        });
    });
}

#[test]
fn room_in_a_channel_is_given_in_the_order_of_asking() {
    for_seeds(1000, |chance| {
        let (sender, _receiver) = mpsc::channel::<()>(4);
        let ask = |parts| -> Ask<'_, PermitIterator<'_, ()>> {
            let all = sender.reserve_many(parts);
            Box::pin(async { all.await.expect("it is open") })
        };
        let try_ask = |parts| sender.try_reserve_many(parts).ok();
        compare(chance, 4, &[1, 2, 3, 4], ask, try_ask, |_, mut permits| {
            drop(permits.next());
            (permits.len(), permits)
        });
    });
}
