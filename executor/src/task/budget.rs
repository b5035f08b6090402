//! The co-operative budget: how many leaf operations a task may complete in one poll.
//!
//! A task whose operations are always ready would never return to its worker. Each leaf operation
//! of ours takes a unit; with none left it behaves as if it were pending, after having woken the
//! task. Counting operations costs one thread-local decrement; time is not looked at, since a
//! clock read would double the cost of an operation.

use std::cell::Cell;
use std::future::{Future, poll_fn};
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use crate::leaf::{Made, Operation};
use crate::shim::thread_locals;

static CONSUME_BUDGET: Operation = Operation::new("consume_budget");
static UNCONSTRAINED: Operation = Operation::new("unconstrained");
static COOPERATIVE: Operation = Operation::new("cooperative");

/// Units a task gets for each poll. By guess, as everywhere; the figure of Go and tokio works.
const UNITS: u8 = 128;

/// No limit: outside tasks, and inside [`unconstrained`].
const UNLIMITED: u8 = u8::MAX;

thread_locals! {
    static LEFT: Cell<u8> = Cell::new(UNLIMITED);
}

/// Gives the next poll on this thread a full budget.
#[inline]
pub(crate) fn refill() {
    LEFT.with(|left| left.set(UNITS));
}

/// Lifts the limit on this thread: no task is being polled.
pub(crate) fn lift() {
    LEFT.with(|left| left.set(UNLIMITED));
}

/// Lifts the limit while the guard lives: a future that is no task is polled.
pub(crate) fn suspend() -> Suspended {
    Suspended(LEFT.with(|left| left.replace(UNLIMITED)))
}

/// See [`suspend`].
pub(crate) struct Suspended(u8);

impl Drop for Suspended {
    fn drop(&mut self) {
        LEFT.with(|left| left.set(self.0));
    }
}

/// See [`crate::leaf::proceed`].
#[inline]
pub(crate) fn proceed(cx: &mut Context<'_>) -> Poll<()> {
    match LEFT.with(Cell::get) {
        UNLIMITED => Poll::Ready(()),
        0 => {
            cx.waker().wake_by_ref();
            Poll::Pending
        }
        left => {
            LEFT.with(|cell| cell.set(left - 1));
            Poll::Ready(())
        }
    }
}

/// See [`crate::leaf::restore`].
#[inline]
pub(crate) fn restore() {
    let left = LEFT.with(Cell::get);
    if left < UNITS {
        LEFT.with(|cell| cell.set(left + 1));
    }
}

/// Whether the current task may go on without yielding.
///
/// True outside a task.
///
/// # Examples
/// ```
/// assert!(heist::task::coop::has_budget_remaining());
/// ```
pub fn has_budget_remaining() -> bool {
    LEFT.with(Cell::get) > 0
}

/// Takes one unit of the current task's budget, and yields to the scheduler if none is left.
///
/// For loops that do much work without any leaf operation of Heist's.
///
/// # Cancel safety
/// Cancel safe.
///
/// # Examples
/// ```
/// # heist::runtime::Runtime::new().unwrap().block_on(async {
/// let mut sum = 0u64;
/// for n in 0..1_000 {
///     sum += n;
///     heist::task::consume_budget().await;
/// }
/// assert_eq!(sum, 499_500);
/// # });
/// ```
#[track_caller]
pub fn consume_budget() -> impl Future<Output = ()> + Send {
    let mut made = Made::here(&CONSUME_BUDGET);
    poll_fn(move |cx| {
        made.set_polled();
        proceed(cx)
    })
}

/// Takes one unit of the current task's budget, for leaf futures of one's own: call it before trying
/// for a result, and tell the guard with [`made_progress`](RestoreOnPending::made_progress) that
/// there is one. Pending means that the budget is used up, and the task queued again.
///
/// # Examples
/// ```
/// # heist::runtime::Runtime::new().unwrap().block_on(async {
/// use heist::task::coop;
/// use std::future::poll_fn;
/// use std::task::{Poll, ready};
///
/// let mut numbers = 0..1_000;
/// let mut next = async || {
///     poll_fn(|cx| {
///         let unit = ready!(coop::poll_proceed(cx));
///         let number = numbers.next();
///         unit.made_progress();
///         Poll::Ready(number)
///     })
///     .await
/// };
/// let mut sum = 0;
/// while let Some(number) = next().await {
///     sum += number;
/// }
/// assert_eq!(sum, 499_500);
/// # });
/// ```
pub fn poll_proceed(cx: &mut Context<'_>) -> Poll<RestoreOnPending> {
    proceed(cx).map(|()| RestoreOnPending { progress: Cell::new(false) })
}

/// Gives back a unit of the budget when it is dropped; see [`poll_proceed`].
#[derive(Debug)]
#[must_use = "the unit is given back as soon as this is dropped"]
pub struct RestoreOnPending {
    progress: Cell<bool>,
}

impl RestoreOnPending {
    /// The unit is spent: there is a result.
    pub fn made_progress(&self) {
        self.progress.set(true);
    }
}

impl Drop for RestoreOnPending {
    fn drop(&mut self) {
        if !self.progress.get() {
            restore();
        }
    }
}

pin_project_lite::pin_project! {
    /// A future that is exempt from the budget; see [`unconstrained`].
    #[derive(Debug)]
    #[must_use = "futures do nothing unless polled"]
    pub struct Unconstrained<F> {
        #[pin]
        future: F,
        made: Made,
    }
}

/// Exempts a future from the co-operative budget.
///
/// Use it with care: a future that is always ready then holds its worker until it ends.
///
/// # Examples
/// ```
/// # heist::runtime::Runtime::new().unwrap().block_on(async {
/// let n = heist::task::unconstrained(async { 7 }).await;
/// assert_eq!(n, 7);
/// # });
/// ```
#[track_caller]
pub fn unconstrained<F: Future>(future: F) -> Unconstrained<F> {
    Unconstrained { future, made: Made::here(&UNCONSTRAINED) }
}

impl<F: Future> Future for Unconstrained<F> {
    type Output = F::Output;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<F::Output> {
        let this = self.project();
        this.made.set_polled();
        let _unlimited = suspend();
        this.future.poll(cx)
    }
}

pin_project_lite::pin_project! {
    /// A future that takes part in the budget; see [`cooperative`].
    #[derive(Debug)]
    #[must_use = "futures do nothing unless polled"]
    pub struct Coop<F> {
        #[pin]
        future: F,
        made: Made,
    }
}

/// Makes a foreign leaf future take part in the budget: each time it is ready costs one unit.
///
/// # Examples
/// ```
/// # heist::runtime::Runtime::new().unwrap().block_on(async {
/// use heist::task::coop;
///
/// // Without the budget a task that awaits nothing but this would never yield.
/// let mut sum = 0;
/// for n in 0..1_000 {
///     sum += coop::cooperative(std::future::ready(n)).await;
/// }
/// assert_eq!(sum, 499_500);
/// # });
/// ```
#[track_caller]
pub fn cooperative<F: Future>(future: F) -> Coop<F> {
    Coop { future, made: Made::here(&COOPERATIVE) }
}

impl<F: Future> Future for Coop<F> {
    type Output = F::Output;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<F::Output> {
        let this = self.project();
        this.made.set_polled();
        ready!(proceed(cx));
        let polled = this.future.poll(cx);
        if polled.is_pending() {
            restore();
        }
        polled
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::pin::pin;
    use std::task::Waker;

    #[test]
    fn a_unit_without_progress_is_given_back() {
        refill();
        let mut cx = Context::from_waker(Waker::noop());
        for _ in 0..=UNITS {
            assert!(poll_proceed(&mut cx).is_ready());
        }
        for _ in 0..UNITS {
            let Poll::Ready(unit) = poll_proceed(&mut cx) else { panic!("there are units left") };
            unit.made_progress();
        }
        assert!(poll_proceed(&mut cx).is_pending());
        lift();
    }

    #[test]
    fn a_foreign_future_costs_a_unit_each_time_it_is_ready() {
        refill();
        let mut cx = Context::from_waker(Waker::noop());
        for _ in 0..=UNITS {
            assert!(pin!(cooperative(std::future::pending::<()>())).poll(&mut cx).is_pending());
        }
        let mut polls = 0;
        for _ in 0..UNITS {
            let ready = cooperative(std::future::poll_fn(|_| {
                polls += 1;
                Poll::Ready(())
            }));
            assert!(pin!(ready).poll(&mut cx).is_ready());
        }
        assert!(!has_budget_remaining());
        assert!(pin!(cooperative(std::future::ready(()))).poll(&mut cx).is_pending());
        lift();
        assert_eq!(polls, UNITS);
        assert!(pin!(cooperative(std::future::ready(()))).poll(&mut cx).is_ready());
    }

    #[test]
    fn a_budget_ends_and_is_exempted_from() {
        refill();
        let mut cx = Context::from_waker(Waker::noop());
        for _ in 0..UNITS {
            assert!(proceed(&mut cx).is_ready());
        }
        assert!(!has_budget_remaining());
        assert!(proceed(&mut cx).is_pending());
        assert!(pin!(unconstrained(consume_budget())).poll(&mut cx).is_ready());
        assert!(proceed(&mut cx).is_pending());
        restore();
        assert!(proceed(&mut cx).is_ready());
        lift();
        assert!(proceed(&mut cx).is_ready());
    }
}
