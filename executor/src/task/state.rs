//! The task word: who may do what with a task, in one atomic `usize`.
//!
//! ```text
//!  63 .................... 6     5        4         3        2        1        0
//! +------------------------+--------+----------+---------+--------+--------+-------+
//! |       references       | JOIN   | JOIN     |CANCELLED|NOTIFIED|COMPLETE|RUNNING|
//! |                        | WAKER  | INTEREST |         |        |        |       |
//! +------------------------+--------+----------+---------+--------+--------+-------+
//! ```
//!
//! * `RUNNING`: somebody has the future and owns it exclusively: polls or drops it, or has queued the
//!   task again because it woke itself, and then holds its [`Notified`](super::Notified).
//! * `COMPLETE`: the future is gone, the output is stored; never cleared.
//! * `NOTIFIED`: without `RUNNING`, exactly one `Notified` exists and carries a reference; with
//!   `RUNNING`, the task was woken by another thread since its poll began.
//! * `CANCELLED`: the future is to be dropped instead of polled.
//! * `JOIN_INTEREST`: a `JoinHandle` exists and will deal with the output.
//! * `JOIN_WAKER`: the join waker is published; see the access rules in [`task`](super).
//!
//! Every edge is a pure function on [`Snapshot`] returning the caller's duty, tabulated in the
//! tests below; this file applies them to the atomic word, and no other file knows a bit of it. A task
//! that woke itself goes from its poll to its queue without an edge, and on to its next poll without
//! writing one: the next edge that is written sees what came meanwhile.
//! All others are read-modify-write operations, so each one sees the latest word; all are `AcqRel`,
//! and the comment on [`State::apply`] names the pairs.

use std::fmt;

use crate::shim::atomic::{AtomicUsize, Ordering};

const RUNNING: usize = 1 << 0;
const COMPLETE: usize = 1 << 1;
const NOTIFIED: usize = 1 << 2;
const CANCELLED: usize = 1 << 3;
const JOIN_INTEREST: usize = 1 << 4;
const JOIN_WAKER: usize = 1 << 5;
const REFERENCE: usize = 1 << 6;

/// A new task: the live set, the first `Notified` and the `JoinHandle` hold one reference each.
const INITIAL: usize = (REFERENCE * 3) | JOIN_INTEREST | NOTIFIED;

/// What to do with a task that was taken out of a queue.
#[must_use]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Start {
    /// Poll the future.
    Poll,
    /// Drop the future and complete as cancelled.
    Cancel,
}

/// What to do after a poll that returned `Pending`.
#[must_use]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Pause {
    /// The task is idle; the reference of its `Notified` is given up already.
    Idle,
    /// The task was woken meanwhile: queue it again, its `Notified` reference goes on.
    Requeue,
    /// The task was cancelled meanwhile and is still owned: drop the future and complete.
    Cancel,
}

/// What a waker or an abort must do.
#[must_use]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Wake {
    /// Nothing: someone else will, or nothing can happen to this task any more.
    Nothing,
    /// Queue the task: the word now counts a reference for its `Notified`.
    Submit,
    /// The reference that was given up was the last one: free the cell.
    Free,
}

/// What shutdown may do with a task in the live set.
#[must_use]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Claim {
    /// The task was idle and now belongs to the caller: drop the future and complete.
    Claimed,
    /// It is queued or being polled; whoever holds it will see that it is cancelled.
    Elsewhere,
    /// It has completed.
    Complete,
}

/// What the end of a `JoinHandle` leaves to do, in this order.
#[must_use]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Leave {
    /// The output is there and nobody else will read it: drop it.
    pub(crate) drop_output: bool,
    /// The join waker belongs to the handle: drop it.
    pub(crate) drop_waker: bool,
}

/// One value of the task word.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) struct Snapshot(usize);

impl Snapshot {
    pub(crate) fn is_running(self) -> bool {
        self.0 & RUNNING != 0
    }

    pub(crate) fn is_complete(self) -> bool {
        self.0 & COMPLETE != 0
    }

    pub(crate) fn is_notified(self) -> bool {
        self.0 & NOTIFIED != 0
    }

    pub(crate) fn is_cancelled(self) -> bool {
        self.0 & CANCELLED != 0
    }

    pub(crate) fn has_join_interest(self) -> bool {
        self.0 & JOIN_INTEREST != 0
    }

    pub(crate) fn has_join_waker(self) -> bool {
        self.0 & JOIN_WAKER != 0
    }

    pub(crate) fn references(self) -> usize {
        self.0 / REFERENCE
    }

    fn is_idle(self) -> bool {
        self.0 & (RUNNING | COMPLETE | NOTIFIED) == 0
    }

    fn with(self, bits: usize) -> Snapshot {
        Snapshot(self.0 | bits)
    }

    fn without(self, bits: usize) -> Snapshot {
        Snapshot(self.0 & !bits)
    }

    fn add_reference(self) -> Snapshot {
        assert!(self.0 <= isize::MAX as usize, "a task has too many wakers: {self:?}");
        Snapshot(self.0 + REFERENCE)
    }

    fn drop_reference(self) -> Snapshot {
        debug_assert!(self.references() > 0, "a reference too many was dropped: {self:?}");
        Snapshot(self.0 - REFERENCE)
    }

    /// Edge: a worker takes the task out of a queue. Only the holder of the `Notified` may.
    fn start(self) -> (Snapshot, Start) {
        debug_assert!(self.is_notified() || self.is_running(), "started while idle: {self:?}");
        debug_assert!(!self.is_complete(), "started after its end: {self:?}");
        let duty = if self.is_cancelled() { Start::Cancel } else { Start::Poll };
        (self.without(NOTIFIED).with(RUNNING), duty)
    }

    /// Edge: the poll returned `Pending`, and the task has not woken itself.
    fn pause(self) -> (Snapshot, Pause) {
        debug_assert!(self.is_running(), "paused while not running: {self:?}");
        if self.is_cancelled() {
            (self, Pause::Cancel)
        } else if self.is_notified() {
            (self.without(RUNNING).with(NOTIFIED), Pause::Requeue)
        } else {
            (self.without(RUNNING).drop_reference(), Pause::Idle)
        }
    }

    /// Edge: wake by reference.
    fn wake_by_ref(self) -> (Snapshot, Wake) {
        if self.is_idle() {
            (self.with(NOTIFIED).add_reference(), Wake::Submit)
        } else if self.is_complete() {
            (self, Wake::Nothing)
        } else {
            (self.with(NOTIFIED), Wake::Nothing)
        }
    }

    /// Edge: wake by value; the waker's reference becomes that of the `Notified` or is given up.
    fn wake_by_value(self) -> (Snapshot, Wake) {
        if self.is_idle() {
            return (self.with(NOTIFIED), Wake::Submit);
        }
        let next = if self.is_complete() { self } else { self.with(NOTIFIED) }.drop_reference();
        (next, if next.references() == 0 { Wake::Free } else { Wake::Nothing })
    }

    /// Edge: somebody asks for the end of the task.
    fn abort(self) -> (Snapshot, Wake) {
        if self.is_complete() {
            (self, Wake::Nothing)
        } else if self.is_idle() {
            (self.with(CANCELLED | NOTIFIED).add_reference(), Wake::Submit)
        } else {
            (self.with(CANCELLED), Wake::Nothing)
        }
    }

    /// Edge: shutdown takes an idle task away from under its wakers.
    fn claim(self) -> (Snapshot, Claim) {
        if self.is_complete() {
            (self, Claim::Complete)
        } else if self.is_idle() {
            (self.with(RUNNING | CANCELLED), Claim::Claimed)
        } else {
            (self.with(CANCELLED), Claim::Elsewhere)
        }
    }

    /// Edge: the handle publishes its waker; refused once the task is complete.
    fn set_join_waker(self) -> (Snapshot, bool) {
        debug_assert!(self.has_join_interest() && !self.has_join_waker(), "{self:?}");
        if self.is_complete() { (self, false) } else { (self.with(JOIN_WAKER), true) }
    }

    /// Edge: the handle takes its waker back to replace it; refused once the task is complete.
    fn unset_join_waker(self) -> (Snapshot, bool) {
        debug_assert!(self.has_join_interest(), "{self:?}");
        if self.is_complete() { (self, false) } else { (self.without(JOIN_WAKER), true) }
    }

    /// Edge: the handle goes away.
    fn leave(self) -> (Snapshot, Leave) {
        debug_assert!(self.has_join_interest(), "two join handles: {self:?}");
        if self.is_complete() {
            // With JOIN_WAKER set the completing worker may still be reading the waker.
            let duty = Leave { drop_output: true, drop_waker: !self.has_join_waker() };
            (self.without(JOIN_INTEREST), duty)
        } else {
            let duty = Leave { drop_output: false, drop_waker: true };
            (self.without(JOIN_INTEREST | JOIN_WAKER), duty)
        }
    }
}

impl fmt::Debug for Snapshot {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Snapshot")
            .field("running", &self.is_running())
            .field("complete", &self.is_complete())
            .field("notified", &self.is_notified())
            .field("cancelled", &self.is_cancelled())
            .field("join_interest", &self.has_join_interest())
            .field("join_waker", &self.has_join_waker())
            .field("references", &self.references())
            .finish()
    }
}

/// The atomic word.
pub(crate) struct State(AtomicUsize);

impl State {
    pub(crate) fn new() -> State {
        State(AtomicUsize::new(INITIAL))
    }

    /// The word as it was a moment ago. What follows from `COMPLETE` or a cleared `JOIN_WAKER`
    /// holds for ever, so those may be acted upon.
    pub(crate) fn load(&self) -> Snapshot {
        // Ordering: Acquire, pairs with the release half of `complete`: who sees COMPLETE sees
        // the output.
        Snapshot(self.0.load(Ordering::Acquire))
    }

    /// Applies an edge.
    ///
    /// Ordering: AcqRel on success. The release half publishes what the caller did before (to the
    /// future, the output, the join waker, or data that a waker announces); the acquire half of
    /// the next edge on this word receives it: `start` receives from `wake*` and `pause`, `claim`
    /// and `wake*` from `pause`, the handle's edges from `complete`, freeing from every `release`.
    /// What a poll did before its task queued itself again, the queue hands over.
    /// Even an edge that changes no bit is written back: a wake of an already notified task must
    /// be seen by the poll that follows.
    #[inline]
    fn apply<A>(&self, edge: impl Fn(Snapshot) -> (Snapshot, A)) -> A {
        let mut now = self.0.load(Ordering::Relaxed);
        loop {
            let (next, duty) = edge(Snapshot(now));
            match self.0.compare_exchange_weak(
                now,
                next.0,
                Ordering::AcqRel,
                // Ordering: Relaxed; the value is only the next guess.
                Ordering::Relaxed,
            ) {
                Ok(_) => return duty,
                Err(actual) => now = actual,
            }
        }
    }

    #[inline]
    pub(crate) fn start(&self) -> Start {
        // The holder of the `Notified` is the only one who may change RUNNING, and take NOTIFIED
        // away, so the edge needs no loop, and the first look may be old.
        // Ordering: Acquire, pairs with the release half of `abort`.
        let seen = Snapshot(self.0.load(Ordering::Acquire));
        // Ordering: AcqRel, as in `apply`.
        let before = if !seen.is_running() {
            Snapshot(self.0.fetch_xor(RUNNING | NOTIFIED, Ordering::AcqRel))
        } else if seen.is_notified() {
            Snapshot(self.0.fetch_and(!NOTIFIED, Ordering::AcqRel))
        } else {
            // It woke itself, and the edge would change nothing. Who wakes or cancels it from now
            // on is seen by the edge after this poll, or by the start of the next one.
            seen
        };
        before.start().1
    }

    #[inline]
    pub(crate) fn pause(&self) -> Pause {
        self.apply(Snapshot::pause)
    }

    /// Edge: the output is stored. Returns the word from which the caller reads its duties
    /// towards the join handle.
    #[inline]
    pub(crate) fn complete(&self) -> Snapshot {
        // Ordering: AcqRel. Release publishes the output to `load` and to the handle's edges;
        // acquire receives the join waker published by `set_join_waker`.
        let before = Snapshot(self.0.fetch_xor(RUNNING | COMPLETE, Ordering::AcqRel));
        debug_assert!(before.is_running() && !before.is_complete(), "{before:?}");
        Snapshot(before.0 ^ (RUNNING | COMPLETE))
    }

    /// Edge: the completing worker has woken the handle and lets go of the join waker. If the
    /// handle is gone by now, the waker is the worker's to drop.
    pub(crate) fn release_join_waker(&self) -> Snapshot {
        // Ordering: AcqRel; pairs with `leave`, whichever comes second drops the waker.
        let before = Snapshot(self.0.fetch_and(!JOIN_WAKER, Ordering::AcqRel));
        debug_assert!(before.is_complete() && before.has_join_waker(), "{before:?}");
        before.without(JOIN_WAKER)
    }

    pub(crate) fn wake_by_ref(&self) -> Wake {
        self.apply(Snapshot::wake_by_ref)
    }

    pub(crate) fn wake_by_value(&self) -> Wake {
        self.apply(Snapshot::wake_by_value)
    }

    pub(crate) fn abort(&self) -> Wake {
        self.apply(Snapshot::abort)
    }

    pub(crate) fn claim(&self) -> Claim {
        self.apply(Snapshot::claim)
    }

    pub(crate) fn set_join_waker(&self) -> bool {
        self.apply(Snapshot::set_join_waker)
    }

    pub(crate) fn unset_join_waker(&self) -> bool {
        self.apply(Snapshot::unset_join_waker)
    }

    pub(crate) fn leave(&self) -> Leave {
        self.apply(Snapshot::leave)
    }

    pub(crate) fn add_reference(&self) {
        // Ordering: Relaxed; a new reference is made from one that exists, which keeps the cell.
        let before = Snapshot(self.0.fetch_add(REFERENCE, Ordering::Relaxed));
        // Half the range is left as a margin for threads that pass this line at the same time.
        assert!(before.0 <= isize::MAX as usize, "a task has too many wakers: {before:?}");
    }

    /// Gives up `count` references; true if they were the last.
    #[inline]
    pub(crate) fn release(&self, count: usize) -> bool {
        // Ordering: AcqRel; whoever frees the cell must see every other holder's last use of it.
        let before = Snapshot(self.0.fetch_sub(count * REFERENCE, Ordering::AcqRel));
        debug_assert!(before.references() >= count, "{before:?}");
        before.references() == count
    }
}

#[cfg(test)]
mod tests;
