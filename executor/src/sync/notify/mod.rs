//! Waking one or all of the tasks that wait here, without any value.

use std::future::Future;
use std::panic::Location;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, Waker, ready};

use pin_project_lite::pin_project;

use super::pending;
use super::wait_list::{Protocol, Turn, Wait, WaitList};
use crate::foreign::wake;
use crate::leaf::{self, Operation};
use crate::shim::atomic::{AtomicUsize, Ordering};
use crate::shim::const_fn;

static NOTIFIED: Operation = Operation::new("Notify::notified");

/// Whether a notification was left for whoever comes next.
#[derive(Debug)]
struct Permit(bool);

impl Protocol for Permit {
    type Request = ();
    type Grant = Whom;
}

/// To whom a notification was addressed, and so, who is next if it comes too late.
#[derive(Clone, Copy, Debug)]
enum Whom {
    First,
    Last,
    All,
}

/// Wakes tasks that wait for a notification.
///
/// [`notify_one`](Notify::notify_one) is not lost if nobody waits: one permit is kept for who comes
/// next. [`notify_waiters`](Notify::notify_waiters) reaches those whose [`Notified`] exists by then.
///
/// # Examples
/// ```
/// # heist::runtime::Runtime::new().unwrap().block_on(async {
/// use std::sync::Arc;
///
/// use heist::sync::Notify;
///
/// let ready = Arc::new(Notify::new());
/// heist::spawn({
///     let ready = ready.clone();
///     async move { ready.notify_one() }
/// });
/// ready.notified().await;
/// # });
/// ```
#[derive(Debug)]
pub struct Notify {
    line: WaitList<Permit>,
    /// How often `notify_waiters` was called; changed under the lock.
    rounds: AtomicUsize,
}

impl Notify {
    const_fn! {
        /// Makes one without a permit.
        pub const fn new() -> Notify {
            Notify { line: WaitList::new(Permit(false)), rounds: AtomicUsize::new(0) }
        }
    }

    const_fn! {
        /// The same as [`Notify::new`], which is `const`, too.
        pub const fn const_new() -> Notify {
            Notify::new()
        }
    }

    /// Waits for a notification, or takes the permit.
    ///
    /// A place in line is taken at the first poll, or by [`Notified::enable`]; but
    /// [`notify_waiters`](Notify::notify_waiters) counts from this call on.
    ///
    /// # Cancel safety
    /// A wait that is dropped loses its place in line. If it was notified by then, the next is.
    #[track_caller]
    pub fn notified(&self) -> Notified<'_> {
        self.notified_at(&NOTIFIED, Location::caller())
    }

    /// Like [`notified`](Notify::notified), for a wait that borrows nothing.
    ///
    /// # Cancel safety
    /// As [`notified`](Notify::notified); the `Arc` goes with the wait.
    #[track_caller]
    pub fn notified_owned(self: Arc<Self>) -> OwnedNotified {
        // SAFETY: the wait is used inside `OwnedNotified` only, which drops it before its share
        // of this.
        let notify: &'static Notify = unsafe { &*Arc::as_ptr(&self) };
        OwnedNotified { notified: notify.notified(), _notify: self }
    }

    /// Waits on behalf of another operation, called at `at`.
    pub(super) fn notified_at(
        &self,
        operation: &'static Operation,
        at: &'static Location<'static>,
    ) -> Notified<'_> {
        // Ordering: Acquire, pairs with the increment in `notify_waiters`: who sees the round sees
        // what it announced.
        let round = self.rounds.load(Ordering::Acquire);
        let wait = Wait::new(&self.line, ());
        Notified { wait, notify: self, round, done: false, operation, at }
    }

    /// Notifies the first in line, or leaves a permit if nobody waits. There is at most one permit.
    pub fn notify_one(&self) {
        self.notify(Whom::First);
    }

    /// Notifies the last in line, or leaves a permit if nobody waits.
    pub fn notify_last(&self) {
        self.notify(Whom::Last);
    }

    fn notify(&self, whom: Whom) {
        let mut line = self.line.lock();
        let waker = if line.is_empty() {
            line.state.0 = true;
            None
        } else if matches!(whom, Whom::Last) {
            line.grant_last(whom)
        } else {
            line.grant_first(whom)
        };
        drop(line);
        wake(waker);
    }

    /// Notifies everybody who waits; leaves no permit.
    pub fn notify_waiters(&self) {
        let mut line = self.line.lock();
        // Ordering: Release, pairs with the load in `notified_at`.
        self.rounds.fetch_add(1, Ordering::Release);
        let wakers = line.grant_all(Whom::All);
        drop(line);
        wakers.wake();
    }
}

impl Default for Notify {
    fn default() -> Notify {
        Notify::new()
    }
}

pin_project! {
    /// Waits for a notification; see [`Notify::notified`].
    #[derive(Debug)]
    #[must_use = "futures do nothing unless awaited"]
    pub struct Notified<'a> {
        #[pin]
        wait: Wait<'a, Permit>,
        notify: &'a Notify,
        round: usize,
        done: bool,
        operation: &'static Operation,
        at: &'static Location<'static>,
    }

    impl PinnedDrop for Notified<'_> {
        fn drop(this: Pin<&mut Self>) {
            let this = this.project();
            match this.wait.end() {
                Some(Whom::First) => this.notify.notify_one(),
                Some(Whom::Last) => this.notify.notify_last(),
                Some(Whom::All) | None => {}
            }
        }
    }
}

impl Notified<'_> {
    /// Takes a place in line without awaiting; true if a notification is there already.
    ///
    /// Useful before a condition is looked at that [`Notify::notify_one`] announces.
    pub fn enable(self: Pin<&mut Self>) -> bool {
        self.advance(None)
    }

    /// Looks for a notification, and stands in line if there is none.
    fn advance(self: Pin<&mut Self>, waker: Option<&Waker>) -> bool {
        let this = self.project();
        if *this.done {
            return true;
        }
        let mut turn: Turn<'_, Permit> = this.wait.lock();
        *this.done = turn.take_grant().is_some() || {
            // Ordering: Relaxed; it is changed under the lock.
            let called = this.notify.rounds.load(Ordering::Relaxed) != *this.round;
            !turn.is_in_line() && (called || std::mem::take(&mut turn.state.0))
        };
        if !*this.done {
            turn.wait(waker);
        }
        *this.done
    }
}

impl Future for Notified<'_> {
    type Output = ();

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        ready!(leaf::proceed(cx));
        if self.as_mut().advance(Some(cx.waker())) {
            Poll::Ready(())
        } else {
            pending(self.operation, self.at)
        }
    }
}

pin_project! {
    /// Waits for a notification; see [`Notify::notified_owned`].
    #[derive(Debug)]
    #[must_use = "futures do nothing unless awaited"]
    pub struct OwnedNotified {
        // Declared, and so dropped, before what it refers to.
        #[pin]
        notified: Notified<'static>,
        _notify: Arc<Notify>,
    }
}

impl OwnedNotified {
    /// Takes a place in line without awaiting; see [`Notified::enable`].
    pub fn enable(self: Pin<&mut Self>) -> bool {
        self.project().notified.enable()
    }
}

impl Future for OwnedNotified {
    type Output = ();

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        self.project().notified.poll(cx)
    }
}

#[cfg(test)]
mod tests;
