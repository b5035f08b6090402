//! The pool: a queue of jobs, and threads that take from it.

use std::future::Future;
use std::pin::Pin;
use std::ptr::NonNull;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::task::{Context, Poll};
use std::time::{Duration, Instant};

use super::population::{Population, Staff};
use crate::queue::Injector;
use crate::runtime::config::Config;
use crate::runtime::{context, threads};
use crate::shim::{Condvar, Mutex};
use crate::task::error::FailureHook;
use crate::task::header::Header;
use crate::task::live_set::LiveSet;
use crate::task::{Home, JoinHandle, Notified, Origin, TaskInfo, TaskRef, poll};
use crate::worker::Scheduler;

/// See the module's documentation.
pub(crate) struct Pool {
    queue: Injector<Notified>,
    population: Population,
    /// Wakes that claimed threads have not consumed yet.
    permits: Mutex<usize>,
    permit_given: Condvar,
    closed: AtomicBool,
    /// Jobs queued or running.
    busy: AtomicUsize,
    home: BlockingHome,
    max_threads: usize,
    keep_alive: Duration,
}

/// Where blocking jobs live.
struct BlockingHome {
    live: LiveSet,
    on_failure: FailureHook,
}

impl Pool {
    pub(crate) fn new(config: &Config) -> Pool {
        Pool {
            queue: Injector::new(),
            population: Population::new(),
            permits: Mutex::new(0),
            permit_given: Condvar::new(),
            closed: AtomicBool::new(false),
            busy: AtomicUsize::new(0),
            home: BlockingHome {
                live: LiveSet::new(),
                on_failure: config.on_unhandled_failure.clone(),
            },
            max_threads: config.max_blocking_threads,
            keep_alive: config.thread_keep_alive,
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
        let pool = &scheduler.blocking;
        // SAFETY: the home is part of the scheduler, which the threads that run jobs hold, and a
        // job that is never run is dropped in `close`; closure and result are `Send`.
        let (live, notified, handle) =
            unsafe { poll::allocate(Job(Some(job)), NonNull::from(&pool.home), origin) };
        if let Err(live) = pool.home.live.insert(live) {
            live.abort();
            LiveSet::mark_absent(live);
            notified.run();
            return handle;
        }
        // Ordering: Relaxed; only the paused clock asks.
        pool.busy.fetch_add(1, Ordering::Relaxed);
        pool.queue.push(notified);
        let mut max = pool.max_threads;
        loop {
            match pool.population.staff(max) {
                Staff::Busy => break,
                Staff::Wake => {
                    pool.give_permit();
                    break;
                }
                Staff::Start => match pool.start_thread(scheduler) {
                    Ok(()) => break,
                    Err(error) => {
                        pool.population.lose_thread();
                        // The threads there are must do; without any the job cannot be run.
                        max = 0;
                        if pool.population.threads() == 0 {
                            pool.cancel_queued();
                            panic!("cannot start a thread for blocking work: {error}");
                        }
                    }
                },
                Staff::Nobody => {
                    pool.cancel_queued();
                    break;
                }
            }
        }
        // The pool may have been closed between the insertion and the push.
        if pool.closed.load(Ordering::SeqCst) {
            pool.cancel_queued();
        }
        handle
    }

    fn start_thread(&self, scheduler: &Arc<Scheduler>) -> std::io::Result<()> {
        let held = scheduler.clone();
        threads::start(scheduler, "heist-blocking", move || {
            let _context = context::enter(&held);
            held.blocking.work();
        })
    }

    /// The life of a thread.
    fn work(&self) {
        loop {
            while let Some(job) = self.queue.pop() {
                job.run();
                // Ordering: Relaxed; only the paused clock asks.
                self.busy.fetch_sub(1, Ordering::Relaxed);
                if self.busy.load(Ordering::Relaxed) == 0 {
                    context::with_current(Scheduler::rouse_if_paused);
                }
            }
            self.population.rest();
            if !self.queue.is_empty() && self.population.unrest(false) {
                continue;
            }
            if !self.await_permit() {
                return;
            }
        }
    }

    /// Waits to be claimed; false if the thread has ended its claim on life instead.
    fn await_permit(&self) -> bool {
        let deadline = Instant::now().checked_add(self.keep_alive);
        let mut permits = self.permits.lock();
        loop {
            if *permits > 0 {
                *permits -= 1;
                return true;
            }
            let expired = deadline.is_some_and(|deadline| Instant::now() >= deadline);
            if (expired || self.closed.load(Ordering::SeqCst)) && self.population.unrest(true) {
                return false;
            }
            match deadline {
                // Claimed at the last moment: the permit comes without a deadline.
                Some(deadline) if !expired => {
                    self.permit_given.wait_until(&mut permits, deadline);
                }
                _ => self.permit_given.wait(&mut permits),
            }
        }
    }

    fn give_permit(&self) {
        *self.permits.lock() += 1;
        self.permit_given.notify_one();
    }

    /// No job is accepted from now on, queued ones are cancelled, idle threads end.
    pub(crate) fn close(&self) {
        self.home.live.close();
        // Ordering: SeqCst, against the load in `spawn`: either the job is seen here or the
        // closing there.
        self.closed.store(true, Ordering::SeqCst);
        self.cancel_queued();
        let _permits = self.permits.lock();
        self.permit_given.notify_all();
    }

    fn cancel_queued(&self) {
        while let Some(job) = self.queue.pop() {
            let _ = job.header().state.abort();
            job.run();
            self.busy.fetch_sub(1, Ordering::Relaxed);
        }
    }

    /// Jobs queued or running.
    pub(crate) fn busy(&self) -> usize {
        self.busy.load(Ordering::Relaxed)
    }

    pub(crate) fn queued(&self) -> usize {
        self.queue.len()
    }

    pub(crate) fn threads(&self) -> usize {
        self.population.threads()
    }

    pub(crate) fn idle_threads(&self) -> usize {
        self.population.idle()
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
        // job is in its home's live set or marked absent.
        unsafe { home.as_ref().live.remove(task) };
        true
    }

    unsafe fn failure_hook(home: NonNull<BlockingHome>) -> FailureHook {
        // SAFETY: as in `retire`.
        unsafe { home.as_ref().on_failure.clone() }
    }
}
