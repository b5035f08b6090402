//! [`TaskGroup`]: the children of a scope, and what its references share.

use std::convert::Infallible;
use std::fmt;
use std::future::Future;
use std::panic::Location;
use std::sync::Arc;
use std::task::{Context, Poll, Waker};

use parking_lot::Mutex;

use super::child::{Child, Slot};
use super::{GroupCause, Outcome};
use crate::foreign::wake;
use crate::runtime::{Handle, context};
use crate::task::roster::{Left, Roster};
use crate::task::spawn::spawn_local_with;
use crate::task::{AbortHandle, Builder, JoinHandle, Origin};
use crate::time::Instant;

/// The tasks of a scope: spawns children, cancels them all. Clones refer to the same group.
///
/// `E` is the error with which children may fail. See [`scope`](super::scope).
pub struct TaskGroup<E = Infallible> {
    group: Arc<Group<E>>,
}

struct Group<E> {
    runtime: Handle,
    members: Mutex<Members<E>>,
}

struct Members<E> {
    children: Roster<Result<(), E>>,
    /// Children that are being spawned: not in the roster yet, but waited for.
    arriving: usize,
    /// Why the scope was cut, if it was.
    cut: Option<GroupCause>,
    deadline: Option<Instant>,
    /// The scope has ended or is gone.
    closed: bool,
    /// The scope waits for nothing but who arrives.
    awaits_arrival: bool,
    /// The task that the scope runs in.
    owner: Option<Waker>,
}

impl<E> Members<E> {
    fn is_open(&self) -> bool {
        self.cut.is_none() && !self.closed
    }
}

/// What the group tells its scope at each poll.
pub(super) struct News {
    pub(super) cut: Option<GroupCause>,
    pub(super) deadline: Option<Instant>,
}

impl<E> TaskGroup<E> {
    pub(super) fn new(runtime: Handle) -> TaskGroup<E> {
        let members = Members {
            children: Roster::new(),
            arriving: 0,
            cut: None,
            deadline: None,
            closed: false,
            awaits_arrival: false,
            owner: None,
        };
        TaskGroup { group: Arc::new(Group { runtime, members: Mutex::new(members) }) }
    }
}

impl<E: Send + 'static> TaskGroup<E> {
    /// Spawns a child. It may return nothing or a `Result`; an `Err` and a panic cut the scope.
    ///
    /// Once the scope is cut or has ended, the future is dropped unrun.
    ///
    /// # Examples
    /// ```
    /// # heist::runtime::Runtime::new().unwrap().block_on(async {
    /// let scope = heist::scope(async |group| {
    ///     let parent = group.clone();
    ///     group.spawn(async move {
    ///         parent.spawn(async { Ok("a child of a child") }).await;
    ///     });
    ///     Ok::<_, std::io::Error>(())
    /// });
    /// scope.await.unwrap();
    /// # });
    /// ```
    #[track_caller]
    pub fn spawn<F>(&self, future: F) -> Child<<F::Output as Outcome<E>>::Value>
    where
        F: Future + Send + 'static,
        F::Output: Outcome<E>,
        <F::Output as Outcome<E>>::Value: Send + 'static,
    {
        self.spawn_as(Builder::new(), future)
    }

    /// As [`spawn`](TaskGroup::spawn), for a task with a name or with an eager start.
    #[track_caller]
    pub fn spawn_as<F>(
        &self,
        builder: Builder,
        future: F,
    ) -> Child<<F::Output as Outcome<E>>::Value>
    where
        F: Future + Send + 'static,
        F::Output: Outcome<E>,
        <F::Output as Outcome<E>>::Value: Send + 'static,
    {
        let at = Location::caller();
        self.admit(move |group, slot| {
            let _runtime = context::enter(&group.runtime.scheduler);
            builder.spawn_from(wrap(future, slot), at)
        })
    }

    /// Spawns a child that need not be `Send`; see [`task::spawn_local`](crate::task::spawn_local).
    ///
    /// # Panics
    /// Where that does, unless the scope is cut or has ended.
    #[track_caller]
    pub fn spawn_local<F>(&self, future: F) -> Child<<F::Output as Outcome<E>>::Value>
    where
        F: Future + 'static,
        F::Output: Outcome<E>,
        <F::Output as Outcome<E>>::Value: 'static,
    {
        let at = Location::caller();
        self.admit(move |_, slot| spawn_local_with(wrap(future, slot), Origin::here(at)))
    }

    /// Runs a closure on the blocking pool as a child. One that has begun cannot be stopped: the
    /// scope waits for it. It can ask [`task::is_cancelled`](crate::task::is_cancelled).
    #[track_caller]
    pub fn spawn_blocking<F, O>(&self, job: F) -> Child<O::Value>
    where
        F: FnOnce() -> O + Send + 'static,
        O: Outcome<E>,
        O::Value: Send + 'static,
    {
        let at = Location::caller();
        self.admit(move |group, slot| {
            let closing = slot.clone().closing();
            let job = move || {
                closing.fill(job().into_result()?);
                Ok(())
            };
            let scheduler = &group.runtime.scheduler;
            scheduler.blocking.own.spawn(scheduler, job, Origin::here(at))
        })
    }

    /// Spawns a child with `spawn`, unless the group takes none any more.
    fn admit<T>(
        &self,
        spawn: impl FnOnce(&Group<E>, &Arc<Slot<T>>) -> JoinHandle<Result<(), E>>,
    ) -> Child<T> {
        let slot = Slot::new();
        {
            let mut members = self.group.members.lock();
            if !members.is_open() {
                drop(members);
                return Child::refused(slot);
            }
            members.arriving += 1;
        }
        // Not under the lock: hooks, and the destructor of a future that its runtime refuses, may
        // do anything. Meanwhile the scope waits for the one that arrives.
        let arrival = Arrival(&self.group);
        let task = spawn(&self.group, &slot);
        let abort = task.abort_handle();
        let cut = {
            let mut members = self.group.members.lock();
            members.children.insert(task);
            members.cut.clone()
        };
        drop(arrival);
        if let Some(cause) = cut {
            abort.cancel(cause.reason());
        }
        Child::new(abort, slot)
    }
}

impl<E> TaskGroup<E> {
    /// Cuts the scope: its body and its children are cancelled, and it ends when all have ended.
    /// That is no failure in itself: if the body has returned, its value counts.
    ///
    /// # Examples
    /// ```
    /// # heist::runtime::Runtime::new().unwrap().block_on(async {
    /// let scope = heist::scope(async |group| {
    ///     group.spawn(std::future::pending::<()>());
    ///     group.cancel();
    /// });
    /// scope.await.unwrap();
    /// # });
    /// ```
    pub fn cancel(&self) {
        self.cancel_because("the scope was asked to end");
    }

    /// As [`cancel`](TaskGroup::cancel), with a reason that the tasks and the error tell.
    pub fn cancel_because(&self, reason: impl Into<Arc<str>>) {
        self.cut(GroupCause::Cancelled(reason.into()));
    }

    /// Whether the scope is cut or has ended, so that no child can be added.
    pub fn is_cancelled(&self) -> bool {
        !self.group.members.lock().is_open()
    }

    /// Cuts the scope at a point in time, or (`None`) at none. May be changed at any time before.
    ///
    /// # Examples
    /// ```
    /// use std::time::Duration;
    ///
    /// # heist::runtime::Builder::new_current_thread().start_paused(true).build().unwrap().block_on(async {
    /// let scope = heist::scope(async |group| {
    ///     group.set_deadline(heist::time::Instant::now() + Duration::from_secs(1));
    ///     group.spawn(std::future::pending::<()>());
    ///     Ok::<_, std::io::Error>(())
    /// });
    /// assert!(scope.await.unwrap_err().is_deadline());
    /// # });
    /// ```
    pub fn set_deadline(&self, deadline: impl Into<Option<Instant>>) {
        let owner = {
            let mut members = self.group.members.lock();
            members.deadline = deadline.into();
            members.owner.clone()
        };
        wake(owner);
    }

    /// The deadline, if there is one.
    pub fn deadline(&self) -> Option<Instant> {
        self.group.members.lock().deadline
    }

    /// How many children there are that have not ended.
    pub fn len(&self) -> usize {
        let members = self.group.members.lock();
        members.arriving + members.children.iter().filter(|child| !child.is_finished()).count()
    }

    /// Whether all children have ended.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Step 1 of a cut; only the first cause counts.
    pub(super) fn cut(&self, cause: GroupCause) {
        let reason = cause.reason();
        let (children, owner) = {
            let mut members = self.group.members.lock();
            if !members.is_open() {
                return;
            }
            members.cut = Some(cause);
            let children: Vec<AbortHandle> =
                members.children.iter().map(JoinHandle::abort_handle).collect();
            (children, members.owner.clone())
        };
        for child in children {
            child.cancel(reason.clone());
        }
        wake(owner);
    }

    /// Notes the task that the scope runs in, and tells what has changed.
    pub(super) fn poll_news(&self, cx: &Context<'_>) -> News {
        let mut members = self.group.members.lock();
        let before = match &mut members.owner {
            Some(owner) if owner.will_wake(cx.waker()) => None,
            owner => owner.replace(cx.waker().clone()),
        };
        let news = News { cut: members.cut.clone(), deadline: members.deadline };
        drop(members);
        // A waker's destructor, too, is foreign code.
        drop(before);
        news
    }

    /// The next child that has ended. `None` if there is none any more and `last` says that nobody
    /// else will add one: then the group is closed.
    pub(super) fn poll_child(
        &self,
        cx: &mut Context<'_>,
        last: bool,
    ) -> Poll<Option<Left<Result<(), E>>>> {
        let mut members = self.group.members.lock();
        members.awaits_arrival = last && members.children.is_empty();
        if members.awaits_arrival && members.arriving == 0 {
            members.closed = true;
            return Poll::Ready(None);
        }
        members.children.poll_ended(cx).map(Some)
    }

    /// The scope is gone before its end: aborts the children and forgets them.
    pub(super) fn abandon(&self) {
        let children = {
            let mut members = self.group.members.lock();
            if members.closed {
                return;
            }
            members.closed = true;
            members.children.take_all()
        };
        children.iter().for_each(JoinHandle::abort);
    }
}

/// What runs as a child: its value goes to its handle, its error to the scope.
fn wrap<F, E>(
    future: F,
    slot: &Arc<Slot<<F::Output as Outcome<E>>::Value>>,
) -> impl Future<Output = Result<(), E>> + use<F, E>
where
    F: Future,
    F::Output: Outcome<E>,
{
    let closing = slot.clone().closing();
    async move {
        closing.fill(future.await.into_result()?);
        Ok(())
    }
}

/// A child that is being spawned. Without this the scope might end before the child is there.
struct Arrival<'a, E>(&'a Group<E>);

impl<E> Drop for Arrival<'_, E> {
    fn drop(&mut self) {
        let mut members = self.0.members.lock();
        members.arriving -= 1;
        // A child that has not come after all is waited for in vain.
        let owner = if members.awaits_arrival { members.owner.clone() } else { None };
        let late = if members.closed { members.children.take_all() } else { Vec::new() };
        drop(members);
        late.iter().for_each(JoinHandle::abort);
        wake(owner);
    }
}

impl<E> Clone for TaskGroup<E> {
    fn clone(&self) -> TaskGroup<E> {
        TaskGroup { group: self.group.clone() }
    }
}

impl<E> fmt::Debug for TaskGroup<E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let members = self.group.members.lock();
        f.debug_struct("TaskGroup")
            .field("children", &members.children.len())
            .field("cut", &members.cut)
            .field("deadline", &members.deadline)
            .finish_non_exhaustive()
    }
}
