//! Guards of a lock that own a share of it.

use std::fmt;
use std::marker::PhantomData;
use std::mem::ManuallyDrop;
use std::ops::{Deref, DerefMut};
use std::ptr::{self, NonNull};
use std::sync::Arc;

use super::{Kind, RwLock};

/// Shared access to the value of a [`RwLock`], or to a part of it, that borrows nothing.
#[must_use = "access ends at once if its guard is not kept"]
pub struct OwnedRwLockReadGuard<T: ?Sized, U: ?Sized = T> {
    lock: Arc<RwLock<T>>,
    value: NonNull<U>,
}

/// Exclusive access to the value of a [`RwLock`] that borrows nothing.
#[must_use = "access ends at once if its guard is not kept"]
pub struct OwnedRwLockWriteGuard<T: ?Sized> {
    lock: Arc<RwLock<T>>,
    _value: PhantomData<T>,
}

/// Exclusive access to a part of the value of a [`RwLock`] that borrows nothing.
#[must_use = "access ends at once if its guard is not kept"]
pub struct OwnedRwLockMappedWriteGuard<T: ?Sized, U: ?Sized = T> {
    lock: Arc<RwLock<T>>,
    value: NonNull<U>,
    /// Exclusive: what is behind the pointer may be replaced.
    _value: PhantomData<*mut U>,
}

// SAFETY: the guard stands for a shared reference, and for a share of the lock.
unsafe impl<T: ?Sized + Send + Sync, U: ?Sized + Sync> Send for OwnedRwLockReadGuard<T, U> {}
// SAFETY: as above.
unsafe impl<T: ?Sized + Send + Sync, U: ?Sized + Sync> Sync for OwnedRwLockReadGuard<T, U> {}
// SAFETY: the guard stands for an exclusive reference, and for a share of the lock.
unsafe impl<T: ?Sized + Send + Sync, U: ?Sized + Send> Send for OwnedRwLockMappedWriteGuard<T, U> {}
// SAFETY: as above.
unsafe impl<T: ?Sized + Send + Sync, U: ?Sized + Sync> Sync for OwnedRwLockMappedWriteGuard<T, U> {}

/// Takes the lock's share out of a guard without ending the access.
///
/// # Safety
/// `lock` is the field of a guard that is never dropped and not used again.
unsafe fn take<T: ?Sized>(lock: &Arc<RwLock<T>>) -> Arc<RwLock<T>> {
    // SAFETY: by the caller's promise this is a move.
    unsafe { ptr::read(lock) }
}

impl<T: ?Sized> OwnedRwLockReadGuard<T> {
    /// The caller has shared access.
    pub(super) fn new(lock: Arc<RwLock<T>>) -> OwnedRwLockReadGuard<T> {
        // SAFETY: a cell's contents are somewhere.
        let value = unsafe { NonNull::new_unchecked(lock.value.get()) };
        OwnedRwLockReadGuard { lock, value }
    }
}

impl<T: ?Sized, U: ?Sized> OwnedRwLockReadGuard<T, U> {
    /// Narrows the guard to a part of the value.
    pub fn map<F, V: ?Sized>(this: Self, f: F) -> OwnedRwLockReadGuard<T, V>
    where
        F: FnOnce(&U) -> &V,
    {
        let value = NonNull::from(f(&this));
        let this = ManuallyDrop::new(this);
        // SAFETY: it is not dropped.
        OwnedRwLockReadGuard { lock: unsafe { take(&this.lock) }, value }
    }

    /// Narrows the guard to a part of the value, if there is that part.
    ///
    /// # Errors
    /// The guard as it was, if `f` returns `None`.
    pub fn try_map<F, V: ?Sized>(this: Self, f: F) -> Result<OwnedRwLockReadGuard<T, V>, Self>
    where
        F: FnOnce(&U) -> Option<&V>,
    {
        match f(&this).map(NonNull::from) {
            Some(value) => {
                let this = ManuallyDrop::new(this);
                // SAFETY: it is not dropped.
                Ok(OwnedRwLockReadGuard { lock: unsafe { take(&this.lock) }, value })
            }
            None => Err(this),
        }
    }

    /// The lock.
    pub fn rwlock(this: &Self) -> &Arc<RwLock<T>> {
        &this.lock
    }
}

impl<T: ?Sized> OwnedRwLockWriteGuard<T> {
    /// The caller has exclusive access.
    pub(super) fn new(lock: Arc<RwLock<T>>) -> OwnedRwLockWriteGuard<T> {
        OwnedRwLockWriteGuard { lock, _value: PhantomData }
    }

    /// Narrows the guard to a part of the value.
    pub fn map<F, U: ?Sized>(mut this: Self, f: F) -> OwnedRwLockMappedWriteGuard<T, U>
    where
        F: FnOnce(&mut T) -> &mut U,
    {
        let value = NonNull::from(f(&mut this));
        let this = ManuallyDrop::new(this);
        // SAFETY: it is not dropped.
        let lock = unsafe { take(&this.lock) };
        OwnedRwLockMappedWriteGuard { lock, value, _value: PhantomData }
    }

    /// Narrows the guard to a part of the value, if there is that part.
    ///
    /// # Errors
    /// The guard as it was, if `f` returns `None`.
    pub fn try_map<F, U: ?Sized>(
        mut this: Self,
        f: F,
    ) -> Result<OwnedRwLockMappedWriteGuard<T, U>, Self>
    where
        F: FnOnce(&mut T) -> Option<&mut U>,
    {
        match f(&mut this).map(NonNull::from) {
            Some(value) => {
                let this = ManuallyDrop::new(this);
                // SAFETY: it is not dropped.
                let lock = unsafe { take(&this.lock) };
                Ok(OwnedRwLockMappedWriteGuard { lock, value, _value: PhantomData })
            }
            None => Err(this),
        }
    }

    /// The same guard, as one that may be narrowed.
    pub fn into_mapped(this: Self) -> OwnedRwLockMappedWriteGuard<T> {
        OwnedRwLockWriteGuard::map(this, |value| value)
    }

    /// Makes the access shared, without anybody changing the value in between.
    pub fn downgrade(self) -> OwnedRwLockReadGuard<T> {
        let this = ManuallyDrop::new(self);
        this.lock.line.downgrade();
        // SAFETY: it is not dropped.
        OwnedRwLockReadGuard::new(unsafe { take(&this.lock) })
    }

    /// Makes the access shared, and narrows it to a part of the value.
    pub fn downgrade_map<F, U: ?Sized>(this: Self, f: F) -> OwnedRwLockReadGuard<T, U>
    where
        F: FnOnce(&T) -> &U,
    {
        OwnedRwLockReadGuard::map(this.downgrade(), f)
    }

    /// Makes the access shared, and narrows it to a part of the value, if there is that part.
    ///
    /// # Errors
    /// The guard as it was, if `f` returns `None`.
    pub fn try_downgrade_map<F, U: ?Sized>(
        this: Self,
        f: F,
    ) -> Result<OwnedRwLockReadGuard<T, U>, Self>
    where
        F: FnOnce(&T) -> Option<&U>,
    {
        // Asked while the access is exclusive, as the guard may have to be given back.
        match f(&this).map(NonNull::from) {
            Some(value) => {
                let read = ManuallyDrop::new(this.downgrade());
                // SAFETY: it is not dropped.
                Ok(OwnedRwLockReadGuard { lock: unsafe { take(&read.lock) }, value })
            }
            None => Err(this),
        }
    }

    /// The lock.
    pub fn rwlock(this: &Self) -> &Arc<RwLock<T>> {
        &this.lock
    }
}

impl<T: ?Sized, U: ?Sized> OwnedRwLockMappedWriteGuard<T, U> {
    /// Narrows the guard to a part of this part.
    pub fn map<F, V: ?Sized>(mut this: Self, f: F) -> OwnedRwLockMappedWriteGuard<T, V>
    where
        F: FnOnce(&mut U) -> &mut V,
    {
        let value = NonNull::from(f(&mut this));
        let this = ManuallyDrop::new(this);
        // SAFETY: it is not dropped.
        let lock = unsafe { take(&this.lock) };
        OwnedRwLockMappedWriteGuard { lock, value, _value: PhantomData }
    }

    /// Narrows the guard to a part of this part, if there is one.
    ///
    /// # Errors
    /// The guard as it was, if `f` returns `None`.
    pub fn try_map<F, V: ?Sized>(
        mut this: Self,
        f: F,
    ) -> Result<OwnedRwLockMappedWriteGuard<T, V>, Self>
    where
        F: FnOnce(&mut U) -> Option<&mut V>,
    {
        match f(&mut this).map(NonNull::from) {
            Some(value) => {
                let this = ManuallyDrop::new(this);
                // SAFETY: it is not dropped.
                let lock = unsafe { take(&this.lock) };
                Ok(OwnedRwLockMappedWriteGuard { lock, value, _value: PhantomData })
            }
            None => Err(this),
        }
    }

    /// The lock.
    pub fn rwlock(this: &Self) -> &Arc<RwLock<T>> {
        &this.lock
    }
}

impl<T: ?Sized, U: ?Sized> Drop for OwnedRwLockReadGuard<T, U> {
    fn drop(&mut self) {
        self.lock.line.leave(Kind::Read);
    }
}

impl<T: ?Sized> Drop for OwnedRwLockWriteGuard<T> {
    fn drop(&mut self) {
        self.lock.line.leave(Kind::Write);
    }
}

impl<T: ?Sized, U: ?Sized> Drop for OwnedRwLockMappedWriteGuard<T, U> {
    fn drop(&mut self) {
        self.lock.line.leave(Kind::Write);
    }
}

impl<T: ?Sized, U: ?Sized> Deref for OwnedRwLockReadGuard<T, U> {
    type Target = U;

    fn deref(&self) -> &U {
        // SAFETY: the guard has shared access, so nobody changes the value.
        unsafe { self.value.as_ref() }
    }
}

impl<T: ?Sized> Deref for OwnedRwLockWriteGuard<T> {
    type Target = T;

    fn deref(&self) -> &T {
        // SAFETY: the guard has exclusive access.
        unsafe { &*self.lock.value.get() }
    }
}

impl<T: ?Sized> DerefMut for OwnedRwLockWriteGuard<T> {
    fn deref_mut(&mut self) -> &mut T {
        // SAFETY: the guard has exclusive access and is itself borrowed exclusively.
        unsafe { &mut *self.lock.value.get() }
    }
}

impl<T: ?Sized, U: ?Sized> Deref for OwnedRwLockMappedWriteGuard<T, U> {
    type Target = U;

    fn deref(&self) -> &U {
        // SAFETY: the guard has exclusive access.
        unsafe { self.value.as_ref() }
    }
}

impl<T: ?Sized, U: ?Sized> DerefMut for OwnedRwLockMappedWriteGuard<T, U> {
    fn deref_mut(&mut self) -> &mut U {
        // SAFETY: the guard has exclusive access and is itself borrowed exclusively.
        unsafe { self.value.as_mut() }
    }
}

impl<T: ?Sized, U: ?Sized + fmt::Debug> fmt::Debug for OwnedRwLockReadGuard<T, U> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        (**self).fmt(f)
    }
}

impl<T: ?Sized, U: ?Sized + fmt::Display> fmt::Display for OwnedRwLockReadGuard<T, U> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        (**self).fmt(f)
    }
}

impl<T: ?Sized + fmt::Debug> fmt::Debug for OwnedRwLockWriteGuard<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        (**self).fmt(f)
    }
}

impl<T: ?Sized + fmt::Display> fmt::Display for OwnedRwLockWriteGuard<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        (**self).fmt(f)
    }
}

impl<T: ?Sized, U: ?Sized + fmt::Debug> fmt::Debug for OwnedRwLockMappedWriteGuard<T, U> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        (**self).fmt(f)
    }
}

impl<T: ?Sized, U: ?Sized + fmt::Display> fmt::Display for OwnedRwLockMappedWriteGuard<T, U> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        (**self).fmt(f)
    }
}
