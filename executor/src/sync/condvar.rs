//! Waiting, with a mutex given up meanwhile, until somebody says that its value has changed.

use std::fmt;
use std::future::Future;
use std::panic::Location;
use std::pin::{Pin, pin};
use std::task::{Context, Poll, ready};

use pin_project_lite::pin_project;

use super::wait_list::{Protocol, Wait, WaitList};
use super::{MutexGuard, pending};
use crate::foreign::wake;
use crate::leaf::{self, Made, Operation};

static WAIT: Operation = Operation::new("Condvar::wait");

/// There is no state but the line.
struct Signals;

impl Protocol for Signals {
    type Request = ();
    /// Whether the notification was for one, who passes it on if it comes too late.
    type Grant = bool;
}

/// Lets tasks wait for a change of what a [`Mutex`](super::Mutex) protects.
///
/// As `std`'s, with an await, and without wake-ups that nobody asked for. Differs from tokio, which
/// has nothing like it. Who waited first is notified first.
///
/// # Examples
/// ```
/// # heist::runtime::Runtime::new().unwrap().block_on(async {
/// use std::sync::Arc;
///
/// use heist::sync::{Condvar, Mutex};
///
/// let shared = Arc::new((Mutex::new(0), Condvar::new()));
/// heist::spawn({
///     let shared = shared.clone();
///     async move {
///         *shared.0.lock().await = 7;
///         shared.1.notify_all();
///     }
/// });
/// let guard = shared.0.lock().await;
/// let guard = shared.1.wait_while(guard, |n| *n == 0).await;
/// assert_eq!(*guard, 7);
/// # });
/// ```
#[derive(Debug)]
pub struct Condvar {
    line: WaitList<Signals>,
}

impl Condvar {
    /// Makes one that nobody waits for.
    pub const fn new() -> Condvar {
        Condvar { line: WaitList::new(Signals) }
    }

    /// Gives up the lock, waits for a notification, and locks again.
    ///
    /// The lock is held until the first poll, and then given up and waited for in one step: no
    /// notification is lost in between.
    ///
    /// # Cancel safety
    /// A wait that is dropped leaves the mutex unlocked. If it was notified by
    /// [`notify_one`](Condvar::notify_one), the next is.
    #[track_caller]
    pub fn wait<'a, T: ?Sized>(
        &self,
        guard: MutexGuard<'a, T>,
    ) -> impl Future<Output = MutexGuard<'a, T>> {
        let made = Made::here(&WAIT);
        async move { self.wait_at(guard, made.begin()).await }
    }

    /// Waits as long as `condition` is true, looking at it first and after each notification.
    ///
    /// # Cancel safety
    /// See [`wait`](Condvar::wait).
    #[track_caller]
    pub fn wait_while<'a, T: ?Sized, F>(
        &self,
        mut guard: MutexGuard<'a, T>,
        mut condition: F,
    ) -> impl Future<Output = MutexGuard<'a, T>>
    where
        F: FnMut(&mut T) -> bool,
    {
        let made = Made::here(&WAIT);
        async move {
            let at = made.begin();
            while condition(&mut guard) {
                guard = self.wait_at(guard, at).await;
            }
            guard
        }
    }

    async fn wait_at<'a, T: ?Sized>(
        &self,
        guard: MutexGuard<'a, T>,
        at: &'static Location<'static>,
    ) -> MutexGuard<'a, T> {
        let mutex = MutexGuard::mutex(&guard);
        let wait = Wait::new(&self.line, ());
        let mut signal = pin!(Signal { wait, condvar: self, owed: false, at });
        // First in line, then without the lock.
        signal.as_mut().project().wait.lock().wait(None);
        drop(guard);
        signal.as_mut().await;
        let guard = mutex.lock_as(Made::at(&WAIT, at)).await;
        *signal.project().owed = false;
        guard
    }

    /// Notifies who has waited longest, if anybody waits.
    ///
    /// The caller may hold the lock or not.
    pub fn notify_one(&self) {
        let mut line = self.line.lock();
        let waker = if line.is_empty() { None } else { line.grant_first(true) };
        drop(line);
        wake(waker);
    }

    /// Notifies everybody who waits; they get the lock in the order in which they came to wait.
    pub fn notify_all(&self) {
        let wakers = self.line.lock().grant_all(false);
        wakers.wake();
    }
}

impl Default for Condvar {
    fn default() -> Condvar {
        Condvar::new()
    }
}

pin_project! {
    /// A wait for a notification, and then the duty to pass it on if it is not made use of.
    struct Signal<'a> {
        #[pin]
        wait: Wait<'a, Signals>,
        condvar: &'a Condvar,
        owed: bool,
        at: &'static Location<'static>,
    }

    impl PinnedDrop for Signal<'_> {
        fn drop(this: Pin<&mut Self>) {
            let this = this.project();
            let missed = this.wait.end();
            if missed == Some(true) || *this.owed {
                this.condvar.notify_one();
            }
        }
    }
}

impl Future for Signal<'_> {
    type Output = ();

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        ready!(leaf::proceed(cx));
        let this = self.project();
        let mut turn = this.wait.lock();
        if let Some(for_one) = turn.take_grant() {
            *this.owed = for_one;
            return Poll::Ready(());
        }
        turn.wait(Some(cx.waker()));
        pending(&WAIT, this.at)
    }
}

impl fmt::Debug for Signal<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Signal").field("owed", &self.owed).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sync::Mutex;
    use crate::sync::testing::{ready, waiting};

    #[test]
    fn the_lock_is_free_meanwhile_and_held_afterwards() {
        let (mutex, changed) = (Mutex::new(0), Condvar::new());
        let mut first = waiting(changed.wait_while(ready(mutex.lock()), |n| *n < 2));
        let mut second = waiting(changed.wait(ready(mutex.lock())));
        let mut guard = mutex.try_lock().unwrap();
        *guard = 1;
        changed.notify_one();
        assert_eq!((first.wakes(), second.wakes()), (1, 0));
        first.assert_pending();
        drop(guard);
        first.assert_pending();
        changed.notify_all();
        first.assert_pending();
        assert_eq!(*second.assert_ready(), 1);
        *mutex.try_lock().unwrap() = 2;
        changed.notify_one();
        assert_eq!(*first.assert_ready(), 2);
    }

    #[test]
    fn a_notification_that_comes_too_late_goes_on() {
        let (mutex, changed) = (Mutex::new(()), Condvar::new());
        let notified = waiting(changed.wait(ready(mutex.lock())));
        let mut locking = waiting(changed.wait(ready(mutex.lock())));
        let mut last = waiting(changed.wait(ready(mutex.lock())));
        changed.notify_one();
        drop(notified);
        assert_eq!((locking.wakes(), last.wakes()), (1, 0));
        let guard = mutex.try_lock().unwrap();
        locking.assert_pending();
        drop(locking);
        assert_eq!(last.wakes(), 1);
        drop(guard);
        drop(last.assert_ready());
        // Nobody waits: this one is not kept.
        changed.notify_one();
        waiting(changed.wait(ready(mutex.lock())));
    }
}
