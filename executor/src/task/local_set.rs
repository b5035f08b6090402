//! [`LocalSet`]: tasks that are not `Send`, on the thread of whoever drives them.
//!
//! A set is a home of tasks with one queue. Wakers put tasks into the queue from any thread; they
//! are polled, cancelled and dropped only by the set itself, which stays on its thread. It has no
//! thread, no timers and no I/O of its own: those are the runtime's in which it is driven.

use std::cell::{Cell, RefCell};
use std::fmt;
use std::future::Future;
use std::marker::PhantomData;
use std::panic::Location;
use std::pin::Pin;
use std::ptr::{self, NonNull};
use std::sync::Arc;
use std::task::{Context, Poll};

use pin_project_lite::pin_project;

use super::error::FailureHook;
use super::guests::{Driving, Guest};
use super::header::{Header, Notified};
use super::state::Claim;
use super::{Home, Id, JoinHandle, Origin, poll, try_id};
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
/// The tasks are not the runtime's: its hooks and its metrics do not see them, and it does not end them.
/// Dropping the set cancels them. They are shown, by [`task::all`](super::all) and by
/// [`testing`](crate::testing), in the runtime in which the set was driven last; before that in the one
/// in which a task was spawned into it.
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
    /// There from the first poll of the set as a future until it is ready.
    driving: Option<Driving>,
    /// Neither `Send` nor `Sync`.
    stays: PhantomData<*const ()>,
}

/// Where the tasks of a set live.
struct LocalHome {
    guest: Arc<Guest>,
    ready: Injector<Notified>,
}

thread_local! {
    /// The set that `spawn_local` spawns into.
    static CURRENT: Cell<*const LocalHome> = const { Cell::new(ptr::null()) };
    /// The tasks that are running sets right now, the innermost last.
    static DRIVERS: RefCell<Vec<Id>> = const { RefCell::new(Vec::new()) };
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
        let home = LocalHome { guest: Arc::new(Guest::new()), ready: Injector::new() };
        let home = Arc::new(home);
        LocalSet { id: runtime::Id::next(), home, driving: None, stays: PhantomData }
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
        RunUntil { set: self, future, driving: None, made: Made::here(&RUN_UNTIL) }
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
    fn poll_tasks(&self, driving: &Driving, cx: &Context<'_>) {
        let _inside = self.enter();
        let _driver = Driver::enter();
        // While it runs the tasks, nobody needs to wake it.
        driving.set_waker(None);
        let debugging = context::with_current(|scheduler| {
            scheduler.guests.receive(&self.home.guest);
            scheduler.config.debugging.clone()
        });
        let debugging = debugging.flatten();
        for _ in 0..TASKS_PER_POLL {
            let Some(task) = self.home.ready.pop() else { break };
            let watched = debugging.as_ref().map(|debugging| TimedPoll::begin(debugging, &task));
            task.run_nested();
            if let Some(poll) = watched {
                poll.end_nested();
            }
        }
        driving.set_waker(Some(cx.waker()));
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

/// While it lives, the task that is current where it was made, if one was, runs a set.
struct Driver(Option<Id>);

impl Driver {
    fn enter() -> Driver {
        let task = try_id();
        if let Some(task) = task {
            DRIVERS.with_borrow_mut(|drivers| drivers.push(task));
        }
        Driver(task)
    }
}

impl Drop for Driver {
    fn drop(&mut self) {
        if self.0.is_some() {
            DRIVERS.with_borrow_mut(Vec::pop);
        }
    }
}

/// The tasks that are running sets on this thread right now: they are polled, and cannot end before
/// the task that is current.
pub(crate) fn drivers() -> Vec<Id> {
    DRIVERS.with_borrow(Vec::clone)
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
    home.guest.spawned_into();
    match home.guest.live.admit(live, notified) {
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
        self.guest.wake_drivers();
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
        unsafe { home.as_ref().guest.live.remove(task) };
        true
    }

    unsafe fn failure_hook(_: NonNull<LocalHome>) -> FailureHook {
        context::with_current(|scheduler| scheduler.config.on_unhandled_failure.clone()).flatten()
    }
}

/// Drives the set until all its tasks have ended.
impl Future for LocalSet {
    type Output = ();

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        let driving = self.driving.take().unwrap_or_else(|| Driving::begin(&self.home.guest));
        self.poll_tasks(&driving, cx);
        if self.home.guest.live.len() == 0 {
            return Poll::Ready(());
        }
        self.driving = Some(driving);
        Poll::Pending
    }
}

impl Drop for LocalSet {
    fn drop(&mut self) {
        let _inside = self.enter();
        self.home.guest.live.close();
        loop {
            while let Some(task) = self.home.ready.pop() {
                // The edge only marks a queued task: the right to start it is in our hands.
                let _ = task.header().state.abort();
                task.run_nested();
            }
            let tasks = self.home.guest.live.snapshot();
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
        // There from the first poll until the future is ready.
        driving: Option<Driving>,
        made: Made,
    }
}

impl<F: Future> Future for RunUntil<'_, F> {
    type Output = F::Output;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<F::Output> {
        let this = self.project();
        this.made.set_polled();
        let driving = this.driving.get_or_insert_with(|| Driving::begin(&this.set.home.guest));
        let polled = {
            let _inside = this.set.enter();
            this.future.poll(cx)
        };
        if polled.is_pending() {
            this.set.poll_tasks(driving, cx);
        } else {
            *this.driving = None;
        }
        polled
    }
}

impl fmt::Debug for LocalSet {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("LocalSet")
            .field("tasks", &self.home.guest.live.len())
            .finish_non_exhaustive()
    }
}

impl fmt::Debug for LocalEnterGuard<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("LocalEnterGuard").finish_non_exhaustive()
    }
}
