//! The live tasks of one home: for `task::all()` and for shutdown.
//!
//! A doubly linked list through the task headers under a lock of its own. A worker's set is
//! touched by that worker at each spawn and at each end of a task, so the lock stays in its cache;
//! others come for dumps and for shutdown. The set owns one reference to each member.
//!
//! **Returning home.** A task that ends on another worker is not taken out there, but given back in a batch
//! to the worker whose set this is, its owner: memory is best freed by the thread that allocated it, and
//! would else be freed against that thread's lock in the allocator while it allocates the next task.
//! The owner takes back what it finds when it spawns and when it parks, and nothing stays behind:
//!
//! * giving back: 1. put the batch down; 2. fence; 3. look at the owner: if it is not in a poll, or
//!   lets much pile up, take back in its stead;
//! * parking: 1. the last poll ends; 2. fence (that of `Idle::park`); 3. take back.
//!
//! If the first fence comes first, the owner sees the batch; if it comes second, the other sees that the
//! poll has ended.

use std::ptr::NonNull;

use crossbeam_utils::CachePadded;

use super::header::{self, Header, Notified, TaskRef};
use super::state::Claim;
use crate::shim::Mutex;
use crate::shim::atomic::{AtomicBool, Ordering, fence};

/// So many tasks may wait for their owner.
const RETURNED_MAX: usize = 256;

/// See the module's documentation.
pub(crate) struct LiveSet {
    list: Mutex<List>,
    /// On lines of its own: others write here while the owner uses the list.
    returned: CachePadded<Returned>,
}

/// Members that have ended elsewhere.
struct Returned {
    any: AtomicBool,
    batch: Mutex<Batch>,
}

#[derive(Default)]
struct Batch {
    tasks: Vec<NonNull<Header>>,
    /// Memory for the next ones, while the owner takes these out.
    spare: Vec<NonNull<Header>>,
}

// SAFETY: the pointers are counted references to tasks, which are shared between threads.
unsafe impl Send for Batch {}

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
        LiveSet {
            list: Mutex::new(List { head: None, len: 0, closed: false }),
            returned: CachePadded::new(Returned {
                any: AtomicBool::new(false),
                batch: Mutex::new(Batch::default()),
            }),
        }
    }

    /// Takes in a new task, which may then be queued. If the set is closed, the task is cancelled
    /// on the spot. Called by who may retire a task of this home.
    pub(crate) fn admit(&self, task: TaskRef, notified: Notified) -> Option<Notified> {
        self.take_back();
        let task = task.into_raw();
        {
            let mut list = self.list.lock();
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
        self.take_back();
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
        unsafe { self.list.lock().unlink(task) }
    }

    /// Takes out many members under one lock; their references are now the caller's.
    ///
    /// # Safety
    /// All are members of this set.
    pub(crate) unsafe fn remove_all(&self, tasks: impl Iterator<Item = NonNull<Header>>) {
        let mut list = self.list.lock();
        for task in tasks {
            // SAFETY: passed on from the caller.
            unsafe { list.unlink(task) };
        }
    }

    /// Gives members back to the owner, or takes them out in its stead if it is away. They are freed
    /// wherever it spawns next, so nothing in them may run code of the program's when it is dropped.
    ///
    /// # Safety
    /// All are members of this set, and complete. The set keeps their references until it lets go.
    pub(crate) unsafe fn give_back(
        &self,
        tasks: impl Iterator<Item = NonNull<Header>>,
        is_owner_away: impl FnOnce() -> bool,
    ) {
        let waiting = {
            let mut batch = self.returned.batch.lock();
            batch.tasks.extend(tasks);
            // Ordering: Relaxed; the fence below is what counts for an owner that parks, and the
            // lock for the batch.
            self.returned.any.store(true, Ordering::Relaxed);
            batch.tasks.len()
        };
        // Ordering: pairs with the fence in `Idle::park`, see the module's documentation.
        fence(Ordering::SeqCst);
        if waiting > RETURNED_MAX || is_owner_away() {
            self.take_back();
        }
    }

    /// Takes out what was given back, and lets go of it.
    #[inline]
    pub(crate) fn take_back(&self) {
        // Ordering: Relaxed; see `give_back`.
        if self.returned.any.load(Ordering::Relaxed) {
            self.take_back_now();
        }
    }

    #[cold]
    fn take_back_now(&self) {
        let mut tasks = {
            let mut batch = self.returned.batch.lock();
            self.returned.any.store(false, Ordering::Relaxed);
            let spare = std::mem::take(&mut batch.spare);
            std::mem::replace(&mut batch.tasks, spare)
        };
        // SAFETY: `give_back` was promised members, and nobody else has these.
        unsafe { self.remove_all(tasks.iter().copied()) };
        for task in tasks.drain(..) {
            // SAFETY: the set's reference is ours to give up.
            unsafe { header::release(task, 1) };
        }
        self.returned.batch.lock().spare = tasks;
    }

    /// From now on `admit` refuses.
    pub(crate) fn close(&self) {
        self.list.lock().closed = true;
    }

    /// How many members there are, those that have ended elsewhere not counted.
    pub(crate) fn len(&self) -> usize {
        self.take_back();
        self.list.lock().len
    }

    /// References to all members. Holds the lock for a few nanoseconds a task.
    pub(crate) fn snapshot(&self) -> Vec<TaskRef> {
        let list = self.list.lock();
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
