//! What a runtime counts. Workers write plain counters of their own; reading adds them up.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use crate::worker::Scheduler;
use crate::worker::local::WorkerRemote;

/// A view of a runtime's counters; see [`Handle::metrics`](super::Handle::metrics).
///
/// All figures are read while the runtime goes on, so they belong to about the same moment.
///
/// # Examples
/// ```
/// let runtime = heist::runtime::Builder::new_multi_thread().worker_threads(2).build().unwrap();
/// runtime.spawn(std::future::pending::<()>());
/// let metrics = runtime.metrics();
/// assert_eq!(metrics.num_workers(), 2);
/// assert_eq!(metrics.num_alive_tasks(), 1);
/// println!("{} polls, {} parks", metrics.poll_count(), metrics.park_count());
/// ```
#[derive(Clone)]
pub struct RuntimeMetrics {
    scheduler: Arc<Scheduler>,
}

impl RuntimeMetrics {
    pub(crate) fn new(scheduler: Arc<Scheduler>) -> RuntimeMetrics {
        RuntimeMetrics { scheduler }
    }

    fn sum(&self, of: impl Fn(&WorkerRemote) -> u64) -> u64 {
        self.scheduler.remotes.iter().map(|remote| of(remote)).sum()
    }

    /// Worker threads; one on a current-thread runtime.
    pub fn num_workers(&self) -> usize {
        self.scheduler.remotes.len()
    }

    /// Tasks that have been spawned and have not ended, without blocking jobs and without those of a
    /// [`LocalSet`](crate::task::LocalSet). Takes each live set's lock for an instant.
    pub fn num_alive_tasks(&self) -> usize {
        self.scheduler.homes.iter().map(|home| home.live.len()).sum()
    }

    /// Tasks in the injector, the queue for everybody outside the workers.
    pub fn global_queue_depth(&self) -> usize {
        self.scheduler.injector.len()
    }

    /// Tasks in the queue of one worker.
    ///
    /// # Panics
    /// If there is no such worker.
    #[track_caller]
    pub fn worker_local_queue_depth(&self, worker: usize) -> usize {
        self.worker(worker).stealer.len()
    }

    /// How often one worker has gone to sleep.
    ///
    /// # Panics
    /// If there is no such worker.
    #[track_caller]
    pub fn worker_park_count(&self, worker: usize) -> u64 {
        self.worker(worker).counters.parks.get()
    }

    /// How many polls one worker has begun.
    ///
    /// # Panics
    /// If there is no such worker.
    #[track_caller]
    pub fn worker_poll_count(&self, worker: usize) -> u64 {
        self.worker(worker).progress.sequence().div_ceil(2)
    }

    #[track_caller]
    fn worker(&self, worker: usize) -> &WorkerRemote {
        let remotes = &self.scheduler.remotes;
        assert!(worker < remotes.len(), "there is no worker {worker}: there are {}", remotes.len());
        &remotes[worker]
    }

    /// Polls begun by all workers.
    pub fn poll_count(&self) -> u64 {
        self.sum(|worker| worker.progress.sequence().div_ceil(2))
    }

    /// How often workers have gone to sleep.
    pub fn park_count(&self) -> u64 {
        self.sum(|worker| worker.counters.parks.get())
    }

    /// How often a worker has stolen from another.
    pub fn steal_count(&self) -> u64 {
        self.sum(|worker| worker.counters.steals.get())
    }

    /// How many tasks have changed workers by being stolen.
    pub fn stolen_task_count(&self) -> u64 {
        self.sum(|worker| worker.counters.stolen_tasks.get())
    }

    /// How often the reactor was asked for events.
    pub fn reactor_turn_count(&self) -> u64 {
        self.sum(|worker| worker.counters.reactor_turns.get())
    }

    /// Sockets and other sources registered with the reactor.
    pub fn num_io_sources(&self) -> usize {
        self.scheduler.reactor.registered()
    }

    /// Timers pending.
    pub fn num_timers(&self) -> usize {
        self.scheduler.timers.len()
    }

    /// Threads of the blocking pool.
    pub fn num_blocking_threads(&self) -> usize {
        self.scheduler.blocking.own.threads()
    }

    /// Threads of the blocking pool that have nothing to do.
    pub fn num_idle_blocking_threads(&self) -> usize {
        self.scheduler.blocking.own.idle_threads()
    }

    /// Jobs that wait for a thread of the blocking pool.
    pub fn blocking_queue_depth(&self) -> usize {
        self.scheduler.blocking.own.queued()
    }

    /// Jobs that threads of the blocking pool have taken up, to run them, or to drop those that were
    /// aborted in the queue. A [`BlockingPool`](crate::task::BlockingPool) has counters of its own.
    pub fn blocking_job_count(&self) -> u64 {
        self.scheduler.blocking.own.queue_time().jobs()
    }

    /// How long all these jobs together waited, from their spawns until a thread took them up:
    /// behind other jobs, or for a thread to be woken or started. Divided by
    /// [`blocking_job_count`](RuntimeMetrics::blocking_job_count), the average.
    pub fn blocking_queue_time(&self) -> Duration {
        self.scheduler.blocking.own.queue_time().total()
    }

    /// How long the job waited that has waited longest.
    pub fn blocking_queue_time_max(&self) -> Duration {
        self.scheduler.blocking.own.queue_time().longest()
    }
}

impl fmt::Debug for RuntimeMetrics {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RuntimeMetrics")
            .field("workers", &self.num_workers())
            .field("alive_tasks", &self.num_alive_tasks())
            .field("polls", &self.poll_count())
            .field("parks", &self.park_count())
            .field("steals", &self.steal_count())
            .finish_non_exhaustive()
    }
}
