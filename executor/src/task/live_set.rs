//! The live tasks of one home: for `task::all()` and for shutdown.
//!
//! A doubly linked list through the task headers under a lock of its own. A worker's set is
//! touched by that worker at each spawn and at each end of a task, so the lock stays in its cache;
//! others come for dumps, for shutdown, and in batches for tasks that ended elsewhere. The set
//! owns one reference to each member.

use std::ptr::NonNull;

use super::header::{Header, Notified, TaskRef};
use super::state::Claim;
use crate::shim::Mutex;

/// See the module's documentation.
pub(crate) struct LiveSet(Mutex<List>);

/// What [`LiveSet::cancel_idle`] has found and done.
#[derive(Debug, Default)]
pub(crate) struct Swept {
    /// Members before it, those that it has cancelled included.
    pub(crate) left: usize,
    pub(crate) cancelled: usize,
}

struct List {
    head: Option<NonNull<Header>>,
    len: usize,
    closed: bool,
}

// SAFETY: the pointers are counted references to tasks, which are shared between threads.
unsafe impl Send for List {}

impl LiveSet {
    pub(crate) fn new() -> LiveSet {
        LiveSet(Mutex::new(List { head: None, len: 0, closed: false }))
    }

    /// Takes in a new task, which may then be queued. If the set is closed, the task is cancelled
    /// on the spot. Called by who may retire a task of this home.
    pub(crate) fn admit(&self, task: TaskRef, notified: Notified) -> Option<Notified> {
        let task = task.into_raw();
        {
            let mut list = self.0.lock();
            if !list.closed {
                list.push(task);
                return Some(notified);
            }
        }
        // `remove` will pass it over, and leave its live reference to whoever retires it.
        // SAFETY: the reference keeps the task, and a task in no set has its links to itself.
        unsafe { task.as_ref().links.with_mut(|links| (*links).previous = Some(task)) };
        notified.cancel();
        None
    }

    /// Cancels every member that is idle; the others are marked, for those who hold them.
    ///
    /// # Safety
    /// The caller ends the runtime: no worker of it is installed anywhere, and homes outlive the call.
    pub(crate) unsafe fn cancel_idle(&self) -> Swept {
        let mut swept = Swept::default();
        for task in self.snapshot() {
            swept.left += 1;
            match task.header().state.claim() {
                Claim::Claimed => {
                    // SAFETY: claimed just now, by the caller, who ends the runtime; the live set
                    // keeps its reference until the task is retired in here.
                    unsafe { (task.header().vtable.cancel_claimed)(task.as_ptr()) };
                    swept.cancelled += 1;
                }
                Claim::Elsewhere | Claim::Complete => {}
            }
        }
        swept
    }

    /// Takes out a member; its reference is now the caller's.
    ///
    /// # Safety
    /// `task` is a member of this set, or was refused by it.
    pub(crate) unsafe fn remove(&self, task: NonNull<Header>) {
        // SAFETY: passed on from the caller.
        unsafe { self.0.lock().unlink(task) }
    }

    /// Takes out many members under one lock.
    ///
    /// # Safety
    /// All are members of this set.
    pub(crate) unsafe fn remove_all(&self, tasks: impl Iterator<Item = NonNull<Header>>) {
        let mut list = self.0.lock();
        for task in tasks {
            // SAFETY: passed on from the caller.
            unsafe { list.unlink(task) };
        }
    }

    /// From now on `admit` refuses.
    pub(crate) fn close(&self) {
        self.0.lock().closed = true;
    }

    pub(crate) fn len(&self) -> usize {
        self.0.lock().len
    }

    /// References to all members. Holds the lock for a few nanoseconds a task.
    pub(crate) fn snapshot(&self) -> Vec<TaskRef> {
        let list = self.0.lock();
        let mut tasks = Vec::with_capacity(list.len);
        let mut next = list.head;
        while let Some(task) = next {
            // SAFETY: the set's reference keeps a member, and the links are ours under the lock.
            unsafe {
                task.as_ref().state.add_reference();
                tasks.push(TaskRef::from_raw(task));
                next = task.as_ref().links.with(|links| (*links).next);
            }
        }
        tasks
    }
}

impl List {
    fn push(&mut self, task: NonNull<Header>) {
        let head = self.head.replace(task);
        self.len += 1;
        // SAFETY: both are members, kept by the set's references; the lock gives us their links.
        unsafe {
            task.as_ref().links.with_mut(|links| {
                (*links).previous = None;
                (*links).next = head;
            });
            if let Some(head) = head {
                head.as_ref().links.with_mut(|links| (*links).previous = Some(task));
            }
        }
    }

    /// # Safety
    /// `task` is a member or was refused.
    unsafe fn unlink(&mut self, task: NonNull<Header>) {
        // SAFETY: as in `push`.
        unsafe {
            let (previous, next) =
                task.as_ref().links.with(|links| ((*links).previous, (*links).next));
            if previous == Some(task) {
                return;
            }
            self.len -= 1;
            match previous {
                Some(previous) => previous.as_ref().links.with_mut(|links| (*links).next = next),
                None => self.head = next,
            }
            if let Some(next) = next {
                next.as_ref().links.with_mut(|links| (*links).previous = previous);
            }
        }
    }
}
