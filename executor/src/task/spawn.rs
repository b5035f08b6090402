//! Spawning, from wherever the program is; and giving a worker away in order to block.

use std::future::Future;
use std::panic::Location;
use std::sync::Arc;

use super::details::Details;
use super::header::Header;
use super::{JoinHandle, Origin, TaskInfo, cancel, current, local_set};
use crate::runtime::{NO_RUNTIME, context, slow_polls};
use crate::worker;

impl Origin {
    /// A task spawned at `at` by the current one.
    #[inline]
    pub(crate) fn here(at: &'static Location<'static>) -> Origin {
        let details = super::context::inherited();
        Origin { parent: current::id(), spawned_at: at, details, eager: false }
    }

    /// The same task with a name.
    pub(crate) fn named(self, name: Box<str>) -> Origin {
        let values = self.details.as_ref().and_then(|details| details.values.clone());
        Origin { details: Some(Arc::new(Details::new(Some(name), values))), ..self }
    }
}

/// The origin of a job that Heist itself spawns.
#[track_caller]
pub(crate) fn origin_here() -> Origin {
    Origin::here(Location::caller())
}

/// Spawns a task on the current runtime.
///
/// It runs whether the handle is awaited or not. The only task that its parent spawns before it
/// waits for something runs next on this worker, unless tasks here are so long that an idle worker had
/// better be woken for it. Several start in the order in which they were spawned, behind what is
/// queued already (tokio starts the last one first). Spawning from a task costs no shared atomic
/// operation and wakes another worker only if that is worth it.
///
/// # Panics
/// Outside a runtime.
///
/// # Examples
/// ```
/// # heist::runtime::Runtime::new().unwrap().block_on(async {
/// let handle = heist::spawn(async { "done" });
/// assert_eq!(handle.await.unwrap(), "done");
/// # });
/// ```
#[track_caller]
pub fn spawn<F>(future: F) -> JoinHandle<F::Output>
where
    F: Future + Send + 'static,
    F::Output: Send + 'static,
{
    spawn_with(future, Origin::here(Location::caller()))
}

#[track_caller]
pub(super) fn spawn_with<F>(future: F, origin: Origin) -> JoinHandle<F::Output>
where
    F: Future + Send + 'static,
    F::Output: Send + 'static,
{
    match context::with_current(|scheduler| scheduler.spawn(future, origin)) {
        Some(handle) => handle,
        None => panic!("{NO_RUNTIME}"),
    }
}

/// Spawns a task that need not be `Send`: into the current [`LocalSet`](super::LocalSet), or on the
/// current [`LocalRuntime`](crate::runtime::LocalRuntime).
///
/// # Panics
/// Outside both.
///
/// # Examples
/// ```
/// use std::rc::Rc;
///
/// let runtime = heist::runtime::LocalRuntime::new().unwrap();
/// runtime.block_on(async {
///     let shared = Rc::new("only here");
///     let other = shared.clone();
///     let task = heist::task::spawn_local(async move { other.len() });
///     assert_eq!(task.await.unwrap(), shared.len());
/// });
/// ```
#[track_caller]
pub fn spawn_local<F>(future: F) -> JoinHandle<F::Output>
where
    F: Future + 'static,
    F::Output: 'static,
{
    spawn_local_with(future, Origin::here(Location::caller()))
}

#[track_caller]
pub(super) fn spawn_local_with<F>(future: F, origin: Origin) -> JoinHandle<F::Output>
where
    F: Future + 'static,
    F::Output: 'static,
{
    if let Some(set) = local_set::current() {
        return set.spawn(future, origin);
    }
    match context::current_local() {
        // SAFETY: the runtime's one worker runs on this thread only.
        Some(scheduler) => unsafe { scheduler.spawn_unchecked(future, origin) },
        None => panic!(
            "`spawn_local` needs something that stays on this thread: call it inside a \
             `LocalSet`, or a `LocalRuntime` (`LocalRuntime::new()`)"
        ),
    }
}

/// Runs a closure that blocks on a thread meant for it.
///
/// [`JoinHandle::abort`] stops a job that has not begun. One that has goes on to its end, whose
/// time it can choose: see [`is_cancelled`]. The pool has as many threads as
/// [`max_blocking_threads`](crate::runtime::Builder::max_blocking_threads) says, and an endless
/// queue; for work that needs narrower bounds there is [`BlockingPool`](super::BlockingPool).
///
/// Costs the wake of a thread if there is little else to do, and some hundred nanoseconds if many short
/// jobs come at once: each thread that comes takes jobs until there are none, and calls another, or
/// starts one, only if it leaves some behind. A job never waits behind one that blocks while there may be
/// one more thread; in tokio each job wakes a thread of its own.
///
/// # Panics
/// Outside a runtime, and if there is no thread for it and the system refuses to start one.
///
/// # Examples
/// ```
/// # heist::runtime::Runtime::new().unwrap().block_on(async {
/// let sum = heist::task::spawn_blocking(|| (1..=100).sum::<u32>()).await.unwrap();
/// assert_eq!(sum, 5050);
/// # });
/// ```
#[track_caller]
pub fn spawn_blocking<F, R>(job: F) -> JoinHandle<R>
where
    F: FnOnce() -> R + Send + 'static,
    R: Send + 'static,
{
    spawn_blocking_with(job, Origin::here(Location::caller()))
}

#[track_caller]
pub(super) fn spawn_blocking_with<F, R>(job: F, origin: Origin) -> JoinHandle<R>
where
    F: FnOnce() -> R + Send + 'static,
    R: Send + 'static,
{
    match context::current() {
        Some(scheduler) => scheduler.blocking.own.spawn(&scheduler, job, origin),
        None => panic!("{NO_RUNTIME}"),
    }
}

/// Runs a closure that blocks right here, after having given this thread's worker to another
/// thread.
///
/// Unlike [`spawn_blocking`] it can borrow, and the task keeps its place; other futures of the
/// same task (of a `join!`, say) stand still meanwhile. Outside a worker it only runs the closure.
///
/// A thread is called for the worker, or started if none is idle; it stays for
/// [`thread_keep_alive`](crate::runtime::Builder::thread_keep_alive) afterwards, and counts as a worker's
/// thread, not as one of the blocking pool. If the closure is over before it has come, the worker stays
/// here, so a short closure costs some 200 ns, and a long one a wake. tokio calls a thread of its
/// blocking pool each time.
///
/// # Panics
/// On a current-thread runtime, whose only worker cannot be given away.
///
/// # Examples
/// ```
/// # heist::runtime::Runtime::new().unwrap().block_on(async {
/// let line = heist::spawn(async {
///     heist::task::block_in_place(|| std::fs::read_to_string("/dev/null"))
/// });
/// assert_eq!(line.await.unwrap().unwrap(), "");
/// # });
/// ```
#[track_caller]
pub fn block_in_place<F, R>(job: F) -> R
where
    F: FnOnce() -> R,
{
    let is_lone = || context::with_current(|s| s.is_current_thread()).unwrap_or(false);
    assert!(
        !(context::in_async() && is_lone()),
        "`block_in_place` cannot give away the only worker of a current-thread runtime; use \
         `task::spawn_blocking`, or a multi-thread runtime"
    );
    let _given_away = worker::give_away();
    slow_polls::excuse();
    let _may_block = context::set_in_async(false);
    let _runs_through = cancel::enter_nothing();
    job()
}

/// Whether the current task, or blocking job, was asked to end: with
/// [`abort`](JoinHandle::abort) or [`cancel`](JoinHandle::cancel), by the scope that it belongs to,
/// or because its runtime ends.
///
/// A closure that runs for long asks it from time to time, and returns; its output is joined as
/// ever. Async code hardly needs it, since a cancelled task ends at an `await` by itself, but for a
/// loop without one, and inside [`block_in_place`]. False outside a task, unless the runtime ends.
/// What was asked for with a reason shows it in [`task::current`](super::current()).
///
/// Costs a few nanoseconds. In asyncio and tokio a thread needs a flag of its own for this.
///
/// # Examples
/// ```
/// use heist::task::{is_cancelled, spawn_blocking};
///
/// # heist::runtime::Runtime::new().unwrap().block_on(async {
/// # let (begun, begins) = heist::sync::oneshot::channel();
/// let search = spawn_blocking(move || {
/// #     begun.send(()).unwrap();
///     let mut tried = 0_u64;
///     while !is_cancelled() {
///         tried += 1;
///     }
///     tried
/// });
/// # begins.await.unwrap();
/// search.cancel("somebody else has found it");
/// println!("{} were tried", search.await.unwrap());
/// # });
/// ```
pub fn is_cancelled() -> bool {
    current::with(Header::is_cancelled).unwrap_or(false)
        || context::with_current(|scheduler| scheduler.blocking.have_ended()).unwrap_or(false)
}

/// What all live tasks and blocking jobs in the current runtime are doing, oldest id first.
///
/// Among them are those of each [`LocalSet`](super::LocalSet) that is driven here. Calls on files, and
/// the like, are blocking jobs, too; their parents are the tasks that wait for them. It reads headers and polls nothing, so it is safe in production. Costs about
/// 100 ns a task; each worker's list is locked while references to its tasks are taken.
///
/// # Panics
/// Outside a runtime; see [`Handle::tasks`](crate::runtime::Handle::tasks).
///
/// # Examples
/// ```
/// # heist::runtime::Runtime::new().unwrap().block_on(async {
/// let task = heist::spawn(std::future::pending::<()>());
/// let all = heist::task::all();
/// let info = all.iter().find(|info| info.id() == task.id()).unwrap();
/// assert!(info.spawned_at().file().ends_with(".rs"));
/// # });
/// ```
#[track_caller]
pub fn all() -> Vec<TaskInfo> {
    match context::with_current(|scheduler| scheduler.all_infos()) {
        Some(infos) => infos,
        None => panic!("{NO_RUNTIME}"),
    }
}
