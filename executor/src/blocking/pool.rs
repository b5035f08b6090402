//! The pool: jobs that are tasks, and a [`Crew`] that runs them.

use std::future::Future;
use std::io;
use std::pin::Pin;
use std::ptr::NonNull;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::task::{Context, Poll};

use super::crew::{Crew, Fate};
use super::queue_time::{QueueTime, Queued};
use crate::foreign::quietly;
use crate::runtime::config::Config;
use crate::runtime::{context, threads};
use crate::sync::Semaphore;
use crate::task::error::FailureHook;
use crate::task::header::Header;
use crate::task::live_set::LiveSet;
use crate::task::{Home, JoinHandle, Notified, Origin, TaskInfo, TaskRef, cancel, poll};
use crate::worker::Scheduler;

/// See the module's documentation.
pub(crate) struct Pool {
    crew: Crew<Queued>,
    /// Jobs queued or running.
    busy: AtomicUsize,
    queue_time: QueueTime,
    home: BlockingHome,
    /// What the threads of a pool with a name are called.
    name: Option<Box<str>>,
    /// Where those wait who have no room in such a pool yet.
    room: Option<Arc<Semaphore>>,
}

/// Where blocking jobs live.
struct BlockingHome {
    live: LiveSet,
    on_failure: FailureHook,
}

impl Pool {
    /// The pool that every runtime has.
    pub(crate) fn own(config: &Config) -> Pool {
        Pool {
            crew: Crew::new(config.max_blocking_threads, config.thread_keep_alive),
            busy: AtomicUsize::new(0),
            queue_time: QueueTime::default(),
            home: BlockingHome {
                live: LiveSet::new(),
                on_failure: config.on_unhandled_failure.clone(),
            },
            name: None,
            room: None,
        }
    }

    /// A pool with a name, and with as many permits in `room` as jobs may be in it.
    pub(super) fn named(config: &Config, name: Box<str>, room: Arc<Semaphore>) -> Pool {
        Pool { name: Some(name), room: Some(room), ..Pool::own(config) }
    }

    /// Queues a job.
    ///
    /// # Panics
    /// At the caller's line, if the pool has no thread and the system refuses to start one.
    #[track_caller]
    pub(crate) fn spawn<F, R>(
        self: &Arc<Pool>,
        scheduler: &Arc<Scheduler>,
        job: F,
        origin: Origin,
    ) -> JoinHandle<R>
    where
        F: FnOnce() -> R + Send + 'static,
        R: Send + 'static,
    {
        match self.try_spawn(scheduler, job, origin) {
            Ok(handle) => handle,
            Err(error) => panic!("{error}"),
        }
    }

    /// Queues a job. If the pool has no thread and the system refuses to start one, the job is
    /// dropped, and the error is the system's.
    pub(crate) fn try_spawn<F, R>(
        self: &Arc<Pool>,
        scheduler: &Arc<Scheduler>,
        job: F,
        origin: Origin,
    ) -> io::Result<JoinHandle<R>>
    where
        F: FnOnce() -> R + Send + 'static,
        R: Send + 'static,
    {
        // SAFETY: the home is part of the pool, which the threads that run jobs hold, and a job
        // that is never run is dropped here or in `close`; closure and result are `Send`.
        let (live, notified, handle) =
            unsafe { poll::allocate(Job(Some(job)), NonNull::from(&self.home), origin) };
        let Some(notified) = self.home.live.admit(live, notified) else { return Ok(handle) };
        // Ordering: Relaxed; only the paused clock asks.
        self.busy.fetch_add(1, Ordering::Relaxed);
        match self.crew.submit(Queued::now(notified), || self.start_thread(scheduler)) {
            Ok(Fate::Staffed) => {}
            Ok(Fate::Unstaffed) => self.cancel_queued(),
            Err(error) => {
                self.cancel_queued();
                let message = format!("cannot start a thread for blocking work: {error}");
                return Err(io::Error::new(error.kind(), message));
            }
        }
        Ok(handle)
    }

    fn start_thread(self: &Arc<Pool>, scheduler: &Arc<Scheduler>) -> io::Result<()> {
        let (pool, held) = (self.clone(), scheduler.clone());
        let body = move || {
            let _context = context::enter(&held);
            pool.work(&held);
        };
        match &self.name {
            Some(name) => threads::start_as(scheduler, name.to_string(), body),
            None => threads::start(scheduler, "heist-blocking", body),
        }
    }

    /// The life of a thread.
    fn work(self: &Arc<Pool>, scheduler: &Arc<Scheduler>) {
        let start = || self.start_thread(scheduler);
        let member = self.crew.join();
        let mut next = member.begin(start);
        while let Some(queued) = next {
            self.queue_time.count(&queued);
            scheduler.settle();
            queued.job.run();
            // Ordering: Relaxed; only the paused clock asks.
            self.busy.fetch_sub(1, Ordering::Relaxed);
            if self.busy.load(Ordering::Relaxed) == 0 {
                context::with_current(Scheduler::rouse_if_paused);
            }
            next = member.next(start);
        }
    }

    /// No job is accepted from now on, queued ones are cancelled, idle threads end, and nobody
    /// waits for room any more.
    pub(crate) fn close(&self) {
        self.home.live.close();
        self.crew.close();
        self.cancel_queued();
        if let Some(room) = &self.room {
            quietly(|| room.close());
        }
    }

    /// Nobody will spawn any more: the threads end when they have run what is queued.
    pub(super) fn finish(&self) {
        self.crew.close();
    }

    fn cancel_queued(&self) {
        while let Some(queued) = self.crew.take() {
            queued.job.cancel();
            self.busy.fetch_sub(1, Ordering::Relaxed);
        }
    }

    /// Jobs queued or running.
    pub(crate) fn busy(&self) -> usize {
        self.busy.load(Ordering::Relaxed)
    }

    pub(crate) fn queued(&self) -> usize {
        self.crew.queued()
    }

    pub(crate) fn threads(&self) -> usize {
        self.crew.threads()
    }

    pub(crate) fn idle_threads(&self) -> usize {
        self.crew.idle_threads()
    }

    pub(crate) fn queue_time(&self) -> &QueueTime {
        &self.queue_time
    }

    /// What is queued or running.
    pub(crate) fn infos(&self) -> Vec<TaskInfo> {
        let jobs = self.home.live.snapshot();
        let headers = jobs.iter().map(TaskRef::header);
        headers.filter(|job| !job.state.load().is_complete()).map(TaskInfo::read).collect()
    }
}

/// A closure as a future that is ready at its first poll.
struct Job<F>(Option<F>);

// The closure is never pinned.
impl<F> Unpin for Job<F> {}

impl<F: FnOnce() -> R, R> Future for Job<F> {
    type Output = R;

    fn poll(mut self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<R> {
        let job = self.0.take().expect("a job is run once");
        let _runs_through = cancel::enter_nothing();
        Poll::Ready(job())
    }
}

impl Home for BlockingHome {
    unsafe fn schedule(_: NonNull<BlockingHome>, _: Notified) {
        unreachable!("a blocking job is ready from the start and never pending")
    }

    unsafe fn reschedule(_: NonNull<BlockingHome>, _: Notified) {
        unreachable!("a blocking job is ready from the start and never pending")
    }

    unsafe fn retire(home: NonNull<BlockingHome>, task: NonNull<Header>) -> bool {
        // SAFETY: the caller is a thread of the pool, spawns into it or closes it, and so holds it;
        // a job is in its home's live set or was refused by it.
        unsafe { home.as_ref().live.remove(task) };
        true
    }

    unsafe fn failure_hook(home: NonNull<BlockingHome>) -> FailureHook {
        // SAFETY: as in `retire`.
        unsafe { home.as_ref().on_failure.clone() }
    }
}

/// Runs a job on the pool of the current runtime, or on a thread of its own where there is none. If
/// the system has no thread for it, the job is dropped.
pub(crate) fn run_detached(job: Box<dyn FnOnce() + Send>) {
    match context::current() {
        Some(scheduler) => {
            let origin = crate::task::spawn::origin_here();
            let _ = scheduler.blocking.own.try_spawn(&scheduler, job, origin);
        }
        None => {
            let _ = std::thread::Builder::new().spawn(job);
        }
    }
}
