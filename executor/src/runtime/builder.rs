//! [`Builder`]: everything that can be decided about a runtime, with defaults that serve a server.

use std::fmt;
use std::io;
use std::sync::Arc;
use std::time::Duration;

use heist_io::Reactor;
use heist_timer::{Clock, Timers};

use super::block_on::Lone;
use super::config::Config;
use super::debugging::Debugging;
use super::{Flavor, LocalOptions, LocalRuntime, Runtime, UnhandledPanic, slow_polls, workers};
use crate::queue::LocalQueue;
use crate::task::{Failure, TaskInfo};
use crate::worker::watchdog::Watchdog;
use crate::worker::{Scheduler, WorkerLocal};

/// Builds a [`Runtime`].
///
/// Hooks are called on the runtime's own threads and should be short. One that panics has been
/// called, and that is all: the panic ends there, after the process's panic hook has told of it.
///
/// I/O and time are always there; [`enable_all`](Builder::enable_all) and its kin are accepted for
/// programs that come from tokio and change nothing.
///
/// # Examples
/// ```
/// let runtime = heist::runtime::Builder::new_multi_thread()
///     .worker_threads(2)
///     .thread_name("app")
///     .build()
///     .unwrap();
/// assert_eq!(runtime.block_on(async { 1 + 1 }), 2);
/// ```
pub struct Builder {
    flavor: Flavor,
    worker_threads: Option<usize>,
    start_paused: bool,
    debug: Option<bool>,
    slow_poll: Duration,
    io_events: usize,
    config: Config,
}

impl Builder {
    /// A runtime with one worker thread a core.
    pub fn new_multi_thread() -> Builder {
        Builder::new(Flavor::MultiThread)
    }

    /// A runtime without threads of its own: tasks run on the thread that calls `block_on`.
    pub fn new_current_thread() -> Builder {
        Builder::new(Flavor::CurrentThread)
    }

    fn new(flavor: Flavor) -> Builder {
        let config =
            Config { current_thread: flavor == Flavor::CurrentThread, ..Config::default() };
        Builder {
            flavor,
            worker_threads: None,
            start_paused: false,
            debug: None,
            slow_poll: slow_polls::LONG,
            // As tokio.
            io_events: 1024,
            config,
        }
    }

    /// How many workers a multi-thread runtime has. Default: `HEIST_WORKER_THREADS` from the
    /// environment, else the number of cores that the process may use. Without effect on a
    /// current-thread runtime.
    ///
    /// # Panics
    /// If it is zero.
    #[track_caller]
    pub fn worker_threads(&mut self, workers: usize) -> &mut Builder {
        assert!(workers > 0, "a runtime needs at least one worker thread: `worker_threads(0)`");
        self.worker_threads = Some(workers);
        self
    }

    /// How many threads the blocking pool may have. Default: 512.
    ///
    /// # Panics
    /// If it is zero.
    #[track_caller]
    pub fn max_blocking_threads(&mut self, threads: usize) -> &mut Builder {
        assert!(threads > 0, "the blocking pool needs a thread: `max_blocking_threads(0)`");
        self.config.max_blocking_threads = threads;
        self
    }

    /// How long a thread of the blocking pool stays when it has nothing to do. Default: 10 s.
    ///
    /// Jobs go to the thread that became free last, so those that a burst has left over end although
    /// jobs keep coming.
    pub fn thread_keep_alive(&mut self, duration: Duration) -> &mut Builder {
        self.config.thread_keep_alive = duration;
        self
    }

    /// The name of the runtime itself, for [`Handle::name`](super::Handle::name). Default: none.
    ///
    /// # Panics
    /// If it is empty.
    #[track_caller]
    pub fn name(&mut self, name: impl Into<String>) -> &mut Builder {
        let name = name.into();
        assert!(!name.is_empty(), "the name of a runtime must not be empty: `name(\"\")`");
        self.config.name = Some(name.into());
        self
    }

    /// The name of all threads of the runtime. Default: by their work, as `heist-worker-0`.
    pub fn thread_name(&mut self, name: impl Into<String>) -> &mut Builder {
        let name = name.into();
        self.thread_name_fn(move || name.clone())
    }

    /// A function that names each thread of the runtime as it starts. If it panics, the thread has
    /// the default name.
    pub fn thread_name_fn<F>(&mut self, name: F) -> &mut Builder
    where
        F: Fn() -> String + Send + Sync + 'static,
    {
        self.config.thread_name = Some(Arc::new(name));
        self
    }

    /// The stack size of the runtime's threads, in bytes. Default: that of the standard library.
    pub fn thread_stack_size(&mut self, bytes: usize) -> &mut Builder {
        self.config.thread_stack_size = Some(bytes);
        self
    }

    /// Called on each thread of the runtime before its first work.
    pub fn on_thread_start<F: Fn() + Send + Sync + 'static>(&mut self, hook: F) -> &mut Builder {
        self.config.on_thread_start = Some(Arc::new(hook));
        self
    }

    /// Called on each thread of the runtime after its last work.
    pub fn on_thread_stop<F: Fn() + Send + Sync + 'static>(&mut self, hook: F) -> &mut Builder {
        self.config.on_thread_stop = Some(Arc::new(hook));
        self
    }

    /// Called by each worker just before it sleeps.
    pub fn on_thread_park<F: Fn() + Send + Sync + 'static>(&mut self, hook: F) -> &mut Builder {
        self.config.on_thread_park = Some(Arc::new(hook));
        self
    }

    /// Called by each worker just after it has slept.
    pub fn on_thread_unpark<F: Fn() + Send + Sync + 'static>(&mut self, hook: F) -> &mut Builder {
        self.config.on_thread_unpark = Some(Arc::new(hook));
        self
    }

    /// Called on the spawning thread for each new task, before it can run. In tokio this is
    /// unstable.
    pub fn on_task_spawn<F>(&mut self, hook: F) -> &mut Builder
    where
        F: Fn(&TaskInfo) + Send + Sync + 'static,
    {
        self.config.on_task_spawn = Some(Arc::new(hook));
        self
    }

    /// Called for each task when it has ended, however it ended. In tokio this is unstable.
    pub fn on_task_terminate<F>(&mut self, hook: F) -> &mut Builder
    where
        F: Fn(&TaskInfo) + Send + Sync + 'static,
    {
        self.config.on_task_terminate = Some(Arc::new(hook));
        self
    }

    /// Called when a task has panicked and nobody will ever join it. Default: it is
    /// reported with the task's name and spawn location, with the feature `tracing` as an error with the
    /// target `heist`, if somebody listens, and else on standard error. tokio drops such panics
    /// silently. What follows is for [`unhandled_panic`](Builder::unhandled_panic) to say.
    pub fn on_unhandled_failure<F>(&mut self, hook: F) -> &mut Builder
    where
        F: Fn(&Failure<'_>) + Send + Sync + 'static,
    {
        self.config.on_unhandled_failure = Some(Arc::new(hook));
        self
    }

    /// What follows when a task has panicked and nobody will ever join it. Default:
    /// [`UnhandledPanic::Ignore`], which tells of it and goes on.
    ///
    /// With [`UnhandledPanic::ShutdownRuntime`] the failure is told of in the same way, and then the
    /// runtime shuts down without waiting for anything. All tasks are cancelled, queued blocking
    /// jobs too, and what is spawned afterwards is cancelled at once. Each `block_on` on the runtime,
    /// whether it is running or called later, panics at its caller's line, in words that name the
    /// failure. The runtime can then be dropped or shut down as any other; the
    /// [report](super::ShutdownReport) names the tasks that the failure has cancelled. On a
    /// current-thread runtime they are dropped by the thread inside `block_on`, and if there is
    /// none, by the next one or with the runtime.
    ///
    /// It applies wherever [`on_unhandled_failure`](Builder::on_unhandled_failure) does: to tasks,
    /// to blocking jobs, also those of a [`BlockingPool`](crate::task::BlockingPool), and to tasks
    /// of a [`LocalSet`](crate::task::LocalSet) that panic while this runtime is the current one.
    /// A failure that comes when the runtime is being shut down changes nothing.
    ///
    /// # Differs from tokio
    /// There this is unstable, for the current-thread flavour only, and any panic of a task shuts
    /// the runtime down. Here one that somebody joins is handled, even if the
    /// [`JoinError`](crate::task::JoinError) is then dropped unread; it is the loss of the handle
    /// that counts, be it before the panic or after it.
    ///
    /// # Examples
    /// ```
    /// use heist::runtime::{Builder, UnhandledPanic};
    ///
    /// let runtime = Builder::new_current_thread()
    ///     .unhandled_panic(UnhandledPanic::ShutdownRuntime)
    ///     .build()
    ///     .unwrap();
    /// runtime.spawn(async { panic!("a broken invariant") });
    /// let ended = std::panic::catch_unwind(|| runtime.block_on(std::future::pending::<()>()));
    /// let message = ended.unwrap_err().downcast::<String>().unwrap();
    /// assert!(message.contains("a broken invariant"));
    /// ```
    pub fn unhandled_panic(&mut self, behavior: UnhandledPanic) -> &mut Builder {
        self.config.unhandled_panic = behavior;
        self
    }

    /// Starts with the clock paused, for tests; see [`time::pause`](crate::time::pause). Unlike
    /// tokio's it works on both flavours.
    pub fn start_paused(&mut self, paused: bool) -> &mut Builder {
        self.start_paused = paused;
        self
    }

    /// Whether mistakes are looked for that cost too much to look for always; asyncio's debug mode.
    /// Default: whether `HEIST_DEBUG` in the environment is `1`, so that a program need not be built
    /// anew. tokio has nothing like it.
    ///
    /// Each mistake is reported once for its place in the program: with the feature `tracing` as a
    /// warning with the target `heist`, if somebody listens, and else on standard error.
    ///
    /// * A poll that keeps its worker for 100 ms or more, or what
    ///   [`slow_poll_threshold`](Builder::slow_poll_threshold) says, with the task's name and spawn
    ///   location. Also one of the future of `block_on`, with the line of that call, and of the tasks of
    ///   a [`LocalSet`](crate::task::LocalSet). Not one in which
    ///   [`block_in_place`](crate::task::block_in_place) was called.
    /// * A future of Heist's that async code drops without ever having polled it: a `sleep`, a `lock`,
    ///   a `write_all` whose `.await` was forgotten. Not what `select!`, a time-out or the end of a
    ///   task gives up; but what another crate's combinator gives up before its first poll is
    ///   reported, too. Not looked at: what may be made and left, as a `JoinHandle`, a `oneshot`
    ///   receiver, a `Notified`, or a command whose process has been started with it; and the program's own
    ///   async functions, of which the compiler warns.
    /// * An [`io::BufWriter`](crate::io::BufWriter) or [`BufStream`](crate::io::BufStream) that is
    ///   dropped or taken apart with bytes in its buffer, and an [`fs::File`](crate::fs::File) that is
    ///   dropped before anybody has seen that a write has failed.
    /// * A [`Handle`](super::Handle) with which something is to be run after the runtime's shutdown.
    ///
    /// The runtime that counts is the one that the mistake is made on, or the handle leads to. A panic
    /// that nobody joins is [always reported](Builder::on_unhandled_failure).
    ///
    /// Costs about 100 ns a poll. What is reported needs no memory but that of its places.
    pub fn debug(&mut self, debug: bool) -> &mut Builder {
        self.debug = Some(debug);
        self
    }

    /// How long a poll may keep its worker before the [debug mode](Builder::debug) reports it. Default:
    /// 100 ms. Does not turn the debug mode on. asyncio's `slow_callback_duration`.
    pub fn slow_poll_threshold(&mut self, duration: Duration) -> &mut Builder {
        self.slow_poll = duration;
        self
    }

    /// Accepted for compatibility with tokio: everything is enabled.
    pub fn enable_all(&mut self) -> &mut Builder {
        self
    }

    /// Accepted for compatibility with tokio: I/O is always enabled.
    pub fn enable_io(&mut self) -> &mut Builder {
        self
    }

    /// Accepted for compatibility with tokio: time is always enabled.
    pub fn enable_time(&mut self) -> &mut Builder {
        self
    }

    /// How many events of I/O are fetched at a time; more come with the next look. Default: 1024.
    ///
    /// # Panics
    /// If it is zero.
    #[track_caller]
    pub fn max_io_events_per_tick(&mut self, events: usize) -> &mut Builder {
        assert!(events > 0, "I/O needs events: `max_io_events_per_tick(0)`");
        self.io_events = events;
        self
    }

    /// Accepted for compatibility with tokio: how often a busy worker looks at I/O and timers goes
    /// by the clock here, not by the number of tasks.
    pub fn event_interval(&mut self, _tasks: u32) -> &mut Builder {
        self
    }

    /// Accepted for compatibility with tokio: how often a busy worker looks at the injector is
    /// fixed here.
    pub fn global_queue_interval(&mut self, _tasks: u32) -> &mut Builder {
        self
    }

    /// Builds the runtime and starts its workers.
    ///
    /// # Errors
    /// If the system refuses an epoll or event descriptor or a thread, or if
    /// `HEIST_WORKER_THREADS` is not a number above zero.
    pub fn build(&mut self) -> io::Result<Runtime> {
        super::host::install();
        let debug =
            self.debug.unwrap_or_else(|| std::env::var("HEIST_DEBUG").is_ok_and(|v| v == "1"));
        self.config.debugging = debug.then(|| Arc::new(Debugging::new(self.slow_poll)));
        let workers = match self.flavor {
            Flavor::CurrentThread => 1,
            Flavor::MultiThread => match self.worker_threads {
                Some(workers) => workers,
                None => workers::default_number()?,
            },
        };
        let reactor = Reactor::new(self.io_events)?;
        let clock = if self.start_paused { Clock::paused() } else { Clock::real() };
        let watchdog = if workers > 1 { Some(Watchdog::new()?) } else { None };
        let queues: Vec<_> = (0..workers).map(|_| LocalQueue::new()).collect();
        let timers = |scheduler: std::sync::Weak<Scheduler>| {
            let rouse = move |worker| {
                if let Some(scheduler) = scheduler.upgrade() {
                    scheduler.unpark(worker);
                }
            };
            Timers::new(clock, workers, Box::new(rouse))
        };
        let scheduler = Scheduler::new(&queues, self.config.clone(), reactor, timers, watchdog);
        let mut workers: Vec<_> = queues
            .into_iter()
            .enumerate()
            .map(|(index, queue)| Arc::new(WorkerLocal::new(index, scheduler.clone(), queue)))
            .collect();
        match self.flavor {
            Flavor::CurrentThread => {
                let lone = workers.pop().map(Lone::new);
                Ok(Runtime::of(scheduler, lone))
            }
            Flavor::MultiThread => workers::start(scheduler, workers),
        }
    }

    /// Builds a current-thread runtime that can also spawn futures which are not `Send`.
    ///
    /// # Errors
    /// As [`build`](Builder::build).
    ///
    /// # Panics
    /// On a builder for a multi-thread runtime.
    #[track_caller]
    pub fn build_local(&mut self, _options: LocalOptions) -> io::Result<LocalRuntime> {
        assert!(
            self.flavor == Flavor::CurrentThread,
            "`build_local` needs `Builder::new_current_thread`"
        );
        self.build().map(LocalRuntime::of)
    }
}

impl fmt::Debug for Builder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Builder")
            .field("flavor", &self.flavor)
            .field("worker_threads", &self.worker_threads)
            .field("max_blocking_threads", &self.config.max_blocking_threads)
            .field("start_paused", &self.start_paused)
            .field("debug", &self.debug)
            .finish_non_exhaustive()
    }
}
