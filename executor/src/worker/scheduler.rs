//! What the workers of one runtime share, and the ways by which tasks get into it.
//!
//! Deliberately without a loop or a thread: those are in [`worker`](super), and starting and
//! ending them in [`runtime`](crate::runtime).

use std::future::Future;
use std::ptr::NonNull;
use std::sync::Arc;
use std::sync::Weak;
use std::sync::atomic::{AtomicBool, Ordering};

use crossbeam_utils::CachePadded;
use heist_io::Reactor;
use heist_timer::Timers;
use parking_lot::Mutex;

use super::dormant::{self, Dormant};
use super::downfall::Downfall;
use super::idle::Idle;
use super::local::{WorkerLocal, WorkerRemote};
use super::parker::{Seat, Unparked};
use super::place;
use super::relay::Relay;
use super::standstill::Standstill;
use super::wake_cost::WakeCost;
use super::watchdog::Watchdog;
use crate::blocking::Pools;
use crate::foreign::quietly;
use crate::queue::{Injector, LocalQueue};
use crate::report;
use crate::runtime::Id;
use crate::runtime::config::Config;
use crate::runtime::context;
use crate::runtime::shutdown::{self, Exit};
use crate::runtime::unhandled::{self, FatalFailure, UnhandledPanic};
use crate::task::error::FailureHook;
use crate::task::guests::Guests;
use crate::task::header::Header;
use crate::task::live_set::LiveSet;
use crate::task::{Home, JoinHandle, Notified, Origin, TaskInfo, TaskRef, poll};

/// See the module's documentation.
pub(crate) struct Scheduler {
    pub(crate) id: Id,
    pub(crate) remotes: Box<[CachePadded<WorkerRemote>]>,
    /// One a worker, and one for tasks spawned from elsewhere.
    pub(crate) homes: Box<[CachePadded<WorkerHome>]>,
    pub(crate) injector: Injector<Notified>,
    pub(crate) idle: Idle,
    pub(crate) dormant: Dormant,
    pub(crate) relay: Relay<Arc<WorkerLocal>>,
    pub(crate) wake_cost: WakeCost,
    pub(crate) seat: Seat,
    pub(crate) reactor: Arc<Reactor>,
    pub(crate) timers: Arc<Timers>,
    /// Looks after stuck workers; a lone worker has nobody who could take over.
    pub(crate) watchdog: Option<Watchdog>,
    pub(crate) blocking: Pools,
    pub(crate) guests: Guests,
    pub(crate) config: Config,
    pub(crate) exit: Exit,
    /// Who keeps a paused clock from moving.
    pub(crate) standstill: Standstill,
    /// There if a failure that nobody joins shuts the runtime down.
    pub(crate) downfall: Option<Downfall<FatalFailure>>,
    closing: AtomicBool,
    /// Whose turn it is to begin the closing.
    closing_turn: Mutex<()>,
}

/// Where tasks live: a live set and the way back to the scheduler.
pub(crate) struct WorkerHome {
    pub(crate) live: LiveSet,
    scheduler: *const Scheduler,
    /// The worker, or one past the last for tasks from elsewhere.
    pub(super) index: usize,
}

// SAFETY: the pointer is read-only, and what it points to is `Sync`; who may dereference it is
// said at `Header::home`.
unsafe impl Send for WorkerHome {}
// SAFETY: as above.
unsafe impl Sync for WorkerHome {}

impl Scheduler {
    /// The shared part for as many workers as there are queues.
    pub(crate) fn new(
        queues: &[LocalQueue<Notified>],
        mut config: Config,
        reactor: Arc<Reactor>,
        timers: impl FnOnce(Weak<Scheduler>) -> Arc<Timers>,
        watchdog: Option<Watchdog>,
    ) -> Arc<Scheduler> {
        let workers = queues.len();
        let may_come_down = config.unhandled_panic == UnhandledPanic::ShutdownRuntime;
        let id = Id::next();
        Arc::new_cyclic(|this| {
            if may_come_down {
                let hook = config.on_unhandled_failure.take();
                config.on_unhandled_failure = unhandled::shutting_down(hook, this.clone());
            }
            Scheduler {
                id,
                remotes: queues
                    .iter()
                    .map(|q| CachePadded::new(WorkerRemote::new(q.stealer())))
                    .collect(),
                homes: (0..=workers)
                    .map(|index| WorkerHome {
                        live: LiveSet::new(),
                        scheduler: this.as_ptr(),
                        index,
                    })
                    .map(CachePadded::new)
                    .collect(),
                injector: Injector::new(),
                // A lone worker has no thread of its own and is awake whenever somebody drives it.
                idle: if config.current_thread {
                    Idle::new(workers)
                } else {
                    Idle::dormant(workers)
                },
                dormant: Dormant::default(),
                relay: Relay::new(config.thread_keep_alive),
                wake_cost: WakeCost::new(),
                seat: Seat::new(),
                reactor,
                timers: timers(this.clone()),
                watchdog,
                blocking: Pools::new(&config),
                guests: Guests::new(id),
                exit: Exit::new(workers),
                standstill: Standstill::new(),
                downfall: may_come_down.then(Downfall::new),
                closing: AtomicBool::new(false),
                closing_turn: Mutex::new(()),
                config,
            }
        })
    }

    /// Spawns a task: into the queue of this thread's worker, or from outside.
    pub(crate) fn spawn<F>(&self, future: F, origin: Origin) -> JoinHandle<F::Output>
    where
        F: Future + Send + 'static,
        F::Output: Send + 'static,
    {
        // SAFETY: future and output are `Send`.
        unsafe { self.spawn_unchecked(future, origin) }
    }

    /// As [`spawn`](Scheduler::spawn).
    ///
    /// # Safety
    /// If the future or its output are not `Send`, this runtime's only worker runs on this thread
    /// and no other.
    pub(crate) unsafe fn spawn_unchecked<F>(
        &self,
        future: F,
        origin: Origin,
    ) -> JoinHandle<F::Output>
    where
        F: Future + 'static,
        F::Output: 'static,
    {
        let local = context::worker_of(self);
        let home = &*self.homes[local.map_or(self.remotes.len(), |local| local.index)];
        let eager = origin.eager;
        // SAFETY: homes end with the scheduler, which ends after the last task in their live sets
        // has completed; that future and output may be run here is passed on from the caller.
        let (live, notified, handle) =
            unsafe { poll::allocate(future, NonNull::from(home), origin) };
        if let Some(hook) = &self.config.on_task_spawn {
            quietly(|| hook(&TaskInfo::read(live.header())));
        }
        let Some(notified) = home.live.admit(live, notified) else { return handle };
        match local {
            _ if eager => notified.run_nested(),
            Some(local) => local.push_spawned(notified),
            None => self.inject(notified),
        }
        handle
    }

    /// Queues a task from outside the workers and wakes one if nobody would find it.
    pub(crate) fn inject(&self, task: Notified) {
        self.injector.push(task);
        if self.idle.look().wants_wake() {
            self.wake_one();
        }
    }

    /// Wakes one parked worker to search, unless somebody searches already.
    pub(crate) fn wake_one(&self) {
        if let Some(worker) = self.idle.choose_if_needed(self.spares_the_driver()) {
            self.unpark(worker);
        }
    }

    /// As [`wake_one`](Scheduler::wake_one), for a busy worker, which goes on running: it takes the time,
    /// and rather wakes one from [elsewhere](place).
    pub(crate) fn call_one(&self) {
        let here = place::current();
        let spares_the_driver = self.spares_the_driver();
        let is_here = |worker: usize| self.remotes[worker].place() == here;
        let reluctance = |worker| 2 * u32::from(is_here(worker)) + spares_the_driver(worker);
        if let Some(worker) = self.idle.choose_if_needed(reluctance) {
            self.wake_cost.call(&self.remotes[worker].called);
            self.unpark(worker);
        }
    }

    /// A worker in the reactor is spared: it is woken by the kernel for what comes next.
    fn spares_the_driver(&self) -> impl Fn(usize) -> u32 {
        let driver = self.seat.holder();
        move |worker| u32::from(Some(worker) == driver)
    }

    /// Makes a parked worker look at everything again, if there is one.
    pub(crate) fn rouse_one(&self) {
        if let Some(worker) = self.idle.choose(self.spares_the_driver()) {
            self.unpark(worker);
        }
    }

    /// Unparks a worker wherever it waits, and be it for its thread to be started.
    pub(crate) fn unpark(&self, worker: usize) {
        if let Some(dormant) = self.dormant.take(worker) {
            if let Err(error) = dormant::start(dormant) {
                report::warn(format_args!(
                    "a runtime goes on with fewer threads than workers: {error}"
                ));
                if !self.injector.is_empty() {
                    self.wake_one();
                }
            }
            return;
        }
        match self.remotes[worker].parker.unpark() {
            Unparked::Done => {}
            Unparked::NotifyReactor => self.reactor.notify(),
        }
    }

    /// Whether shutdown has begun.
    #[inline]
    pub(crate) fn is_closing(&self) -> bool {
        // Ordering: Acquire, pairs with the store in `begin_closing`.
        self.closing.load(Ordering::Acquire)
    }

    /// No task is accepted from now on, and the workers end after their current poll. Once is
    /// enough, but a failure and a shutdown may come to it at the same time.
    pub(crate) fn begin_closing(&self) {
        let turn = self.closing_turn.lock();
        if self.is_closing() {
            return;
        }
        for home in &self.homes {
            home.live.close();
        }
        // Those without a thread leave here. None is the last, unless there is no thread at all,
        // since the others do not leave before the next step, which nobody does out of turn.
        for worker in self.dormant.take_all() {
            shutdown::leave(worker);
        }
        // Ordering: Release, pairs with `is_closing`.
        self.closing.store(true, Ordering::Release);
        drop(turn);
        for worker in 0..self.remotes.len() {
            self.unpark(worker);
        }
        if let Some(watchdog) = &self.watchdog {
            watchdog.end();
        }
    }

    /// Whether the runtime has no worker threads of its own.
    pub(crate) fn is_current_thread(&self) -> bool {
        self.config.current_thread
    }

    /// Called by every thread that was parked, idle or not there yet, before it runs: a paused clock
    /// does not move any more until it is at rest.
    pub(crate) fn settle(&self) {
        self.standstill.settle(|| self.timers.clock().is_paused());
    }

    /// Whether nobody but workers is active.
    pub(crate) fn is_at_rest(&self) -> bool {
        !self.standstill.is_active() && self.blocking.busy() == 0
    }

    /// Somebody who is no worker has come to rest.
    pub(crate) fn leave_standstill(&self) {
        self.standstill.leave();
        self.rouse_if_paused();
    }

    /// Something outside has come to rest: with the clock paused, a worker must look whether time
    /// can pass now.
    pub(crate) fn rouse_if_paused(&self) {
        if self.timers.clock().is_paused() {
            self.rouse_one();
        }
    }

    /// References to all live tasks.
    pub(crate) fn live_tasks(&self) -> Vec<TaskRef> {
        let mut tasks = Vec::new();
        for home in &self.homes {
            tasks.append(&mut home.live.snapshot());
        }
        tasks.retain(|task| !task.header().state.load().is_complete());
        tasks
    }

    /// What all live tasks are doing, oldest id first.
    pub(crate) fn task_infos(&self) -> Vec<TaskInfo> {
        let mut infos: Vec<_> =
            self.live_tasks().iter().map(|task| TaskInfo::read(task.header())).collect();
        infos.sort_by_key(TaskInfo::id);
        infos
    }

    /// The same of tasks and blocking jobs.
    pub(crate) fn own_infos(&self) -> Vec<TaskInfo> {
        let mut infos = self.task_infos();
        infos.append(&mut self.blocking.infos());
        infos.sort_by_key(TaskInfo::id);
        infos
    }

    /// The same of tasks, blocking jobs, and the tasks of local sets that are driven here.
    pub(crate) fn all_infos(&self) -> Vec<TaskInfo> {
        let mut infos = self.own_infos();
        infos.append(&mut self.guests.infos());
        infos.sort_by_key(TaskInfo::id);
        infos
    }
}

impl std::fmt::Debug for Scheduler {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Scheduler")
            .field("workers", &self.remotes.len())
            .field("idle", &self.idle.glance())
            .field("injected", &self.injector.len())
            .finish_non_exhaustive()
    }
}

impl Home for WorkerHome {
    unsafe fn schedule(home: NonNull<WorkerHome>, task: Notified) {
        // SAFETY: `task` is not complete, so its home and scheduler exist now.
        let scheduler = unsafe { home.as_ref() }.scheduler;
        // SAFETY: as above.
        if let Some(local) = context::worker_of(unsafe { &*scheduler }) {
            // The worker holds the scheduler.
            local.push_woken(task);
            return;
        }
        // A foreign thread: once the task is in the injector it can run and end, and the runtime
        // with it, while this thread still wakes a worker. So hold the runtime meanwhile.
        // SAFETY: `scheduler` came from `Arc::new_cyclic`, and exists now by the reasons above.
        let scheduler = unsafe {
            Arc::increment_strong_count(scheduler);
            Arc::from_raw(scheduler)
        };
        scheduler.inject(task);
    }

    unsafe fn reschedule(home: NonNull<WorkerHome>, task: Notified) {
        // SAFETY: `task` is not complete, so its home and scheduler exist now.
        let scheduler = unsafe { &*home.as_ref().scheduler };
        match context::worker_of(scheduler) {
            Some(local) => local.push_yielded(task),
            // The worker was handed over in `block_in_place` during this poll.
            // SAFETY: passed on from the caller.
            None => unsafe { WorkerHome::schedule(home, task) },
        }
    }

    unsafe fn retire(home: NonNull<WorkerHome>, task: NonNull<Header>) -> bool {
        // SAFETY: the caller is a worker or ends the runtime, and so holds the scheduler.
        let home = unsafe { home.as_ref() };
        // SAFETY: as above.
        let scheduler = unsafe { &*home.scheduler };
        if let Some(hook) = &scheduler.config.on_task_terminate {
            // SAFETY: the live set's reference keeps the task.
            let info = TaskInfo::read(unsafe { task.as_ref() });
            quietly(|| hook(&info));
        }
        match context::worker_of(scheduler) {
            Some(local) if local.index != home.index => {
                local.retire(task);
                false
            }
            _ => {
                // SAFETY: a task is in the live set of its home until it is retired, or was
                // refused by it.
                unsafe { home.live.remove(task) };
                true
            }
        }
    }

    unsafe fn failure_hook(home: NonNull<WorkerHome>) -> FailureHook {
        // SAFETY: the caller is a worker or ends the runtime, and so holds the scheduler.
        unsafe { (*home.as_ref().scheduler).config.on_unhandled_failure.clone() }
    }
}
