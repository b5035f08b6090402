//! [`Roster`]: tasks that are joined in the order in which they end.
//!
//! `JoinSet`, [`gather`](super::gather()), [`wait`](super::wait()) and task groups are built on it.
//! Each member's join waker is one of the roster's own: it notes the member's key in a list and
//! wakes whoever waits for the next. So a join costs the same however many members there are.
//! Deliberately without any policy: what is aborted when, and what a failure means, is decided by
//! those who use it. Dropping a roster detaches its members.

use std::collections::VecDeque;
use std::fmt;
use std::panic::Location;
use std::sync::Arc;
use std::task::{Context, Poll, Wake, Waker, ready};

use slab::Slab;

use super::{Id, JoinError, JoinHandle};
use crate::foreign::wake;
use crate::leaf::{self, Operation};
use crate::shim::Mutex;

/// See the module's documentation.
pub(crate) struct Roster<T> {
    members: Slab<JoinHandle<T>>,
    ended: Arc<Ended>,
}

/// A member that has ended and left.
pub(crate) struct Left<T> {
    pub(crate) key: usize,
    pub(crate) task: JoinHandle<T>,
}

impl<T> Left<T> {
    pub(crate) fn output(mut self) -> Result<T, JoinError> {
        self.task.take()
    }

    pub(crate) fn with_id(self) -> Result<(Id, T), JoinError> {
        let id = self.task.id();
        self.output().map(|output| (id, output))
    }
}

impl<T> Roster<T> {
    pub(crate) fn new() -> Roster<T> {
        Roster { members: Slab::new(), ended: Arc::default() }
    }

    /// Adds a task. Keys are small numbers: the first of a new roster is 0, and as long as no
    /// member leaves they are counted up.
    pub(crate) fn insert(&mut self, mut task: JoinHandle<T>) -> usize {
        let entry = self.members.vacant_entry();
        let key = entry.key();
        let waker = Waker::from(Arc::new(EndOf { key, ended: self.ended.clone() }));
        let ended = !task.watch(&waker);
        entry.insert(task);
        if ended {
            self.ended.push(key);
        }
        key
    }

    pub(crate) fn len(&self) -> usize {
        self.members.len()
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.members.is_empty()
    }

    /// The members in the order of their keys.
    pub(crate) fn iter(&self) -> impl Iterator<Item = &JoinHandle<T>> {
        self.members.iter().map(|(_, task)| task)
    }

    /// Empties the roster: the handles in the order of their keys.
    pub(crate) fn take_all(&mut self) -> Vec<JoinHandle<T>> {
        let members = std::mem::take(&mut self.members);
        // The wakers of those that are taken out stay in place, and know the old list only.
        self.ended = Arc::default();
        members.into_iter().map(|(_, task)| task).collect()
    }

    /// The next member that has ended, if one has.
    pub(crate) fn try_next(&mut self) -> Option<Left<T>> {
        let key = self.ended.pop()?;
        Some(self.release(key))
    }

    /// The next member that has ended; `None` if there is no member. Cancel safe.
    pub(crate) fn poll_next(
        &mut self,
        cx: &mut Context<'_>,
        operation: &'static Operation,
        at: &'static Location<'static>,
    ) -> Poll<Option<Left<T>>> {
        if self.members.is_empty() {
            return Poll::Ready(None);
        }
        let ended = self.poll_ended(cx);
        if ended.is_pending() {
            leaf::waiting(operation, at);
        }
        ended.map(Some)
    }

    /// The next member that has ended, also if it is one that is still to come. Cancel safe.
    pub(crate) fn poll_ended(&mut self, cx: &mut Context<'_>) -> Poll<Left<T>> {
        ready!(leaf::proceed(cx));
        match self.ended.pop_or_register(cx.waker()) {
            Some(key) => Poll::Ready(self.release(key)),
            None => {
                leaf::restore();
                Poll::Pending
            }
        }
    }

    fn release(&mut self, key: usize) -> Left<T> {
        Left { key, task: self.members.remove(key) }
    }
}

impl<T> fmt::Debug for Roster<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self.iter()).finish()
    }
}

/// The members that have ended and not left yet.
#[derive(Default)]
struct Ended(Mutex<EndedList>);

#[derive(Default)]
struct EndedList {
    keys: VecDeque<usize>,
    waker: Option<Waker>,
}

impl Ended {
    fn push(&self, key: usize) {
        let waker = {
            let mut list = self.0.lock();
            list.keys.push_back(key);
            list.waker.take()
        };
        // Outside the lock: a waker may do anything. The roster goes on, whatever it does.
        wake(waker);
    }

    fn pop(&self) -> Option<usize> {
        self.0.lock().keys.pop_front()
    }

    /// Under one lock, so that no end falls between the look and the registration.
    fn pop_or_register(&self, waker: &Waker) -> Option<usize> {
        let mut list = self.0.lock();
        let key = list.keys.pop_front();
        if key.is_some() || list.waker.as_ref().is_some_and(|w| w.will_wake(waker)) {
            return key;
        }
        let before = list.waker.replace(waker.clone());
        // A waker's destructor, too, is foreign code.
        drop(list);
        drop(before);
        None
    }
}

/// The join waker of one member. It is woken once: when the task ends.
struct EndOf {
    key: usize,
    ended: Arc<Ended>,
}

impl Wake for EndOf {
    fn wake(self: Arc<EndOf>) {
        self.wake_by_ref();
    }

    fn wake_by_ref(self: &Arc<EndOf>) {
        self.ended.push(self.key);
    }
}
