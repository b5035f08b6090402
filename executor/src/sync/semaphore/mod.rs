//! A number of permits, handed out in the order in which they are asked for.
//!
//! Permits that are free stay in the pool until the first in line can have all it asks for; while
//! somebody is in line, nobody else gets any.

mod permit;

use std::error::Error;
use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};

use pin_project_lite::pin_project;

use super::blocking::block_on;
use super::pending;
use super::wait_list::{Line, Protocol, Wait, WaitList, Wakers};
use crate::leaf::{self, Made, Operation};

pub use permit::{OwnedSemaphorePermit, SemaphorePermit};

static ACQUIRE: Operation = Operation::new("Semaphore::acquire");

/// The pool.
struct Permits {
    free: usize,
    closed: bool,
}

impl Protocol for Permits {
    type Request = usize;
    type Grant = Result<(), AcquireError>;
}

impl Line<Permits> {
    /// Takes permits out of the pool, if nobody is before.
    fn take(&mut self, count: usize) -> Result<(), TryAcquireError> {
        if self.state.closed {
            return Err(TryAcquireError::Closed);
        }
        if count > self.state.free || !self.is_empty() {
            return Err(TryAcquireError::NoPermits);
        }
        self.state.free -= count;
        Ok(())
    }

    /// Serves the line as far as the pool lasts.
    #[inline]
    fn serve(&mut self) -> Wakers {
        if self.is_empty() { Wakers::new() } else { self.serve_line() }
    }

    fn serve_line(&mut self) -> Wakers {
        let mut wakers = Wakers::new();
        while let Some(&count) = self.first() {
            let Some(left) = self.state.free.checked_sub(count) else { break };
            self.state.free = left;
            wakers.push(self.grant_first(Ok(())));
        }
        wakers
    }
}

/// Counts permits and makes tasks wait for them.
///
/// First come, first served, also for different numbers of permits: a request for many is not
/// overtaken by later ones for few.
///
/// # Examples
/// ```
/// # heist::runtime::Runtime::new().unwrap().block_on(async {
/// use heist::sync::Semaphore;
///
/// let at_once = Semaphore::new(3);
/// let permit = at_once.acquire().await.unwrap();
/// assert_eq!(at_once.available_permits(), 2);
/// drop(permit);
/// # });
/// ```
#[derive(Debug)]
pub struct Semaphore {
    line: WaitList<Permits>,
}

impl Semaphore {
    /// The most permits that a semaphore can have.
    pub const MAX_PERMITS: usize = usize::MAX >> 3;

    /// Makes a semaphore with `permits` permits.
    ///
    /// # Panics
    /// If they are more than [`Semaphore::MAX_PERMITS`].
    #[track_caller]
    pub const fn new(permits: usize) -> Semaphore {
        assert!(permits <= Semaphore::MAX_PERMITS, "a semaphore cannot have that many permits");
        Semaphore { line: WaitList::new(Permits { free: permits, closed: false }) }
    }

    /// The same as [`Semaphore::new`], which is `const`, too.
    #[track_caller]
    pub const fn const_new(permits: usize) -> Semaphore {
        Semaphore::new(permits)
    }

    /// How many permits [`try_acquire_many`](Semaphore::try_acquire_many) could have now.
    pub fn available_permits(&self) -> usize {
        let line = self.line.lock();
        if line.is_empty() { line.state.free } else { 0 }
    }

    /// Adds permits to the pool.
    ///
    /// # Panics
    /// If it would hold more than [`Semaphore::MAX_PERMITS`].
    #[track_caller]
    pub fn add_permits(&self, n: usize) {
        let mut line = self.line.lock();
        let room = Semaphore::MAX_PERMITS - line.state.free;
        // Without the lock, so that the semaphore stays usable.
        if n > room {
            drop(line);
            panic!("a semaphore cannot have that many permits");
        }
        line.state.free += n;
        let wakers = line.serve();
        drop(line);
        wakers.wake();
    }

    /// Takes up to `n` permits out of the pool for ever, and returns how many.
    pub fn forget_permits(&self, n: usize) -> usize {
        let mut line = self.line.lock();
        let count = n.min(line.state.free);
        line.state.free -= count;
        count
    }

    /// Waits for one permit.
    ///
    /// # Errors
    /// If the semaphore is closed, before or meanwhile.
    ///
    /// # Cancel safety
    /// A wait that is dropped loses its place in line, and no permit.
    #[track_caller]
    pub fn acquire(&self) -> Acquire<'_> {
        self.acquire_as(1, Made::here(&ACQUIRE))
    }

    /// Waits for `n` permits, and gets them all at once. See [`acquire`](Semaphore::acquire).
    ///
    /// # Errors
    /// As [`acquire`](Semaphore::acquire).
    ///
    /// # Cancel safety
    /// A wait that is dropped loses its place in line, and no permit.
    #[track_caller]
    pub fn acquire_many(&self, n: u32) -> Acquire<'_> {
        self.acquire_as(n as usize, Made::here(&ACQUIRE))
    }

    /// Waits, maybe on behalf of another operation.
    pub(super) fn acquire_as(&self, count: usize, made: Made) -> Acquire<'_> {
        Acquire { wait: Wait::new(&self.line, count), semaphore: self, count, made }
    }

    /// Takes one permit, if there is one and nobody waits for it.
    ///
    /// # Errors
    /// If there is none to be had, or the semaphore is closed.
    pub fn try_acquire(&self) -> Result<SemaphorePermit<'_>, TryAcquireError> {
        self.try_acquire_many(1)
    }

    /// Takes `n` permits, if there are as many and nobody waits for them.
    ///
    /// # Errors
    /// See [`try_acquire`](Semaphore::try_acquire).
    pub fn try_acquire_many(&self, n: u32) -> Result<SemaphorePermit<'_>, TryAcquireError> {
        self.line.lock().take(n as usize)?;
        Ok(SemaphorePermit::new(self, n as usize))
    }

    /// Waits for one permit on a thread that runs no async code.
    ///
    /// # Errors
    /// See [`acquire`](Semaphore::acquire).
    ///
    /// # Panics
    /// Inside async code, which it would block.
    #[track_caller]
    pub fn blocking_acquire(&self) -> Result<SemaphorePermit<'_>, AcquireError> {
        block_on("Semaphore::blocking_acquire", self.acquire())
    }

    /// Waits for `n` permits; see [`blocking_acquire`](Semaphore::blocking_acquire).
    ///
    /// # Errors
    /// See [`acquire`](Semaphore::acquire).
    ///
    /// # Panics
    /// Inside async code, which it would block.
    #[track_caller]
    pub fn blocking_acquire_many(&self, n: u32) -> Result<SemaphorePermit<'_>, AcquireError> {
        block_on("Semaphore::blocking_acquire_many", self.acquire_many(n))
    }

    /// Like [`acquire`](Semaphore::acquire), for a permit that borrows nothing.
    ///
    /// # Errors
    /// As [`acquire`](Semaphore::acquire).
    ///
    /// # Cancel safety
    /// A wait that is dropped loses its place in line, and no permit; the `Arc` goes with it.
    #[track_caller]
    pub fn acquire_owned(
        self: Arc<Semaphore>,
    ) -> impl Future<Output = Result<OwnedSemaphorePermit, AcquireError>> + Send + Sync {
        self.acquire_owned_as(1, Made::here(&ACQUIRE))
    }

    /// Like [`acquire_many`](Semaphore::acquire_many), for a permit that borrows nothing.
    ///
    /// # Errors
    /// As [`acquire`](Semaphore::acquire).
    ///
    /// # Cancel safety
    /// A wait that is dropped loses its place in line, and no permit; the `Arc` goes with it.
    #[track_caller]
    pub fn acquire_many_owned(
        self: Arc<Semaphore>,
        n: u32,
    ) -> impl Future<Output = Result<OwnedSemaphorePermit, AcquireError>> + Send + Sync {
        self.acquire_owned_as(n as usize, Made::here(&ACQUIRE))
    }

    /// As [`acquire_as`](Semaphore::acquire_as), for a permit that borrows nothing.
    pub(crate) async fn acquire_owned_as(
        self: Arc<Semaphore>,
        count: usize,
        made: Made,
    ) -> Result<OwnedSemaphorePermit, AcquireError> {
        self.acquire_as(count, made).await?.forget();
        Ok(OwnedSemaphorePermit::new(self, count))
    }

    /// Like [`try_acquire`](Semaphore::try_acquire), for a permit that borrows nothing.
    ///
    /// # Errors
    /// See [`try_acquire`](Semaphore::try_acquire).
    pub fn try_acquire_owned(
        self: Arc<Semaphore>,
    ) -> Result<OwnedSemaphorePermit, TryAcquireError> {
        self.try_acquire_many_owned(1)
    }

    /// Like [`try_acquire_many`](Semaphore::try_acquire_many), for a permit that borrows nothing.
    ///
    /// # Errors
    /// See [`try_acquire`](Semaphore::try_acquire).
    pub fn try_acquire_many_owned(
        self: Arc<Semaphore>,
        n: u32,
    ) -> Result<OwnedSemaphorePermit, TryAcquireError> {
        self.line.lock().take(n as usize)?;
        Ok(OwnedSemaphorePermit::new(self, n as usize))
    }

    /// Like [`blocking_acquire`](Semaphore::blocking_acquire), for a permit that borrows nothing.
    ///
    /// # Errors
    /// See [`acquire`](Semaphore::acquire).
    ///
    /// # Panics
    /// Inside async code, which it would block.
    #[track_caller]
    pub fn blocking_acquire_owned(
        self: Arc<Semaphore>,
    ) -> Result<OwnedSemaphorePermit, AcquireError> {
        block_on("Semaphore::blocking_acquire_owned", self.acquire_owned())
    }

    /// Like [`blocking_acquire_many`](Semaphore::blocking_acquire_many), for a permit that borrows
    /// nothing.
    ///
    /// # Errors
    /// See [`acquire`](Semaphore::acquire).
    ///
    /// # Panics
    /// Inside async code, which it would block.
    #[track_caller]
    pub fn blocking_acquire_many_owned(
        self: Arc<Semaphore>,
        n: u32,
    ) -> Result<OwnedSemaphorePermit, AcquireError> {
        block_on("Semaphore::blocking_acquire_many_owned", self.acquire_many_owned(n))
    }

    /// Closes the semaphore: nobody gets a permit any more, and whoever waits is told so.
    pub fn close(&self) {
        let mut line = self.line.lock();
        line.state.closed = true;
        let wakers = line.grant_all(Err(AcquireError(())));
        drop(line);
        wakers.wake();
    }

    /// Whether [`close`](Semaphore::close) was called.
    pub fn is_closed(&self) -> bool {
        self.line.lock().state.closed
    }
}

pin_project! {
    /// Waits for permits; see [`Semaphore::acquire`].
    #[derive(Debug)]
    #[must_use = "futures do nothing unless awaited"]
    pub struct Acquire<'a> {
        #[pin]
        wait: Wait<'a, Permits>,
        semaphore: &'a Semaphore,
        count: usize,
        made: Made,
    }

    impl PinnedDrop for Acquire<'_> {
        fn drop(this: Pin<&mut Self>) {
            let this = this.project();
            if !this.wait.has_joined() {
                return;
            }
            let mut turn = this.wait.lock();
            if let Some(Ok(())) = turn.take_grant() {
                turn.state.free += *this.count;
            }
            // Whoever stood behind it may be served now, even if it was not served itself.
            turn.leave();
            let wakers = turn.serve();
            drop(turn);
            wakers.wake();
        }
    }
}

impl<'a> Future for Acquire<'a> {
    type Output = Result<SemaphorePermit<'a>, AcquireError>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let this = self.project();
        this.made.set_polled();
        ready!(leaf::proceed(cx));
        let mut turn = this.wait.lock();
        let granted = match turn.take_grant() {
            Some(granted) => granted,
            None if turn.is_in_line() => {
                turn.wait(Some(cx.waker()));
                return pending(this.made.operation, this.made.at);
            }
            None => match turn.take(*this.count) {
                Ok(()) => Ok(()),
                Err(TryAcquireError::Closed) => Err(AcquireError(())),
                Err(TryAcquireError::NoPermits) => {
                    turn.wait(Some(cx.waker()));
                    return pending(this.made.operation, this.made.at);
                }
            },
        };
        Poll::Ready(granted.map(|()| SemaphorePermit::new(this.semaphore, *this.count)))
    }
}

/// The semaphore was closed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AcquireError(());

impl fmt::Display for AcquireError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the semaphore is closed")
    }
}

impl Error for AcquireError {}

/// There was no permit to be had.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TryAcquireError {
    /// The semaphore was closed.
    Closed,
    /// Not enough permits, or others wait for them.
    NoPermits,
}

impl fmt::Display for TryAcquireError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            TryAcquireError::Closed => "the semaphore is closed",
            TryAcquireError::NoPermits => "there are no permits to be had",
        })
    }
}

impl Error for TryAcquireError {}

#[cfg(test)]
mod tests;
