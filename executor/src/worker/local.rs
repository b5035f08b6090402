//! One worker in two halves: [`WorkerLocal`], which only its thread touches, and
//! [`WorkerRemote`], which everybody may look at.
//!
//! Deliberately without how tasks come into its queues and out of them: see [`push`](super::push),
//! [`search`](super::search) and [`worker`](super).

use std::cell::{Cell, RefCell};
use std::ptr::NonNull;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU32, AtomicU64, Ordering};
use std::time::Instant;

use super::backlog::Backlog;
use super::parker::Parker;
use super::place;
use super::progress::Progress;
use super::push::SlotUse;
use super::scheduler::{Scheduler, WorkerHome};
use super::slot::Slot;
use super::wake_cost::Called;
use super::watchdog::CLOSE_LOOK;
use crate::queue::{LocalQueue, Stealer};
use crate::task::Notified;
use crate::task::header::{self, Header};

/// Tasks that ended here but live elsewhere are returned in batches of this size.
const RETIRED_BATCH: usize = 64;

/// After a poll that queued something and lasted, so many polls that queue something are not
/// trusted to end soon.
const DISTRUST: u32 = 16;

/// What the other threads see of a worker. Padded by its holder to lines of its own.
pub(crate) struct WorkerRemote {
    /// The task to run next, see [`push`](super::push).
    pub(super) slot: Slot,
    pub(crate) stealer: Stealer<Notified>,
    pub(crate) parker: Parker,
    pub(crate) called: Called,
    /// Where it was when it parked.
    place: AtomicU32,
    pub(crate) progress: Progress,
    /// Whether the slot and the queue are open to others whatever is in them: the poll under way has
    /// lasted long, as the watchdog has seen, or is not trusted to end soon.
    open: AtomicBool,
    /// Whether whoever comes next is to take half of the queue, however little it is.
    shared: AtomicBool,
    /// Typical length of this worker's polls in nanoseconds, zero while unknown.
    poll_ns: AtomicU64,
    pub(crate) counters: Counters,
}

/// What a worker counts; written by its thread alone, with plain stores.
#[derive(Debug, Default)]
pub(crate) struct Counters {
    pub(crate) parks: Counter,
    pub(crate) steals: Counter,
    pub(crate) stolen_tasks: Counter,
    pub(crate) reactor_turns: Counter,
}

/// A counter with one writer.
#[derive(Debug, Default)]
pub(crate) struct Counter(AtomicU64);

impl Counter {
    #[inline]
    pub(crate) fn add(&self, n: u64) {
        // Ordering: Relaxed; one writer, and readers want a hint.
        self.0.store(self.0.load(Ordering::Relaxed).wrapping_add(n), Ordering::Relaxed);
    }

    pub(crate) fn get(&self) -> u64 {
        self.0.load(Ordering::Relaxed)
    }
}

impl WorkerRemote {
    pub(crate) fn new(stealer: Stealer<Notified>) -> WorkerRemote {
        WorkerRemote {
            slot: Slot::new(),
            stealer,
            parker: Parker::new(),
            called: Called::new(),
            place: AtomicU32::new(place::NOWHERE),
            progress: Progress::new(),
            open: AtomicBool::new(false),
            shared: AtomicBool::new(false),
            poll_ns: AtomicU64::new(0),
            counters: Counters::default(),
        }
    }

    /// Takes the task out of the slot. For the owner at any time; for others when it is
    /// [open](WorkerRemote::is_open).
    #[inline]
    pub(crate) fn take_slot(&self) -> Option<Notified> {
        self.slot.take()
    }

    pub(crate) fn has_slot_task(&self) -> bool {
        !self.slot.is_empty()
    }

    /// Whether a task is ready here, in the slot or in the queue.
    pub(crate) fn has_task(&self) -> bool {
        self.has_slot_task() || self.stealer.len() > 0
    }

    /// Whether others may take the slot's task, and what is queued even if it is little.
    pub(crate) fn is_open(&self) -> bool {
        // Ordering: Relaxed; taking from the slot is safe at any time, this is only policy.
        self.open.load(Ordering::Relaxed)
    }

    pub(crate) fn open(&self) {
        // Ordering: Relaxed, as in `is_open`.
        self.open.store(true, Ordering::Relaxed);
    }

    /// The worker is about to park: others see it where it is, and expect nothing of it.
    fn begin_idle(&self) {
        self.called.forget();
        self.set_shared(false);
        // Ordering: Relaxed, as in `place`.
        self.place.store(place::current(), Ordering::Relaxed);
    }

    /// Whether the next thief may take half of the queue.
    pub(super) fn is_shared(&self) -> bool {
        // Ordering: Relaxed, here and below, as in `is_open`.
        self.shared.load(Ordering::Relaxed)
    }

    /// Offers half of the queue to the next thief, or takes the offer back.
    pub(super) fn set_shared(&self, shared: bool) {
        self.shared.store(shared, Ordering::Relaxed);
    }

    /// Where the worker was when it parked.
    pub(super) fn place(&self) -> u32 {
        // Ordering: Relaxed; a hint.
        self.place.load(Ordering::Relaxed)
    }

    pub(crate) fn poll_ns(&self) -> u64 {
        self.poll_ns.load(Ordering::Relaxed)
    }
}

/// What only the worker's own thread touches. Shared by reference count with the thread that
/// takes the worker over in `block_in_place` (see [`relay`](super::relay)), but used by one thread at
/// a time. On lines of its own: a neighbour in memory would be the next worker's.
#[repr(align(128))]
pub(crate) struct WorkerLocal {
    pub(crate) index: usize,
    pub(crate) scheduler: Arc<Scheduler>,
    pub(crate) queue: LocalQueue<Notified>,
    /// So many tasks run before the next look around, and so many between two; see `search`.
    pub(super) until_look: Cell<u32>,
    pub(super) look_interval: Cell<u32>,
    /// So many looks come before the next one at the clock, and so many from one to the next; when
    /// the last one was, or `None` if the worker has slept since.
    pub(super) looks_to_clock: Cell<u32>,
    pub(super) looks_per_clock: Cell<u32>,
    pub(super) last_look: Cell<Option<Instant>>,
    /// How many tasks in a row came from the slot.
    pub(super) slot_streak: Cell<u32>,
    /// Whether this worker counts as searching.
    pub(super) searching: Cell<bool>,
    /// When this worker, being busy, last turned the reactor; `None` if it has slept since.
    pub(super) last_turn: Cell<Option<Instant>>,
    pub(super) in_poll: Cell<bool>,
    pub(super) slot_use: Cell<SlotUse>,
    sequence: Cell<u64>,
    pub(super) backlog: Backlog,
    /// Whether the watchdog was asked for a close look since the last time the worker was idle.
    pub(super) alarmed: Cell<bool>,
    /// When the poll under way asked for it, if it did.
    pub(super) asked: Cell<Option<Instant>>,
    /// So many polls to come are not trusted.
    pub(super) distrust: Cell<u32>,
    /// Completed tasks of other homes, to be returned in batches.
    retired: RefCell<Vec<NonNull<Header>>>,
    random: Cell<u64>,
}

// SAFETY: the cells are touched only by the thread on which the worker is installed (see
// `context`); hand-overs go through a thread start or a lock, which orders the two sides.
unsafe impl Send for WorkerLocal {}
// SAFETY: as above.
unsafe impl Sync for WorkerLocal {}

impl WorkerLocal {
    pub(crate) fn new(
        index: usize,
        scheduler: Arc<Scheduler>,
        queue: LocalQueue<Notified>,
    ) -> WorkerLocal {
        WorkerLocal {
            index,
            scheduler,
            queue,
            until_look: Cell::new(0),
            look_interval: Cell::new(1),
            looks_to_clock: Cell::new(0),
            looks_per_clock: Cell::new(1),
            last_look: Cell::new(None),
            slot_streak: Cell::new(0),
            searching: Cell::new(false),
            last_turn: Cell::new(None),
            in_poll: Cell::new(false),
            slot_use: Cell::new(SlotUse::Nothing),
            sequence: Cell::new(0),
            backlog: Backlog::new(),
            alarmed: Cell::new(false),
            asked: Cell::new(None),
            distrust: Cell::new(0),
            retired: RefCell::new(Vec::with_capacity(RETIRED_BATCH)),
            random: Cell::new(0x9E37_79B9_7F4A_7C15 ^ (index as u64 + 1)),
        }
    }

    #[inline]
    pub(crate) fn remote(&self) -> &WorkerRemote {
        &self.scheduler.remotes[self.index]
    }

    /// A poll has ended that asked for a close look, or whose queue was open. If it was long, so may
    /// others be.
    #[cold]
    fn end_watched_poll(&self) {
        // Ordering: Relaxed, as in `is_open`.
        let opened = self.remote().open.swap(false, Ordering::Relaxed);
        let asked = self.asked.take();
        if asked.map_or(opened, |asked| asked.elapsed() >= CLOSE_LOOK) {
            self.distrust.set(DISTRUST);
        }
    }

    /// Called around each poll.
    #[inline]
    pub(super) fn begin_poll(&self) {
        self.in_poll.set(true);
        self.slot_use.set(SlotUse::Nothing);
        self.sequence.set(self.sequence.get() + 1);
        self.remote().progress.advance(self.sequence.get());
    }

    /// Called after each poll, if the worker is still installed here.
    #[inline]
    pub(super) fn end_poll(&self) {
        self.in_poll.set(false);
        self.sequence.set(self.sequence.get() + 1);
        let remote = self.remote();
        remote.progress.advance(self.sequence.get());
        if self.asked.get().is_some() || remote.is_open() {
            self.end_watched_poll();
        }
    }

    /// The worker was taken over from a thread that is still inside a poll.
    pub(super) fn begin_anew(&self) {
        if self.in_poll.get() {
            self.end_poll();
        }
    }

    pub(super) fn publish_poll_time(&self) {
        self.remote().poll_ns.store(self.backlog.poll_ns(), Ordering::Relaxed);
    }

    /// The worker has run out of work.
    pub(super) fn begin_idle(&self) {
        self.remote().begin_idle();
        self.alarmed.set(false);
        self.last_look.set(None);
        self.last_turn.set(None);
        self.backlog.begin_stretch();
        self.flush_retired();
    }

    /// Takes note of a completed task of another home.
    pub(super) fn retire(&self, task: NonNull<Header>) {
        let mut retired = self.retired.borrow_mut();
        retired.push(task);
        if retired.len() >= RETIRED_BATCH {
            drop(retired);
            self.flush_retired();
        }
    }

    /// Returns completed tasks to their homes.
    pub(crate) fn flush_retired(&self) {
        let mut retired = self.retired.take();
        if retired.is_empty() {
            self.retired.replace(retired);
            return;
        }
        // SAFETY: the live sets' references, which they leave to us here, keep the tasks.
        let header_of = |task: &NonNull<Header>| unsafe { &*task.as_ptr() };
        // What else a task holds may run code of the program's when it is dropped: that is for here.
        let is_plain = |task: &NonNull<Header>| header_of(task).details.get().is_none();
        let kind_of = |task: &NonNull<Header>| (header_of(task).home, is_plain(task));
        retired.sort_unstable_by_key(kind_of);
        for group in retired.chunk_by(|a, b| kind_of(a) == kind_of(b)) {
            let (home, is_plain) = kind_of(&group[0]);
            // SAFETY: the home of a task of this runtime is a `WorkerHome`, and `self.scheduler`
            // keeps it.
            let home = unsafe { home.cast::<WorkerHome>().as_ref() };
            let tasks = group.iter().copied();
            if is_plain {
                // Those from outside have no owner; whoever spawns there next takes them back.
                let owner = self.scheduler.remotes.get(home.index);
                let is_owner_away = || owner.is_some_and(|owner| !owner.progress.is_in_poll());
                // SAFETY: all tasks of the group are complete and members of its set.
                unsafe { home.live.give_back(tasks, is_owner_away) };
                continue;
            }
            // SAFETY: as above.
            unsafe { home.live.remove_all(tasks.clone()) };
            for task in tasks {
                // SAFETY: the set's reference is ours to give up.
                unsafe { header::release(task, 1) };
            }
        }
        retired.clear();
        self.retired.replace(retired);
    }

    /// Takes tasks back that have ended elsewhere and that nobody else will take back: its own, and
    /// those of threads outside. For a worker that has announced its rest.
    pub(super) fn take_back(&self) {
        let homes = &self.scheduler.homes;
        homes[self.index].live.take_back();
        homes[self.scheduler.remotes.len()].live.take_back();
    }

    /// A number below `n`, for choosing whom to steal from first.
    pub(super) fn random_below(&self, n: usize) -> usize {
        let mut x = self.random.get();
        x ^= x << 13;
        x ^= x >> 7;
        x ^= x << 17;
        self.random.set(x);
        (((x >> 32) * n as u64) >> 32) as usize
    }
}
