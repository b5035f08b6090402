//! The end of a runtime, in the order in which it happens.
//!
//! Before it, if the policy says so, the tasks may go on to their ends for a while, and those that
//! are left then are asked to end and may clean up (`TaskRef::cancel`). The end itself:
//!
//! 1. `Scheduler::begin_closing`: live sets refuse new tasks, workers are told to stop.
//! 2. Each worker ends after the poll it is in, and leaves its queue behind ([`leave`]).
//! 3. The last worker to leave drains the runtime ([`drain`]): every task that is left is
//!    cancelled, its future dropped. A task that is being woken by a foreign thread at this moment
//!    is waited for: it will be in the injector in an instant.
//! 4. The drivers shut down: pending I/O fails, pending sleeps stay pending.
//! 5. The blocking pools refuse new jobs and cancel queued ones; then `task::is_cancelled` tells
//!    running ones, which go on to their end.
//! 6. Whoever asked for the shutdown waits for the threads, but only until its deadline, and learns
//!    from the [`ShutdownReport`] what was still running.
//!
//! A runtime may also be brought down by a failure, see [`unhandled`](super::unhandled): then whoever
//! failed does steps 1 and 5 ([`begin`]), the worker of a current-thread runtime leaves with the
//! `block_on` that hears of it, and a later shutdown finds what is left of the steps. A failure that
//! comes when a shutdown has been asked for does nothing of this.
//!
//! A spawn that races with step 1 either gets into a live set before it is closed, and is drained
//! in step 3, or is cancelled on the spot. A thread that never returns from a poll or a job keeps
//! its part of the runtime alive; nothing else waits for it.

use std::fmt;
use std::sync::Arc;
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use parking_lot::{Condvar, Mutex};

use super::block_on::{Lone, block_on};
use super::context;
use crate::report;
use crate::task::TaskInfo;
use crate::worker::downfall::Downfall;
use crate::worker::{Scheduler, WorkerLocal};

/// How a runtime is to end; see [`Runtime::shutdown`](super::Runtime::shutdown).
///
/// `Duration` converts into a policy that drains nothing and waits that long for the cancelled.
///
/// # Examples
/// ```
/// use heist::runtime::{Runtime, ShutdownPolicy};
/// use std::time::Duration;
///
/// let runtime = Runtime::new().unwrap();
/// runtime.spawn(async { heist::time::sleep(Duration::from_millis(5)).await });
/// let policy = ShutdownPolicy::drain(Duration::from_secs(30))
///     .clean_up(Duration::from_secs(5))
///     .wait(Duration::from_secs(1));
/// assert!(runtime.shutdown(policy).is_clean());
/// ```
#[derive(Clone, Copy, Debug)]
pub struct ShutdownPolicy {
    drain: Duration,
    clean_up: Duration,
    wait: Duration,
}

impl ShutdownPolicy {
    /// Cancel every task at once, and wait for threads and blocking jobs for at most `wait`.
    pub fn cancel(wait: Duration) -> ShutdownPolicy {
        ShutdownPolicy { drain: Duration::ZERO, clean_up: Duration::ZERO, wait }
    }

    /// Let the tasks end by themselves for at most `drain`, then cancel those that are left. The
    /// wait for threads afterwards is one second; see [`wait`](ShutdownPolicy::wait).
    pub fn drain(drain: Duration) -> ShutdownPolicy {
        ShutdownPolicy { drain, ..ShutdownPolicy::cancel(Duration::from_secs(1)) }
    }

    /// Ask the tasks that are left to end before they are cut off, so that their
    /// [clean-ups](crate::task::with_cleanup) run, and give them at most `clean_up` for it. Default:
    /// nothing.
    pub fn clean_up(self, clean_up: Duration) -> ShutdownPolicy {
        ShutdownPolicy { clean_up, ..self }
    }

    /// How long to wait for threads and blocking jobs once the tasks are cancelled.
    pub fn wait(self, wait: Duration) -> ShutdownPolicy {
        ShutdownPolicy { wait, ..self }
    }
}

impl From<Duration> for ShutdownPolicy {
    fn from(wait: Duration) -> ShutdownPolicy {
        ShutdownPolicy::cancel(wait)
    }
}

/// How the end of a runtime went.
///
/// # Examples
/// ```
/// use std::time::Duration;
///
/// let runtime = heist::runtime::Runtime::new().unwrap();
/// runtime.spawn(std::future::pending::<()>());
/// let report = runtime.shutdown(Duration::from_secs(1));
/// for task in report.cancelled() {
///     println!("cut off: {task}");
/// }
/// assert!(!report.is_clean());
/// assert!(report.remaining().is_empty());
/// ```
#[derive(Clone, Debug)]
#[must_use = "the report says what the shutdown had to cut off"]
pub struct ShutdownReport {
    cancelled: Vec<TaskInfo>,
    remaining: Vec<TaskInfo>,
    elapsed: Duration,
}

impl ShutdownReport {
    /// Whether every task and job had ended by itself.
    pub fn is_clean(&self) -> bool {
        self.cancelled.is_empty() && self.remaining.is_empty()
    }

    /// The tasks that were alive when cancelling began, as they were then.
    pub fn cancelled(&self) -> &[TaskInfo] {
        &self.cancelled
    }

    /// Tasks and blocking jobs that did not end before the deadline: they are inside a poll or a
    /// closure that does not return. Their threads go on until it does.
    pub fn remaining(&self) -> &[TaskInfo] {
        &self.remaining
    }

    /// Says what did not end, where nobody else will see the report.
    pub(super) fn complain(&self) {
        if !self.remaining.is_empty() {
            report::error(format_args!(
                "a runtime has ended while work goes on that does not end: {self}"
            ));
        }
    }

    /// How long the shutdown took.
    pub fn elapsed(&self) -> Duration {
        self.elapsed
    }
}

impl fmt::Display for ShutdownReport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "shut down in {:.1?}: {} tasks cancelled, {} still running",
            self.elapsed,
            self.cancelled.len(),
            self.remaining.len()
        )?;
        for task in &self.cancelled {
            write!(f, "\n  cancelled: {task}")?;
        }
        for task in &self.remaining {
            write!(f, "\n  still running: {task}")?;
        }
        Ok(())
    }
}

/// How often a drain looks whether the tasks have ended.
const DRAIN_LOOK: Duration = Duration::from_millis(1);

/// Who has left already.
pub(crate) struct Exit {
    state: Mutex<ExitState>,
    over: Condvar,
}

struct ExitState {
    workers_left: usize,
    left_behind: Vec<Arc<WorkerLocal>>,
    drained: bool,
    threads: usize,
    handles: Vec<JoinHandle<()>>,
}

impl ExitState {
    fn is_over(&self) -> bool {
        self.drained && self.threads == 0
    }
}

impl Exit {
    pub(crate) fn new(workers: usize) -> Exit {
        let state = ExitState {
            workers_left: workers,
            left_behind: Vec::new(),
            drained: false,
            threads: 0,
            handles: Vec::new(),
        };
        Exit { state: Mutex::new(state), over: Condvar::new() }
    }

    pub(crate) fn thread_starts(&self) {
        self.state.lock().threads += 1;
    }

    pub(crate) fn thread_started(&self, handle: JoinHandle<()>) {
        let mut state = self.state.lock();
        // Threads of the blocking pool come and go; keep no more handles than there are threads.
        state.handles.retain(|handle| !handle.is_finished());
        state.handles.push(handle);
    }

    pub(crate) fn thread_ends(&self) {
        self.change(|state| state.threads -= 1);
    }

    /// Changes the state, and tells who waits if that was the last thing to wait for.
    fn change(&self, change: impl FnOnce(&mut ExitState)) {
        let mut state = self.state.lock();
        change(&mut state);
        if state.is_over() {
            drop(state);
            self.over.notify_all();
        }
    }

    /// Waits until the runtime is drained and its threads have gone, at most until `deadline`.
    fn wait(&self, deadline: Option<Instant>) -> bool {
        let mut state = self.state.lock();
        while !state.is_over() {
            let timed_out = match deadline {
                Some(deadline) => self.over.wait_until(&mut state, deadline).timed_out(),
                None => {
                    self.over.wait(&mut state);
                    false
                }
            };
            if timed_out && !state.is_over() {
                return false;
            }
        }
        let handles = std::mem::take(&mut state.handles);
        drop(state);
        for handle in handles {
            // Each has passed its last act; what is left is the system's part of ending a thread.
            let _ = handle.join();
        }
        true
    }
}

/// A worker has ended: step 2, and for the last one steps 3 and 4.
pub(crate) fn leave(worker: Arc<WorkerLocal>) {
    let scheduler = worker.scheduler.clone();
    let last = {
        let mut state = scheduler.exit.state.lock();
        state.left_behind.push(worker);
        state.workers_left -= 1;
        (state.workers_left == 0).then(|| std::mem::take(&mut state.left_behind))
    };
    if let Some(workers) = last {
        drain(&scheduler, &workers);
        scheduler.reactor.shutdown();
        scheduler.timers.shutdown();
        scheduler.relay.end();
        scheduler.exit.change(|state| state.drained = true);
    }
}

/// Cancels every task that is left. Called with no worker of the runtime installed anywhere.
fn drain(scheduler: &Scheduler, workers: &[Arc<WorkerLocal>]) {
    let mut idle_rounds = 0;
    loop {
        let mut progress = false;
        let queued = || {
            let queues = workers.iter().find_map(|worker| worker.queue.pop());
            let slots = || workers.iter().find_map(|worker| worker.remote().take_slot());
            queues.or_else(slots).or_else(|| scheduler.injector.pop())
        };
        while let Some(task) = queued() {
            task.cancel();
            progress = true;
        }
        let mut left = 0;
        for home in &scheduler.homes {
            // SAFETY: the last worker has left, and the scheduler holds the homes.
            let swept = unsafe { home.live.cancel_idle() };
            left += swept.left;
            progress |= swept.cancelled > 0;
        }
        if left == 0 {
            return;
        }
        // What is left is on its way into the injector, or inside a poll on a thread that gave
        // its worker away.
        idle_rounds = if progress { 0 } else { idle_rounds + 1 };
        match idle_rounds {
            0..=10 => std::thread::yield_now(),
            _ => std::thread::sleep(Duration::from_millis(1)),
        }
    }
}

/// Begins the end of a runtime, steps 1 and 5, and waits for nothing. May be called again.
pub(super) fn begin(scheduler: &Arc<Scheduler>) {
    scheduler.begin_closing();
    let _context = context::enter(scheduler);
    scheduler.blocking.close();
}

/// Waits until there is no task left, but at most for `limit`.
fn await_tasks(scheduler: &Arc<Scheduler>, lone: Option<&Lone>, limit: Duration) {
    let start = Instant::now();
    let over = || scheduler.live_tasks().is_empty() || start.elapsed() >= limit;
    match lone {
        Some(lone) if !over() => block_on(scheduler, Some(lone), async {
            while !over() {
                crate::time::sleep(DRAIN_LOOK).await;
            }
        }),
        _ => {
            while !over() {
                std::thread::sleep(DRAIN_LOOK);
            }
        }
    }
}

/// What comes before the end, and the tasks for which it did not suffice.
fn let_tasks_end(
    scheduler: &Arc<Scheduler>,
    lone: Option<&Lone>,
    policy: ShutdownPolicy,
) -> Vec<TaskInfo> {
    await_tasks(scheduler, lone, policy.drain);
    let left = scheduler.task_infos();
    if !left.is_empty() && !policy.clean_up.is_zero() {
        let reason = "the runtime ends".into();
        scheduler.live_tasks().iter().for_each(|task| task.cancel(&reason));
        await_tasks(scheduler, lone, policy.clean_up);
    }
    left
}

/// Ends a runtime and waits for it as the policy says: steps 1 to 6. A current-thread runtime has
/// its worker in `lone`, and ends on this thread.
pub(super) fn shut_down(
    scheduler: &Arc<Scheduler>,
    lone: Option<&Lone>,
    policy: ShutdownPolicy,
) -> ShutdownReport {
    let start = Instant::now();
    let _free = context::set_in_async(false);
    let cancelled = match scheduler.downfall.as_ref().and_then(Downfall::avert) {
        Some(fatal) => fatal.cancelled.clone(),
        None => let_tasks_end(scheduler, lone, policy),
    };
    begin(scheduler);
    let _context = context::enter(scheduler);
    if let Some(worker) = lone.and_then(Lone::take) {
        leave(worker);
    }
    let ended = scheduler.exit.wait(Instant::now().checked_add(policy.wait));
    let remaining = if ended { Vec::new() } else { scheduler.own_infos() };
    ShutdownReport { cancelled, remaining, elapsed: start.elapsed() }
}
