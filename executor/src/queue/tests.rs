//! The real queues: against `VecDeque` in one thread, and item by item among several.

use std::collections::VecDeque;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use proptest::prelude::*;

use super::*;

#[derive(Clone, Debug)]
enum Step {
    Push,
    Pop,
    /// A thief takes a share, at most so many.
    Steal(usize),
    ThiefPops,
    Inject,
    PopInjector,
    /// The owner takes a share of the injector, at most so many.
    PopBatch(usize),
}

fn step() -> impl Strategy<Value = Step> {
    let limit = || prop_oneof![1..4usize, 1..200usize];
    prop_oneof![
        6 => Just(Step::Push),
        2 => Just(Step::Pop),
        2 => limit().prop_map(Step::Steal),
        1 => Just(Step::ThiefPops),
        6 => Just(Step::Inject),
        2 => Just(Step::PopInjector),
        2 => limit().prop_map(Step::PopBatch),
    ]
}

/// The queues beside what they should hold.
struct Compared {
    own: LocalQueue<u32>,
    stealer: Stealer<u32>,
    thief: LocalQueue<u32>,
    injector: Injector<u32>,
    own_list: VecDeque<u32>,
    thief_list: VecDeque<u32>,
    injector_list: VecDeque<u32>,
    next: u32,
}

/// A share was moved: the first of it came back, and the rest is in the taker's queue, in order.
fn assert_share(
    first: Option<u32>,
    from: &mut VecDeque<u32>,
    left: usize,
    to: &mut VecDeque<u32>,
    limit: usize,
) {
    let moved = from.len() - left;
    assert!(moved <= limit, "{moved} moved, {limit} allowed");
    assert_eq!(first.is_none(), from.is_empty(), "a queue with items gives at least one");
    let mut share = from.drain(..moved);
    assert_eq!(first, share.next());
    to.extend(share);
}

impl Compared {
    fn new() -> Compared {
        let own = LocalQueue::new();
        Compared {
            stealer: own.stealer(),
            own,
            thief: LocalQueue::new(),
            injector: Injector::new(),
            own_list: VecDeque::new(),
            thief_list: VecDeque::new(),
            injector_list: VecDeque::new(),
            next: 0,
        }
    }

    fn fresh(&mut self) -> u32 {
        self.next += 1;
        self.next
    }

    fn apply(&mut self, step: Step) {
        match step {
            Step::Push => {
                let item = self.fresh();
                self.own.push(item);
                self.own_list.push_back(item);
            }
            Step::Pop => assert_eq!(self.own.pop(), self.own_list.pop_front()),
            Step::Steal(limit) => {
                let first = self.stealer.steal_half(&self.thief, limit);
                let left = self.own.len();
                assert_share(first, &mut self.own_list, left, &mut self.thief_list, limit);
            }
            Step::ThiefPops => assert_eq!(self.thief.pop(), self.thief_list.pop_front()),
            Step::Inject => {
                let item = self.fresh();
                self.injector.push(item);
                self.injector_list.push_back(item);
            }
            Step::PopInjector => assert_eq!(self.injector.pop(), self.injector_list.pop_front()),
            Step::PopBatch(limit) => {
                let first = self.injector.pop_batch(&self.own, limit);
                let left = self.injector.len();
                assert_share(first, &mut self.injector_list, left, &mut self.own_list, limit);
            }
        }
        assert_eq!(self.own.len(), self.own_list.len());
        assert_eq!(self.stealer.len(), self.own_list.len());
        assert_eq!(self.own.is_empty(), self.own_list.is_empty());
        assert_eq!(self.thief.len(), self.thief_list.len());
        assert_eq!(self.injector.len(), self.injector_list.len());
        assert_eq!(self.injector.is_empty(), self.injector_list.is_empty());
    }
}

proptest! {
    #[test]
    fn the_queues_are_lists(steps in prop::collection::vec(step(), 1..400)) {
        let mut compared = Compared::new();
        for step in steps {
            compared.apply(step);
        }
        let own: Vec<u32> = std::iter::from_fn(|| compared.own.pop()).collect();
        let thief: Vec<u32> = std::iter::from_fn(|| compared.thief.pop()).collect();
        prop_assert_eq!(own, Vec::from(compared.own_list));
        prop_assert_eq!(thief, Vec::from(compared.thief_list));
    }
}

/// Owner, thieves and outsiders at the same time: each item is taken once.
#[test]
fn each_item_is_taken_once() {
    const ITEMS: usize = 20_000;
    let taken: Vec<AtomicUsize> = (0..2 * ITEMS).map(|_| AtomicUsize::new(0)).collect();
    let take = |item: usize| taken[item].fetch_add(1, Ordering::Relaxed);
    let (own, injector, done) = (LocalQueue::new(), Injector::new(), AtomicBool::new(false));
    std::thread::scope(|scope| {
        for _ in 0..2 {
            let stealer = own.stealer();
            let (take, injector, done) = (&take, &injector, &done);
            scope.spawn(move || {
                let queue = LocalQueue::new();
                loop {
                    let last = done.load(Ordering::Acquire);
                    let found = stealer.steal_half(&queue, 32);
                    let found = found.or_else(|| injector.pop_batch(&queue, 32));
                    if found.is_none() && last {
                        return;
                    }
                    found.map(take);
                    while let Some(item) = queue.pop() {
                        take(item);
                    }
                }
            });
        }
        scope.spawn(|| (ITEMS..2 * ITEMS).for_each(|item| injector.push(item)));
        for item in 0..ITEMS {
            own.push(item);
            if item % 3 == 0 {
                own.pop().map(take);
            }
        }
        while let Some(item) = own.pop() {
            take(item);
        }
        done.store(true, Ordering::Release);
    });
    // The outsider may have been the last.
    while let Some(item) = injector.pop() {
        take(item);
    }
    for (item, times) in taken.iter().enumerate() {
        assert_eq!(times.load(Ordering::Relaxed), 1, "item {item}");
    }
}
