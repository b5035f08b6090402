//! The line against a model: who is in it, in which order, and who was told what.

use std::collections::VecDeque;
use std::pin::Pin;
use std::task::Waker;

use super::*;

struct Plain;

impl Protocol for Plain {
    type Request = usize;
    type Grant = u64;
}

/// A generator that is good enough to choose among a few steps.
struct Chance(u64);

impl Chance {
    fn below(&mut self, n: usize) -> usize {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
        (self.0 >> 33) as usize % n
    }
}

/// Walks the line both ways.
fn requests(list: &WaitList<Plain>) -> Vec<usize> {
    let line = list.lock();
    let mut forward = Vec::new();
    let mut next = line.first;
    while let Some(waiter) = next {
        // SAFETY: linked, and the lock is held.
        let waiter = unsafe { waiter.as_ref() };
        forward.push(waiter.request);
        next = waiter.next;
    }
    let mut backward = Vec::new();
    let mut previous = line.last;
    while let Some(waiter) = previous {
        // SAFETY: as above.
        let waiter = unsafe { waiter.as_ref() };
        backward.push(waiter.request);
        previous = waiter.previous;
    }
    backward.reverse();
    assert_eq!(forward, backward);
    assert_eq!(forward.len(), line.len());
    forward
}

#[test]
fn the_line_does_what_a_queue_would() {
    const WAITERS: usize = 6;
    let list = WaitList::new(Plain);
    let new_wait = |n| Box::pin(Wait::new(&list, n));
    let mut waits: Vec<Pin<Box<Wait<'_, Plain>>>> = (0..WAITERS).map(new_wait).collect();
    let mut line = VecDeque::new();
    let mut granted = [None; WAITERS];
    let mut chance = Chance(7);
    for step in 0..20_000 {
        let n = chance.below(WAITERS);
        match chance.below(8) {
            0..3 => {
                let mut turn = waits[n].as_mut().lock();
                assert_eq!(turn.take_grant(), granted[n].take());
                let was_in_line = turn.is_in_line();
                assert_eq!(was_in_line, line.contains(&n));
                turn.wait(Some(Waker::noop()));
                if !was_in_line {
                    line.push_back(n);
                }
            }
            3 => {
                waits[n].as_mut().lock().leave();
                line.retain(|&other| other != n);
                granted[n] = None;
            }
            4 => {
                // Dropped where it stands; a new one takes its name.
                waits[n] = new_wait(n);
                line.retain(|&other| other != n);
                granted[n] = None;
            }
            5 | 6 if !line.is_empty() => {
                let first = chance.below(2) == 0;
                let to = if first { line.pop_front() } else { line.pop_back() };
                let mut locked = list.lock();
                let waker = if first { locked.grant_first(step) } else { locked.grant_last(step) };
                assert!(waker.is_some());
                granted[to.unwrap()] = Some(step);
            }
            7 if chance.below(10) == 0 => {
                let wakers = list.lock().grant_all(step);
                wakers.wake();
                line.drain(..).for_each(|to| granted[to] = Some(step));
            }
            _ => {}
        }
        assert_eq!(line, requests(&list));
        assert_eq!(list.lock().first().copied(), line.front().copied());
    }
}

#[test]
fn the_latest_waker_is_called_after_the_first_come() {
    use crate::sync::testing::waker;

    let list = WaitList::new(Plain);
    let mut waits: Vec<_> = (0..3).map(|n| Box::pin(Wait::new(&list, n))).collect();
    let (stale, _) = waker();
    waits[0].as_mut().lock().wait(Some(&stale));
    let wakers: Vec<_> = (0..3).map(|_| waker()).collect();
    for (wait, (waker, _)) in waits.iter_mut().zip(&wakers) {
        wait.as_mut().lock().wait(Some(waker));
    }
    let told = list.lock().grant_all(0);
    assert!(wakers.iter().all(|(_, wakes)| wakes.get() == 0), "not before it is asked for");
    told.wake();
    assert!(wakers.iter().all(|(_, wakes)| wakes.get() == 1));
}
