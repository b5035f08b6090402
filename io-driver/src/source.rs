//! [`Async`]: any descriptor on a reactor, and the one way in which operations are tried and waited for.
//!
//! An operation is tried first. Only if it would block does its task wait, and then the source
//! is known not to be ready until an event says otherwise, so a waiting task costs no further
//! system call.

mod futures;

use std::fmt;
use std::future::Future;
use std::io;
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, RawFd};
use std::panic::{Location, RefUnwindSafe, UnwindSafe};
use std::sync::Arc;
use std::task::{Context, Poll, ready};

use crate::context;
use crate::host::{self, Operation};
use crate::interest::{Interest, Ready};
use crate::reactor::{Reactor, gone};
use crate::readiness::Seen;
use crate::registration::{Place, Registration};

pub(crate) use futures::Attempt;
pub use futures::{Readiness, ReadinessOwned};

static READABLE: Operation = Operation::new("readable");
static WRITABLE: Operation = Operation::new("writable");
static READY: Operation = Operation::new("ready");
static READ_WITH: Operation = Operation::new("Async::read_with");
static WRITE_WITH: Operation = Operation::new("Async::write_with");

/// A source of I/O on the runtime's reactor: a socket, a pipe, a descriptor of one's own.
///
/// It is registered once, for both directions, when it is made, and taken out before it is dropped.
/// Any number of tasks may wait for it in each direction.
///
/// An example is at the head of `heist::io`.
pub struct Async<T: AsFd> {
    /// `None` only once `into_inner` has taken it.
    source: Option<T>,
    key: usize,
    registration: Arc<Registration>,
    reactor: Arc<Reactor>,
}

impl<T: AsFd> Async<T> {
    /// Puts a source on the current runtime's reactor and makes its descriptor non-blocking.
    ///
    /// # Errors
    /// If the system refuses; `PermissionDenied` for regular files, which are always ready.
    ///
    /// # Panics
    /// Outside a runtime.
    #[track_caller]
    pub fn new(source: T) -> io::Result<Async<T>> {
        rustix::io::ioctl_fionbio(source.as_fd(), true)?;
        Async::new_nonblocking(source)
    }

    /// As [`new`](Async::new), for a descriptor that is non-blocking already: saves a system call.
    ///
    /// # Errors
    /// As [`new`](Async::new).
    ///
    /// # Panics
    /// Outside a runtime.
    #[track_caller]
    pub fn new_nonblocking(source: T) -> io::Result<Async<T>> {
        // The first operation tries its luck.
        Async::with_readiness(source, Ready::READABLE | Ready::WRITABLE)
    }

    /// For a socket that is still connecting: it is not writable until an event says so.
    #[track_caller]
    pub(crate) fn new_connecting(source: T) -> io::Result<Async<T>> {
        Async::with_readiness(source, Ready::EMPTY)
    }

    #[track_caller]
    fn with_readiness(source: T, ready: Ready) -> io::Result<Async<T>> {
        Async::register(source, ready).map_err(|(_, error)| error)
    }

    /// Gives the source back if it cannot be put on the reactor.
    #[track_caller]
    pub(crate) fn register(source: T, ready: Ready) -> Result<Async<T>, (T, io::Error)> {
        let reactor = context::current();
        match reactor.register(source.as_fd(), ready) {
            Ok((key, registration)) => {
                Ok(Async { source: Some(source), key, registration, reactor })
            }
            Err(error) => Err((source, error)),
        }
    }

    /// The source.
    pub fn get_ref(&self) -> &T {
        self.source.as_ref().expect("only `into_inner` takes the source")
    }

    pub(crate) fn get_mut(&mut self) -> &mut T {
        self.source.as_mut().expect("only `into_inner` takes the source")
    }

    /// Takes the source off the reactor. It stays non-blocking.
    pub fn into_inner(mut self) -> T {
        let source = self.source.take().expect("only `into_inner` takes the source");
        self.reactor.deregister(source.as_fd(), self.key);
        source
    }

    /// Tries an operation as far as the source is thought to be ready for it; `None` if it would
    /// block. `short` tells from a success that there is no more for now, so that the next attempt
    /// waits instead of being told so by the system.
    #[inline]
    pub(crate) fn attempt<R>(
        &self,
        direction: Interest,
        mut operation: impl FnMut(&T) -> io::Result<R>,
        short: impl Fn(&R) -> bool,
    ) -> Option<io::Result<R>> {
        let passing = direction.mask() & (Ready::READABLE | Ready::WRITABLE);
        loop {
            let seen = self.registration.seen();
            if seen.ready.is_gone() {
                return Some(Err(gone()));
            }
            if (seen.ready & direction.mask()).is_empty() {
                return None;
            }
            match operation(self.get_ref()) {
                Ok(result) => {
                    if short(&result) {
                        self.registration.not_ready(seen, passing);
                    }
                    return Some(Ok(result));
                }
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {
                    if let Err(error) = self.not_ready(seen, passing) {
                        return Some(Err(error));
                    }
                    // A closed direction never blocks for long, but it may block now: then there
                    // is an event to come, and the word must not keep us here.
                    if !(seen.ready & direction.mask()).without(passing).is_empty() {
                        return Some(Err(error));
                    }
                }
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Some(Err(error)),
            }
        }
    }

    /// What the source is thought to be ready for.
    pub(crate) fn seen(&self) -> Seen {
        self.registration.seen()
    }

    /// Whoever had `seen` the source was told by the system that it is not ready: the next event
    /// will say when it is.
    pub(crate) fn not_ready(&self, seen: Seen, what: Ready) -> io::Result<()> {
        self.registration.not_ready(seen, what);
        self.reactor.rearm(self.get_ref().as_fd(), self.key)
    }

    /// Polls an operation in the place of the poll functions: of several tasks that poll the same
    /// direction, the last one is woken.
    #[inline]
    pub(crate) fn poll_attempt<R>(
        &self,
        cx: &mut Context<'_>,
        direction: Interest,
        at: (&'static Operation, &'static Location<'static>),
        mut operation: impl FnMut(&T) -> io::Result<R>,
        short: impl Fn(&R) -> bool,
    ) -> Poll<io::Result<R>> {
        ready!(host::proceed(cx));
        loop {
            if let Some(result) = self.attempt(direction, &mut operation, &short) {
                return Poll::Ready(result);
            }
            if self.registration.wait(&mut Place::Shared, direction, cx.waker()).is_ok() {
                host::restore();
                host::waiting(at.0, at.1);
                return Poll::Pending;
            }
        }
    }

    /// Waits for and runs an operation in a place of its own.
    pub(crate) fn run<'a, R, F, S>(
        &'a self,
        direction: Interest,
        at: (&'static Operation, &'static Location<'static>),
        operation: F,
        short: S,
    ) -> Attempt<'a, T, F, S>
    where
        F: FnMut(&T) -> io::Result<R>,
        S: Fn(&R) -> bool,
    {
        Attempt { source: self, direction, at, operation, short, place: Place::Unpolled }
    }

    /// Waits until the source is readable, as far as is known: a read may still find nothing.
    ///
    /// # Errors
    /// If the runtime has shut down.
    ///
    /// # Cancel safety
    /// Cancel safe.
    #[track_caller]
    pub fn readable(&self) -> Readiness<'_, T> {
        self.readiness(Interest::READABLE, &READABLE, Location::caller())
    }

    /// Waits until the source is writable, as far as is known: a write may still find no room.
    ///
    /// # Errors
    /// If the runtime has shut down.
    ///
    /// # Cancel safety
    /// Cancel safe.
    #[track_caller]
    pub fn writable(&self) -> Readiness<'_, T> {
        self.readiness(Interest::WRITABLE, &WRITABLE, Location::caller())
    }

    pub(crate) fn readiness(
        &self,
        interest: Interest,
        operation: &'static Operation,
        at: &'static Location<'static>,
    ) -> Readiness<'_, T> {
        Readiness { source: self, interest, at: (operation, at), place: Place::Unpolled }
    }

    /// Waits until the source is ready for one of the directions, and says for which.
    ///
    /// # Errors
    /// If the runtime has shut down.
    ///
    /// # Cancel safety
    /// Cancel safe.
    #[track_caller]
    pub fn ready(&self, interest: Interest) -> impl Future<Output = io::Result<Ready>> + Send + '_
    where
        T: Sync,
    {
        let wait = self.readiness(interest, &READY, Location::caller());
        async move {
            wait.await?;
            Ok(self.registration.seen().ready & interest.mask())
        }
    }

    /// As [`readable`](Async::readable), for futures written by hand; the last waker wins.
    pub fn poll_readable(&self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.poll_ready(cx, Interest::READABLE)
    }

    /// As [`writable`](Async::writable), for futures written by hand; the last waker wins.
    pub fn poll_writable(&self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.poll_ready(cx, Interest::WRITABLE)
    }

    pub(crate) fn poll_ready(
        &self,
        cx: &mut Context<'_>,
        interest: Interest,
    ) -> Poll<io::Result<()>> {
        match self.registration.wait(&mut Place::Shared, interest, cx.waker()) {
            Ok(()) => Poll::Pending,
            Err(ready) if ready.is_gone() => Poll::Ready(Err(gone())),
            Err(_) => Poll::Ready(Ok(())),
        }
    }

    /// Runs an operation that reads, waiting as often as it says `WouldBlock`.
    ///
    /// # Errors
    /// Those of the operation but `Interrupted`, after which it is tried again; and once the runtime has
    /// shut down. `WouldBlock` is one of them only where the operation insists on it in a direction that
    /// is closed.
    ///
    /// # Cancel safety
    /// Cancel safe, as far as the operation itself is.
    #[track_caller]
    pub fn read_with<'a, R, F>(&'a self, operation: F) -> impl Future<Output = io::Result<R>> + 'a
    where
        F: FnMut(&T) -> io::Result<R> + 'a,
        R: 'a,
    {
        self.run(Interest::READABLE, (&READ_WITH, Location::caller()), operation, |_| false)
    }

    /// Runs an operation that writes, waiting as often as it says `WouldBlock`.
    ///
    /// # Errors
    /// Those of the operation but `Interrupted`, after which it is tried again; and once the runtime has
    /// shut down. `WouldBlock` is one of them only where the operation insists on it in a direction that
    /// is closed.
    ///
    /// # Cancel safety
    /// Cancel safe, as far as the operation itself is.
    #[track_caller]
    pub fn write_with<'a, R, F>(&'a self, operation: F) -> impl Future<Output = io::Result<R>> + 'a
    where
        F: FnMut(&T) -> io::Result<R> + 'a,
        R: 'a,
    {
        self.run(Interest::WRITABLE, (&WRITE_WITH, Location::caller()), operation, |_| false)
    }

    /// Runs an operation once if the source is thought to be ready for it. `WouldBlock` if it is
    /// not, or if the operation says so.
    ///
    /// # Errors
    /// Those of the operation.
    pub fn try_io<R>(
        &self,
        interest: Interest,
        operation: impl FnMut(&T) -> io::Result<R>,
    ) -> io::Result<R> {
        self.attempt(interest, operation, |_| false)
            .unwrap_or_else(|| Err(io::ErrorKind::WouldBlock.into()))
    }

    /// As [`readable`](Async::readable), for a source that is shared; the future is `'static`.
    pub fn readable_owned(self: &Arc<Async<T>>) -> ReadinessOwned<T> {
        ReadinessOwned::new(self.clone(), Interest::READABLE)
    }

    /// As [`writable`](Async::writable), for a source that is shared; the future is `'static`.
    pub fn writable_owned(self: &Arc<Async<T>>) -> ReadinessOwned<T> {
        ReadinessOwned::new(self.clone(), Interest::WRITABLE)
    }
}

// The reactor and the registration are the runtime's, and no panic leaves them half changed.
impl<T: AsFd + UnwindSafe> UnwindSafe for Async<T> {}
impl<T: AsFd + RefUnwindSafe> RefUnwindSafe for Async<T> {}

impl<T: AsFd> AsFd for Async<T> {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.get_ref().as_fd()
    }
}

impl<T: AsFd> AsRawFd for Async<T> {
    fn as_raw_fd(&self) -> RawFd {
        self.as_fd().as_raw_fd()
    }
}

impl<T: AsFd> Drop for Async<T> {
    fn drop(&mut self) {
        if let Some(source) = &self.source {
            self.reactor.deregister(source.as_fd(), self.key);
        }
    }
}

impl<T: AsFd + fmt::Debug> fmt::Debug for Async<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Async").field(&self.source).finish()
    }
}
