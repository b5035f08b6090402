//! Guards of a mutex that own a share of it: who has one holds the lock.

use std::fmt;
use std::marker::PhantomData;
use std::mem::ManuallyDrop;
use std::ops::{Deref, DerefMut};
use std::ptr::{self, NonNull};
use std::sync::Arc;

use super::Mutex;

/// Holds a [`Mutex`] locked without borrowing it, and gives access to its value.
#[must_use = "a mutex is unlocked at once if its guard is not kept"]
pub struct OwnedMutexGuard<T: ?Sized> {
    mutex: Arc<Mutex<T>>,
    _value: PhantomData<T>,
}

/// Holds a [`Mutex`] locked without borrowing it, and gives access to a part of its value.
#[must_use = "a mutex is unlocked at once if its guard is not kept"]
pub struct OwnedMappedMutexGuard<T: ?Sized, U: ?Sized = T> {
    mutex: Arc<Mutex<T>>,
    part: NonNull<U>,
    /// Exclusive: what is behind the pointer may be replaced.
    _value: PhantomData<*mut U>,
}

// SAFETY: the guard stands for an exclusive reference to the part, and for a share of the mutex.
unsafe impl<T: ?Sized + Send, U: ?Sized + Send> Send for OwnedMappedMutexGuard<T, U> {}
// SAFETY: as above.
unsafe impl<T: ?Sized + Send, U: ?Sized + Sync> Sync for OwnedMappedMutexGuard<T, U> {}

/// Takes the mutex' share out of a guard without unlocking.
///
/// # Safety
/// `mutex` is the field of a guard that is never dropped and not used again.
unsafe fn take<T: ?Sized>(mutex: &Arc<Mutex<T>>) -> Arc<Mutex<T>> {
    // SAFETY: by the caller's promise this is a move.
    unsafe { ptr::read(mutex) }
}

impl<T: ?Sized> OwnedMutexGuard<T> {
    /// The caller has locked the mutex.
    pub(super) fn new(mutex: Arc<Mutex<T>>) -> OwnedMutexGuard<T> {
        OwnedMutexGuard { mutex, _value: PhantomData }
    }

    /// Narrows the guard to a part of the value.
    pub fn map<U, F>(mut this: Self, f: F) -> OwnedMappedMutexGuard<T, U>
    where
        U: ?Sized,
        F: FnOnce(&mut T) -> &mut U,
    {
        let part = NonNull::from(f(&mut this));
        let this = ManuallyDrop::new(this);
        // SAFETY: it is not dropped.
        let mutex = unsafe { take(&this.mutex) };
        OwnedMappedMutexGuard { mutex, part, _value: PhantomData }
    }

    /// Narrows the guard to a part of the value, if there is that part.
    ///
    /// # Errors
    /// The guard as it was, if `f` returns `None`.
    pub fn try_map<U, F>(mut this: Self, f: F) -> Result<OwnedMappedMutexGuard<T, U>, Self>
    where
        U: ?Sized,
        F: FnOnce(&mut T) -> Option<&mut U>,
    {
        match f(&mut this).map(NonNull::from) {
            Some(part) => {
                let this = ManuallyDrop::new(this);
                // SAFETY: it is not dropped.
                let mutex = unsafe { take(&this.mutex) };
                Ok(OwnedMappedMutexGuard { mutex, part, _value: PhantomData })
            }
            None => Err(this),
        }
    }

    /// The mutex that this guard holds locked.
    pub fn mutex(this: &Self) -> &Arc<Mutex<T>> {
        &this.mutex
    }
}

impl<T: ?Sized, U: ?Sized> OwnedMappedMutexGuard<T, U> {
    /// Narrows the guard to a part of this part.
    pub fn map<S, F>(mut this: Self, f: F) -> OwnedMappedMutexGuard<T, S>
    where
        S: ?Sized,
        F: FnOnce(&mut U) -> &mut S,
    {
        let part = NonNull::from(f(&mut this));
        let this = ManuallyDrop::new(this);
        // SAFETY: it is not dropped.
        let mutex = unsafe { take(&this.mutex) };
        OwnedMappedMutexGuard { mutex, part, _value: PhantomData }
    }

    /// Narrows the guard to a part of this part, if there is one.
    ///
    /// # Errors
    /// The guard as it was, if `f` returns `None`.
    pub fn try_map<S, F>(mut this: Self, f: F) -> Result<OwnedMappedMutexGuard<T, S>, Self>
    where
        S: ?Sized,
        F: FnOnce(&mut U) -> Option<&mut S>,
    {
        match f(&mut this).map(NonNull::from) {
            Some(part) => {
                let this = ManuallyDrop::new(this);
                // SAFETY: it is not dropped.
                let mutex = unsafe { take(&this.mutex) };
                Ok(OwnedMappedMutexGuard { mutex, part, _value: PhantomData })
            }
            None => Err(this),
        }
    }
}

impl<T: ?Sized> Drop for OwnedMutexGuard<T> {
    #[inline]
    fn drop(&mut self) {
        self.mutex.line.unlock();
    }
}

impl<T: ?Sized, U: ?Sized> Drop for OwnedMappedMutexGuard<T, U> {
    #[inline]
    fn drop(&mut self) {
        self.mutex.line.unlock();
    }
}

impl<T: ?Sized> Deref for OwnedMutexGuard<T> {
    type Target = T;

    #[inline]
    fn deref(&self) -> &T {
        // SAFETY: the guard holds the lock, so nobody else reaches the value.
        unsafe { &*self.mutex.value.get() }
    }
}

impl<T: ?Sized> DerefMut for OwnedMutexGuard<T> {
    #[inline]
    fn deref_mut(&mut self) -> &mut T {
        // SAFETY: as in `deref`, and the guard itself is borrowed exclusively.
        unsafe { &mut *self.mutex.value.get() }
    }
}

impl<T: ?Sized, U: ?Sized> Deref for OwnedMappedMutexGuard<T, U> {
    type Target = U;

    #[inline]
    fn deref(&self) -> &U {
        // SAFETY: the guard holds the lock, so nobody else reaches the part.
        unsafe { self.part.as_ref() }
    }
}

impl<T: ?Sized, U: ?Sized> DerefMut for OwnedMappedMutexGuard<T, U> {
    #[inline]
    fn deref_mut(&mut self) -> &mut U {
        // SAFETY: as in `deref`, and the guard itself is borrowed exclusively.
        unsafe { self.part.as_mut() }
    }
}

impl<T: ?Sized + fmt::Debug> fmt::Debug for OwnedMutexGuard<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        (**self).fmt(f)
    }
}

impl<T: ?Sized + fmt::Display> fmt::Display for OwnedMutexGuard<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        (**self).fmt(f)
    }
}

impl<T: ?Sized, U: ?Sized + fmt::Debug> fmt::Debug for OwnedMappedMutexGuard<T, U> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        (**self).fmt(f)
    }
}

impl<T: ?Sized, U: ?Sized + fmt::Display> fmt::Display for OwnedMappedMutexGuard<T, U> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        (**self).fmt(f)
    }
}
