//! The orders in which items leave a queue.

use std::cmp::Ordering;
use std::collections::{BinaryHeap, VecDeque};
use std::fmt;

/// The order in which items leave a [`Queue`](super::Queue).
pub trait Order<T> {
    /// Where the items are meanwhile.
    type Store: Default;

    /// Puts an item in.
    fn push(store: &mut Self::Store, item: T);

    /// Takes the next item out, if there is one.
    fn pop(store: &mut Self::Store) -> Option<T>;
}

/// First in, first out.
#[derive(Clone, Copy, Debug)]
pub struct Fifo;

/// Last in, first out.
#[derive(Clone, Copy, Debug)]
pub struct Lifo;

/// The smallest first, and among equal ones the first that was put in.
///
/// For the largest first, wrap the items in [`std::cmp::Reverse`].
#[derive(Clone, Copy, Debug)]
pub struct Priority;

impl<T> Order<T> for Fifo {
    type Store = VecDeque<T>;

    fn push(store: &mut VecDeque<T>, item: T) {
        store.push_back(item);
    }

    fn pop(store: &mut VecDeque<T>) -> Option<T> {
        store.pop_front()
    }
}

impl<T> Order<T> for Lifo {
    type Store = Vec<T>;

    fn push(store: &mut Vec<T>, item: T) {
        store.push(item);
    }

    fn pop(store: &mut Vec<T>) -> Option<T> {
        store.pop()
    }
}

impl<T: Ord> Order<T> for Priority {
    type Store = Ranked<T>;

    fn push(store: &mut Ranked<T>, item: T) {
        let arrival = store.arrivals;
        store.arrivals += 1;
        store.heap.push(Rank { item, arrival });
    }

    fn pop(store: &mut Ranked<T>) -> Option<T> {
        store.heap.pop().map(|rank| rank.item)
    }
}

/// Items by priority and arrival.
pub struct Ranked<T> {
    heap: BinaryHeap<Rank<T>>,
    arrivals: u64,
}

impl<T: Ord> Default for Ranked<T> {
    fn default() -> Ranked<T> {
        Ranked { heap: BinaryHeap::new(), arrivals: 0 }
    }
}

impl<T> fmt::Debug for Ranked<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Ranked").field("len", &self.heap.len()).finish_non_exhaustive()
    }
}

/// An item in a heap that has the largest on top: so the order is turned round.
struct Rank<T> {
    item: T,
    arrival: u64,
}

impl<T: Ord> Ord for Rank<T> {
    fn cmp(&self, other: &Rank<T>) -> Ordering {
        other.item.cmp(&self.item).then(other.arrival.cmp(&self.arrival))
    }
}

impl<T: Ord> PartialOrd for Rank<T> {
    fn partial_cmp(&self, other: &Rank<T>) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl<T: Ord> PartialEq for Rank<T> {
    fn eq(&self, other: &Rank<T>) -> bool {
        self.cmp(other) == Ordering::Equal
    }
}

impl<T: Ord> Eq for Rank<T> {}
