//! Channels, locks, and other ways for tasks to wait for each other.
//!
//! The names and meanings are tokio's; [`Event`], [`Condvar`], [`Queue`] and some methods are
//! Heist's own. Nothing here but [`mpsc::Sender::send_timeout`] needs a runtime: every primitive works
//! under any executor, and from threads without one through the `blocking_*` methods. On Heist, operations take part in
//! the co-operative budget, and [`task::all`](crate::task::all) tells which operation of which line
//! of the program a task waits in.
//!
//! * Messages: [`oneshot`] (one value), [`mpsc`] (many senders, one receiver), [`broadcast`] (every
//!   receiver sees every value), [`watch`] (the latest value), [`Queue`] (many producers and
//!   consumers, by order of arrival or priority, with an end that can be waited for).
//! * Exclusion: [`Mutex`], [`RwLock`], [`Semaphore`], [`OnceCell`], [`SetOnce`].
//! * Signals: [`Notify`], [`Event`], [`Condvar`], [`Barrier`].
//!
//! # Fairness
//!
//! Who waits first is served first, everywhere: all of them but `oneshot` and the values of `watch`
//! stand on one kind of line (`wait_list`). A permit or a lock that is given up goes to the first in
//! line there and then, and a task that has been served but is dropped before it noticed passes it
//! on.

mod barrier;
mod blocking;
pub mod broadcast;
mod condvar;
mod event;
pub mod mpsc;
mod mutex;
mod notify;
mod once_cell;
pub mod oneshot;
pub mod queue;
mod rwlock;
mod semaphore;
mod set_once;
#[cfg(test)]
mod testing;
#[cfg(test)]
mod tests;
mod wait_list;
pub mod watch;

use std::panic::Location;
use std::task::Poll;

use crate::leaf::{self, Operation};

pub use barrier::{Barrier, BarrierWaitResult, BrokenBarrier};
pub use condvar::Condvar;
pub use event::Event;
pub use mutex::{
    MappedMutexGuard, Mutex, MutexGuard, OwnedMappedMutexGuard, OwnedMutexGuard, TryLockError,
};
pub use notify::Notify;
pub use once_cell::{OnceCell, SetError};
pub use queue::{Fifo, Lifo, Priority, Queue};
pub use rwlock::{
    OwnedRwLockMappedWriteGuard, OwnedRwLockReadGuard, OwnedRwLockWriteGuard, RwLock,
    RwLockMappedWriteGuard, RwLockReadGuard, RwLockWriteGuard,
};
pub use semaphore::{
    AcquireError, OwnedSemaphorePermit, Semaphore, SemaphorePermit, TryAcquireError,
};
pub use set_once::{SetOnce, SetOnceError};

/// The futures of this module that have names.
pub mod futures {
    pub use super::barrier::BarrierWait;
    pub use super::mpsc::{Receiving, Sending};
    pub use super::mutex::Lock;
    pub use super::notify::{Notified, OwnedNotified};
    pub use super::rwlock::{Read, Write};
    pub use super::semaphore::Acquire;
}

/// The end of a leaf's poll that has put its waker in place.
fn pending<T>(operation: &'static Operation, at: &'static Location<'static>) -> Poll<T> {
    leaf::restore();
    leaf::waiting(operation, at);
    Poll::Pending
}
