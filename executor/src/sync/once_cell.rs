//! A value that is made once, by whoever needs it first.

use std::error::Error;
use std::fmt;
use std::future::Future;
use std::sync::OnceLock;

use super::{Semaphore, TryAcquireError};
use crate::leaf::{Made, Operation};

static INITIALIZE: Operation = Operation::new("OnceCell::get_or_init");

/// A value that is made once, by whoever needs it first; the others wait for it.
///
/// If the maker fails, panics or is dropped, the next in line makes it.
///
/// # Examples
/// ```
/// # heist::runtime::Runtime::new().unwrap().block_on(async {
/// use heist::sync::OnceCell;
///
/// static ANSWER: OnceCell<u32> = OnceCell::const_new();
/// assert_eq!(*ANSWER.get_or_init(|| async { 42 }).await, 42);
/// assert_eq!(*ANSWER.get_or_init(|| async { 43 }).await, 42);
/// # });
/// ```
pub struct OnceCell<T> {
    value: OnceLock<T>,
    /// Its one permit is the right to make the value; it is closed when that is done.
    making: Semaphore,
}

impl<T> OnceCell<T> {
    /// Makes an empty cell.
    pub const fn new() -> OnceCell<T> {
        OnceCell { value: OnceLock::new(), making: Semaphore::new(1) }
    }

    /// The same as [`OnceCell::new`], which is `const`, too.
    pub const fn const_new() -> OnceCell<T> {
        OnceCell::new()
    }

    /// Makes a cell with a value, if there is one.
    pub fn new_with(value: Option<T>) -> OnceCell<T> {
        value.map_or_else(OnceCell::new, OnceCell::from)
    }

    /// Whether there is a value.
    pub fn initialized(&self) -> bool {
        self.get().is_some()
    }

    /// The value, if there is one.
    pub fn get(&self) -> Option<&T> {
        self.value.get()
    }

    /// The value, if there is one, when nobody else can reach it.
    pub fn get_mut(&mut self) -> Option<&mut T> {
        self.value.get_mut()
    }

    /// Sets the value.
    ///
    /// # Errors
    /// The value, if there is one, or somebody is making one.
    pub fn set(&self, value: T) -> Result<(), SetError<T>> {
        match self.making.try_acquire() {
            Ok(permit) => {
                permit.forget();
                self.finish(value);
                Ok(())
            }
            Err(TryAcquireError::NoPermits) => Err(SetError::InitializingError(value)),
            Err(TryAcquireError::Closed) => Err(SetError::AlreadyInitializedError(value)),
        }
    }

    /// The caller had the permit.
    fn finish(&self, value: T) -> &T {
        let value = self.value.get_or_init(|| value);
        self.making.close();
        value
    }

    /// The value; if there is none, waits for `f` to make it, or for somebody who does already.
    ///
    /// # Panics
    /// If `f` or its future does, and then the cell stays empty.
    ///
    /// # Cancel safety
    /// If the wait is dropped, so is the future of `f`, and the next in line begins anew.
    #[track_caller]
    pub fn get_or_init<F, Fut>(&self, f: F) -> impl Future<Output = &T>
    where
        F: FnOnce() -> Fut,
        Fut: Future<Output = T>,
    {
        let made = self.make(|| async { Ok::<T, Never>(f().await) }, Made::here(&INITIALIZE));
        async move {
            match made.await {
                Ok(value) => value,
                Err(never) => match never {},
            }
        }
    }

    /// Like [`get_or_init`](OnceCell::get_or_init), with an `f` that may fail.
    ///
    /// # Errors
    /// If `f` fails; the cell stays empty, and the next in line tries.
    ///
    /// # Panics
    /// If `f` or its future does, and then the cell stays empty.
    ///
    /// # Cancel safety
    /// If the wait is dropped, so is the future of `f`, and the next in line begins anew.
    #[track_caller]
    pub fn get_or_try_init<E, F, Fut>(&self, f: F) -> impl Future<Output = Result<&T, E>>
    where
        F: FnOnce() -> Fut,
        Fut: Future<Output = Result<T, E>>,
    {
        self.make(f, Made::here(&INITIALIZE))
    }

    async fn make<E, F, Fut>(&self, f: F, mut made: Made) -> Result<&T, E>
    where
        F: FnOnce() -> Fut,
        Fut: Future<Output = Result<T, E>>,
    {
        made.set_polled();
        if let Some(value) = self.get() {
            return Ok(value);
        }
        match self.making.acquire_as(1, made).await {
            Ok(permit) => {
                let value = f().await?;
                permit.forget();
                Ok(self.finish(value))
            }
            Err(_) => Ok(self.get().expect("the semaphore is closed after the value is set")),
        }
    }

    /// Takes the value out, if there is one.
    pub fn into_inner(self) -> Option<T> {
        self.value.into_inner()
    }

    /// Takes the value out, if there is one, and leaves an empty cell.
    pub fn take(&mut self) -> Option<T> {
        std::mem::take(self).into_inner()
    }
}

/// What cannot fail.
enum Never {}

impl<T> Default for OnceCell<T> {
    fn default() -> OnceCell<T> {
        OnceCell::new()
    }
}

impl<T> From<T> for OnceCell<T> {
    fn from(value: T) -> OnceCell<T> {
        let cell = OnceCell::new();
        cell.finish(value);
        cell
    }
}

impl<T: Clone> Clone for OnceCell<T> {
    fn clone(&self) -> OnceCell<T> {
        OnceCell::new_with(self.get().cloned())
    }
}

impl<T: PartialEq> PartialEq for OnceCell<T> {
    fn eq(&self, other: &OnceCell<T>) -> bool {
        self.get() == other.get()
    }
}

impl<T: Eq> Eq for OnceCell<T> {}

impl<T: fmt::Debug> fmt::Debug for OnceCell<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("OnceCell").field("value", &self.get()).finish()
    }
}

/// The cell could not be set; here is the value.
#[derive(Debug, PartialEq, Eq)]
pub enum SetError<T> {
    /// There is a value.
    AlreadyInitializedError(T),
    /// Somebody is making a value.
    InitializingError(T),
}

impl<T> SetError<T> {
    /// Whether there is a value.
    pub fn is_already_init_err(&self) -> bool {
        matches!(self, SetError::AlreadyInitializedError(_))
    }

    /// Whether somebody is making a value.
    pub fn is_initializing_err(&self) -> bool {
        matches!(self, SetError::InitializingError(_))
    }
}

impl<T> fmt::Display for SetError<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            SetError::AlreadyInitializedError(_) => "the cell has a value",
            SetError::InitializingError(_) => "the cell is being initialized",
        })
    }
}

impl<T: fmt::Debug> Error for SetError<T> {}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sync::testing::{ready, waiting};

    #[test]
    fn the_first_makes_it_and_the_others_wait() {
        let cell = OnceCell::new();
        let gate = Semaphore::new(0);
        let mut first = waiting(cell.get_or_init(|| async {
            drop(gate.acquire().await);
            1
        }));
        let mut second = waiting(cell.get_or_init(|| async { 2 }));
        assert!(cell.set(3).unwrap_err().is_initializing_err());
        gate.add_permits(1);
        assert_eq!(*first.assert_ready(), 1);
        assert_eq!(second.wakes(), 1);
        assert_eq!(*second.assert_ready(), 1);
        assert!(cell.set(3).unwrap_err().is_already_init_err());
    }

    #[test]
    fn who_fails_or_goes_leaves_it_to_the_next() {
        let cell = OnceCell::new();
        assert_eq!(ready(cell.get_or_try_init(|| async { Err("no") })), Err("no"));
        let gone = waiting(cell.get_or_init(std::future::pending));
        let mut next = waiting(cell.get_or_try_init(|| async { Ok::<_, &str>(2) }));
        drop(gone);
        assert_eq!(next.wakes(), 1);
        assert_eq!(next.assert_ready(), Ok(&2));
    }

    #[test]
    fn values_are_put_in_and_taken_out() {
        let mut cell = OnceCell::from(1);
        assert_eq!(cell.clone(), OnceCell::new_with(Some(1)));
        *cell.get_mut().unwrap() += 1;
        assert_eq!(cell.take(), Some(2));
        assert!(!cell.initialized());
        cell.set(3).unwrap();
        assert_eq!(*ready(cell.get_or_init(|| async { 4 })), 3);
        assert_eq!(cell.into_inner(), Some(3));
    }
}
