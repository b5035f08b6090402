//! The futures of [`Async`]: an operation under way, and waits for readiness.
//!
//! Each has a place of its own among those who wait, and gives it up when it is dropped.

use std::fmt;
use std::future::Future;
use std::io;
use std::os::fd::AsFd;
use std::panic::Location;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};

use super::Async;
use crate::host::{self, Operation};
use crate::interest::Interest;
use crate::reactor::gone;
use crate::registration::Place;

/// An operation under way; see [`Async::run`].
pub(crate) struct Attempt<'a, T: AsFd, F, S> {
    pub(super) source: &'a Async<T>,
    pub(super) direction: Interest,
    pub(super) at: (&'static Operation, &'static Location<'static>),
    pub(super) operation: F,
    pub(super) short: S,
    pub(super) place: Place,
}

// Nothing in it is ever pinned.
impl<T: AsFd, F, S> Unpin for Attempt<'_, T, F, S> {}

impl<T, F, S, R> Future for Attempt<'_, T, F, S>
where
    T: AsFd,
    F: FnMut(&T) -> io::Result<R>,
    S: Fn(&R) -> bool,
{
    type Output = io::Result<R>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<R>> {
        let this = &mut *self;
        this.place.set_polled();
        ready!(host::proceed(cx));
        loop {
            if let Some(result) =
                this.source.attempt(this.direction, &mut this.operation, &this.short)
            {
                return Poll::Ready(result);
            }
            let registration = &this.source.registration;
            if registration.wait(&mut this.place, this.direction, cx.waker()).is_ok() {
                host::restore();
                host::waiting(this.at.0, this.at.1);
                return Poll::Pending;
            }
        }
    }
}

impl<T: AsFd, F, S> Drop for Attempt<'_, T, F, S> {
    fn drop(&mut self) {
        if let Place::Unpolled = self.place {
            host::unpolled(self.at.0, self.at.1);
        }
        self.source.registration.leave(&mut self.place);
    }
}

/// Waits for readiness; see [`Async::readable`].
#[must_use = "futures do nothing unless awaited"]
pub struct Readiness<'a, T: AsFd> {
    pub(super) source: &'a Async<T>,
    pub(super) interest: Interest,
    pub(super) at: (&'static Operation, &'static Location<'static>),
    pub(super) place: Place,
}

impl<T: AsFd> Future for Readiness<'_, T> {
    type Output = io::Result<()>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let this = &mut *self;
        this.place.set_polled();
        ready!(host::proceed(cx));
        let registration = &this.source.registration;
        match registration.wait(&mut this.place, this.interest, cx.waker()) {
            Ok(()) => {
                host::restore();
                host::waiting(this.at.0, this.at.1);
                Poll::Pending
            }
            Err(ready) if ready.is_gone() => Poll::Ready(Err(gone())),
            Err(_) => Poll::Ready(Ok(())),
        }
    }
}

impl<T: AsFd> Drop for Readiness<'_, T> {
    fn drop(&mut self) {
        if let Place::Unpolled = self.place {
            host::unpolled(self.at.0, self.at.1);
        }
        self.source.registration.leave(&mut self.place);
    }
}

impl<T: AsFd> fmt::Debug for Readiness<'_, T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Readiness").field("interest", &self.interest).finish()
    }
}

/// Waits for readiness of a shared source; see [`Async::readable_owned`].
#[must_use = "futures do nothing unless awaited"]
pub struct ReadinessOwned<T: AsFd> {
    source: Arc<Async<T>>,
    interest: Interest,
    place: Place,
}

impl<T: AsFd> ReadinessOwned<T> {
    pub(super) fn new(source: Arc<Async<T>>, interest: Interest) -> ReadinessOwned<T> {
        ReadinessOwned { source, interest, place: Place::Own(None) }
    }
}

// Nothing in it is ever pinned.
impl<T: AsFd> Unpin for ReadinessOwned<T> {}

impl<T: AsFd> Future for ReadinessOwned<T> {
    type Output = io::Result<()>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let this = &mut *self;
        let registration = &this.source.registration;
        match registration.wait(&mut this.place, this.interest, cx.waker()) {
            Ok(()) => Poll::Pending,
            Err(ready) if ready.is_gone() => Poll::Ready(Err(gone())),
            Err(_) => Poll::Ready(Ok(())),
        }
    }
}

impl<T: AsFd> Drop for ReadinessOwned<T> {
    fn drop(&mut self) {
        self.source.registration.leave(&mut self.place);
    }
}

impl<T: AsFd> fmt::Debug for ReadinessOwned<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ReadinessOwned").field("interest", &self.interest).finish()
    }
}
