//! Helpers for tests of async code: waiting for quiet, and looking for tasks left behind.
//!
//! With them go [`#[heist::test]`](crate::test), whose `timeout` prints where every task stands,
//! and the clock that stands still: [`time::pause`](crate::time::pause).

use std::future::Future;
use std::sync::atomic::{Ordering, fence};

use crate::leaf::{Made, Operation};
use crate::runtime::{NO_RUNTIME, context};
use crate::task::{self, Id, TaskInfo, yield_now};
use crate::worker::Scheduler;

static WAIT_UNTIL_IDLE: Operation = Operation::new("wait_until_idle");

/// Waits until every other task of the runtime is waiting for something, and no blocking job is
/// queued or running. Then what has been set going has gone as far as it can without time, I/O
/// or the caller.
///
/// It yields meanwhile, and a paused clock does not move. A task that is always ready is waited for
/// in vain; put a `timeout` into the test's attribute. Tasks of a `LocalSet` are not looked at.
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
    let own = task::try_id();
    let mut before = None;
    let mut same = 0;
    // A task that is idle in a look may have been woken since by one that was looked at before it.
    // But if two looks in a row find the same as the first, then no poll began between the first
    // and the third, and whoever was ready between the first and the second would still have been
    // so in the second: at that moment all were idle.
    while same < 2 {
        yield_now().await;
        let now = context::with_current(|scheduler| look(scheduler, own));
        let Some(now) = now else { panic!("{NO_RUNTIME}") };
        same = if now.is_some() && now == before { same + 1 } else { 0 };
        before = now;
    }
}

/// What would differ if something had gone on since.
#[derive(PartialEq, Eq)]
struct Look {
    /// How often each task was polled.
    polls: Vec<(Id, u32)>,
    /// How often each worker began and ended a poll.
    sequences: Vec<u64>,
}

/// Looks at everything but the task `own` and the worker that runs it; `None` if something is not idle.
fn look(scheduler: &Scheduler, own: Option<Id>) -> Option<Look> {
    let own_worker = context::worker_of(scheduler).map(|worker| worker.index);
    let mut look = Look { polls: Vec::new(), sequences: Vec::new() };
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
    for task in scheduler.live_tasks() {
        let header = task.header();
        if Some(header.id) == own {
            continue;
        }
        look.polls.push((header.id, header.polls()));
        // Ordering: Acquire; the count is read before the state, so that a poll which begins after
        // this look counts in the next.
        fence(Ordering::Acquire);
        let state = header.state.load();
        if state.is_running() || state.is_notified() {
            return None;
        }
    }
    (scheduler.blocking.busy() == 0).then_some(look)
}

/// Checks that no task but the calling one, and no blocking job, is left on the runtime.
///
/// A task that was aborted is left until it has been dropped by a worker: let
/// [`wait_until_idle`] come before. Tasks of a `LocalSet` are not looked at.
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
    let own = task::try_id();
    let left: Vec<TaskInfo> =
        task::all().into_iter().filter(|task| Some(task.id()) != own).collect();
    if left.is_empty() {
        return;
    }
    let lines: String = left.iter().map(|task| format!("\n  {task}")).collect();
    panic!("tasks left behind: {}{lines}", left.len());
}
