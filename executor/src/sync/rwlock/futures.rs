//! Waiting for access.

use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use pin_project_lite::pin_project;

use super::{Access, Kind, RwLock, RwLockReadGuard, RwLockWriteGuard};
use crate::leaf::{self, Made, Operation};
use crate::sync::pending;
use crate::sync::wait_list::{Wait, WaitList};

pub(super) static READ: Operation = Operation::new("RwLock::read");
pub(super) static WRITE: Operation = Operation::new("RwLock::write");

pin_project! {
    /// Waits for access; if it is granted too late, it is given up.
    #[derive(Debug)]
    pub(super) struct Entering<'a> {
        #[pin]
        wait: Wait<'a, Access>,
        line: &'a WaitList<Access>,
        kind: Kind,
        made: Made,
    }

    impl PinnedDrop for Entering<'_> {
        fn drop(this: Pin<&mut Self>) {
            let this = this.project();
            if !this.wait.has_joined() {
                return;
            }
            let mut turn = this.wait.lock();
            if turn.take_grant().is_some() {
                turn.state.leave(*this.kind);
            }
            // Whoever stood behind it may be let in now, even if it was not let in itself.
            turn.leave();
            let wakers = turn.serve();
            drop(turn);
            wakers.wake();
        }
    }
}

impl<'a> Entering<'a> {
    pub(super) fn new<T: ?Sized>(lock: &'a RwLock<T>, kind: Kind, made: Made) -> Entering<'a> {
        Entering { wait: Wait::new(&lock.line, kind), line: &lock.line, kind, made }
    }
}

impl Future for Entering<'_> {
    type Output = ();

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        let this = self.project();
        this.made.set_polled();
        ready!(leaf::proceed(cx));
        let mut turn = this.wait.lock();
        if turn.take_grant().is_some() || (!turn.is_in_line() && turn.take(*this.kind)) {
            return Poll::Ready(());
        }
        turn.wait(Some(cx.waker()));
        pending(this.made.operation, this.made.at)
    }
}

pin_project! {
    /// Waits for shared access; see [`RwLock::read`].
    #[must_use = "futures do nothing unless awaited"]
    pub struct Read<'a, T: ?Sized> {
        #[pin]
        entering: Entering<'a>,
        lock: &'a RwLock<T>,
    }
}

pin_project! {
    /// Waits for exclusive access; see [`RwLock::write`].
    #[must_use = "futures do nothing unless awaited"]
    pub struct Write<'a, T: ?Sized> {
        #[pin]
        entering: Entering<'a>,
        lock: &'a RwLock<T>,
    }
}

impl<'a, T: ?Sized> Read<'a, T> {
    pub(super) fn new(lock: &'a RwLock<T>, made: Made) -> Read<'a, T> {
        Read { entering: Entering::new(lock, Kind::Read, made), lock }
    }
}

impl<'a, T: ?Sized> Write<'a, T> {
    pub(super) fn new(lock: &'a RwLock<T>, made: Made) -> Write<'a, T> {
        Write { entering: Entering::new(lock, Kind::Write, made), lock }
    }
}

impl<'a, T: ?Sized> Future for Read<'a, T> {
    type Output = RwLockReadGuard<'a, T>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let this = self.project();
        this.entering.poll(cx).map(|()| RwLockReadGuard::new(this.lock))
    }
}

impl<'a, T: ?Sized> Future for Write<'a, T> {
    type Output = RwLockWriteGuard<'a, T>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let this = self.project();
        this.entering.poll(cx).map(|()| RwLockWriteGuard::new(this.lock))
    }
}

impl<T: ?Sized> fmt::Debug for Read<'_, T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Read").field(&self.entering).finish()
    }
}

impl<T: ?Sized> fmt::Debug for Write<'_, T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Write").field(&self.entering).finish()
    }
}
