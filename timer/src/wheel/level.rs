//! One level of the wheel: 128 lists and a bit for each that is not empty.
//!
//! A list is first in, first out, so that timers of one tick fire in the order of their filing.

use std::ptr::NonNull;

use super::Node;

pub(super) const SLOTS_LOG2: u32 = 7;
pub(super) const SLOTS: usize = 1 << SLOTS_LOG2;

#[derive(Debug)]
pub(super) struct Level {
    occupied: u128,
    slots: [List; SLOTS],
}

/// The ends of a doubly linked list; both are `None`, or neither is.
#[derive(Clone, Copy, Debug)]
struct List {
    head: Option<NonNull<Node>>,
    tail: Option<NonNull<Node>>,
}

const EMPTY: List = List { head: None, tail: None };

impl Level {
    pub(super) fn new() -> Level {
        Level { occupied: 0, slots: [EMPTY; SLOTS] }
    }

    /// The first occupied slot from `start` on, going round.
    pub(super) fn first_from(&self, start: usize) -> Option<usize> {
        if self.occupied == 0 {
            return None;
        }
        let distance = self.occupied.rotate_right(start as u32).trailing_zeros() as usize;
        Some((start + distance) % SLOTS)
    }

    pub(super) fn head(&self, slot: usize) -> Option<NonNull<Node>> {
        self.slots[slot].head
    }

    pub(super) fn iter(&self, slot: usize) -> impl Iterator<Item = NonNull<Node>> {
        // SAFETY: nodes in a slot are filed, so they are there and ours to read.
        std::iter::successors(self.slots[slot].head, |node| unsafe { node.as_ref() }.next)
    }

    pub(super) fn iter_all(&self) -> impl Iterator<Item = NonNull<Node>> {
        (0..SLOTS).flat_map(|slot| self.iter(slot))
    }

    /// # Safety
    /// As for `Wheel::insert`.
    pub(super) unsafe fn push(&mut self, slot: usize, mut node: NonNull<Node>) {
        let list = &mut self.slots[slot];
        let tail = list.tail.replace(node);
        self.occupied |= 1 << slot;
        // SAFETY: the node is the caller's to give, and the tail is filed here.
        unsafe {
            node.as_mut().previous = tail;
            node.as_mut().next = None;
            match tail {
                Some(mut tail) => tail.as_mut().next = Some(node),
                None => list.head = Some(node),
            }
        }
    }

    /// # Safety
    /// The node is filed in this slot.
    pub(super) unsafe fn remove(&mut self, slot: usize, node: NonNull<Node>) {
        let list = &mut self.slots[slot];
        // SAFETY: the node and its neighbours are filed here.
        unsafe {
            let (previous, next) = (node.as_ref().previous, node.as_ref().next);
            match previous {
                Some(mut previous) => previous.as_mut().next = next,
                None => list.head = next,
            }
            match next {
                Some(mut next) => next.as_mut().previous = previous,
                None => list.tail = previous,
            }
        }
        if list.head.is_none() {
            self.occupied &= !(1 << slot);
        }
    }

    /// Takes a slot's whole list, by its head.
    pub(super) fn take(&mut self, slot: usize) -> Option<NonNull<Node>> {
        self.occupied &= !(1 << slot);
        std::mem::replace(&mut self.slots[slot], EMPTY).head
    }
}
