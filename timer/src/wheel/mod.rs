//! A hierarchical timing wheel: pure bookkeeping, without clock, lock or atomics.
//!
//! Time is cut into ticks of 2^16 ns. Level 0 has a slot for each of the 128 ticks around now, level
//! 1 for each 128 of those, and so on; an entry is filed in the lowest level that still tells its
//! tick from the present one, and moves down when its slot comes up.
//!
//! | level | a slot is | the level spans |
//! |---|---|---|
//! | 0 | 65.5 us | 8.4 ms |
//! | 1 | 8.4 ms | 1.07 s |
//! | 2 | 1.07 s | 2.3 min |
//! | 3 | 2.3 min | 4.9 h |
//! | 4 | 4.9 h | 26 days |
//! | 5 | 26 days | 9 years |
//!
//! Moving an entry down costs a cache miss, and most are pending for about a second at most: with
//! 128 slots a level they move once, with 64 it would be twice. What lies further away than nine
//! years is filed in the last slot of the top level and filed again when that comes up.
//! Filing and removing are O(1); advancing is O(1) for each entry and level. Entries are
//! [`Node`]s inside their owners, linked through raw pointers: whoever calls is answerable for
//! their life.

// Public for fuzzing alone.
#[cfg(any(test, fuzzing))]
#[allow(unreachable_pub)]
pub mod compared;
mod level;

#[cfg(test)]
mod tests;

use std::ptr::NonNull;

use level::{Level, SLOTS_LOG2};

/// A tick is 2^16 ns: 65.536 us.
pub(crate) const TICK_LOG2: u32 = 16;

/// A tick in nanoseconds.
pub(crate) const TICK: u64 = 1 << TICK_LOG2;

const LEVELS: usize = 6;

/// How many entries of a slot are looked at for their exact time before the slot's start must do.
const EXACT_LOOK_MAX: usize = 16;

/// What the wheel keeps in each entry.
#[derive(Debug)]
pub(crate) struct Node {
    previous: Option<NonNull<Node>>,
    next: Option<NonNull<Node>>,
    /// When it is due, in nanoseconds. May be moved to a later time while the node is filed.
    pub(crate) deadline: u64,
    level: u8,
    slot: u8,
}

impl Node {
    pub(crate) const fn new() -> Node {
        Node { previous: None, next: None, deadline: 0, level: 0, slot: 0 }
    }
}

/// See the module's documentation.
#[derive(Debug)]
pub(crate) struct Wheel {
    /// The tick up to which everything has been fired. Never goes back.
    elapsed: u64,
    len: usize,
    levels: [Level; LEVELS],
}

/// When the tick of `nanos` is over.
pub(crate) fn tick_end(nanos: u64) -> u64 {
    (nanos | (TICK - 1)).saturating_add(1)
}

impl Wheel {
    pub(crate) fn new() -> Wheel {
        Wheel { elapsed: 0, len: 0, levels: std::array::from_fn(|_| Level::new()) }
    }

    pub(crate) fn len(&self) -> usize {
        self.len
    }

    /// Files a node by its deadline. One that is due already comes out at the next `pop_due`.
    ///
    /// # Safety
    /// The node is not filed in any wheel, and stays where it is, untouched by others, until it is
    /// removed or popped.
    pub(crate) unsafe fn insert(&mut self, mut node: NonNull<Node>) {
        // SAFETY: the node is the caller's to give.
        let node_mut = unsafe { node.as_mut() };
        let tick = (node_mut.deadline >> TICK_LOG2).max(self.elapsed);
        let level = level_for(self.elapsed, tick);
        let slot = if level == LEVELS {
            // In the next turn of the top level; or too far away to tell, then the slot behind the
            // present one comes up last.
            let top = LEVELS - 1;
            let turn = 1 << (SLOTS_LOG2 * LEVELS as u32);
            let (slot, present) = (slot_of(tick, top), slot_of(self.elapsed, top));
            let in_next_turn = tick - self.elapsed < turn && slot != present;
            if in_next_turn { slot } else { (present + level::SLOTS - 1) % level::SLOTS }
        } else {
            slot_of(tick, level)
        };
        let level = level.min(LEVELS - 1);
        node_mut.level = level as u8;
        node_mut.slot = slot as u8;
        self.len += 1;
        // SAFETY: passed on from the caller.
        unsafe { self.levels[level].push(slot, node) };
    }

    /// Takes a node out.
    ///
    /// # Safety
    /// The node is filed in this wheel.
    pub(crate) unsafe fn remove(&mut self, node: NonNull<Node>) {
        self.len -= 1;
        // SAFETY: passed on from the caller.
        unsafe {
            let (level, slot) = (node.as_ref().level, node.as_ref().slot);
            self.levels[usize::from(level)].remove(usize::from(slot), node);
        }
    }

    /// Takes out a node that is due at `now` (in nanoseconds), or returns `None` if there is none
    /// left. Normally a node is due when its tick is over; `exact` looks into the present tick, too.
    pub(crate) fn pop_due(&mut self, now: u64, exact: bool) -> Option<NonNull<Node>> {
        let now_tick = (now >> TICK_LOG2).max(self.elapsed);
        while let Some((level, slot, start)) = self.first_slot() {
            if start > now_tick {
                break;
            }
            self.elapsed = self.elapsed.max(start);
            if level > 0 {
                self.refile(level, slot);
                continue;
            }
            let found = if start < now_tick {
                self.levels[0].head(slot)
            } else if exact {
                // SAFETY: nodes in a slot are filed, so they are there and ours to read.
                self.levels[0].iter(slot).find(|node| unsafe { node.as_ref() }.deadline <= now)
            } else {
                None
            };
            let Some(node) = found else { break };
            // SAFETY: it is filed in this slot.
            unsafe { self.remove(node) };
            // SAFETY: taken out just now, and not yet given away.
            if unsafe { node.as_ref() }.deadline >> TICK_LOG2 <= start {
                return Some(node);
            }
            // Its deadline was moved to a later time since it was filed.
            // SAFETY: as above; its owner has promised to keep it in place.
            unsafe { self.insert(node) };
        }
        self.elapsed = now_tick;
        None
    }

    /// Takes out any node, to empty the wheel.
    pub(crate) fn pop_any(&mut self) -> Option<NonNull<Node>> {
        let (level, slot, _) = self.first_slot()?;
        let node = self.levels[level].head(slot)?;
        // SAFETY: it is filed in this slot.
        unsafe { self.remove(node) };
        Some(node)
    }

    /// A time, in nanoseconds, before which nothing is due: the earliest deadline itself unless so
    /// many entries share its slot that looking at all would take long.
    pub(crate) fn next_deadline(&self) -> Option<u64> {
        let (level, slot, start) = self.first_slot()?;
        // An entry whose deadline was moved past its slot is filed anew when the slot is over; what
        // lies in other slots is not due before that either.
        let mut earliest = (start + (1 << (SLOTS_LOG2 * level as u32))) << TICK_LOG2;
        for (looked_at, node) in self.levels[level].iter(slot).enumerate() {
            if looked_at == EXACT_LOOK_MAX {
                return Some(start.max(self.elapsed) << TICK_LOG2);
            }
            // SAFETY: nodes in a slot are filed, so they are there and ours to read.
            earliest = earliest.min(unsafe { node.as_ref() }.deadline);
        }
        Some(earliest)
    }

    /// The earliest deadline, whatever it takes to find it.
    pub(crate) fn earliest_deadline(&self) -> Option<u64> {
        // A deadline that was moved to a later time makes its slot come up before its time, so
        // every slot of the first level with any entry can hold the earliest one.
        // SAFETY: nodes in a slot are filed, so they are there and ours to read.
        let deadline = |node: NonNull<Node>| unsafe { node.as_ref() }.deadline;
        self.levels.iter().flat_map(|level| level.iter_all().map(deadline)).min()
    }

    /// The first occupied slot: level, slot and starting tick. Every entry of a lower level is due
    /// before every one of a higher level, since the higher differ from now in a higher digit.
    fn first_slot(&self) -> Option<(usize, usize, u64)> {
        self.levels.iter().enumerate().find_map(|(level, slots)| {
            let slot = slots.first_from(slot_of(self.elapsed, level))?;
            let width = SLOTS_LOG2 * level as u32;
            let turn = self.elapsed >> (width + SLOTS_LOG2) << (width + SLOTS_LOG2);
            let start = turn + ((slot as u64) << width);
            // A slot behind the present one belongs to the next turn of the level.
            let wrapped = slot < slot_of(self.elapsed, level);
            Some((level, slot, if wrapped { start + (1 << (width + SLOTS_LOG2)) } else { start }))
        })
    }

    /// Files the entries of a slot that has come up anew, which moves them down.
    fn refile(&mut self, level: usize, slot: usize) {
        let mut list = self.levels[level].take(slot);
        while let Some(node) = list {
            // SAFETY: the list was taken out of the slot whole, so its nodes are in no slot now,
            // and their owners have promised to keep them in place.
            unsafe {
                list = node.as_ref().next;
                self.len -= 1;
                self.insert(node);
            }
        }
    }
}

/// The lowest level that tells the two ticks apart; `LEVELS` if none does.
fn level_for(elapsed: u64, tick: u64) -> usize {
    let differing = u64::BITS - (elapsed ^ tick).leading_zeros();
    (differing.saturating_sub(1) / SLOTS_LOG2).min(LEVELS as u32) as usize
}

fn slot_of(tick: u64, level: usize) -> usize {
    (tick >> (SLOTS_LOG2 * level as u32)) as usize % level::SLOTS
}
