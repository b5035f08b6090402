//! Helpers for tests of async code: waiting for quiet, and looking for tasks left behind.
//!
//! With them go [`#[heist::test]`](crate::test), whose `timeout` prints where every task stands,
//! and the clock that stands still: [`time::pause`](crate::time::pause).

use std::future::Future;
use std::sync::atomic::{Ordering, fence};

use crate::leaf::{Made, Operation};
use crate::runtime::{NO_RUNTIME, context};
use crate::task::{self, Id, TaskInfo, TaskRef, TaskState, local_set, yield_now};
use crate::worker::Scheduler;

static WAIT_UNTIL_IDLE: Operation = Operation::new("wait_until_idle");

/// Waits until every other task of the runtime is waiting for something, and no blocking job is
/// queued or running. Then what has been set going has gone as far as it can without time, I/O
/// or the caller.
///
/// It yields meanwhile, and a paused clock does not move. A task that is always ready is waited for
/// in vain; put a `timeout` into the test's attribute. What is ready in a [`LocalSet`](task::LocalSet)
/// that nobody drives waits for the caller; one that was polled as a future counts as driven until it
/// is ready.
///
/// # Panics
/// Awaiting it panics outside a runtime.
///
/// # Cancel safety
/// Cancel safe: it only looks.
///
/// # Examples
/// ```
/// use std::sync::Arc;
/// use std::sync::atomic::{AtomicBool, Ordering};
///
/// # heist::runtime::Runtime::new().unwrap().block_on(async {
/// let reached = Arc::new(AtomicBool::new(false));
/// let seen = reached.clone();
/// heist::spawn(async move {
///     heist::task::yield_now().await;
///     seen.store(true, Ordering::Relaxed);
///     std::future::pending::<()>().await;
/// });
/// heist::testing::wait_until_idle().await;
/// assert!(reached.load(Ordering::Relaxed));
/// # });
/// ```
#[track_caller]
pub fn wait_until_idle() -> impl Future<Output = ()> + Send {
    let made = Made::here(&WAIT_UNTIL_IDLE);
    async move {
        made.begin();
        until_idle().await;
    }
}

async fn until_idle() {
    let mut before = None;
    let mut same = 0;
    // A task that is idle in a look may have been woken since by one that was looked at before it.
    // But if two looks in a row find the same as the first, then no poll began between the first
    // and the third, and whoever was ready between the first and the second would still have been
    // so in the second: at that moment all were idle.
    while same < 2 {
        yield_now().await;
        let Some(now) = context::with_current(look) else { panic!("{NO_RUNTIME}") };
        same = if now.is_some() && now == before { same + 1 } else { 0 };
        before = now;
    }
}

/// The calling task, and those in whose polls it is polled, since they run a `LocalSet`.
fn callers() -> Vec<Id> {
    task::try_id().into_iter().chain(local_set::drivers()).collect()
}

/// What would differ if something had gone on since.
#[derive(Default, PartialEq, Eq)]
struct Look {
    /// How often each task was polled.
    polls: Vec<(Id, u32)>,
    /// How often each worker began and ended a poll.
    sequences: Vec<u64>,
}

impl Look {
    fn at(&mut self, task: &TaskRef) -> TaskState {
        let header = task.header();
        self.polls.push((header.id, header.polls()));
        // Ordering: Acquire; the count is read before the state, so that a poll which begins after
        // this look counts in the next.
        fence(Ordering::Acquire);
        TaskState::read(header)
    }
}

/// Looks at everything but the callers and the worker that runs them; `None` if something is not idle.
fn look(scheduler: &Scheduler) -> Option<Look> {
    let callers = callers();
    let own_worker = context::worker_of(scheduler).map(|worker| worker.index);
    let mut look = Look::default();
    for (index, worker) in scheduler.remotes.iter().enumerate() {
        let sequence = worker.progress.sequence();
        // Also a task that has just completed has yet to wake whoever joins it.
        let in_poll = sequence % 2 == 1;
        match (Some(index) == own_worker, in_poll) {
            (true, _) => {}
            (false, true) => return None,
            (false, false) => look.sequences.push(sequence),
        }
    }
    let is_other = |task: &TaskRef| !callers.contains(&task.header().id);
    for task in scheduler.live_tasks().into_iter().filter(is_other) {
        match look.at(&task) {
            TaskState::Ready | TaskState::Running => return None,
            TaskState::Waiting | TaskState::Complete => {}
        }
    }
    for set in scheduler.guests.all() {
        let driven = set.is_driven();
        for task in set.live.snapshot().into_iter().filter(is_other) {
            match look.at(&task) {
                TaskState::Waiting => {}
                TaskState::Ready if !driven => {}
                // One that has completed and is still in the set has yet to wake whoever joins it.
                TaskState::Ready | TaskState::Running | TaskState::Complete => return None,
            }
        }
    }
    (scheduler.blocking.busy() == 0).then_some(look)
}

/// Checks that no task but the calling one, and no blocking job, is left on the runtime, and no task in
/// a [`LocalSet`](task::LocalSet) that was driven there last.
///
/// A task that was aborted is left until it has been dropped by a worker: let
/// [`wait_until_idle`] come before.
///
/// # Panics
/// If there are tasks left; the message tells for each where it was spawned and where it waits.
/// And outside a runtime.
///
/// # Examples
/// ```
/// # heist::runtime::Runtime::new().unwrap().block_on(async {
/// heist::spawn(async {}).await.unwrap();
/// heist::testing::wait_until_idle().await;
/// heist::testing::assert_no_leaked_tasks();
/// # });
/// ```
#[track_caller]
pub fn assert_no_leaked_tasks() {
    let callers = callers();
    let left: Vec<TaskInfo> =
        task::all().into_iter().filter(|task| !callers.contains(&task.id())).collect();
    if left.is_empty() {
        return;
    }
    let lines: String = left.iter().map(|task| format!("\n  {task}")).collect();
    panic!("tasks left behind: {}{lines}", left.len());
}

/// From now on the memory of a task that has ended goes back to the allocator at once, in the whole
/// process.
///
/// Otherwise each thread keeps up to 2 MiB of it for the tasks that it spawns next, which a test that
/// counts bytes would take for a leak. Call it before the first runtime is made. Tools that look for uses
/// after free want all of it built with `--cfg heist_sanitize`, which does the same.
///
/// # Examples
/// ```
/// heist::testing::free_tasks_at_once();
/// heist::runtime::Runtime::new().unwrap().block_on(async {
///     heist::spawn(async {}).await.unwrap();
/// });
/// ```
pub fn free_tasks_at_once() {
    task::memory::keep_nothing();
}
