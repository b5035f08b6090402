//! [`JoinHandle`] and [`AbortHandle`]: how the spawner holds on to a task.

use std::fmt;
use std::future::Future;
use std::marker::PhantomData;
use std::mem::MaybeUninit;
use std::panic::{Location, RefUnwindSafe, UnwindSafe};
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, Waker, ready};

use super::error::JoinError;
use super::header::{Header, TaskRef};
use super::id::Id;
use crate::leaf::{self, Joined};

/// Owns the right to a task's output. Await it to join the task.
///
/// Dropping the handle detaches the task: it goes on, and its output is dropped when it ends. A
/// panic that nobody can read any more is reported, by default on standard error with the task's
/// name and spawn location; see `Builder::on_unhandled_failure` and `Builder::unhandled_panic`.
///
/// # Cancel safety
/// Awaiting `&mut handle` is cancel safe: the output stays with the task until it is returned.
///
/// # Examples
/// ```
/// # heist::runtime::Runtime::new().unwrap().block_on(async {
/// let handle = heist::spawn(async { 6 * 7 });
/// assert_eq!(handle.await.unwrap(), 42);
/// # });
/// ```
pub struct JoinHandle<T> {
    /// `None` once the output has been returned.
    task: Option<TaskRef>,
    id: Id,
    output: PhantomData<fn() -> T>,
}

impl<T> JoinHandle<T> {
    /// # Safety of callers (crate-internal)
    /// `task` is the reference that stands for the join interest of a task with output `T`.
    pub(crate) fn new(task: TaskRef) -> JoinHandle<T> {
        let id = task.header().id;
        JoinHandle { task: Some(task), id, output: PhantomData }
    }

    /// Cancels the task: its future is dropped where it stands at its next `await`, at once if it
    /// is idle, and the join yields [`JoinError::is_cancelled`]. A task that has completed, or
    /// that completes in the poll under way, is not affected.
    pub fn abort(&self) {
        if let Some(task) = &self.task {
            task.abort();
        }
    }

    /// Cancels the task for a reason, and lets it clean up.
    ///
    /// A task inside [`with_cleanup`](super::with_cleanup), [`shield`](super::shield) or
    /// [`scope`](crate::scope()) is asked to end, and does so when its clean-ups have run; see
    /// there. Any other is aborted, as by [`abort`](JoinHandle::abort). In both cases the join
    /// yields an error with the [reason](JoinError::reason); the first one counts. This call does
    /// not wait: to do so, await the handle.
    ///
    /// # Examples
    /// ```
    /// # heist::runtime::Runtime::new().unwrap().block_on(async {
    /// let task = heist::spawn(std::future::pending::<()>());
    /// task.cancel("the client has left");
    /// let error = task.await.unwrap_err();
    /// assert!(error.is_cancelled());
    /// assert_eq!(error.reason(), Some("the client has left"));
    /// # });
    /// ```
    pub fn cancel(&self, reason: impl Into<Arc<str>>) {
        if let Some(task) = &self.task {
            task.cancel(&reason.into());
        }
    }

    /// A handle that can abort the task and does not keep its output waiting.
    pub fn abort_handle(&self) -> AbortHandle {
        AbortHandle { task: self.task.clone(), id: self.id }
    }

    /// Whether the task has ended. Its output may not have been returned yet.
    pub fn is_finished(&self) -> bool {
        self.task.as_ref().is_none_or(|task| task.header().state.load().is_complete())
    }

    /// The id of the task.
    pub fn id(&self) -> Id {
        self.id
    }

    /// Puts a waker in place that is woken once, when the task ends. False if it has ended already.
    pub(crate) fn watch(&mut self, waker: &Waker) -> bool {
        self.task.as_ref().is_some_and(|task| !is_ready(task.header(), waker))
    }

    /// The name of the task and the place of its spawn, before its output is taken.
    pub(crate) fn label(&self) -> (Option<Box<str>>, &'static Location<'static>) {
        let header = self.task.as_ref().expect("the task is still there").header();
        (header.name().map(Box::from), header.spawned_at)
    }

    /// Takes the output of a task that has ended.
    ///
    /// # Panics
    /// If it was taken before.
    #[track_caller]
    pub(crate) fn take(&mut self) -> Result<T, JoinError> {
        let task = self.task.take().expect("the output of a task is taken once");
        let header = task.header();
        assert!(header.state.load().is_complete(), "the output of a task is taken after its end");
        let mut output = MaybeUninit::<Result<T, JoinError>>::uninit();
        // SAFETY: the task is complete and the interest is ours; `self.task` is given up, so the
        // output is taken once. The type is that of the task, by `new`.
        let output = unsafe {
            (header.vtable.take_output)(task.as_ptr(), output.as_mut_ptr().cast());
            output.assume_init()
        };
        // While JOIN_WAKER is set the completing worker may still be waking us; who comes second
        // drops the waker.
        if !header.state.load().has_join_waker() || header.state.leave().drop_waker {
            // SAFETY: JOIN_WAKER is clear: the waker is the handle's alone (rules 2 and 4).
            header.join_waker.with_mut(|w| unsafe { *w = None });
        }
        output
    }
}

/// True once the output can be taken; else the waker is in place.
fn is_ready(header: &Header, waker: &Waker) -> bool {
    let seen = header.state.load();
    if seen.is_complete() {
        return true;
    }
    if seen.has_join_waker() {
        // SAFETY: JOIN_WAKER is set: the waker is there and shared for reading (rule 3).
        let same = header.join_waker.with(|w| unsafe {
            (*w).as_ref().is_some_and(|registered| registered.will_wake(waker))
        });
        if same {
            return false;
        }
        if !header.state.unset_join_waker() {
            return true;
        }
    }
    // SAFETY: JOIN_WAKER is clear: the waker is the handle's alone (rule 2).
    header.join_waker.with_mut(|w| unsafe { *w = Some(waker.clone()) });
    if header.state.set_join_waker() {
        return false;
    }
    // SAFETY: as above; the task completed before it could see the waker.
    header.join_waker.with_mut(|w| unsafe { *w = None });
    true
}

impl<T> Future for JoinHandle<T> {
    type Output = Result<T, JoinError>;

    /// # Panics
    /// If it is polled again after it has returned the output.
    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        ready!(leaf::proceed(cx));
        let Some(task) = &self.task else {
            panic!("a JoinHandle was polled after it had returned its task's output")
        };
        let header = task.header();
        if !is_ready(header, cx.waker()) {
            leaf::restore();
            leaf::joining(Joined::Handle, header.id, header.spawned_at);
            return Poll::Pending;
        }
        Poll::Ready(self.take())
    }
}

impl<T> Drop for JoinHandle<T> {
    fn drop(&mut self) {
        let Some(task) = &self.task else { return };
        let duty = task.header().state.leave();
        if duty.drop_waker {
            // SAFETY: the edge gave the waker to us (rules 2 and 4).
            task.header().join_waker.with_mut(|w| unsafe { *w = None });
        }
        if duty.drop_output {
            // SAFETY: the task is complete and the edge gave the output to us.
            unsafe { (task.header().vtable.drop_output)(task.as_ptr()) };
        }
    }
}

impl<T> Unpin for JoinHandle<T> {}
// SAFETY: the handle moves a `T` out of the task to the thread that polls it.
unsafe impl<T: Send> Send for JoinHandle<T> {}
// SAFETY: a shared handle gives no access to the output.
unsafe impl<T: Send> Sync for JoinHandle<T> {}
impl<T> UnwindSafe for JoinHandle<T> {}
impl<T> RefUnwindSafe for JoinHandle<T> {}

impl<T> fmt::Debug for JoinHandle<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("JoinHandle").field("id", &self.id).finish()
    }
}

/// Can abort a task and see whether it has ended; any number of them may exist.
///
/// Unlike tokio's, it keeps nothing of the task's output alive: only the cell itself.
///
/// # Examples
/// ```
/// # heist::runtime::Runtime::new().unwrap().block_on(async {
/// let task = heist::spawn(std::future::pending::<()>());
/// let abort = task.abort_handle();
/// std::thread::spawn(move || abort.abort());
/// assert!(task.await.unwrap_err().is_cancelled());
/// # });
/// ```
#[derive(Clone)]
pub struct AbortHandle {
    task: Option<TaskRef>,
    id: Id,
}

impl AbortHandle {
    /// As [`JoinHandle::abort`].
    pub fn abort(&self) {
        if let Some(task) = &self.task {
            task.abort();
        }
    }

    /// As [`JoinHandle::cancel`].
    pub fn cancel(&self, reason: impl Into<Arc<str>>) {
        if let Some(task) = &self.task {
            task.cancel(&reason.into());
        }
    }

    /// Whether the task has ended.
    pub fn is_finished(&self) -> bool {
        self.task.as_ref().is_none_or(|task| task.header().state.load().is_complete())
    }

    /// The id of the task.
    pub fn id(&self) -> Id {
        self.id
    }

    /// Notes in the current task that it awaits this one.
    pub(crate) fn note_join(&self, handle: Joined) {
        if let Some(task) = &self.task {
            leaf::joining(handle, self.id, task.header().spawned_at);
        }
    }
}

impl UnwindSafe for AbortHandle {}
impl RefUnwindSafe for AbortHandle {}

impl fmt::Debug for AbortHandle {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("AbortHandle").field("id", &self.id).finish()
    }
}
