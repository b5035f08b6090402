//! One poll of a task and what follows from it: the type-aware half of a task.
//!
//! [`Cell`] is the allocation; the functions below fill its [`Vtable`]. Panics of the future, of
//! its destructor and of its output's destructor end here and become the task's outcome: no panic
//! of a task reaches its worker. Deliberately without any choice of queue: that is [`Home`]'s.

use std::alloc::Layout;
use std::any::Any;
use std::future::Future;
use std::marker::PhantomData;
use std::mem::ManuallyDrop;
use std::panic::{AssertUnwindSafe, Location, catch_unwind};
use std::pin::Pin;
use std::ptr::NonNull;
use std::sync::Arc;
use std::task::{Context, Poll, Waker};

use heist_timer::silence;

use super::details::Details;
use super::error::JoinError;
use super::header::{Header, Notified, TaskRef, Vtable, release};
use super::id::Id;
use super::join::JoinHandle;
use super::state::{Pause, Start};
use super::{age, current, memory, waker};
use crate::foreign::quietly;
use crate::shim::UnsafeCell;

/// Where a task lives: the part of a runtime that a task knows.
///
/// The methods take a pointer instead of `&self` because `schedule` may publish the one thing
/// that keeps the home alive: see [`Home::schedule`].
pub(crate) trait Home: Sync + Sized + 'static {
    /// Queues a task that somebody woke.
    ///
    /// # Safety
    /// `home` is the home of `task`, which is not complete, so the home exists at the time of the
    /// call. It may end as soon as the task can be taken from a queue: an implementation that
    /// touches the runtime after that must hold it by other means.
    unsafe fn schedule(home: NonNull<Self>, task: Notified);

    /// Queues a task that was woken during the poll which has just ended on this thread.
    ///
    /// # Safety
    /// `home` is the home of `task`; the caller is a worker of its runtime or spawns the task
    /// eagerly.
    unsafe fn reschedule(home: NonNull<Self>, task: Notified);

    /// The task is complete: takes it out of the live set, now (true: the caller gives up the
    /// live set's reference) or later (false: the live set does).
    ///
    /// # Safety
    /// `home` is the home of `task`; the caller is a worker of its runtime, or spawns the task
    /// eagerly, or ends the runtime, and has just completed the task.
    unsafe fn retire(home: NonNull<Self>, task: NonNull<Header>) -> bool;

    /// What to tell when the task's panic is never read.
    ///
    /// # Safety
    /// As for [`Home::retire`], before it.
    unsafe fn failure_hook(home: NonNull<Self>) -> super::error::FailureHook;
}

/// The future of a task, or its output, or (once either was moved out) nothing. Which of them is
/// there follows from the task word and the rules in [`task`](super).
union Stage<F: Future> {
    future: ManuallyDrop<F>,
    output: ManuallyDrop<Result<F::Output, JoinError>>,
}

/// The allocation of a task.
#[repr(C)]
pub(crate) struct Cell<F: Future, H> {
    header: Header,
    stage: UnsafeCell<Stage<F>>,
    home: PhantomData<fn(H)>,
}

/// What a spawn decides about a task besides its future.
pub(crate) struct Origin {
    pub(crate) parent: Option<Id>,
    pub(crate) spawned_at: &'static Location<'static>,
    pub(crate) details: Option<Arc<Details>>,
    /// Whether it is polled once by the spawning thread, before it is queued.
    pub(crate) eager: bool,
}

/// Makes a task: its live reference, its first `Notified`, and its handle.
///
/// # Safety
/// `home` must exist until the task has completed. If `F` or its output are not `Send`, the task
/// must be run, cancelled, joined and dropped on the current thread only.
pub(crate) unsafe fn allocate<F, H>(
    future: F,
    home: NonNull<H>,
    origin: Origin,
) -> (TaskRef, Notified, JoinHandle<F::Output>)
where
    F: Future + 'static,
    F::Output: 'static,
    H: Home,
{
    let cell = memory::allocate(Layout::new::<Cell<F, H>>()).cast::<Cell<F, H>>();
    // SAFETY: memory of a cell's layout, which nobody else knows yet.
    unsafe {
        cell.write(Cell {
            header: Header::new(
                Cell::<F, H>::VTABLE,
                home.cast(),
                Id::next(),
                origin.parent,
                origin.spawned_at,
                origin.details,
                age::now(),
            ),
            stage: UnsafeCell::new(Stage { future: ManuallyDrop::new(future) }),
            home: PhantomData,
        });
    }
    let header = cell.cast::<Header>();
    // SAFETY: a new task word counts three references, one for each of these, and is notified.
    unsafe {
        let live = TaskRef::from_raw(header);
        let notified = Notified::from_raw(header);
        let handle = JoinHandle::new(TaskRef::from_raw(header));
        (live, notified, handle)
    }
}

impl<F: Future + 'static, H: Home> Cell<F, H> {
    const VTABLE: &'static Vtable = &Vtable {
        run: run::<F, H>,
        schedule: schedule::<H>,
        cancel_claimed: cancel_claimed::<F, H>,
        take_output: take_output::<F, H>,
        drop_output: drop_output::<F, H>,
        free: free::<F, H>,
    };
}

/// Implements [`Vtable::run`].
///
/// # Safety
/// The caller passes on the reference of a `Notified` of this task, made by `allocate::<F, H>`.
unsafe fn run<F: Future, H: Home>(task: NonNull<Header>) {
    // SAFETY: the passed reference keeps the cell until it is given up below.
    let header = unsafe { task.as_ref() };
    let duty = match header.state.start() {
        // SAFETY: `start` set RUNNING, which makes the future ours.
        Start::Poll => match unsafe { poll_future::<F, H>(task) } {
            Polled::Ready(output) => {
                // SAFETY: we hold RUNNING, the future is gone, and the reference is passed on.
                unsafe { complete::<F, H>(task, output, 1) };
                return;
            }
            Polled::Pending { woken: true } => {
                header.queued_again();
                Pause::Requeue
            }
            Polled::Pending { woken: false } => header.state.pause(),
        },
        Start::Cancel => Pause::Cancel,
    };
    match duty {
        Pause::Idle => {}
        // SAFETY: RUNNING is still ours, or `pause` left NOTIFIED set, and the reference is counted:
        // that is a `Notified`. The task is not complete, and polls happen on workers of its home.
        Pause::Requeue => unsafe { H::reschedule(header.home.cast(), Notified::from_raw(task)) },
        // SAFETY: RUNNING is still ours, and the reference is passed on.
        Pause::Cancel => unsafe { cancel::<F, H>(task, 1) },
    }
}

/// How a poll ended; `woken` if the task woke itself meanwhile.
enum Polled<T> {
    Ready(Result<T, JoinError>),
    Pending { woken: bool },
}

/// Polls the future once; on completion or panic the future is dropped.
///
/// # Safety
/// The caller holds RUNNING and a reference, and the future has not been dropped.
unsafe fn poll_future<F: Future, H: Home>(task: NonNull<Header>) -> Polled<F::Output> {
    // SAFETY: the caller's reference keeps the cell.
    let header = unsafe { task.as_ref() };
    header.begin_poll();
    let current = current::enter(task);
    // SAFETY: the waker borrows the caller's reference and is gone before it.
    let waker = unsafe { waker::borrowed(task) };
    let mut cx = Context::from_waker(&waker);
    let polled = catch_unwind(AssertUnwindSafe(|| {
        // SAFETY: RUNNING makes the future ours; it is pinned, as the cell never moves it.
        unsafe {
            stage::<F, H>(task).with_mut(|s| Pin::new_unchecked(&mut *(*s).future).poll(&mut cx))
        }
    }));
    let result = match polled {
        Ok(Poll::Pending) => return Polled::Pending { woken: current.woken() },
        Ok(Poll::Ready(output)) => Ok(output),
        Err(payload) => Err(payload),
    };
    // SAFETY: the future will not be polled again, and RUNNING is still ours.
    let dropped = unsafe { drop_future::<F, H>(task) };
    Polled::Ready(match (result, dropped) {
        (Ok(output), Ok(())) => Ok(output),
        // The first panic is the one that tells what went wrong.
        (Err(payload), _) | (Ok(_), Err(payload)) => {
            // SAFETY: the caller is a worker of this home, as `run` and `cancel_claimed` ask.
            let hook = unsafe { H::failure_hook(header.home.cast()) };
            Err(JoinError::panicked(header, payload, hook))
        }
    })
}

/// Drops the future; an `Err` is the panic of its destructor.
///
/// # Safety
/// The caller holds RUNNING and a reference; the future is there and is not used again.
unsafe fn drop_future<F: Future, H: Home>(
    task: NonNull<Header>,
) -> Result<(), Box<dyn Any + Send>> {
    catch_unwind(AssertUnwindSafe(|| {
        // SAFETY: passed on from the caller.
        unsafe { stage::<F, H>(task).with_mut(|s| ManuallyDrop::drop(&mut (*s).future)) }
    }))
}

/// Drops the future and completes the task as cancelled, giving up `references`.
///
/// # Safety
/// The caller holds RUNNING and the references; the future has not been dropped.
unsafe fn cancel<F: Future, H: Home>(task: NonNull<Header>, references: usize) {
    // SAFETY: the caller's reference keeps the cell.
    let header = unsafe { task.as_ref() };
    let dropped = {
        let _current = current::enter(task);
        // What it has made and not awaited yet would have had its turn.
        let _silence = silence::keep();
        // SAFETY: passed on from the caller.
        unsafe { drop_future::<F, H>(task) }
    };
    let error = match dropped {
        Ok(()) => {
            let cancellation = header.details.seen_cancellation();
            JoinError::cancelled(header.id, cancellation.and_then(|c| c.reason()))
        }
        Err(payload) => {
            // SAFETY: the caller is a worker of this home or ends its runtime.
            let hook = unsafe { H::failure_hook(header.home.cast()) };
            JoinError::panicked(header, payload, hook)
        }
    };
    // SAFETY: passed on from the caller; the future is gone.
    unsafe { complete::<F, H>(task, Err(error), references) }
}

/// Stores the output, tells the handle, leaves the live set, gives up `references`.
///
/// # Safety
/// The caller holds RUNNING and the references, and the future is gone.
unsafe fn complete<F: Future, H: Home>(
    task: NonNull<Header>,
    output: Result<F::Output, JoinError>,
    references: usize,
) {
    // SAFETY: the caller's references keep the cell until `release`.
    let header = unsafe { task.as_ref() };
    // SAFETY: RUNNING makes the stage ours, and the future in it is gone.
    unsafe { stage::<F, H>(task).with_mut(|s| (*s).output = ManuallyDrop::new(output)) };
    let after = header.state.complete();
    if !after.has_join_interest() {
        // SAFETY: nobody will read the output, and COMPLETE without interest makes it ours.
        unsafe { drop_output::<F, H>(task) };
    } else if after.has_join_waker() {
        let wake = |waker: &Waker| quietly(|| waker.wake_by_ref());
        // SAFETY: JOIN_WAKER is set: the waker is there and shared for reading (rule 3).
        header.join_waker.with(|w| unsafe { (*w).as_ref().map(wake) });
        if !header.state.release_join_waker().has_join_interest() {
            // SAFETY: the handle is gone and left the waker to us (rule 4).
            let waker = header.join_waker.with_mut(|w| unsafe { (*w).take() });
            quietly(|| drop(waker));
        }
    }
    // SAFETY: we have just completed the task, on a worker or at the end of its runtime.
    let retired = unsafe { H::retire(header.home.cast(), task) };
    // SAFETY: the caller's references, and the live set's if it has let go.
    unsafe { release(task, references + usize::from(retired)) }
}

/// Implements [`Vtable::schedule`].
///
/// # Safety
/// The caller passes on the reference of a `Notified`.
unsafe fn schedule<H: Home>(task: NonNull<Header>) {
    // SAFETY: passed on from the caller; a task with a `Notified` is not complete.
    unsafe { H::schedule(task.as_ref().home.cast(), Notified::from_raw(task)) }
}

/// Implements [`Vtable::cancel_claimed`].
///
/// # Safety
/// The caller has claimed the task (RUNNING) and goes on holding the live set's reference; it is
/// a worker of the task's home or ends its runtime.
unsafe fn cancel_claimed<F: Future, H: Home>(task: NonNull<Header>) {
    // SAFETY: passed on from the caller.
    unsafe { cancel::<F, H>(task, 0) }
}

/// Implements [`Vtable::take_output`].
///
/// # Safety
/// The task is complete, the caller holds its join interest, and the output is still there;
/// `to` points to a `Result<F::Output, JoinError>` that may be written without dropping it.
unsafe fn take_output<F: Future, H: Home>(task: NonNull<Header>, to: *mut ()) {
    // SAFETY: COMPLETE with interest makes the output the handle's.
    unsafe {
        stage::<F, H>(task).with_mut(|s| {
            to.cast::<Result<F::Output, JoinError>>().write(ManuallyDrop::take(&mut (*s).output));
        });
    }
}

/// Implements [`Vtable::drop_output`]: drops it unread, but never silently if it is a panic.
///
/// # Safety
/// The task is complete, the output is there, and it is the caller's.
unsafe fn drop_output<F: Future, H: Home>(task: NonNull<Header>) {
    // SAFETY: passed on from the caller.
    let output = unsafe { stage::<F, H>(task).with_mut(|s| ManuallyDrop::take(&mut (*s).output)) };
    match output {
        Err(error) => error.report_unread(),
        Ok(value) => {
            quietly(|| drop(value));
        }
    }
}

/// Implements [`Vtable::free`].
///
/// # Safety
/// The caller has given up the last reference; future and output are gone.
unsafe fn free<F: Future, H: Home>(task: NonNull<Header>) {
    let cell = task.cast::<Cell<F, H>>();
    // It may hold the last reference to a value that was inherited.
    // SAFETY: `allocate::<F, H>` made this cell, and nobody else can reach it any more.
    quietly(|| unsafe { cell.drop_in_place() });
    // SAFETY: as above; the cell is gone, and this was its memory.
    unsafe { memory::free(cell.cast(), Layout::new::<Cell<F, H>>()) };
}

/// The stage of a task.
///
/// # Safety
/// The task was made by `allocate::<F, H>` and outlives the returned borrow.
unsafe fn stage<'a, F: Future, H: Home>(task: NonNull<Header>) -> &'a UnsafeCell<Stage<F>> {
    // SAFETY: the cell is `repr(C)` with the header first. The place is borrowed alone, since
    // other threads may use the header meanwhile.
    unsafe { &(*task.cast::<Cell<F, H>>().as_ptr()).stage }
}
