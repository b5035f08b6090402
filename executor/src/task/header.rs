//! The task header: what every holder of a task sees without knowing the type of its future.
//!
//! A task is one allocation, a [`Cell`](super::poll::Cell): this header, then the future or its
//! output. The header is 112 bytes, so a task with a future of up to 16 bytes takes 128. What no poll
//! touches comes first, and fills what the line of cache that the task before ends in has left for it:
//! two tasks that lie side by side can be polled by two workers without sharing a line.
//!
//! Holders keep counted references: [`TaskRef`] is one of them, and [`Notified`] is one that also
//! carries the right to start the task. Deliberately without any knowledge of queues or workers:
//! the way back to them is the erased `home` pointer, which only the vtable interprets.

use std::fmt;
use std::mem::ManuallyDrop;
use std::panic::Location;
use std::ptr::NonNull;
use std::sync::Arc;
use std::sync::atomic::{AtomicPtr, AtomicU32, Ordering};
use std::task::Waker;

use super::details::{Details, DetailsCell};
use super::id::Id;
use super::state::State;
use crate::leaf::Operation;
use crate::shim::UnsafeCell;

/// What the type of the future and of the scheduler know; one static per pair.
pub(crate) struct Vtable {
    /// Polls or cancels the future. Consumes the reference of a `Notified`.
    pub(crate) run: unsafe fn(NonNull<Header>),
    /// Queues the task at its home. Consumes the reference of a `Notified`.
    pub(crate) schedule: unsafe fn(NonNull<Header>),
    /// Drops the future of a claimed task and completes it as cancelled.
    pub(crate) cancel_claimed: unsafe fn(NonNull<Header>),
    /// Moves the output of a complete task to a `*mut Result<T, JoinError>`.
    pub(crate) take_output: unsafe fn(NonNull<Header>, *mut ()),
    /// Drops the output of a complete task unread.
    pub(crate) drop_output: unsafe fn(NonNull<Header>),
    /// Frees the cell; future and output are gone by now.
    pub(crate) free: unsafe fn(NonNull<Header>),
}

/// Neighbours in the live set of the task's home; guarded by that set's lock.
#[derive(Debug, Default)]
pub(crate) struct Links {
    pub(crate) previous: Option<NonNull<Header>>,
    pub(crate) next: Option<NonNull<Header>>,
}

/// The mark of a task that woke itself during its last poll and is in a queue, in the count of polls.
const QUEUED_AGAIN: u32 = 1 << 31;

/// The mark of a word that is not the address of a name, which would be even.
const AWAITS: usize = 1;

/// The kinds of handles that tasks await. The values are bits of the word that has [`AWAITS`].
#[derive(Clone, Copy)]
pub(crate) enum Joined {
    Handle = 0,
    Child = 2,
}

impl Joined {
    fn operation(self) -> &'static Operation {
        static HANDLE: Operation = Operation::new("JoinHandle");
        static CHILD: Operation = Operation::new("Child");
        match self {
            Joined::Handle => &HANDLE,
            Joined::Child => &CHILD,
        }
    }
}

/// Where a task waits; see [`Header::wait_site`].
pub(crate) struct Waits {
    pub(crate) operation: &'static str,
    pub(crate) at: &'static Location<'static>,
    /// The task whose handle it awaits.
    pub(crate) task: Option<Id>,
}

/// See the module's documentation.
#[repr(C)]
pub(crate) struct Header {
    // First what no poll touches, 48 bytes, ...
    pub(crate) links: UnsafeCell<Links>,
    /// See the access rules in [`super`].
    pub(crate) join_waker: UnsafeCell<Option<Waker>>,
    pub(crate) parent: Option<Id>,
    pub(crate) spawned_at: &'static Location<'static>,
    // ... then what every poll reads or writes.
    pub(crate) state: State,
    pub(crate) vtable: &'static Vtable,
    /// The `Home` of the task. Dereferenced only while the task is not complete: a runtime ends
    /// its homes after the last of its tasks has completed.
    pub(crate) home: NonNull<()>,
    pub(crate) id: Id,
    pub(crate) details: DetailsCell,
    /// Wait site, written by the polling worker and read by dumps: the operation's name, or, marked
    /// by [`AWAITS`], whose handle the task awaits, ...
    wait_operation: AtomicPtr<&'static str>,
    /// ... and the place that called it. Null while the task does not wait in a leaf of ours.
    wait_at: AtomicPtr<Location<'static>>,
    /// How often the task was polled, and the mark [`QUEUED_AGAIN`]; written by the polling worker
    /// only.
    polls: AtomicU32,
    /// When it was spawned, in [`crate::task::age`] units.
    pub(crate) born: u32,
}

impl Header {
    pub(crate) fn new(
        vtable: &'static Vtable,
        home: NonNull<()>,
        id: Id,
        parent: Option<Id>,
        spawned_at: &'static Location<'static>,
        details: Option<Arc<Details>>,
        born: u32,
    ) -> Header {
        Header {
            links: UnsafeCell::new(Links::default()),
            join_waker: UnsafeCell::new(None),
            parent,
            spawned_at,
            state: State::new(),
            vtable,
            home,
            id,
            details: DetailsCell::new(details),
            wait_operation: AtomicPtr::default(),
            wait_at: AtomicPtr::default(),
            polls: AtomicU32::new(0),
            born,
        }
    }

    pub(crate) fn name(&self) -> Option<&str> {
        self.details.get().and_then(|details| details.name.as_deref())
    }

    /// Whether somebody has asked for its end.
    pub(crate) fn is_cancelled(&self) -> bool {
        let requested = || self.details.seen_cancellation().is_some_and(|c| c.is_requested());
        self.state.load().is_cancelled() || requested()
    }

    /// Called by the polling worker before each poll.
    #[inline]
    pub(crate) fn begin_poll(&self) {
        // Ordering: Relaxed throughout; one writer at a time, and readers want a hint, not a proof.
        self.polls.store((self.polls() + 1) & !QUEUED_AGAIN, Ordering::Relaxed);
        self.wait_at.store(std::ptr::null_mut(), Ordering::Relaxed);
    }

    /// Called by the polling worker after a poll in which the task woke itself.
    #[inline]
    pub(crate) fn queued_again(&self) {
        // Ordering: Relaxed, as in `begin_poll`.
        self.polls.store(self.polls.load(Ordering::Relaxed) | QUEUED_AGAIN, Ordering::Relaxed);
    }

    /// Whether a task that is `RUNNING` is not being polled but in a queue again.
    pub(crate) fn is_queued_again(&self) -> bool {
        self.polls.load(Ordering::Relaxed) & QUEUED_AGAIN != 0
    }

    /// Called by a leaf future that returns `Pending` inside a poll of this task.
    #[inline]
    pub(crate) fn note_wait(
        &self,
        operation: &'static &'static str,
        at: &'static Location<'static>,
    ) {
        // Ordering: Relaxed. A dump that runs meanwhile may pair an operation with the place of
        // the wait before; both are 'static, so it is at worst a stale answer.
        self.wait_operation.store(std::ptr::from_ref(operation).cast_mut(), Ordering::Relaxed);
        self.wait_at.store(std::ptr::from_ref(at).cast_mut(), Ordering::Relaxed);
    }

    /// As [`note_wait`](Header::note_wait), if nothing was noted since the poll began.
    #[inline]
    pub(crate) fn note_wait_at_least(
        &self,
        operation: &'static &'static str,
        at: &'static Location<'static>,
    ) {
        // Ordering: Relaxed; the polling worker reads what it has written itself.
        if self.wait_at.load(Ordering::Relaxed).is_null() {
            self.note_wait(operation, at);
        }
    }

    /// As [`note_wait`](Header::note_wait), for the handle of a task that was spawned at `at`.
    #[inline]
    pub(crate) fn note_join(&self, handle: Joined, task: Id, at: &'static Location<'static>) {
        // An id of more bits than the word has room for, on small machines, is left out.
        let Some(id) = usize::try_from(task.as_u64()).ok().filter(|id| id.leading_zeros() >= 2)
        else {
            return self.note_wait(handle.operation().as_str_ref(), at);
        };
        let word = std::ptr::without_provenance_mut((id << 2) | handle as usize | AWAITS);
        // Ordering: Relaxed, as in `note_wait`.
        self.wait_operation.store(word, Ordering::Relaxed);
        self.wait_at.store(std::ptr::from_ref(at).cast_mut(), Ordering::Relaxed);
    }

    /// What the task waits for and where, if it waits in a leaf of ours.
    pub(crate) fn wait_site(&self) -> Option<Waits> {
        let at = self.wait_at.load(Ordering::Relaxed);
        let operation = self.wait_operation.load(Ordering::Relaxed);
        if at.is_null() || operation.is_null() {
            return None;
        }
        // SAFETY: stored from a `'static` reference, and never changed through this pointer.
        let at = unsafe { &*at };
        let word = operation.addr();
        if word & AWAITS != 0 {
            let child = word & Joined::Child as usize != 0;
            let handle = if child { Joined::Child } else { Joined::Handle };
            let operation = *handle.operation().as_str_ref();
            return Some(Waits { operation, at, task: Id::from_u64((word >> 2) as u64) });
        }
        // SAFETY: as above; the mark is clear, so it is a name.
        Some(Waits { operation: unsafe { *operation }, at, task: None })
    }

    pub(crate) fn polls(&self) -> u32 {
        self.polls.load(Ordering::Relaxed) & !QUEUED_AGAIN
    }
}

/// A counted reference to a task.
pub(crate) struct TaskRef(NonNull<Header>);

// SAFETY: a header is shared between threads by design: its fields are immutable, atomic, or
// guarded by the rules in `task`; the future inside is touched only by the holder of RUNNING, and
// `Cell` is created for `Send` futures (or for futures that a pinned home polls on one thread).
unsafe impl Send for TaskRef {}
// SAFETY: as above.
unsafe impl Sync for TaskRef {}

impl TaskRef {
    /// # Safety
    /// The caller passes on one reference that is counted in the task word.
    pub(crate) unsafe fn from_raw(header: NonNull<Header>) -> TaskRef {
        TaskRef(header)
    }

    /// The pointer, with the reference still counted: the receiver owes a `from_raw`.
    pub(crate) fn into_raw(self) -> NonNull<Header> {
        ManuallyDrop::new(self).0
    }

    pub(crate) fn as_ptr(&self) -> NonNull<Header> {
        self.0
    }

    pub(crate) fn header(&self) -> &Header {
        // SAFETY: the counted reference keeps the cell allocated.
        unsafe { self.0.as_ref() }
    }

    /// Asks for the end of the task; see `JoinHandle::cancel`.
    pub(crate) fn cancel(&self, reason: &Arc<str>) {
        let header = self.header();
        if !header.state.load().is_complete() && !header.details.cancellation().request(reason) {
            self.abort();
        }
    }

    /// Ends the task; see `AbortHandle::abort`.
    pub(crate) fn abort(&self) {
        match self.header().state.abort() {
            super::state::Wake::Submit => {
                // SAFETY: the edge counted a reference for the `Notified` passed on here.
                unsafe { (self.header().vtable.schedule)(self.0) }
            }
            super::state::Wake::Nothing => {}
            super::state::Wake::Free => unreachable!("abort gives up no reference"),
        }
    }
}

impl Clone for TaskRef {
    fn clone(&self) -> TaskRef {
        self.header().state.add_reference();
        TaskRef(self.0)
    }
}

impl Drop for TaskRef {
    fn drop(&mut self) {
        // SAFETY: this reference is counted and not used again.
        unsafe { release(self.0, 1) }
    }
}

impl fmt::Debug for TaskRef {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Task")
            .field("id", &self.header().id)
            .field("name", &self.header().name())
            .field("spawned_at", &format_args!("{}", self.header().spawned_at))
            .finish()
    }
}

/// Gives up `count` references and frees the cell if they were the last.
///
/// # Safety
/// The caller owns `count` counted references and uses none of them afterwards.
#[inline]
pub(crate) unsafe fn release(header: NonNull<Header>, count: usize) {
    // SAFETY: the caller's references keep the cell until this edge; if they were the last,
    // nobody else can reach it any more and `free` may have it.
    unsafe {
        if header.as_ref().state.release(count) {
            (header.as_ref().vtable.free)(header);
        }
    }
}

/// A task that is to run: the one reference that carries the right to start it.
#[derive(Debug)]
pub(crate) struct Notified(TaskRef);

impl Notified {
    /// # Safety
    /// The task word counts the reference passed on, and no other `Notified` exists. Either it has
    /// `NOTIFIED` set, or `RUNNING`, which the caller has and passes on.
    pub(crate) unsafe fn from_raw(header: NonNull<Header>) -> Notified {
        // SAFETY: passed on from the caller.
        Notified(unsafe { TaskRef::from_raw(header) })
    }

    pub(crate) fn into_raw(self) -> NonNull<Header> {
        self.0.into_raw()
    }

    pub(crate) fn header(&self) -> &Header {
        self.0.header()
    }

    /// A reference to the task, without the right to start it.
    #[cfg(not(heist_loom))]
    pub(crate) fn task(&self) -> TaskRef {
        self.0.clone()
    }

    /// Ends the task without polling it.
    pub(crate) fn cancel(self) {
        // The edge only marks a queued task: the right to start it is in our hands.
        let _ = self.header().state.abort();
        self.run();
    }

    /// As [`run`](Notified::run), in the middle of whatever this thread does: a poll of another
    /// task goes on afterwards with the budget that it had.
    #[cfg(not(heist_loom))]
    pub(crate) fn run_nested(self) {
        let _outer = super::budget::suspend();
        super::budget::refill();
        let _in_async = crate::runtime::context::set_in_async(true);
        self.run();
    }

    /// Polls the task, or cancels it if that was asked for.
    #[inline]
    pub(crate) fn run(self) {
        let header = self.into_raw();
        // SAFETY: `self` was the one right to start, and its reference goes to `run`.
        unsafe { (header.as_ref().vtable.run)(header) }
    }
}

#[cfg(all(test, not(heist_loom), target_pointer_width = "64"))]
mod tests {
    use super::*;

    /// A line has 64 bytes, and what allocators give begins at a multiple of 16.
    #[test]
    fn polls_keep_off_the_line_in_which_the_task_before_ends() {
        assert!(std::mem::offset_of!(Header, state) >= 64 - 16);
        assert_eq!(size_of::<Header>(), 112);
    }
}
