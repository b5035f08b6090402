//! Mutual exclusion across awaits; the lock goes from holder to holder in the order of asking.
//!
//! The state of the lock is the place where its holder has locked it, and the task in which it has.

mod guard;
mod owned_guard;

use std::cell::UnsafeCell;
use std::error::Error;
use std::fmt;
use std::future::Future;
use std::panic::Location;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};

use pin_project_lite::pin_project;

use super::blocking::block_on;
use super::pending;
use super::wait_list::{Line, Protocol, Wait, WaitList};
use crate::foreign::wake;
use crate::leaf::{self, Made, Operation};
use crate::task::{Id, current};

pub use guard::{MappedMutexGuard, MutexGuard};
pub use owned_guard::{OwnedMappedMutexGuard, OwnedMutexGuard};

static LOCK: Operation = Operation::new("Mutex::lock");

/// Who has locked it, while it is.
struct Holder(Option<Held>);

#[derive(Clone, Copy)]
struct Held {
    at: &'static Location<'static>,
    /// None outside a task, and while whoever was handed the lock has not seen it yet.
    by: Option<Id>,
}

impl Held {
    /// By whoever is running here.
    fn here(at: &'static Location<'static>) -> Held {
        Held { at, by: current::id() }
    }
}

impl Protocol for Holder {
    /// Where the lock is asked for.
    type Request = &'static Location<'static>;
    type Grant = ();
}

impl Line<Holder> {
    /// Locks, if it is free. It is not while somebody is in line.
    fn take(&mut self, at: &'static Location<'static>) -> bool {
        let free = self.state.0.is_none();
        if free {
            self.state.0 = Some(Held::here(at));
        }
        free
    }
}

impl WaitList<Holder> {
    /// Hands the lock to the first in line, or makes it free.
    fn unlock(&self) {
        let mut line = self.lock();
        line.state.0 = line.first().map(|&at| Held { at, by: None });
        let waker = if line.is_empty() { None } else { line.grant_first(()) };
        drop(line);
        wake(waker);
    }
}

/// Makes tasks take turns with a value, across awaits.
///
/// First come, first served. Where no await lies between locking and unlocking, `std`'s mutex is
/// cheaper. The debug output tells where the mutex was locked, and by which task. A panic unlocks it
/// like anything else that drops the guard: there is no poisoning.
///
/// # Examples
/// ```
/// # heist::runtime::Runtime::new().unwrap().block_on(async {
/// use heist::sync::Mutex;
///
/// let count = Mutex::new(0);
/// *count.lock().await += 1;
/// assert_eq!(*count.lock().await, 1);
/// # });
/// ```
pub struct Mutex<T: ?Sized> {
    line: WaitList<Holder>,
    value: UnsafeCell<T>,
}

// SAFETY: the value is reached by the lock's holder alone, wherever that is; so it needs to be
// sent, and never to be shared.
unsafe impl<T: ?Sized + Send> Sync for Mutex<T> {}

impl<T> Mutex<T> {
    /// Makes an unlocked mutex.
    pub const fn new(value: T) -> Mutex<T> {
        Mutex { line: WaitList::new(Holder(None)), value: UnsafeCell::new(value) }
    }

    /// The same as [`Mutex::new`], which is `const`, too.
    pub const fn const_new(value: T) -> Mutex<T> {
        Mutex::new(value)
    }

    /// Takes the value out.
    pub fn into_inner(self) -> T {
        self.value.into_inner()
    }
}

impl<T: ?Sized> Mutex<T> {
    /// Locks, which may have to wait.
    ///
    /// # Cancel safety
    /// A wait that is dropped loses its place in line; the lock goes on to the next.
    #[track_caller]
    pub fn lock(&self) -> Lock<'_, T> {
        self.lock_as(Made::here(&LOCK))
    }

    /// Locks, maybe on behalf of another operation.
    pub(super) fn lock_as(&self, made: Made) -> Lock<'_, T> {
        Lock { wait: Wait::new(&self.line, made.at), mutex: self, made }
    }

    /// Locks on a thread that runs no async code.
    ///
    /// # Panics
    /// Inside async code, which it would block.
    #[track_caller]
    pub fn blocking_lock(&self) -> MutexGuard<'_, T> {
        block_on("Mutex::blocking_lock", self.lock())
    }

    /// Like [`blocking_lock`](Mutex::blocking_lock), for a guard that borrows nothing.
    ///
    /// # Panics
    /// Inside async code, which it would block.
    #[track_caller]
    pub fn blocking_lock_owned(self: Arc<Self>) -> OwnedMutexGuard<T> {
        block_on("Mutex::blocking_lock_owned", self.lock_owned())
    }

    /// Like [`lock`](Mutex::lock), for a guard that borrows nothing.
    ///
    /// # Cancel safety
    /// As [`lock`](Mutex::lock); the `Arc` goes with the wait.
    #[track_caller]
    pub fn lock_owned(self: Arc<Self>) -> impl Future<Output = OwnedMutexGuard<T>> {
        let made = Made::here(&LOCK);
        async move {
            std::mem::forget(self.lock_as(made).await);
            OwnedMutexGuard::new(self)
        }
    }

    /// Locks, if nobody holds the lock.
    ///
    /// # Errors
    /// If somebody does.
    #[track_caller]
    pub fn try_lock(&self) -> Result<MutexGuard<'_, T>, TryLockError> {
        if self.line.lock().take(Location::caller()) {
            Ok(MutexGuard::new(self))
        } else {
            Err(TryLockError(()))
        }
    }

    /// Like [`try_lock`](Mutex::try_lock), for a guard that borrows nothing.
    ///
    /// # Errors
    /// If somebody holds the lock.
    #[track_caller]
    pub fn try_lock_owned(self: Arc<Self>) -> Result<OwnedMutexGuard<T>, TryLockError> {
        std::mem::forget(self.try_lock()?);
        Ok(OwnedMutexGuard::new(self))
    }

    /// The value, when nobody else can reach it.
    pub fn get_mut(&mut self) -> &mut T {
        self.value.get_mut()
    }
}

impl<T> From<T> for Mutex<T> {
    fn from(value: T) -> Mutex<T> {
        Mutex::new(value)
    }
}

impl<T: Default> Default for Mutex<T> {
    fn default() -> Mutex<T> {
        Mutex::new(T::default())
    }
}

impl<T: ?Sized + fmt::Debug> fmt::Debug for Mutex<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut fields = f.debug_struct("Mutex");
        let holder = self.line.lock().state.0;
        match self.try_lock() {
            Ok(guard) => fields.field("data", &&*guard).finish(),
            Err(_) => match holder {
                Some(Held { at, by }) => {
                    fields.field("locked_at", &format_args!("{at}"));
                    if let Some(task) = by {
                        fields.field("locked_by", &format_args!("task {task}"));
                    }
                    fields.finish()
                }
                None => fields.field("data", &format_args!("<locked>")).finish(),
            },
        }
    }
}

pin_project! {
    /// Waits for a mutex; see [`Mutex::lock`].
    #[must_use = "futures do nothing unless awaited"]
    pub struct Lock<'a, T: ?Sized> {
        #[pin]
        wait: Wait<'a, Holder>,
        mutex: &'a Mutex<T>,
        made: Made,
    }

    impl<T: ?Sized> PinnedDrop for Lock<'_, T> {
        fn drop(this: Pin<&mut Self>) {
            let this = this.project();
            if this.wait.end().is_some() {
                this.mutex.line.unlock();
            }
        }
    }
}

impl<'a, T: ?Sized> Future for Lock<'a, T> {
    type Output = MutexGuard<'a, T>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<MutexGuard<'a, T>> {
        let this = self.project();
        this.made.set_polled();
        ready!(leaf::proceed(cx));
        let mut turn = this.wait.lock();
        let granted = turn.take_grant().is_some();
        if granted {
            turn.state.0 = Some(Held::here(this.made.at));
        }
        if granted || (!turn.is_in_line() && turn.take(this.made.at)) {
            return Poll::Ready(MutexGuard::new(this.mutex));
        }
        turn.wait(Some(cx.waker()));
        pending(this.made.operation, this.made.at)
    }
}

impl<T: ?Sized> fmt::Debug for Lock<'_, T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Lock")
            .field("at", &format_args!("{}", self.made.at))
            .finish_non_exhaustive()
    }
}

/// Somebody else holds the lock.
#[derive(Debug)]
pub struct TryLockError(pub(super) ());

impl fmt::Display for TryLockError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("somebody else holds the lock")
    }
}

impl Error for TryLockError {}

#[cfg(test)]
mod tests;
