//! The queues of ready tasks: one local queue a worker, with stealers for the others, and the
//! injector for everybody else.
//!
//! The queues themselves are crossbeam's; what is ours is which operations a worker uses, in
//! words of this house. Deliberately without any policy: who steals from whom and when is decided
//! in [`worker`](crate::worker). crossbeam-deque does not run under loom, so there a stand-in
//! with the same orderings takes its place; the real queues are covered by the tests here.

#[cfg(heist_loom)]
mod stand_in;
#[cfg(all(test, not(heist_loom)))]
mod tests;

#[cfg(not(heist_loom))]
use crossbeam_deque as deque;
#[cfg(heist_loom)]
use stand_in as deque;

use deque::Steal;

/// The queue of one worker: it pushes and pops, others steal from the front. First in, first out.
#[derive(Debug)]
pub struct LocalQueue<T>(deque::Worker<T>);

/// Steals from a [`LocalQueue`].
#[derive(Debug)]
pub struct Stealer<T>(deque::Stealer<T>);

/// The queue that any thread may push to.
#[derive(Debug)]
pub struct Injector<T>(deque::Injector<T>);

impl<T> LocalQueue<T> {
    /// An empty queue.
    pub fn new() -> LocalQueue<T> {
        LocalQueue(deque::Worker::new_fifo())
    }

    /// For the others.
    pub fn stealer(&self) -> Stealer<T> {
        Stealer(self.0.stealer())
    }

    /// Adds an item behind the others.
    #[inline]
    pub fn push(&self, item: T) {
        self.0.push(item);
    }

    /// Takes the first item, unless others were quicker.
    #[inline]
    pub fn pop(&self) -> Option<T> {
        self.0.pop()
    }

    /// Whether there is nothing to pop; others may have taken by then what is seen here.
    #[inline]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// How many items there are; others may have taken some by then.
    #[inline]
    pub fn len(&self) -> usize {
        self.0.len()
    }
}

impl<T> Stealer<T> {
    /// How many items there are, as a hint.
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// Moves up to half of this queue, at most `limit`, to `to`, and returns the first of them.
    pub fn steal_half(&self, to: &LocalQueue<T>, limit: usize) -> Option<T> {
        retry(|| self.0.steal_batch_with_limit_and_pop(&to.0, limit))
    }
}

impl<T> Injector<T> {
    /// An empty queue.
    pub fn new() -> Injector<T> {
        Injector(deque::Injector::new())
    }

    /// Adds an item behind the others.
    pub fn push(&self, item: T) {
        self.0.push(item);
    }

    /// Whether there seems to be none.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// How many items there seem to be.
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// Takes one.
    pub fn pop(&self) -> Option<T> {
        retry(|| self.0.steal())
    }

    /// Moves a batch, at most `limit`, to `to`, and returns the first of it.
    pub fn pop_batch(&self, to: &LocalQueue<T>, limit: usize) -> Option<T> {
        retry(|| self.0.steal_batch_with_limit_and_pop(&to.0, limit))
    }
}

/// A lost race says nothing about emptiness, so it is run again.
fn retry<T>(steal: impl Fn() -> Steal<T>) -> Option<T> {
    loop {
        match steal() {
            Steal::Success(item) => return Some(item),
            Steal::Empty => return None,
            #[cfg(not(heist_loom))]
            Steal::Retry => std::hint::spin_loop(),
            #[cfg(heist_loom)]
            Steal::Retry => loom::thread::yield_now(),
        }
    }
}
