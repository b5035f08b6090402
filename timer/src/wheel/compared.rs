//! The wheel beside the simplest thing that does the same, a list that is searched through: both go
//! the same steps, and must agree after each. The steps are drawn by a property, or read from bytes.

use std::collections::BTreeMap;
use std::ptr::NonNull;

use super::{Node, TICK_LOG2, Wheel};

/// A step that both go.
#[derive(Clone, Debug)]
pub enum Step {
    /// Files a timer that is due so many nanoseconds from now.
    Insert(u64),
    /// Removes one of the filed timers.
    Remove(usize),
    /// Moves the deadline of one of the filed timers to a later time without filing it anew.
    Postpone(usize, u64),
    /// Lets so many nanoseconds pass.
    Advance(u64),
}

impl Step {
    /// The step that the next bytes say; `None` if they end before.
    fn read(bytes: &mut impl Iterator<Item = u8>) -> Option<Step> {
        Some(match bytes.next()? % 8 {
            0..=2 => Step::Insert(read_distance(bytes)?),
            3 => Step::Remove(bytes.next()?.into()),
            4 => Step::Postpone(bytes.next()?.into(), read_distance(bytes)?),
            _ => Step::Advance(read_distance(bytes)?),
        })
    }
}

/// A number of nanoseconds. How many bits it has comes first, so that every level of the wheel is
/// reached.
fn read_distance(bytes: &mut impl Iterator<Item = u8>) -> Option<u64> {
    let bits = u32::from(bytes.next()? % 64);
    let mut distance = 0;
    for byte in 0..bits.div_ceil(8) {
        distance |= u64::from(bytes.next()?) << (byte * 8);
    }
    Some(distance & ((1 << bits) - 1))
}

/// Goes the steps that the bytes say.
///
/// # Panics
/// If the two do not agree.
pub fn go(bytes: &[u8]) {
    let mut bytes = bytes.iter().copied();
    let mut compared = Compared::new(bytes.next().is_some_and(|byte| byte % 2 == 1));
    while let Some(step) = Step::read(&mut bytes) {
        compared.apply(step);
    }
    compared.finish();
}

/// A wheel, its nodes, and the list that it is compared with.
#[derive(Debug)]
pub struct Compared {
    wheel: Wheel,
    now: u64,
    nodes: BTreeMap<usize, Box<Node>>,
    next_id: usize,
    /// Whether timers fire at their time, and not with the end of their tick.
    exact: bool,
}

impl Compared {
    /// Without timers, at time zero.
    pub fn new(exact: bool) -> Compared {
        Compared { wheel: Wheel::new(), now: 0, nodes: BTreeMap::new(), next_id: 0, exact }
    }

    fn pick(&self, which: usize) -> Option<usize> {
        self.nodes.keys().copied().nth(which.checked_rem(self.nodes.len())?)
    }

    fn node(&mut self, id: usize) -> NonNull<Node> {
        NonNull::from(&mut **self.nodes.get_mut(&id).unwrap())
    }

    /// Goes a step.
    ///
    /// # Panics
    /// If the two do not agree.
    pub fn apply(&mut self, step: Step) {
        match step {
            Step::Insert(after) => {
                let mut node = Box::new(Node::new());
                node.deadline = self.now.saturating_add(after);
                self.nodes.insert(self.next_id, node);
                let node = self.node(self.next_id);
                self.next_id += 1;
                // SAFETY: the box keeps the node until it is removed or popped.
                unsafe { self.wheel.insert(node) };
            }
            Step::Remove(which) => {
                let Some(id) = self.pick(which) else { return };
                let node = self.node(id);
                // SAFETY: all nodes in the map are filed.
                unsafe { self.wheel.remove(node) };
                self.nodes.remove(&id);
            }
            Step::Postpone(which, by) => {
                let Some(id) = self.pick(which) else { return };
                let mut node = self.node(id);
                // SAFETY: as above; a later deadline may be written at any time.
                unsafe { node.as_mut().deadline = node.as_ref().deadline.saturating_add(by) };
            }
            Step::Advance(by) => {
                self.now = self.now.saturating_add(by);
                self.advance();
            }
        }
        self.check();
    }

    fn is_due(&self, deadline: u64) -> bool {
        if self.exact {
            deadline <= self.now
        } else {
            deadline >> TICK_LOG2 < self.now >> TICK_LOG2
        }
    }

    fn advance(&mut self) {
        while let Some(popped) = self.wheel.pop_due(self.now, self.exact) {
            let found = self.nodes.iter().find(|(_, node)| std::ptr::eq(&***node, popped.as_ptr()));
            let id = *found.expect("popped a node that was not filed").0;
            let node = self.nodes.remove(&id).unwrap();
            assert!(node.deadline <= self.now, "fired early");
            assert!(self.is_due(node.deadline));
        }
        for node in self.nodes.values() {
            assert!(!self.is_due(node.deadline), "left a due timer behind: {node:?}");
        }
    }

    fn check(&self) {
        assert_eq!(self.wheel.len(), self.nodes.len());
        let earliest = self.nodes.values().map(|node| node.deadline).min();
        assert_eq!(self.wheel.earliest_deadline(), earliest);
        match (self.wheel.next_deadline(), earliest) {
            (None, None) => {}
            (Some(bound), Some(earliest)) => {
                assert!(bound <= earliest.max(self.now), "{bound} is after {earliest}");
            }
            other => panic!("{other:?}"),
        }
    }

    /// Empties the wheel.
    ///
    /// # Panics
    /// If it had not as many timers as the list.
    pub fn finish(mut self) {
        let popped = std::iter::from_fn(|| self.wheel.pop_any()).count();
        assert_eq!((popped, self.wheel.len()), (self.nodes.len(), 0));
    }
}
