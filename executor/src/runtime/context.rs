//! Which runtime this thread belongs to, and which worker, if any, runs on it.
//!
//! Two plain thread-locals, so that a spawn or a wake finds its worker with two loads. The lower
//! crates keep thread-locals of their own for their drivers; the guards here set all of them.

use std::cell::Cell;
use std::ptr;
use std::sync::Arc;

use crate::worker::{Scheduler, WorkerLocal};

thread_local! {
    /// The innermost runtime entered on this thread.
    static SCHEDULER: Cell<*const Scheduler> = const { Cell::new(ptr::null()) };
    /// The worker installed on this thread.
    static WORKER: Cell<*const WorkerLocal> = const { Cell::new(ptr::null()) };
    /// The runtime that is bound to this thread, if one is.
    static LOCAL: Cell<*const Scheduler> = const { Cell::new(ptr::null()) };
    /// Whether blocking here would block async code.
    static IN_ASYNC: Cell<bool> = const { Cell::new(false) };
}

/// What was there before; see [`enter`].
pub(crate) struct ContextGuard {
    outer: *const Scheduler,
    scheduler: Arc<Scheduler>,
    _reactor: heist_io::context::ReactorGuard,
    _timers: heist_timer::context::TimerGuard,
}

/// Makes `scheduler` the current runtime of this thread while the guard lives.
pub(crate) fn enter(scheduler: &Arc<Scheduler>) -> ContextGuard {
    // Threads that are no workers share out their timers among the wheels of those workers that
    // have a thread.
    thread_local!(static SHARE: Cell<usize> = const { Cell::new(usize::MAX) });
    static NEXT: std::sync::atomic::AtomicUsize = std::sync::atomic::AtomicUsize::new(0);
    if SHARE.get() == usize::MAX {
        SHARE.set(NEXT.fetch_add(1, std::sync::atomic::Ordering::Relaxed));
    }
    enter_as(scheduler, SHARE.get() % scheduler.idle.started().max(1))
}

fn enter_as(scheduler: &Arc<Scheduler>, owner: usize) -> ContextGuard {
    ContextGuard {
        outer: SCHEDULER.replace(Arc::as_ptr(scheduler)),
        scheduler: scheduler.clone(),
        _reactor: heist_io::context::enter(&scheduler.reactor),
        _timers: heist_timer::context::enter(&scheduler.timers, owner),
    }
}

impl Drop for ContextGuard {
    fn drop(&mut self) {
        debug_assert_eq!(
            SCHEDULER.get(),
            Arc::as_ptr(&self.scheduler),
            "guards dropped out of order"
        );
        SCHEDULER.set(self.outer);
    }
}

/// The current runtime.
pub(crate) fn current() -> Option<Arc<Scheduler>> {
    let scheduler = SCHEDULER.get();
    if scheduler.is_null() {
        return None;
    }
    // SAFETY: the guard that set the pointer holds a reference to it for as long as it is set.
    unsafe {
        Arc::increment_strong_count(scheduler);
        Some(Arc::from_raw(scheduler))
    }
}

/// Runs `f` on the current runtime.
#[inline]
pub(crate) fn with_current<R>(f: impl FnOnce(&Scheduler) -> R) -> Option<R> {
    let scheduler = SCHEDULER.get();
    // SAFETY: as in `current`; the guard outlives this call.
    (!scheduler.is_null()).then(|| f(unsafe { &*scheduler }))
}

/// What a worker's thread was before the worker came; see [`enter_worker`].
pub(crate) struct WorkerGuard {
    outer: *const WorkerLocal,
    outer_in_async: bool,
    _context: ContextGuard,
    _worker: Arc<WorkerLocal>,
}

/// Installs a worker on this thread while the guard lives, or until [`take_worker`].
pub(crate) fn enter_worker(worker: &Arc<WorkerLocal>) -> WorkerGuard {
    WorkerGuard {
        outer: WORKER.replace(Arc::as_ptr(worker)),
        outer_in_async: IN_ASYNC.replace(true),
        _context: enter_as(&worker.scheduler, worker.index),
        _worker: worker.clone(),
    }
}

impl Drop for WorkerGuard {
    fn drop(&mut self) {
        WORKER.set(self.outer);
        IN_ASYNC.set(self.outer_in_async);
    }
}

/// The worker on this thread, if it is one of `scheduler`'s.
#[inline]
pub(crate) fn worker_of(scheduler: &Scheduler) -> Option<&WorkerLocal> {
    let worker = WORKER.get();
    if worker.is_null() {
        return None;
    }
    // SAFETY: the guard that set the pointer holds the worker for as long as it is set, and
    // whoever unsets it does so on this thread.
    let worker = unsafe { &*worker };
    ptr::eq(Arc::as_ptr(&worker.scheduler), scheduler).then_some(worker)
}

/// The number of the worker on this thread, if there is one.
pub(crate) fn worker_index() -> Option<usize> {
    let worker = WORKER.get();
    // SAFETY: as in `worker_of`.
    (!worker.is_null()).then(|| unsafe { (*worker).index })
}

/// Whether `worker` is installed on this thread.
#[inline]
pub(crate) fn is_worker(worker: &WorkerLocal) -> bool {
    ptr::eq(WORKER.get(), worker)
}

/// Takes the worker off this thread, which goes on without one.
pub(crate) fn take_worker() -> Option<Arc<WorkerLocal>> {
    let worker = WORKER.replace(ptr::null());
    if worker.is_null() {
        return None;
    }
    // SAFETY: as in `worker_of`.
    unsafe {
        Arc::increment_strong_count(worker);
        Some(Arc::from_raw(worker))
    }
}

/// Undoes [`take_worker`] on the same thread.
pub(crate) fn restore_worker(worker: &Arc<WorkerLocal>) {
    debug_assert!(WORKER.get().is_null());
    WORKER.set(Arc::as_ptr(worker));
}

/// Lets tasks that are not `Send` be spawned on `scheduler` from this thread while the guard lives.
///
/// # Safety of callers (crate-internal)
/// The one worker of `scheduler` runs on this thread only.
pub(crate) fn allow_local(scheduler: &Arc<Scheduler>) -> LocalGuard {
    LocalGuard(LOCAL.replace(Arc::as_ptr(scheduler)))
}

/// The current runtime, if tasks that are not `Send` may be spawned on it from here.
pub(crate) fn current_local() -> Option<Arc<Scheduler>> {
    current().filter(|scheduler| ptr::eq(LOCAL.get(), Arc::as_ptr(scheduler)))
}

/// See [`allow_local`].
pub(crate) struct LocalGuard(*const Scheduler);

impl Drop for LocalGuard {
    fn drop(&mut self) {
        LOCAL.set(self.0);
    }
}

/// Whether this thread runs async code, so that it must not block.
pub(crate) fn in_async() -> bool {
    IN_ASYNC.get()
}

/// Marks this thread as running async code, or as free to block, while the guard lives.
pub(crate) fn set_in_async(in_async: bool) -> AsyncGuard {
    AsyncGuard(IN_ASYNC.replace(in_async))
}

/// See [`set_in_async`].
pub(crate) struct AsyncGuard(bool);

impl Drop for AsyncGuard {
    fn drop(&mut self) {
        IN_ASYNC.set(self.0);
    }
}
