//! [`AsyncFd`]: tokio's way to wait for a descriptor, thin over [`Async`].
//!
//! Waiting gives a guard, and the program itself says through it when the descriptor turned out not
//! to be ready. Deliberately without reading or writing: those are the program's. What is written
//! for Heist alone is shorter with [`Async`], which tries, waits and clears by itself.

mod error;
mod guard;

use std::fmt;
use std::future::Future;
use std::io;
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, RawFd};
use std::panic::Location;
use std::task::{Context, Poll, ready};

use crate::host::{Made, Operation};
use crate::interest::{Interest, Ready};
use crate::readiness::Seen;
use crate::source::Async;

pub use error::{AsyncFdRegisterError, TryIoError};
pub use guard::{AsyncFdReadyGuard, AsyncFdReadyMutGuard};

static READY: Operation = Operation::new("AsyncFd::ready");
static ASYNC_IO: Operation = Operation::new("AsyncFd::async_io");

/// A descriptor on the runtime's reactor, with tokio's interface.
///
/// It must be non-blocking already, or else operations block their worker.
///
/// Differs from tokio: [`new`](AsyncFd::new) and its kin ask for `AsFd`, by which an object promises
/// that its descriptor stays open, and are sound by that; tokio has deprecated its own, which do not.
/// The registration is always for both directions, and an interest is what one waits for.
/// `Interest::PRIORITY` and `Interest::ERROR` are not there.
///
/// An example is at the head of `heist::io::unix`.
pub struct AsyncFd<T: AsRawFd> {
    io: Async<Descriptor<T>>,
}

/// An object and how its descriptor is borrowed: by the object's own `AsFd`, or by its number, where
/// the caller of [`AsyncFd::register`] answers for that.
struct Descriptor<T> {
    object: T,
    borrow: fn(&T) -> BorrowedFd<'_>,
}

impl<T> AsFd for Descriptor<T> {
    fn as_fd(&self) -> BorrowedFd<'_> {
        (self.borrow)(&self.object)
    }
}

impl<T: AsRawFd + AsFd> AsyncFd<T> {
    /// Puts a descriptor, which must be non-blocking, on the current runtime's reactor.
    ///
    /// # Errors
    /// If the system refuses; `PermissionDenied` for regular files, which are always ready.
    ///
    /// # Panics
    /// Outside a runtime.
    #[track_caller]
    pub fn new(inner: T) -> io::Result<AsyncFd<T>> {
        AsyncFd::try_new(inner).map_err(io::Error::from)
    }

    /// As [`new`](AsyncFd::new). The registration is for both directions whatever the interest.
    ///
    /// # Errors
    /// As [`new`](AsyncFd::new).
    ///
    /// # Panics
    /// Outside a runtime.
    #[track_caller]
    pub fn with_interest(inner: T, _interest: Interest) -> io::Result<AsyncFd<T>> {
        AsyncFd::new(inner)
    }

    /// As [`new`](AsyncFd::new); a failure gives the object back.
    ///
    /// # Errors
    /// As [`new`](AsyncFd::new).
    ///
    /// # Panics
    /// Outside a runtime.
    #[track_caller]
    pub fn try_new(inner: T) -> Result<AsyncFd<T>, AsyncFdRegisterError<T>> {
        AsyncFd::of(Descriptor { object: inner, borrow: T::as_fd })
    }

    /// As [`try_new`](AsyncFd::try_new). The registration is for both directions whatever the
    /// interest.
    ///
    /// # Errors
    /// As [`new`](AsyncFd::new).
    ///
    /// # Panics
    /// Outside a runtime.
    #[track_caller]
    pub fn try_with_interest(
        inner: T,
        _interest: Interest,
    ) -> Result<AsyncFd<T>, AsyncFdRegisterError<T>> {
        AsyncFd::try_new(inner)
    }
}

impl<T: AsRawFd> AsyncFd<T> {
    /// As [`try_new`](AsyncFd::try_new), for what has a descriptor but does not promise that it stays
    /// open, as a bare number.
    ///
    /// # Safety
    /// The descriptor is open until the `AsyncFd` is dropped or taken apart with
    /// [`into_inner`](AsyncFd::into_inner).
    ///
    /// # Errors
    /// As [`new`](AsyncFd::new).
    ///
    /// # Panics
    /// Outside a runtime.
    #[track_caller]
    pub unsafe fn register(inner: T) -> Result<AsyncFd<T>, AsyncFdRegisterError<T>> {
        AsyncFd::of(Descriptor {
            object: inner,
            // SAFETY: it is open as long as it is registered, as our caller promises.
            borrow: |object| unsafe { BorrowedFd::borrow_raw(object.as_raw_fd()) },
        })
    }

    /// As [`register`](AsyncFd::register). The registration is for both directions whatever the
    /// interest.
    ///
    /// # Safety
    /// As [`register`](AsyncFd::register).
    ///
    /// # Errors
    /// As [`new`](AsyncFd::new).
    ///
    /// # Panics
    /// Outside a runtime.
    #[track_caller]
    pub unsafe fn register_with_interest(
        inner: T,
        _interest: Interest,
    ) -> Result<AsyncFd<T>, AsyncFdRegisterError<T>> {
        // SAFETY: passed on to the caller.
        unsafe { AsyncFd::register(inner) }
    }

    #[track_caller]
    fn of(descriptor: Descriptor<T>) -> Result<AsyncFd<T>, AsyncFdRegisterError<T>> {
        // The reactor tells whether it is ready by its first event. That an operation may try its
        // luck, as with `Async`, is not for us to say: it could be one that blocks.
        Async::register(descriptor, Ready::EMPTY).map(|io| AsyncFd { io }).map_err(
            |(Descriptor { object, .. }, cause)| AsyncFdRegisterError { inner: object, cause },
        )
    }

    /// The object.
    pub fn get_ref(&self) -> &T {
        &self.io.get_ref().object
    }

    /// The object. The registration stays with the descriptor that it had.
    pub fn get_mut(&mut self) -> &mut T {
        &mut self.io.get_mut().object
    }

    /// Takes the descriptor off the reactor.
    pub fn into_inner(self) -> T {
        self.io.into_inner().object
    }

    /// Waits until the descriptor is ready for one of the directions.
    ///
    /// # Errors
    /// If the runtime has shut down.
    ///
    /// # Cancel safety
    /// Cancel safe.
    #[track_caller]
    pub fn ready(
        &self,
        interest: Interest,
    ) -> impl Future<Output = io::Result<AsyncFdReadyGuard<'_, T>>> {
        let made = Made::here(&READY);
        async move {
            let (_, at) = made.begin();
            let seen = self.seen_ready(interest, at).await?;
            Ok(AsyncFdReadyGuard { fd: self, seen })
        }
    }

    /// As [`ready`](AsyncFd::ready), for a guard that gives mutable access.
    ///
    /// # Errors
    /// If the runtime has shut down.
    ///
    /// # Cancel safety
    /// Cancel safe.
    #[track_caller]
    pub fn ready_mut(
        &mut self,
        interest: Interest,
    ) -> impl Future<Output = io::Result<AsyncFdReadyMutGuard<'_, T>>> {
        let made = Made::here(&READY);
        async move {
            let (_, at) = made.begin();
            let seen = self.seen_ready(interest, at).await?;
            Ok(AsyncFdReadyMutGuard { fd: self, seen })
        }
    }

    /// Waits until the descriptor is readable; see [`ready`](AsyncFd::ready), also for the errors.
    ///
    /// # Cancel safety
    /// Cancel safe.
    #[track_caller]
    pub fn readable(&self) -> impl Future<Output = io::Result<AsyncFdReadyGuard<'_, T>>> {
        self.ready(Interest::READABLE)
    }

    /// Waits until the descriptor is readable; see [`ready_mut`](AsyncFd::ready_mut), also for the errors.
    ///
    /// # Cancel safety
    /// Cancel safe.
    #[track_caller]
    pub fn readable_mut(
        &mut self,
    ) -> impl Future<Output = io::Result<AsyncFdReadyMutGuard<'_, T>>> {
        self.ready_mut(Interest::READABLE)
    }

    /// Waits until the descriptor is writable; see [`ready`](AsyncFd::ready), also for the errors.
    ///
    /// # Cancel safety
    /// Cancel safe.
    #[track_caller]
    pub fn writable(&self) -> impl Future<Output = io::Result<AsyncFdReadyGuard<'_, T>>> {
        self.ready(Interest::WRITABLE)
    }

    /// Waits until the descriptor is writable; see [`ready_mut`](AsyncFd::ready_mut), also for the errors.
    ///
    /// # Cancel safety
    /// Cancel safe.
    #[track_caller]
    pub fn writable_mut(
        &mut self,
    ) -> impl Future<Output = io::Result<AsyncFdReadyMutGuard<'_, T>>> {
        self.ready_mut(Interest::WRITABLE)
    }

    /// What was seen when the descriptor had become ready.
    async fn seen_ready(
        &self,
        interest: Interest,
        at: &'static Location<'static>,
    ) -> io::Result<Seen> {
        loop {
            self.io.readiness(interest, &READY, at).await?;
            // Unless somebody has cleared it meanwhile.
            if let Some(seen) = self.io.seen().of(interest) {
                return Ok(seen);
            }
        }
    }

    fn poll_seen(&self, cx: &mut Context<'_>, interest: Interest) -> Poll<io::Result<Seen>> {
        loop {
            ready!(self.io.poll_ready(cx, interest))?;
            if let Some(seen) = self.io.seen().of(interest) {
                return Poll::Ready(Ok(seen));
            }
        }
    }

    /// As [`readable`](AsyncFd::readable), for futures written by hand; the last waker wins.
    pub fn poll_read_ready(
        &self,
        cx: &mut Context<'_>,
    ) -> Poll<io::Result<AsyncFdReadyGuard<'_, T>>> {
        let seen = ready!(self.poll_seen(cx, Interest::READABLE))?;
        Poll::Ready(Ok(AsyncFdReadyGuard { fd: self, seen }))
    }

    /// As [`readable_mut`](AsyncFd::readable_mut), for futures written by hand; the last waker wins.
    pub fn poll_read_ready_mut(
        &mut self,
        cx: &mut Context<'_>,
    ) -> Poll<io::Result<AsyncFdReadyMutGuard<'_, T>>> {
        let seen = ready!(self.poll_seen(cx, Interest::READABLE))?;
        Poll::Ready(Ok(AsyncFdReadyMutGuard { fd: self, seen }))
    }

    /// As [`writable`](AsyncFd::writable), for futures written by hand; the last waker wins.
    pub fn poll_write_ready(
        &self,
        cx: &mut Context<'_>,
    ) -> Poll<io::Result<AsyncFdReadyGuard<'_, T>>> {
        let seen = ready!(self.poll_seen(cx, Interest::WRITABLE))?;
        Poll::Ready(Ok(AsyncFdReadyGuard { fd: self, seen }))
    }

    /// As [`writable_mut`](AsyncFd::writable_mut), for futures written by hand; the last waker wins.
    pub fn poll_write_ready_mut(
        &mut self,
        cx: &mut Context<'_>,
    ) -> Poll<io::Result<AsyncFdReadyMutGuard<'_, T>>> {
        let seen = ready!(self.poll_seen(cx, Interest::WRITABLE))?;
        Poll::Ready(Ok(AsyncFdReadyMutGuard { fd: self, seen }))
    }

    /// Runs an operation, waiting as often as it says `WouldBlock`.
    ///
    /// # Errors
    /// Those of the operation, as of [`Async::read_with`]; and once the runtime has shut down.
    ///
    /// # Cancel safety
    /// Cancel safe, as far as the operation itself is.
    #[track_caller]
    pub fn async_io<R>(
        &self,
        interest: Interest,
        mut operation: impl FnMut(&T) -> io::Result<R>,
    ) -> impl Future<Output = io::Result<R>> {
        let site = (&ASYNC_IO, Location::caller());
        self.io.run(interest, site, move |it| operation(&it.object), |_| false)
    }

    /// As [`async_io`](AsyncFd::async_io), with mutable access.
    ///
    /// # Errors
    /// Those of the operation, but for `WouldBlock`; and if the runtime has shut down.
    ///
    /// # Cancel safety
    /// Cancel safe, as far as the operation itself is.
    #[track_caller]
    pub fn async_io_mut<R>(
        &mut self,
        interest: Interest,
        mut operation: impl FnMut(&mut T) -> io::Result<R>,
    ) -> impl Future<Output = io::Result<R>> {
        let made = Made::here(&ASYNC_IO);
        async move {
            let (_, at) = made.begin();
            loop {
                let seen = self.seen_ready(interest, at).await?;
                let mut guard = AsyncFdReadyMutGuard { fd: self, seen };
                if let Ok(result) = guard.try_io(|fd| operation(fd.get_mut())) {
                    return result;
                }
            }
        }
    }

    /// Runs an operation once if the descriptor is thought to be ready for it. `WouldBlock` if it is
    /// not, or if the operation says so.
    ///
    /// # Errors
    /// Those of the operation.
    pub fn try_io<R>(
        &self,
        interest: Interest,
        mut operation: impl FnMut(&T) -> io::Result<R>,
    ) -> io::Result<R> {
        self.io.try_io(interest, |it| operation(&it.object))
    }

    /// As [`try_io`](AsyncFd::try_io), with mutable access.
    ///
    /// # Errors
    /// Those of the operation.
    pub fn try_io_mut<R>(
        &mut self,
        interest: Interest,
        operation: impl FnOnce(&mut T) -> io::Result<R>,
    ) -> io::Result<R> {
        let Some(seen) = self.io.seen().of(interest) else {
            return Err(io::ErrorKind::WouldBlock.into());
        };
        AsyncFdReadyMutGuard { fd: self, seen }
            .try_io(|fd| operation(fd.get_mut()))
            .unwrap_or_else(|_| Err(io::ErrorKind::WouldBlock.into()))
    }
}

impl<T: AsRawFd> AsRawFd for AsyncFd<T> {
    fn as_raw_fd(&self) -> RawFd {
        self.get_ref().as_raw_fd()
    }
}

impl<T: AsRawFd> AsFd for AsyncFd<T> {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.io.get_ref().as_fd()
    }
}

impl<T: AsRawFd + fmt::Debug> fmt::Debug for AsyncFd<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("AsyncFd").field(self.get_ref()).finish()
    }
}
