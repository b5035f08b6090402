//! Structured scopes: tasks that have all ended when the scope has.
//!
//! [`scope`] runs a body with a [`TaskGroup`], through which the body and the children spawn more
//! children. Words: a scope is *cut* when it is to end early, by a failure, by `cancel`, by its
//! deadline, or because what encloses it is cancelled. The story of a cut:
//!
//! 1. `TaskGroup::cut` notes the first cause, cancels every child with a reason, and wakes the
//!    scope. From now on a child that is spawned is dropped unrun.
//! 2. The scope asks the body's [`Cancellation`](super::cancel) to end. Clean-ups, shields and
//!    scopes inside the body are attended to; then the body is dropped. A body that has returned
//!    meanwhile has a value all the same.
//! 3. The scope waits until every child has ended, whatever that takes, and then ends itself.
//!
//! * `members`: the state that the group's references share.
//! * `scoped`: the future that waits.
//! * `child`: the handle of a child; `error`: what went wrong.
//!
//! Children are `'static`, as tasks are. They could borrow from the scope's surroundings only if
//! the scope were sure to be there until they end; but any future may be leaked with
//! [`std::mem::forget`], and one that is dropped cannot wait in its destructor. So deliberately
//! there are no borrows; share with `Arc`.

mod child;
mod error;
mod members;
mod scoped;

use std::convert::Infallible;
use std::future::Future;

pub use child::Child;
pub use error::{FailureKind, GroupCause, GroupError, GroupFailure};
pub use members::TaskGroup;
pub use scoped::Scoped;

/// Runs `body` and the tasks that are spawned in its group, and ends only when all have ended.
///
/// The body gets a [`TaskGroup`]; clones of it may go to children, which spawn further children.
/// If the body or a child fails, by an `Err` or a panic, the scope is cut: all others are cancelled
/// ([`JoinHandle::cancel`](super::JoinHandle::cancel): they may clean up), and all failures come
/// back in one [`GroupError`]. A panic of the body goes on in the caller, when the children have
/// ended. If the task is cancelled, or a scope that encloses this one is cut, so is this.
///
/// Nothing of a scope is alive after it was awaited to its end. Where a future is dropped, as by
/// `abort` or `select!`, nobody can wait: then the children are aborted, end at the `await` that
/// they are in, and the scope is not there any more to see it.
///
/// # Errors
/// If a child or the body failed, if the deadline has passed, or if the scope was cancelled before
/// the body had returned.
///
/// The error of the body's `Result` is that of the children. Where the body returns nothing, no child
/// can return an error.
///
/// # Panics
/// Outside a runtime. Awaiting it panics as the body does.
///
/// # Cancel safety
/// Not cancel safe: see above what dropping it does.
///
/// # Examples
/// ```
/// # heist::runtime::Runtime::new().unwrap().block_on(async {
/// let all_done = heist::scope(async |group| {
///     for n in 1..=3 {
///         group.spawn(async move { println!("{n}") });
///     }
/// });
/// all_done.await.unwrap();
///
/// let sum = heist::scope(async |group| {
///     let six = group.spawn(async { Ok(6) });
///     let seven = group.spawn(async { "7".parse::<i32>() });
///     Ok(six.await.unwrap_or(0) * seven.await.unwrap_or(0))
/// });
/// assert_eq!(sum.await.unwrap(), 42);
///
/// let failed = heist::scope(async |group| {
///     group.spawn(async { "seven".parse::<i32>() });
///     group.spawn(std::future::pending::<()>());
///     Ok(())
/// });
/// let error = failed.await.unwrap_err();
/// assert_eq!(error.len(), 1);
/// assert!(error.to_string().contains("invalid digit"));
/// # });
/// ```
#[track_caller]
pub fn scope<F, B, T, E>(body: F) -> Scoped<F, B, T, E>
where
    F: FnOnce(TaskGroup<E>) -> B,
    B: Future,
    B::Output: BodyOutcome<Error = E> + Outcome<E, Value = T>,
    E: Send + 'static,
{
    Scoped::new(body)
}

/// What a child of a group may return: nothing, or a result. It may also never return.
#[diagnostic::on_unimplemented(
    message = "a child of a scope with the error `{E}` cannot return `{Self}`",
    label = "returns `{Self}`",
    note = "a child returns nothing or a `Result`: a value comes back as `Ok(value)`",
    note = "children fail with the error of the scope's body: one that returns nothing has children that cannot fail"
)]
pub trait Outcome<E> {
    /// What comes out if it is no failure.
    type Value;

    /// As a result.
    fn into_result(self) -> Result<Self::Value, E>;
}

/// What the body of a scope may return: nothing, or a result. It may also never return.
#[diagnostic::on_unimplemented(
    message = "the body of a scope cannot return `{Self}`",
    label = "returns `{Self}`",
    note = "it returns nothing or a `Result`: a value comes back as `Ok(value)`"
)]
pub trait BodyOutcome: Outcome<Self::Error> {
    /// The error with which the body and the children may fail.
    type Error;
}

impl BodyOutcome for Never {
    type Error = Infallible;
}

impl BodyOutcome for () {
    type Error = Infallible;
}

impl<T, E> BodyOutcome for Result<T, E> {
    type Error = E;
}

/// The type `!` of a child that loops for ever: stable Rust has no other name for it yet.
type Never = <fn() -> ! as Returns>::Output;

#[doc(hidden)]
pub trait Returns {
    type Output;
}

impl<T> Returns for fn() -> T {
    type Output = T;
}

impl<E> Outcome<E> for Never {
    type Value = Never;

    fn into_result(self) -> Result<Never, E> {
        self
    }
}

impl<E> Outcome<E> for () {
    type Value = ();

    fn into_result(self) -> Result<(), E> {
        Ok(())
    }
}

impl<T, E> Outcome<E> for Result<T, E> {
    type Value = T;

    fn into_result(self) -> Result<T, E> {
        self
    }
}
