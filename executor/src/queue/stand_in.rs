//! Under loom: queues of loom atomics in the place of crossbeam's, with the same orderings on
//! front and back. A queue behind a lock would hide a fence that is missing in the protocols
//! around it. Small models never push more than there are slots, so nothing is ever used twice.
//!
//! Pushers know the back without loading it: loom compares an access with the last one before it
//! alone, so a load of one's own would hide the race of the store that follows.

use std::cell::Cell;

use loom::cell::UnsafeCell;
use loom::sync::Arc;
use loom::sync::atomic::{AtomicUsize, Ordering, fence};

const SLOTS: usize = 8;

/// As crossbeam's.
pub(super) enum Steal<T> {
    Empty,
    Success(T),
    Retry,
}

#[derive(Debug)]
struct Ring<T> {
    front: AtomicUsize,
    back: AtomicUsize,
    slots: [UnsafeCell<Option<T>>; SLOTS],
}

// SAFETY: a slot is written before `back` passes it and taken by the one who moves `front` past it.
unsafe impl<T: Send> Send for Ring<T> {}
// SAFETY: as above.
unsafe impl<T: Send> Sync for Ring<T> {}

impl<T> Ring<T> {
    fn new() -> Ring<T> {
        Ring {
            front: AtomicUsize::new(0),
            back: AtomicUsize::new(0),
            slots: std::array::from_fn(|_| UnsafeCell::new(None)),
        }
    }

    fn len(&self) -> usize {
        let front = self.front.load(Ordering::Acquire);
        fence(Ordering::SeqCst);
        self.back.load(Ordering::Acquire).saturating_sub(front)
    }

    /// Called by one pusher at a time, each time with the next place.
    fn push(&self, at: usize, item: T) {
        // SAFETY: the caller alone may write the slot that `back` will pass next.
        self.slots[at].with_mut(|slot| unsafe { *slot = Some(item) });
        fence(Ordering::Release);
        self.back.store(at + 1, Ordering::Relaxed);
    }

    fn take(&self, at: usize) -> T {
        // SAFETY: the caller has moved `front` past this slot, and nobody else has.
        self.slots[at].with_mut(|slot| unsafe { (*slot).take() }).expect("taken twice")
    }

    fn steal(&self) -> Steal<T> {
        self.steal_up_to(1, |_| unreachable!("one was asked for"))
    }

    /// Takes half of what there is, at most `limit`, in one step; all but the first go to `keep`.
    fn steal_up_to(&self, limit: usize, keep: impl Fn(T)) -> Steal<T> {
        let front = self.front.load(Ordering::Acquire);
        fence(Ordering::SeqCst);
        let back = self.back.load(Ordering::Acquire);
        if back <= front {
            return Steal::Empty;
        }
        let end = front + (back - front).div_ceil(2).min(limit);
        match self.front.compare_exchange(front, end, Ordering::SeqCst, Ordering::Relaxed) {
            Ok(_) => {
                let first = self.take(front);
                (front + 1..end).for_each(|at| keep(self.take(at)));
                Steal::Success(first)
            }
            Err(_) => Steal::Retry,
        }
    }
}

#[derive(Debug)]
pub(super) struct Worker<T> {
    ring: Arc<Ring<T>>,
    back: Cell<usize>,
}

#[derive(Debug)]
pub(super) struct Stealer<T>(Arc<Ring<T>>);

/// Pushing takes a lock of its own here: between pushers crossbeam spins, which loom cannot.
#[derive(Debug)]
pub(super) struct Injector<T> {
    ring: Ring<T>,
    back: loom::sync::Mutex<usize>,
}

impl<T> Worker<T> {
    pub(super) fn new_fifo() -> Worker<T> {
        Worker { ring: Arc::new(Ring::new()), back: Cell::new(0) }
    }

    pub(super) fn stealer(&self) -> Stealer<T> {
        Stealer(self.ring.clone())
    }

    pub(super) fn push(&self, item: T) {
        let at = self.back.get();
        self.back.set(at + 1);
        self.ring.push(at, item);
    }

    pub(super) fn pop(&self) -> Option<T> {
        loop {
            match self.ring.steal() {
                Steal::Success(item) => return Some(item),
                Steal::Empty => return None,
                Steal::Retry => loom::thread::yield_now(),
            }
        }
    }

    pub(super) fn is_empty(&self) -> bool {
        self.ring.len() == 0
    }

    pub(super) fn len(&self) -> usize {
        self.ring.len()
    }
}

impl<T> Stealer<T> {
    pub(super) fn len(&self) -> usize {
        self.0.len()
    }

    pub(super) fn steal_batch_with_limit_and_pop(&self, to: &Worker<T>, max: usize) -> Steal<T> {
        self.0.steal_up_to(max, |item| to.push(item))
    }
}

impl<T> Injector<T> {
    pub(super) fn new() -> Injector<T> {
        Injector { ring: Ring::new(), back: loom::sync::Mutex::new(0) }
    }

    pub(super) fn push(&self, item: T) {
        let mut back = self.back.lock().unwrap();
        self.ring.push(*back, item);
        *back += 1;
    }

    pub(super) fn is_empty(&self) -> bool {
        // As crossbeam's: two loads without a fence.
        let front = self.ring.front.load(Ordering::Acquire);
        self.ring.back.load(Ordering::Acquire) <= front
    }

    pub(super) fn len(&self) -> usize {
        self.ring.len()
    }

    pub(super) fn steal(&self) -> Steal<T> {
        self.ring.steal()
    }

    pub(super) fn steal_batch_with_limit_and_pop(&self, to: &Worker<T>, max: usize) -> Steal<T> {
        self.ring.steal_up_to(max, |item| to.push(item))
    }
}
