//! Under loom: queues of loom atomics in the place of crossbeam's, with the same orderings on
//! front and back. A queue behind a lock would hide a fence that is missing in the protocols
//! around it. Small models never push more than there are slots, so nothing is ever used twice.

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

    fn take(&self, at: usize) -> T {
        // SAFETY: the caller has moved `front` past this slot, and nobody else has.
        self.slots[at].with_mut(|slot| unsafe { (*slot).take() }).expect("taken twice")
    }

    fn put(&self, at: usize, item: T) {
        // SAFETY: the caller alone may write the slot that `back` will pass next.
        self.slots[at].with_mut(|slot| unsafe { *slot = Some(item) });
    }

    fn steal(&self) -> Steal<T> {
        let front = self.front.load(Ordering::Acquire);
        fence(Ordering::SeqCst);
        if self.back.load(Ordering::Acquire) <= front {
            return Steal::Empty;
        }
        match self.front.compare_exchange(front, front + 1, Ordering::SeqCst, Ordering::Relaxed) {
            Ok(_) => Steal::Success(self.take(front)),
            Err(_) => Steal::Retry,
        }
    }
}

#[derive(Debug)]
pub(super) struct Worker<T>(Arc<Ring<T>>);

#[derive(Debug)]
pub(super) struct Stealer<T>(Arc<Ring<T>>);

/// Pushing takes a lock of its own here: between pushers crossbeam spins, which loom cannot.
#[derive(Debug)]
pub(super) struct Injector<T> {
    ring: Ring<T>,
    pushing: loom::sync::Mutex<()>,
}

impl<T> Worker<T> {
    pub(super) fn new_fifo() -> Worker<T> {
        Worker(Arc::new(Ring::new()))
    }

    pub(super) fn stealer(&self) -> Stealer<T> {
        Stealer(self.0.clone())
    }

    pub(super) fn push(&self, item: T) {
        let back = self.0.back.load(Ordering::Relaxed);
        self.0.put(back, item);
        fence(Ordering::Release);
        self.0.back.store(back + 1, Ordering::Relaxed);
    }

    pub(super) fn pop(&self) -> Option<T> {
        loop {
            match self.0.steal() {
                Steal::Success(item) => return Some(item),
                Steal::Empty => return None,
                Steal::Retry => loom::thread::yield_now(),
            }
        }
    }

    pub(super) fn is_empty(&self) -> bool {
        self.0.len() == 0
    }

    pub(super) fn len(&self) -> usize {
        self.0.len()
    }
}

impl<T> Stealer<T> {
    pub(super) fn len(&self) -> usize {
        self.0.len()
    }

    pub(super) fn steal_batch_with_limit_and_pop(&self, _: &Worker<T>, _: usize) -> Steal<T> {
        self.0.steal()
    }
}

impl<T> Injector<T> {
    pub(super) fn new() -> Injector<T> {
        Injector { ring: Ring::new(), pushing: loom::sync::Mutex::new(()) }
    }

    pub(super) fn push(&self, item: T) {
        let _pushing = self.pushing.lock().unwrap();
        let back = self.ring.back.load(Ordering::Relaxed);
        self.ring.put(back, item);
        fence(Ordering::Release);
        self.ring.back.store(back + 1, Ordering::Relaxed);
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

    pub(super) fn steal_batch_with_limit_and_pop(&self, _: &Worker<T>, _: usize) -> Steal<T> {
        self.ring.steal()
    }
}
