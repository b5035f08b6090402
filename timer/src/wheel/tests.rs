//! The wheel against the simplest thing that does the same: a sorted list.

use std::collections::BTreeMap;

use proptest::prelude::*;

use super::*;

#[derive(Clone, Debug)]
enum Step {
    /// Files a timer that is due so many nanoseconds from now.
    Insert(u64),
    /// Removes one of the filed timers.
    Remove(usize),
    /// Moves the deadline of one of the filed timers to a later time without filing it anew.
    Postpone(usize, u64),
    /// Lets so many nanoseconds pass.
    Advance(u64),
}

/// Distances of every size that a level covers.
fn distance() -> impl Strategy<Value = u64> {
    (0u32..60, any::<u64>()).prop_map(|(bits, noise)| noise & ((1 << bits) - 1))
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        4 => distance().prop_map(Step::Insert),
        1 => any::<usize>().prop_map(Step::Remove),
        1 => (any::<usize>(), distance()).prop_map(|(which, by)| Step::Postpone(which, by)),
        3 => distance().prop_map(Step::Advance),
    ]
}

/// A wheel, its nodes, and the list that it is compared with.
struct Compared {
    wheel: Wheel,
    now: u64,
    nodes: BTreeMap<usize, Box<Node>>,
    next_id: usize,
}

impl Compared {
    fn pick(&self, which: usize) -> Option<usize> {
        self.nodes.keys().copied().nth(which.checked_rem(self.nodes.len())?)
    }

    fn node(&mut self, id: usize) -> NonNull<Node> {
        NonNull::from(&mut **self.nodes.get_mut(&id).unwrap())
    }

    fn apply(&mut self, step: Step, exact: bool) {
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
                self.advance(exact);
            }
        }
        self.check();
    }

    fn is_due(&self, deadline: u64, exact: bool) -> bool {
        if exact {
            deadline <= self.now
        } else {
            tick_end(deadline) <= tick_end(self.now) - (1 << TICK_LOG2)
        }
    }

    fn advance(&mut self, exact: bool) {
        while let Some(popped) = self.wheel.pop_due(self.now, exact) {
            let found = self.nodes.iter().find(|(_, node)| std::ptr::eq(&***node, popped.as_ptr()));
            let id = *found.expect("popped a node that was not filed").0;
            let node = self.nodes.remove(&id).unwrap();
            assert!(node.deadline <= self.now, "fired early");
            assert!(self.is_due(node.deadline, exact));
        }
        for node in self.nodes.values() {
            assert!(!self.is_due(node.deadline, exact), "left a due timer behind: {node:?}");
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
}

proptest! {
    #[test]
    fn the_wheel_is_a_sorted_list(steps in prop::collection::vec(step(), 1..200), exact: bool) {
        let mut compared =
            Compared { wheel: Wheel::new(), now: 0, nodes: BTreeMap::new(), next_id: 0 };
        for step in steps {
            compared.apply(step, exact);
        }
        while compared.wheel.pop_any().is_some() {}
        prop_assert_eq!(compared.wheel.len(), 0);
    }
}
