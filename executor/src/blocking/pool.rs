//! The pool: jobs that are tasks, and a [`Crew`] that runs them.

use std::future::Future;
use std::io;
use std::pin::Pin;
use std::ptr::NonNull;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::task::{Context, Poll};

use super::crew::{Crew, Fate};
use crate::runtime::config::Config;
use crate::runtime::{context, threads};
use crate::task::error::FailureHook;
use crate::task::header::Header;
use crate::task::live_set::LiveSet;
use crate::task::{Home, JoinHandle, Notified, Origin, TaskInfo, TaskRef, cancel, poll};
use crate::worker::Scheduler;

/// See the module's documentation.
pub(crate) struct Pool {
    crew: Crew<Notified>,
    /// Jobs queued or running.
    busy: AtomicUsize,
    home: BlockingHome,
}

/// Where blocking jobs live.
struct BlockingHome {
    live: LiveSet,
    on_failure: FailureHook,
}

impl Pool {
    pub(crate) fn new(config: &Config) -> Pool {
        Pool {
            crew: Crew::new(config.max_blocking_threads, config.thread_keep_alive),
            busy: AtomicUsize::new(0),
            home: BlockingHome {
                live: LiveSet::new(),
                on_failure: config.on_unhandled_failure.clone(),
            },
        }
    }

    /// Queues a job.
    ///
    /// # Panics
    /// At the caller's line, if the pool has no thread and the system refuses to start one.
    #[track_caller]
    pub(crate) fn spawn<F, R>(scheduler: &Arc<Scheduler>, job: F, origin: Origin) -> JoinHandle<R>
    where
        F: FnOnce() -> R + Send + 'static,
        R: Send + 'static,
    {
        match Pool::try_spawn(scheduler, job, origin) {
            Ok(handle) => handle,
            Err(error) => panic!("{error}"),
        }
    }

    /// Queues a job. If the pool has no thread and the system refuses to start one, the job is
    /// dropped, and the error is the system's.
    pub(crate) fn try_spawn<F, R>(
        scheduler: &Arc<Scheduler>,
        job: F,
        origin: Origin,
    ) -> io::Result<JoinHandle<R>>
    where
        F: FnOnce() -> R + Send + 'static,
        R: Send + 'static,
    {
        let pool = &scheduler.blocking;
        // SAFETY: the home is part of the scheduler, which the threads that run jobs hold, and a
        // job that is never run is dropped in `close`; closure and result are `Send`.
        let (live, notified, handle) =
            unsafe { poll::allocate(Job(Some(job)), NonNull::from(&pool.home), origin) };
        let Some(notified) = pool.home.live.admit(live, notified) else { return Ok(handle) };
        // Ordering: Relaxed; only the paused clock asks.
        pool.busy.fetch_add(1, Ordering::Relaxed);
        match pool.crew.submit(notified, || pool.start_thread(scheduler)) {
            Ok(Fate::Staffed) => {}
            Ok(Fate::Unstaffed) => pool.cancel_queued(),
            Err(error) => {
                pool.cancel_queued();
                let message = format!("cannot start a thread for blocking work: {error}");
                return Err(io::Error::new(error.kind(), message));
            }
        }
        Ok(handle)
    }

    fn start_thread(&self, scheduler: &Arc<Scheduler>) -> io::Result<()> {
        let held = scheduler.clone();
        threads::start(scheduler, "heist-blocking", move || {
            let _context = context::enter(&held);
            held.blocking.work();
        })
    }

    /// The life of a thread.
    fn work(&self) {
        while let Some(job) = self.crew.next() {
            job.run();
            // Ordering: Relaxed; only the paused clock asks.
            self.busy.fetch_sub(1, Ordering::Relaxed);
            if self.busy.load(Ordering::Relaxed) == 0 {
                context::with_current(Scheduler::rouse_if_paused);
            }
        }
    }

    /// No job is accepted from now on, queued ones are cancelled, idle threads end.
    pub(crate) fn close(&self) {
        self.home.live.close();
        self.crew.close();
        self.cancel_queued();
    }

    fn cancel_queued(&self) {
        while let Some(job) = self.crew.take() {
            job.cancel();
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

    /// What is still running.
    pub(crate) fn infos(&self) -> Vec<TaskInfo> {
        let jobs = self.home.live.snapshot();
        jobs.iter().map(TaskRef::header).map(TaskInfo::read).collect()
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
        // SAFETY: the caller is a thread of the pool or closes it, and so holds the scheduler; a
        // job is in its home's live set or was refused by it.
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
            let _ = Pool::try_spawn(&scheduler, job, origin);
        }
        None => {
            let _ = std::thread::Builder::new().spawn(job);
        }
    }
}
