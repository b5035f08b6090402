//! [`Child`]: the handle of a group's child, and the slot in which its value is handed over.

use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, Waker, ready};

use parking_lot::Mutex;

use crate::foreign::wake;
use crate::leaf::{self, Joined};
use crate::task::{AbortHandle, Id};

/// A child of a group. Awaiting it yields the child's value, or `None` if it has failed or was
/// cancelled; the failure itself goes to the scope.
///
/// It may be dropped: the scope waits for the child all the same.
///
/// # Cancel safety
/// Awaiting `&mut child` is cancel safe.
pub struct Child<T> {
    /// `None` if the group has taken no more children.
    task: Option<AbortHandle>,
    slot: Arc<Slot<T>>,
}

impl<T> Child<T> {
    pub(super) fn new(task: AbortHandle, slot: Arc<Slot<T>>) -> Child<T> {
        Child { task: Some(task), slot }
    }

    /// The handle of a child that was never spawned.
    pub(super) fn refused(slot: Arc<Slot<T>>) -> Child<T> {
        drop(slot.clone().closing());
        Child { task: None, slot }
    }

    /// Cancels this child alone, which is no failure of the group; see
    /// [`JoinHandle::cancel`](crate::task::JoinHandle::cancel).
    pub fn cancel(&self, reason: impl Into<Arc<str>>) {
        if let Some(task) = &self.task {
            task.cancel(reason);
        }
    }

    /// Aborts this child alone, which is no failure of the group; see
    /// [`JoinHandle::abort`](crate::task::JoinHandle::abort).
    pub fn abort(&self) {
        if let Some(task) = &self.task {
            task.abort();
        }
    }

    /// Whether the child has ended.
    pub fn is_finished(&self) -> bool {
        self.task.as_ref().is_none_or(AbortHandle::is_finished)
    }

    /// The id of the child's task. `None` if the group was cut or over, and so took none.
    pub fn id(&self) -> Option<Id> {
        self.task.as_ref().map(AbortHandle::id)
    }
}

impl<T> Future for Child<T> {
    type Output = Option<T>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<T>> {
        ready!(leaf::proceed(cx));
        let polled = self.slot.poll_take(cx);
        if polled.is_pending() {
            leaf::restore();
            self.task.iter().for_each(|task| task.note_join(Joined::Child));
        }
        polled
    }
}

impl<T> fmt::Debug for Child<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Child").field("id", &self.id()).finish()
    }
}

/// Where a child leaves its value for whoever awaits its handle.
pub(super) struct Slot<T>(Mutex<Content<T>>);

enum Content<T> {
    /// The child is going on, and this is who waits.
    Empty(Option<Waker>),
    Value(T),
    /// There is no value, or none any more.
    Closed,
}

impl<T> Slot<T> {
    pub(super) fn new() -> Arc<Slot<T>> {
        Arc::new(Slot(Mutex::new(Content::Empty(None))))
    }

    /// The child's end of the slot.
    pub(super) fn closing(self: Arc<Slot<T>>) -> Closing<T> {
        Closing(self)
    }

    fn poll_take(&self, cx: &Context<'_>) -> Poll<Option<T>> {
        let mut content = self.0.lock();
        match &mut *content {
            Content::Empty(Some(waker)) if waker.will_wake(cx.waker()) => Poll::Pending,
            Content::Empty(waker) => {
                let before = waker.replace(cx.waker().clone());
                drop(content);
                // A waker's destructor, too, is foreign code.
                drop(before);
                Poll::Pending
            }
            Content::Value(_) => {
                let taken = std::mem::replace(&mut *content, Content::Closed);
                Poll::Ready(if let Content::Value(value) = taken { Some(value) } else { None })
            }
            Content::Closed => Poll::Ready(None),
        }
    }

    fn put(&self, next: Content<T>) {
        let before = std::mem::replace(&mut *self.0.lock(), next);
        if let Content::Empty(Some(waker)) = before {
            // The child has ended as it has, whatever the waker does.
            wake(waker);
        }
    }
}

/// Fills the slot, or closes it however the child ends.
pub(super) struct Closing<T>(Arc<Slot<T>>);

impl<T> Closing<T> {
    pub(super) fn fill(self, value: T) {
        self.0.put(Content::Value(value));
    }
}

impl<T> Drop for Closing<T> {
    fn drop(&mut self) {
        if matches!(*self.0.0.lock(), Content::Empty(_)) {
            self.0.put(Content::Closed);
        }
    }
}
