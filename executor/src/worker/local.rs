//! One worker in two halves: [`WorkerLocal`], which only its thread touches, and
//! [`WorkerRemote`], which everybody may look at.
//!
//! Also the worker's way of putting tasks into its own queues. Deliberately without the loop that
//! takes them out again: see [`search`](super::search) and [`worker`](super).

use std::cell::{Cell, RefCell};
use std::ptr::NonNull;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Instant;

use super::backlog::Backlog;
use super::parker::Parker;
use super::scheduler::{Scheduler, WorkerHome};
use super::slot::Slot;
use super::wake_cost::Called;
use super::watchdog::{CLOSE_LOOK, Watchdog};
use crate::queue::{LocalQueue, Stealer};
use crate::task::Notified;
use crate::task::header::{self, Header};

/// Tasks that ended here but live elsewhere are returned in batches of this size.
const RETIRED_BATCH: usize = 64;

/// After a poll that did not give its worker back, so many polls that queue something are not
/// trusted to end soon.
const DISTRUST: u32 = 16;

/// What the other threads see of a worker. Padded by its holder to lines of its own.
pub(crate) struct WorkerRemote {
    /// The task to run next, see [`WorkerLocal::push_woken`].
    slot: Slot,
    pub(crate) stealer: Stealer<Notified>,
    pub(crate) parker: Parker,
    pub(crate) called: Called,
    /// Odd while the worker polls a task; grows by two a poll.
    sequence: AtomicU64,
    /// The sequence at which the worker last asked the watchdog for a close look.
    watched: AtomicU64,
    /// Whether the slot and the queue are open to others whatever is in them: the poll under way has
    /// lasted long, as the watchdog has seen, or is not trusted to end soon.
    open: AtomicBool,
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
            sequence: AtomicU64::new(0),
            watched: AtomicU64::new(0),
            open: AtomicBool::new(false),
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

    /// Whether others may take the slot's task, and what is queued even if it is little.
    pub(crate) fn is_open(&self) -> bool {
        // Ordering: Relaxed; taking from the slot is safe at any time, this is only policy.
        self.open.load(Ordering::Relaxed)
    }

    pub(crate) fn open(&self) {
        // Ordering: Relaxed, as in `is_open`.
        self.open.store(true, Ordering::Relaxed);
    }

    /// The poll count and whether a poll is going on.
    pub(crate) fn sequence(&self) -> u64 {
        self.sequence.load(Ordering::Relaxed)
    }

    pub(crate) fn watched(&self) -> u64 {
        self.watched.load(Ordering::Relaxed)
    }

    pub(crate) fn poll_ns(&self) -> u64 {
        self.poll_ns.load(Ordering::Relaxed)
    }
}

/// What only the worker's own thread touches. Shared by reference count with the thread that
/// takes the worker over in `block_in_place`, but used by one thread at a time. On lines of its own:
/// a neighbour in memory would be the next worker's.
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
    in_poll: Cell<bool>,
    sequence: Cell<u64>,
    pub(super) backlog: Backlog,
    /// Whether the watchdog was asked for a close look since the last time the worker was idle.
    alarmed: Cell<bool>,
    /// So many polls to come are not trusted, and when the one under way opened its queue for that.
    distrust: Cell<u32>,
    opened: Cell<Option<Instant>>,
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
            sequence: Cell::new(0),
            backlog: Backlog::new(),
            alarmed: Cell::new(false),
            distrust: Cell::new(0),
            opened: Cell::new(None),
            retired: RefCell::new(Vec::with_capacity(RETIRED_BATCH)),
            random: Cell::new(0x9E37_79B9_7F4A_7C15 ^ (index as u64 + 1)),
        }
    }

    #[inline]
    pub(crate) fn remote(&self) -> &WorkerRemote {
        &self.scheduler.remotes[self.index]
    }

    /// Queues a task that something on this thread woke.
    ///
    /// During a poll it goes to the slot and runs next: it is about what the polled task has just
    /// done, and its data is in the cache. Otherwise (a driver's wakes) it queues up.
    #[inline]
    pub(crate) fn push_woken(&self, task: Notified) {
        if !self.in_poll.get() {
            self.queue.push(task);
            return;
        }
        if let Some(displaced) = self.remote().slot.put(task) {
            self.queue.push(displaced);
        }
        self.consider_help();
    }

    /// Queues a new task, behind the others: tasks start in the order in which they were spawned.
    #[inline]
    pub(crate) fn push_spawned(&self, task: Notified) {
        self.queue.push(task);
        self.consider_help();
    }

    /// Queues a task that was woken during its own poll; this wakes nobody.
    #[inline]
    pub(crate) fn push_yielded(&self, task: Notified) {
        self.queue.push(task);
    }

    /// Something was queued: wakes another worker if that is worth it, and else makes sure that
    /// the watchdog looks here soon in case the current poll does not end.
    #[inline]
    pub(super) fn consider_help(&self) {
        let idle = self.scheduler.idle.glance();
        if idle.parked() + idle.searching() == 0 {
            return;
        }
        // Between polls the first task in the queue is this worker's own next one.
        let waiting = self.queue.len() - usize::from(!self.in_poll.get() && !self.queue.is_empty());
        if idle.wants_wake() && self.scheduler.wake_cost.allows(self.backlog.work_ns(waiting)) {
            self.scheduler.call_one();
        } else if idle.searching() == 0 && self.in_poll.get() && !self.alarmed.replace(true) {
            // Nobody is on the way here.
            self.remote().watched.store(self.sequence.get(), Ordering::Relaxed);
            self.with_watchdog(Watchdog::look_closely);
            if self.distrust.get() > 0 {
                self.open_queue();
            }
        }
    }

    /// Does at once what the watchdog would do if the poll under way did not end.
    #[cold]
    fn open_queue(&self) {
        self.distrust.set(self.distrust.get() - 1);
        self.opened.set(Some(Instant::now()));
        self.remote().open();
        self.scheduler.wake_one();
    }

    /// The poll whose queue was open has ended. If it was long, so may others be.
    #[cold]
    fn close_queue(&self) {
        // Ordering: Relaxed, as in `is_open`.
        self.remote().open.store(false, Ordering::Relaxed);
        if self.opened.take().is_none_or(|opened| opened.elapsed() >= CLOSE_LOOK) {
            self.distrust.set(DISTRUST);
        }
    }

    /// Called around each poll.
    #[inline]
    pub(super) fn begin_poll(&self) {
        self.in_poll.set(true);
        self.sequence.set(self.sequence.get() + 1);
        // Ordering: Relaxed; the watchdog samples it.
        self.remote().sequence.store(self.sequence.get(), Ordering::Relaxed);
    }

    /// Called after each poll, if the worker is still installed here.
    #[inline]
    pub(super) fn end_poll(&self) {
        self.in_poll.set(false);
        self.sequence.set(self.sequence.get() + 1);
        let remote = self.remote();
        remote.sequence.store(self.sequence.get(), Ordering::Relaxed);
        if remote.open.load(Ordering::Relaxed) {
            self.close_queue();
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
        self.remote().called.forget();
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

    /// Takes completed tasks out of their homes' live sets and gives up those sets' references.
    pub(crate) fn flush_retired(&self) {
        let mut retired = self.retired.take();
        if retired.is_empty() {
            self.retired.replace(retired);
            return;
        }
        let home_of = |task: &NonNull<Header>| {
            // SAFETY: the live sets' references, which they leave to us here, keep the tasks.
            unsafe { task.as_ref().home }
        };
        retired.sort_unstable_by_key(home_of);
        for group in retired.chunk_by(|a, b| home_of(a) == home_of(b)) {
            // SAFETY: the home of a task of this runtime is a `WorkerHome`, `self.scheduler` keeps
            // it, and all tasks of the group are members of its set.
            unsafe {
                let home = home_of(&group[0]).cast::<WorkerHome>();
                home.as_ref().live.remove_all(group.iter().copied());
            }
        }
        for task in retired.drain(..) {
            // SAFETY: the set's reference is ours to give up.
            unsafe { header::release(task, 1) };
        }
        self.retired.replace(retired);
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
