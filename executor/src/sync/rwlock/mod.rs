//! Shared or exclusive access across awaits, in the order of asking.
//!
//! Readers do not overtake a writer that waits, so no writer waits for ever.

mod futures;
mod guard;
mod owned_guard;

use std::cell::UnsafeCell;
use std::fmt;
use std::future::Future;
use std::sync::Arc;

use super::blocking::block_on;
use super::mutex::TryLockError;
use super::wait_list::{Line, Protocol, WaitList, Wakers};
use crate::leaf::Made;
use futures::{Entering, READ, WRITE};

pub use futures::{Read, Write};
pub use guard::{RwLockMappedWriteGuard, RwLockReadGuard, RwLockWriteGuard};
pub use owned_guard::{OwnedRwLockMappedWriteGuard, OwnedRwLockReadGuard, OwnedRwLockWriteGuard};

/// Who has access.
struct Access {
    readers: u32,
    max_readers: u32,
    writer: bool,
}

/// What is asked for.
#[derive(Clone, Copy, Debug)]
enum Kind {
    Read,
    Write,
}

impl Protocol for Access {
    type Request = Kind;
    type Grant = ();
}

impl Access {
    fn allows(&self, kind: Kind) -> bool {
        !self.writer
            && match kind {
                Kind::Read => self.readers < self.max_readers,
                Kind::Write => self.readers == 0,
            }
    }

    fn enter(&mut self, kind: Kind) {
        match kind {
            Kind::Read => self.readers += 1,
            Kind::Write => self.writer = true,
        }
    }

    fn leave(&mut self, kind: Kind) {
        match kind {
            Kind::Read => self.readers -= 1,
            Kind::Write => self.writer = false,
        }
    }
}

impl Line<Access> {
    /// Gets access, if nobody is before.
    fn take(&mut self, kind: Kind) -> bool {
        let free = self.is_empty() && self.state.allows(kind);
        if free {
            self.state.enter(kind);
        }
        free
    }

    /// Lets in whom it can.
    fn serve(&mut self) -> Wakers {
        let mut wakers = Wakers::new();
        while let Some(&kind) = self.first() {
            if !self.state.allows(kind) {
                break;
            }
            self.state.enter(kind);
            wakers.push(self.grant_first(()));
        }
        wakers
    }
}

impl WaitList<Access> {
    /// Ends one's access.
    fn leave(&self, kind: Kind) {
        let mut line = self.lock();
        line.state.leave(kind);
        let wakers = line.serve();
        drop(line);
        wakers.wake();
    }

    /// Makes a writer's access a reader's.
    fn downgrade(&self) {
        let mut line = self.lock();
        line.state.leave(Kind::Write);
        line.state.enter(Kind::Read);
        let wakers = line.serve();
        drop(line);
        wakers.wake();
    }
}

/// Lets many tasks read a value, or one change it, across awaits.
///
/// First come, first served; readers that come after a waiting writer wait for it. A task that
/// reads already and asks to read again can therefore wait for ever. There is no poisoning.
///
/// # Examples
/// ```
/// # heist::runtime::Runtime::new().unwrap().block_on(async {
/// use heist::sync::RwLock;
///
/// let names = RwLock::new(vec!["Ann"]);
/// names.write().await.push("Bob");
/// assert_eq!(names.read().await.len(), 2);
/// # });
/// ```
pub struct RwLock<T: ?Sized> {
    line: WaitList<Access>,
    value: UnsafeCell<T>,
}

// SAFETY: readers share the value, and the writer may come from any thread.
unsafe impl<T: ?Sized + Send + Sync> Sync for RwLock<T> {}

/// As many readers as tokio allows.
const MAX_READERS: u32 = u32::MAX >> 3;

impl<T> RwLock<T> {
    /// Makes an unlocked one.
    pub const fn new(value: T) -> RwLock<T> {
        RwLock::const_with_max_readers(value, MAX_READERS)
    }

    /// The same as [`RwLock::new`], which is `const`, too.
    pub const fn const_new(value: T) -> RwLock<T> {
        RwLock::new(value)
    }

    /// Makes one that lets at most `max_reads` read at once.
    ///
    /// # Panics
    /// If that is zero, or more than `u32::MAX >> 3`.
    #[track_caller]
    pub const fn with_max_readers(value: T, max_reads: u32) -> RwLock<T> {
        RwLock::const_with_max_readers(value, max_reads)
    }

    /// The same as [`RwLock::with_max_readers`], which is `const`, too.
    #[track_caller]
    pub const fn const_with_max_readers(value: T, max_reads: u32) -> RwLock<T> {
        assert!(0 < max_reads && max_reads <= MAX_READERS, "that is no number of readers");
        let access = Access { readers: 0, max_readers: max_reads, writer: false };
        RwLock { line: WaitList::new(access), value: UnsafeCell::new(value) }
    }

    /// Takes the value out.
    pub fn into_inner(self) -> T {
        self.value.into_inner()
    }
}

impl<T: ?Sized> RwLock<T> {
    /// Waits for shared access.
    ///
    /// # Cancel safety
    /// A wait that is dropped loses its place in line.
    #[track_caller]
    pub fn read(&self) -> Read<'_, T> {
        Read::new(self, Made::here(&READ))
    }

    /// Waits for exclusive access.
    ///
    /// # Cancel safety
    /// A wait that is dropped loses its place in line.
    #[track_caller]
    pub fn write(&self) -> Write<'_, T> {
        Write::new(self, Made::here(&WRITE))
    }

    /// Like [`read`](RwLock::read), for a guard that borrows nothing.
    ///
    /// # Cancel safety
    /// As [`read`](RwLock::read); the `Arc` goes with the wait.
    #[track_caller]
    pub fn read_owned(self: Arc<Self>) -> impl Future<Output = OwnedRwLockReadGuard<T>> {
        let made = Made::here(&READ);
        async move {
            Entering::new(&self, Kind::Read, made).await;
            OwnedRwLockReadGuard::new(self)
        }
    }

    /// Like [`write`](RwLock::write), for a guard that borrows nothing.
    ///
    /// # Cancel safety
    /// As [`write`](RwLock::write); the `Arc` goes with the wait.
    #[track_caller]
    pub fn write_owned(self: Arc<Self>) -> impl Future<Output = OwnedRwLockWriteGuard<T>> {
        let made = Made::here(&WRITE);
        async move {
            Entering::new(&self, Kind::Write, made).await;
            OwnedRwLockWriteGuard::new(self)
        }
    }

    fn try_enter(&self, kind: Kind) -> Result<(), TryLockError> {
        if self.line.lock().take(kind) { Ok(()) } else { Err(TryLockError(())) }
    }

    /// Gets shared access, if it is free and nobody waits.
    ///
    /// # Errors
    /// If it is not.
    pub fn try_read(&self) -> Result<RwLockReadGuard<'_, T>, TryLockError> {
        self.try_enter(Kind::Read)?;
        Ok(RwLockReadGuard::new(self))
    }

    /// Gets exclusive access, if it is free.
    ///
    /// # Errors
    /// If it is not.
    pub fn try_write(&self) -> Result<RwLockWriteGuard<'_, T>, TryLockError> {
        self.try_enter(Kind::Write)?;
        Ok(RwLockWriteGuard::new(self))
    }

    /// Like [`try_read`](RwLock::try_read), for a guard that borrows nothing.
    ///
    /// # Errors
    /// If access is not free.
    pub fn try_read_owned(self: Arc<Self>) -> Result<OwnedRwLockReadGuard<T>, TryLockError> {
        self.try_enter(Kind::Read)?;
        Ok(OwnedRwLockReadGuard::new(self))
    }

    /// Like [`try_write`](RwLock::try_write), for a guard that borrows nothing.
    ///
    /// # Errors
    /// If access is not free.
    pub fn try_write_owned(self: Arc<Self>) -> Result<OwnedRwLockWriteGuard<T>, TryLockError> {
        self.try_enter(Kind::Write)?;
        Ok(OwnedRwLockWriteGuard::new(self))
    }

    /// Waits for shared access on a thread that runs no async code.
    ///
    /// # Panics
    /// Inside async code, which it would block.
    #[track_caller]
    pub fn blocking_read(&self) -> RwLockReadGuard<'_, T> {
        block_on("RwLock::blocking_read", self.read())
    }

    /// Waits for exclusive access on a thread that runs no async code.
    ///
    /// # Panics
    /// Inside async code, which it would block.
    #[track_caller]
    pub fn blocking_write(&self) -> RwLockWriteGuard<'_, T> {
        block_on("RwLock::blocking_write", self.write())
    }

    /// The value, when nobody else can reach it.
    pub fn get_mut(&mut self) -> &mut T {
        self.value.get_mut()
    }
}

impl<T> From<T> for RwLock<T> {
    fn from(value: T) -> RwLock<T> {
        RwLock::new(value)
    }
}

impl<T: Default> Default for RwLock<T> {
    fn default() -> RwLock<T> {
        RwLock::new(T::default())
    }
}

impl<T: ?Sized + fmt::Debug> fmt::Debug for RwLock<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut fields = f.debug_struct("RwLock");
        match self.try_read() {
            Ok(guard) => fields.field("data", &&*guard).finish(),
            Err(_) => fields.field("data", &format_args!("<locked>")).finish(),
        }
    }
}

#[cfg(test)]
mod tests;
