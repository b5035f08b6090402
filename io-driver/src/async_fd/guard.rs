//! The guards of [`AsyncFd`]: readiness as it was seen, and the right to say that it was wrong.
//!
//! A guard clears what it has seen and nothing newer: an event that has come since then stays.

use std::fmt;
use std::io;
use std::os::fd::AsRawFd;

use super::{AsyncFd, TryIoError};
use crate::interest::Ready;
use crate::readiness::Seen;

/// A descriptor was ready; see [`AsyncFd::ready`].
#[must_use = "readiness stays until a guard clears it"]
pub struct AsyncFdReadyGuard<'a, T: AsRawFd> {
    pub(super) fd: &'a AsyncFd<T>,
    pub(super) seen: Seen,
}

/// A descriptor was ready, with mutable access; see [`AsyncFd::ready_mut`].
#[must_use = "readiness stays until a guard clears it"]
pub struct AsyncFdReadyMutGuard<'a, T: AsRawFd> {
    pub(super) fd: &'a mut AsyncFd<T>,
    pub(super) seen: Seen,
}

/// What both guards can do.
macro_rules! guard_methods {
    () => {
        /// What the descriptor was ready for, of that which was waited for.
        pub fn ready(&self) -> Ready {
            self.seen.ready
        }

        /// Says that the descriptor is not ready after all: the next wait lasts until an event. Only
        /// after an operation has said `WouldBlock`, or the event may have been the last one.
        pub fn clear_ready(&mut self) {
            self.clear_ready_matching(Ready::ALL);
        }

        /// As [`clear_ready`](Self::clear_ready), for a part of what it was ready for. What is
        /// closed stays closed.
        pub fn clear_ready_matching(&mut self, ready: Ready) {
            let what = self.seen.ready & ready & (Ready::READABLE | Ready::WRITABLE);
            // Only a descriptor that has been closed cannot be asked for another event.
            let _ = self.fd.io.not_ready(self.seen, what);
            self.seen.ready = self.seen.ready.without(what);
        }

        /// Leaves the descriptor ready, as dropping the guard does.
        pub fn retain_ready(&mut self) {}
    };
}

impl<'a, T: AsRawFd> AsyncFdReadyGuard<'a, T> {
    guard_methods!();

    /// Runs an operation; if it says `WouldBlock`, clears what the guard has seen.
    ///
    /// # Errors
    /// [`TryIoError`] if the operation says `WouldBlock`; wait again.
    pub fn try_io<R>(
        &mut self,
        operation: impl FnOnce(&'a AsyncFd<T>) -> io::Result<R>,
    ) -> Result<io::Result<R>, TryIoError> {
        match operation(self.fd) {
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => {
                self.clear_ready();
                Err(TryIoError(()))
            }
            result => Ok(result),
        }
    }

    /// The `AsyncFd`.
    pub fn get_ref(&self) -> &'a AsyncFd<T> {
        self.fd
    }

    /// The object in it.
    pub fn get_inner(&self) -> &'a T {
        self.fd.get_ref()
    }
}

impl<T: AsRawFd> AsyncFdReadyMutGuard<'_, T> {
    guard_methods!();

    /// Runs an operation; if it says `WouldBlock`, clears what the guard has seen.
    ///
    /// # Errors
    /// [`TryIoError`] if the operation says `WouldBlock`; wait again.
    pub fn try_io<R>(
        &mut self,
        operation: impl FnOnce(&mut AsyncFd<T>) -> io::Result<R>,
    ) -> Result<io::Result<R>, TryIoError> {
        match operation(self.fd) {
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => {
                self.clear_ready();
                Err(TryIoError(()))
            }
            result => Ok(result),
        }
    }

    /// The `AsyncFd`.
    pub fn get_ref(&self) -> &AsyncFd<T> {
        self.fd
    }

    /// The `AsyncFd`.
    pub fn get_mut(&mut self) -> &mut AsyncFd<T> {
        self.fd
    }

    /// The object in it.
    pub fn get_inner(&self) -> &T {
        self.fd.get_ref()
    }

    /// The object in it.
    pub fn get_inner_mut(&mut self) -> &mut T {
        self.fd.get_mut()
    }
}

impl<T: AsRawFd + fmt::Debug> fmt::Debug for AsyncFdReadyGuard<'_, T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("AsyncFdReadyGuard")
            .field("fd", &self.fd)
            .field("ready", &self.ready())
            .finish()
    }
}

impl<T: AsRawFd + fmt::Debug> fmt::Debug for AsyncFdReadyMutGuard<'_, T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("AsyncFdReadyMutGuard")
            .field("fd", &self.fd)
            .field("ready", &self.ready())
            .finish()
    }
}
