//! [`Scoped`]: the future of a scope.

use std::any::Any;
use std::fmt;
use std::future::Future;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use heist_timer::silence;
use pin_project_lite::pin_project;

use super::{GroupCause, GroupError, GroupFailure, Outcome, TaskGroup};
use crate::leaf::{self, Made, Operation};
use crate::runtime::Handle;
use crate::task::cancel::{Attendant, Cancellation, enter};
use crate::time::{Sleep, sleep_until};

static SCOPE: Operation = Operation::new("scope");

pin_project! {
    /// The future of a scope; see [`scope`](super::scope).
    #[must_use = "futures do nothing unless awaited"]
    pub struct Scoped<F, B, T, E> {
        group: TaskGroup<E>,
        // Attends to the cancellation of what encloses the scope.
        attendant: Attendant,
        // Encloses the body.
        inner: Arc<Cancellation>,
        // `None` from the first poll on.
        make: Option<F>,
        // `None` once it has ended.
        #[pin]
        body: Option<B>,
        #[pin]
        timer: Option<Sleep>,
        failures: Vec<GroupFailure<E>>,
        finish: Finish<T>,
        made: Made,
    }

    impl<F, B, T, E> PinnedDrop for Scoped<F, B, T, E> {
        fn drop(this: Pin<&mut Self>) {
            let this = this.project();
            this.group.abandon();
            this.failures.drain(..).for_each(GroupFailure::report_unread);
        }
    }
}

/// What the scope will do when all children have ended.
enum Finish<T> {
    /// The body has not ended, or was cut before it had a value.
    Open,
    Value(T),
    Panic(Box<dyn Any + Send>),
    /// All have ended, and now what encloses the scope ends instead of it.
    Left,
    /// The scope is over.
    Taken,
}

impl<F, B, T, E> Scoped<F, B, T, E>
where
    F: FnOnce(TaskGroup<E>) -> B,
    B: Future,
    B::Output: Outcome<E, Value = T>,
    E: Send + 'static,
{
    #[track_caller]
    pub(super) fn new(body: F) -> Scoped<F, B, T, E> {
        Scoped {
            group: TaskGroup::new(Handle::current()),
            attendant: Attendant::New,
            inner: Arc::default(),
            make: Some(body),
            body: None,
            timer: None,
            failures: Vec::new(),
            finish: Finish::Open,
            made: Made::here(&SCOPE),
        }
    }

    /// Notes what has come from outside. Returns why the scope is cut, if it is.
    fn poll_cut(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Option<GroupCause> {
        let mut this = self.project();
        if let Some(reason) = this.attendant.poll_reason(cx) {
            this.group.cut(GroupCause::Cancelled(reason));
        }
        let news = this.group.poll_news(cx);
        if news.cut.is_some() {
            return news.cut;
        }
        if this.timer.as_ref().get_ref().as_ref().map(Sleep::deadline) != news.deadline {
            this.timer.set(news.deadline.map(sleep_until));
        }
        let timer = this.timer.as_mut().as_pin_mut();
        if timer.is_none_or(|timer| timer.poll(cx).is_pending()) {
            return None;
        }
        this.group.cut(GroupCause::Deadline);
        this.group.poll_news(cx).cut
    }

    /// Polls the body, or what is left of it to clean up, or drops it: step 2 of a cut.
    fn poll_body(self: Pin<&mut Self>, cx: &mut Context<'_>, cut: Option<&GroupCause>) {
        let mut this = self.project();
        let Some(body) = this.body.as_mut().as_pin_mut() else { return };
        let ends = cut.is_some_and(|cause| !this.inner.request(&cause.reason()));
        if !ends {
            let polled = catch_unwind(AssertUnwindSafe(|| {
                let _inside = enter(this.inner);
                body.poll(cx)
            }));
            match polled {
                Ok(Poll::Pending) if cut.is_none() || this.inner.is_attended(cx.waker()) => return,
                Ok(Poll::Pending) => {}
                Ok(Poll::Ready(outcome)) => match outcome.into_result() {
                    Ok(value) => *this.finish = Finish::Value(value),
                    Err(error) => {
                        this.failures.push(GroupFailure::of_body(error, this.made.at));
                        this.group.cut(GroupCause::Failure);
                    }
                },
                Err(payload) => {
                    *this.finish = Finish::Panic(payload);
                    this.group.cut(GroupCause::Failure);
                }
            }
        }
        let dropped = catch_unwind(AssertUnwindSafe(|| {
            let _silence = silence::keep();
            this.body.set(None);
        }));
        if let Err(payload) = dropped {
            // The first panic is the one that tells what went wrong.
            if !matches!(this.finish, Finish::Panic(_)) {
                *this.finish = Finish::Panic(payload);
                this.group.cut(GroupCause::Failure);
            }
        }
    }

    /// Step 3 of a cut, or the end of a scope without one: the body and all children have ended.
    fn finish(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Result<T, GroupError<E>>> {
        let cut = self.group.poll_news(cx).cut;
        let this = self.project();
        let ends_with_task = this.attendant.poll_reason(cx).is_some();
        this.attendant.leave();
        let failures = std::mem::take(this.failures);
        let report = |failures: Vec<_>| {
            failures.into_iter().for_each(GroupFailure::report_unread);
        };
        match (std::mem::replace(this.finish, Finish::Taken), cut) {
            (Finish::Panic(payload), _) => {
                report(failures);
                resume_unwind(payload)
            }
            (Finish::Value(_) | Finish::Open, _) if ends_with_task => {
                report(failures);
                *this.finish = Finish::Left;
                Poll::Pending
            }
            (Finish::Value(value), None) => Poll::Ready(Ok(value)),
            (Finish::Value(value), Some(GroupCause::Cancelled(_))) if failures.is_empty() => {
                Poll::Ready(Ok(value))
            }
            (Finish::Value(_) | Finish::Open, Some(cause)) => {
                Poll::Ready(Err(GroupError::new(cause, failures)))
            }
            (Finish::Open, None) => unreachable!("a scope without a cut ends with a value"),
            (Finish::Left | Finish::Taken, _) => {
                panic!("a scope was polled after it had ended")
            }
        }
    }
}

impl<F, B, T, E> Future for Scoped<F, B, T, E>
where
    F: FnOnce(TaskGroup<E>) -> B,
    B: Future,
    B::Output: Outcome<E, Value = T>,
    E: Send + 'static,
{
    type Output = Result<T, GroupError<E>>;

    /// # Panics
    /// As the body did, and if it is polled again after it was ready.
    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        self.as_mut().project().made.set_polled();
        if matches!(self.finish, Finish::Left) {
            return Poll::Pending;
        }
        if let Some(make) = self.as_mut().project().make.take() {
            let body = make(self.group.clone());
            self.as_mut().project().body.set(Some(body));
        }
        let mut cut = self.as_mut().poll_cut(cx);
        self.as_mut().poll_body(cx, cut.as_ref());
        loop {
            let last = self.body.is_none();
            match self.group.poll_child(cx, last) {
                Poll::Pending => {
                    if last {
                        leaf::waiting(&SCOPE, self.made.at);
                    }
                    return Poll::Pending;
                }
                Poll::Ready(Some(child)) => {
                    let Some(failure) = GroupFailure::of_child(child.task) else { continue };
                    self.as_mut().project().failures.push(failure);
                    self.group.cut(GroupCause::Failure);
                    if cut.is_none() {
                        cut = self.as_mut().poll_cut(cx);
                        self.as_mut().poll_body(cx, cut.as_ref());
                    }
                }
                Poll::Ready(None) => break,
            }
        }
        self.finish(cx)
    }
}

impl<F, B, T, E> fmt::Debug for Scoped<F, B, T, E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Scoped").field("group", &self.group).finish_non_exhaustive()
    }
}
