//! [`LocalSet`]: tasks that are not `Send`, on the thread of whoever drives them.
//!
//! A set is a home of tasks with one queue. Wakers put tasks into the queue from any thread; they
//! are polled, cancelled and dropped only by the set itself, which stays on its thread. It has no
//! thread, no timers and no I/O of its own: those are the runtime's in which it is driven.

use std::cell::Cell;
use std::fmt;
use std::future::Future;
use std::marker::PhantomData;
use std::panic::Location;
use std::pin::Pin;
use std::ptr::{self, NonNull};
use std::sync::Arc;
use std::task::{Context, Poll, Waker};

use parking_lot::Mutex;
use pin_project_lite::pin_project;

use super::error::FailureHook;
use super::header::{Header, Notified};
use super::live_set::LiveSet;
use super::state::Claim;
use super::{Home, JoinHandle, Origin, poll};
use crate::foreign::wake;
use crate::leaf::{Made, Operation};
use crate::queue::Injector;
use crate::runtime::slow_polls::TimedPoll;
use crate::runtime::{self, Runtime, context};

static RUN_UNTIL: Operation = Operation::new("LocalSet::run_until");

/// In one poll a set runs at most so many tasks, as a current-thread runtime between two looks at
/// its main future.
const TASKS_PER_POLL: usize = 64;

/// Tasks that need not be `Send`, driven by one future on one thread.
///
/// Inside [`run_until`](LocalSet::run_until), and inside the set's own tasks,
/// [`task::spawn_local`](super::spawn_local) spawns into the set. Where the whole thread can be
/// given to such tasks, a [`LocalRuntime`](crate::runtime::LocalRuntime) is simpler and faster.
///
/// The tasks are not the runtime's: [`task::all`](super::all) and the runtime's hooks do not see
/// them. Dropping the set cancels them.
///
/// # Examples
/// ```
/// use std::rc::Rc;
/// use heist::task::{LocalSet, spawn_local};
///
/// # heist::runtime::Runtime::new().unwrap().block_on(async {
/// let local = LocalSet::new();
/// let sum = local.run_until(async {
///     let shared = Rc::new(40);
///     let two = spawn_local(async { Rc::new(2) }).await.unwrap();
///     spawn_local(async move { *shared + *two }).await.unwrap()
/// });
/// assert_eq!(sum.await, 42);
/// # });
/// ```
pub struct LocalSet {
    id: runtime::Id,
    home: Arc<LocalHome>,
    /// Neither `Send` nor `Sync`.
    stays: PhantomData<*const ()>,
}

/// Where the tasks of a set live.
struct LocalHome {
    live: LiveSet,
    ready: Injector<Notified>,
    /// Whoever is to poll the set when a task gets ready; taken by the first that does.
    driver: Mutex<Option<Waker>>,
}

thread_local! {
    /// The set that `spawn_local` spawns into.
    static CURRENT: Cell<*const LocalHome> = const { Cell::new(ptr::null()) };
}

/// Makes a set the one that `spawn_local` uses, until it is dropped; see [`LocalSet::enter`].
#[must_use = "the set is left again as soon as the guard is dropped"]
pub struct LocalEnterGuard<'a> {
    outer: *const LocalHome,
    set: PhantomData<&'a Arc<LocalHome>>,
}

impl LocalSet {
    /// An empty set. May be made anywhere, also outside a runtime.
    pub fn new() -> LocalSet {
        let driver = Mutex::new(None);
        let home = LocalHome { live: LiveSet::new(), ready: Injector::new(), driver };
        LocalSet { id: runtime::Id::next(), home: Arc::new(home), stays: PhantomData }
    }

    /// The set's identity, of the same kind as a runtime's.
    pub fn id(&self) -> runtime::Id {
        self.id
    }

    /// Spawns a task into this set. It runs when the set is driven.
    #[track_caller]
    pub fn spawn_local<F>(&self, future: F) -> JoinHandle<F::Output>
    where
        F: Future + 'static,
        F::Output: 'static,
    {
        // SAFETY: the set, which is here, stays on its thread.
        unsafe { spawn_at(&self.home, future, Origin::here(Location::caller())) }
    }

    /// Drives the set until `future` is ready, and no longer: tasks that are left wait for the next
    /// time.
    ///
    /// # Cancel safety
    /// Dropping it drops the future; the tasks stay in the set.
    #[track_caller]
    pub fn run_until<F: Future>(&self, future: F) -> RunUntil<'_, F> {
        RunUntil { set: self, future, made: Made::here(&RUN_UNTIL) }
    }

    /// As [`Runtime::block_on`], with this set driven meanwhile.
    ///
    /// # Panics
    /// As that.
    #[track_caller]
    pub fn block_on<F: Future>(&self, runtime: &Runtime, future: F) -> F::Output {
        runtime.block_on(self.run_until(future))
    }

    /// Makes [`task::spawn_local`](super::spawn_local) spawn into this set while the guard lives.
    /// It does not drive the set.
    pub fn enter(&self) -> LocalEnterGuard<'_> {
        enter(&self.home)
    }

    /// Runs tasks that are ready, and leaves the waker for those that will be.
    fn poll_tasks(&self, cx: &Context<'_>) {
        let _inside = self.enter();
        // While the set runs its tasks, a wake needs to wake nobody.
        let stale = self.home.driver.lock().take();
        drop(stale);
        let debugging = context::with_current(|scheduler| scheduler.config.debugging.clone());
        let debugging = debugging.flatten();
        for _ in 0..TASKS_PER_POLL {
            let Some(task) = self.home.ready.pop() else { break };
            let watched = debugging.as_ref().map(|debugging| TimedPoll::begin(debugging, &task));
            task.run_nested();
            if let Some(poll) = watched {
                poll.end_nested();
            }
        }
        let before = self.home.driver.lock().replace(cx.waker().clone());
        // A waker's destructor is foreign code, and may wake a task of this set.
        drop(before);
        // With the waker in place, look again: what came before it woke nobody.
        if !self.home.ready.is_empty() {
            cx.waker().wake_by_ref();
        }
    }
}

fn enter(home: &Arc<LocalHome>) -> LocalEnterGuard<'_> {
    LocalEnterGuard { outer: CURRENT.replace(Arc::as_ptr(home)), set: PhantomData }
}

impl Drop for LocalEnterGuard<'_> {
    fn drop(&mut self) {
        CURRENT.set(self.outer);
    }
}

/// The set that is entered on this thread.
pub(super) fn current() -> Option<CurrentSet> {
    let home = CURRENT.get();
    // SAFETY: the guard that set the pointer borrows the `Arc` for as long as it is set.
    (!home.is_null()).then(|| unsafe {
        Arc::increment_strong_count(home);
        CurrentSet { home: Arc::from_raw(home), stays: PhantomData }
    })
}

/// See [`current`]. As the set itself it stays on its thread.
pub(super) struct CurrentSet {
    home: Arc<LocalHome>,
    stays: PhantomData<*const ()>,
}

impl CurrentSet {
    /// Spawns a task into the set.
    pub(super) fn spawn<F>(&self, future: F, origin: Origin) -> JoinHandle<F::Output>
    where
        F: Future + 'static,
        F::Output: 'static,
    {
        // SAFETY: a set is entered on its own thread only, and stays there.
        unsafe { spawn_at(&self.home, future, origin) }
    }
}

/// # Safety
/// The set stays on this thread.
unsafe fn spawn_at<F>(home: &Arc<LocalHome>, future: F, origin: Origin) -> JoinHandle<F::Output>
where
    F: Future + 'static,
    F::Output: 'static,
{
    let eager = origin.eager;
    let pointer = NonNull::new(Arc::as_ptr(home).cast_mut()).expect("an `Arc` is not null");
    // SAFETY: the set keeps its home until its last task has completed, and runs, cancels and drops
    // tasks on this thread only. A handle on an output that is not `Send` is not `Send` itself.
    let (live, notified, handle) = unsafe { poll::allocate(future, pointer, origin) };
    match home.live.admit(live, notified) {
        Some(notified) if eager => {
            let _inside = enter(home);
            notified.run_nested();
        }
        Some(notified) => home.push(notified),
        // The set is being dropped.
        None => {}
    }
    handle
}

impl LocalHome {
    fn push(&self, task: Notified) {
        self.ready.push(task);
        let driver = self.driver.lock().take();
        // Outside the lock: a waker may do anything. The task is queued, whatever it does.
        wake(driver);
    }
}

impl Home for LocalHome {
    unsafe fn schedule(home: NonNull<LocalHome>, task: Notified) {
        // Once it is pushed the task can end, and the set with it: hold the home meanwhile.
        // SAFETY: `task` is not complete, so its home exists now; it is inside an `Arc`.
        let home = unsafe {
            Arc::increment_strong_count(home.as_ptr());
            Arc::from_raw(home.as_ptr())
        };
        home.push(task);
    }

    unsafe fn reschedule(home: NonNull<LocalHome>, task: Notified) {
        // SAFETY: passed on from the caller.
        unsafe { LocalHome::schedule(home, task) };
    }

    unsafe fn retire(home: NonNull<LocalHome>, task: NonNull<Header>) -> bool {
        // SAFETY: tasks of a set end while it is driven, dropped, or spawned into, which all hold
        // the home; the task is in its live set or marked absent.
        unsafe { home.as_ref().live.remove(task) };
        true
    }

    unsafe fn failure_hook(_: NonNull<LocalHome>) -> FailureHook {
        context::with_current(|scheduler| scheduler.config.on_unhandled_failure.clone()).flatten()
    }
}

/// Drives the set until all its tasks have ended.
impl Future for LocalSet {
    type Output = ();

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        self.poll_tasks(cx);
        if self.home.live.len() == 0 { Poll::Ready(()) } else { Poll::Pending }
    }
}

impl Drop for LocalSet {
    fn drop(&mut self) {
        let _inside = self.enter();
        self.home.live.close();
        loop {
            while let Some(task) = self.home.ready.pop() {
                // The edge only marks a queued task: the right to start it is in our hands.
                let _ = task.header().state.abort();
                task.run_nested();
            }
            let tasks = self.home.live.snapshot();
            if tasks.is_empty() {
                return;
            }
            for task in tasks {
                if task.header().state.claim() == Claim::Claimed {
                    // SAFETY: claimed just now, on the set's thread; the live set keeps its
                    // reference until the task is retired in here.
                    unsafe { (task.header().vtable.cancel_claimed)(task.as_ptr()) };
                }
            }
            // None of them is running, since what polls the set borrows it. What is left has been
            // woken by another thread and is on its way into the queue.
            std::thread::yield_now();
        }
    }
}

impl Default for LocalSet {
    fn default() -> LocalSet {
        LocalSet::new()
    }
}

pin_project! {
    /// A future that drives a set until another is ready; see [`LocalSet::run_until`].
    #[derive(Debug)]
    #[must_use = "futures do nothing unless awaited"]
    pub struct RunUntil<'a, F> {
        set: &'a LocalSet,
        #[pin]
        future: F,
        made: Made,
    }
}

impl<F: Future> Future for RunUntil<'_, F> {
    type Output = F::Output;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<F::Output> {
        let this = self.project();
        this.made.set_polled();
        let polled = {
            let _inside = this.set.enter();
            this.future.poll(cx)
        };
        if polled.is_pending() {
            this.set.poll_tasks(cx);
        }
        polled
    }
}

impl fmt::Debug for LocalSet {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("LocalSet").field("tasks", &self.home.live.len()).finish_non_exhaustive()
    }
}

impl fmt::Debug for LocalEnterGuard<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("LocalEnterGuard").finish_non_exhaustive()
    }
}
