//! One level of the wheel: 64 lists and a bit for each that is not empty.

use std::ptr::NonNull;

use super::Node;

pub(super) const SLOTS_LOG2: u32 = 6;
pub(super) const SLOTS: usize = 1 << SLOTS_LOG2;

#[derive(Debug)]
pub(super) struct Level {
    occupied: u64,
    heads: [Option<NonNull<Node>>; SLOTS],
}

impl Level {
    pub(super) fn new() -> Level {
        Level { occupied: 0, heads: [None; SLOTS] }
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
        self.heads[slot]
    }

    pub(super) fn iter(&self, slot: usize) -> impl Iterator<Item = NonNull<Node>> {
        // SAFETY: nodes in a slot are filed, so they are there and ours to read.
        std::iter::successors(self.heads[slot], |node| unsafe { node.as_ref() }.next)
    }

    pub(super) fn iter_all(&self) -> impl Iterator<Item = NonNull<Node>> {
        (0..SLOTS).flat_map(|slot| self.iter(slot))
    }

    /// # Safety
    /// As for `Wheel::insert`.
    pub(super) unsafe fn push(&mut self, slot: usize, mut node: NonNull<Node>) {
        let head = self.heads[slot].replace(node);
        self.occupied |= 1 << slot;
        // SAFETY: the node is the caller's to give, and the head is filed here.
        unsafe {
            node.as_mut().previous = None;
            node.as_mut().next = head;
            if let Some(mut head) = head {
                head.as_mut().previous = Some(node);
            }
        }
    }

    /// # Safety
    /// The node is filed in this slot.
    pub(super) unsafe fn remove(&mut self, slot: usize, node: NonNull<Node>) {
        // SAFETY: the node and its neighbours are filed here.
        unsafe {
            let (previous, next) = (node.as_ref().previous, node.as_ref().next);
            match previous {
                Some(mut previous) => previous.as_mut().next = next,
                None => {
                    self.heads[slot] = next;
                    if next.is_none() {
                        self.occupied &= !(1 << slot);
                    }
                }
            }
            if let Some(mut next) = next {
                next.as_mut().previous = previous;
            }
        }
    }

    /// Takes a slot's whole list.
    pub(super) fn take(&mut self, slot: usize) -> Option<NonNull<Node>> {
        self.occupied &= !(1 << slot);
        self.heads[slot].take()
    }
}
