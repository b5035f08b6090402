//! Guards of a lock that borrow it.
//!
//! They keep pointers and not references, which would promise to be valid until the end of `drop`,
//! after the unlocking.

use std::fmt;
use std::marker::PhantomData;
use std::mem::ManuallyDrop;
use std::ops::{Deref, DerefMut};
use std::ptr::NonNull;

use super::{Access, Kind, RwLock};
use crate::sync::wait_list::WaitList;

/// Shared access to the value of a [`RwLock`], or to a part of it.
#[must_use = "access ends at once if its guard is not kept"]
pub struct RwLockReadGuard<'a, T: ?Sized> {
    line: &'a WaitList<Access>,
    value: NonNull<T>,
    _value: PhantomData<&'a T>,
}

/// Exclusive access to the value of a [`RwLock`].
///
/// # Examples
/// ```
/// # heist::runtime::Runtime::new().unwrap().block_on(async {
/// use heist::sync::RwLock;
///
/// let config = RwLock::new(1);
/// let mut writer = config.write().await;
/// *writer += 1;
/// // From here on others may read, too, and nobody has changed it in between.
/// let reader = writer.downgrade();
/// assert_eq!(*config.read().await, *reader);
/// # });
/// ```
#[must_use = "access ends at once if its guard is not kept"]
pub struct RwLockWriteGuard<'a, T: ?Sized> {
    lock: &'a RwLock<T>,
    _value: PhantomData<&'a mut T>,
}

/// Exclusive access to a part of the value of a [`RwLock`].
#[must_use = "access ends at once if its guard is not kept"]
pub struct RwLockMappedWriteGuard<'a, T: ?Sized> {
    line: &'a WaitList<Access>,
    value: NonNull<T>,
    _value: PhantomData<&'a mut T>,
}

// SAFETY: the guard stands for a shared reference.
unsafe impl<T: ?Sized + Sync> Send for RwLockReadGuard<'_, T> {}
// SAFETY: as above.
unsafe impl<T: ?Sized + Sync> Sync for RwLockReadGuard<'_, T> {}
// SAFETY: the guard stands for an exclusive reference.
unsafe impl<T: ?Sized + Send> Send for RwLockMappedWriteGuard<'_, T> {}
// SAFETY: as above.
unsafe impl<T: ?Sized + Sync> Sync for RwLockMappedWriteGuard<'_, T> {}

impl<'a, T: ?Sized> RwLockReadGuard<'a, T> {
    /// The caller has shared access.
    pub(super) fn new(lock: &'a RwLock<T>) -> RwLockReadGuard<'a, T> {
        // SAFETY: a cell's contents are somewhere.
        let value = unsafe { NonNull::new_unchecked(lock.value.get()) };
        RwLockReadGuard { line: &lock.line, value, _value: PhantomData }
    }

    /// Narrows the guard to a part of the value.
    pub fn map<F, U: ?Sized>(this: Self, f: F) -> RwLockReadGuard<'a, U>
    where
        F: FnOnce(&T) -> &U,
    {
        let value = NonNull::from(f(&this));
        RwLockReadGuard { line: ManuallyDrop::new(this).line, value, _value: PhantomData }
    }

    /// Narrows the guard to a part of the value, if there is that part.
    ///
    /// # Errors
    /// The guard as it was, if `f` returns `None`.
    pub fn try_map<F, U: ?Sized>(this: Self, f: F) -> Result<RwLockReadGuard<'a, U>, Self>
    where
        F: FnOnce(&T) -> Option<&U>,
    {
        match f(&this).map(NonNull::from) {
            Some(value) => Ok(RwLockReadGuard {
                line: ManuallyDrop::new(this).line,
                value,
                _value: PhantomData,
            }),
            None => Err(this),
        }
    }
}

impl<'a, T: ?Sized> RwLockWriteGuard<'a, T> {
    /// The caller has exclusive access.
    pub(super) fn new(lock: &'a RwLock<T>) -> RwLockWriteGuard<'a, T> {
        RwLockWriteGuard { lock, _value: PhantomData }
    }

    /// Narrows the guard to a part of the value.
    pub fn map<F, U: ?Sized>(mut this: Self, f: F) -> RwLockMappedWriteGuard<'a, U>
    where
        F: FnOnce(&mut T) -> &mut U,
    {
        let value = NonNull::from(f(&mut this));
        let line = &ManuallyDrop::new(this).lock.line;
        RwLockMappedWriteGuard { line, value, _value: PhantomData }
    }

    /// Narrows the guard to a part of the value, if there is that part.
    ///
    /// # Errors
    /// The guard as it was, if `f` returns `None`.
    pub fn try_map<F, U: ?Sized>(
        mut this: Self,
        f: F,
    ) -> Result<RwLockMappedWriteGuard<'a, U>, Self>
    where
        F: FnOnce(&mut T) -> Option<&mut U>,
    {
        match f(&mut this).map(NonNull::from) {
            Some(value) => {
                let line = &ManuallyDrop::new(this).lock.line;
                Ok(RwLockMappedWriteGuard { line, value, _value: PhantomData })
            }
            None => Err(this),
        }
    }

    /// The same guard, as one that may be narrowed.
    pub fn into_mapped(this: Self) -> RwLockMappedWriteGuard<'a, T> {
        RwLockWriteGuard::map(this, |value| value)
    }

    /// Makes the access shared, without anybody changing the value in between.
    pub fn downgrade(self) -> RwLockReadGuard<'a, T> {
        let lock = ManuallyDrop::new(self).lock;
        lock.line.downgrade();
        RwLockReadGuard::new(lock)
    }

    /// Makes the access shared, and narrows it to a part of the value.
    pub fn downgrade_map<F, U: ?Sized>(this: Self, f: F) -> RwLockReadGuard<'a, U>
    where
        F: FnOnce(&T) -> &U,
    {
        RwLockReadGuard::map(this.downgrade(), f)
    }

    /// Makes the access shared, and narrows it to a part of the value, if there is that part.
    ///
    /// # Errors
    /// The guard as it was, if `f` returns `None`.
    pub fn try_downgrade_map<F, U: ?Sized>(this: Self, f: F) -> Result<RwLockReadGuard<'a, U>, Self>
    where
        F: FnOnce(&T) -> Option<&U>,
    {
        // Asked while the access is exclusive, as the guard may have to be given back.
        match f(&this).map(NonNull::from) {
            Some(value) => {
                let line = ManuallyDrop::new(this.downgrade()).line;
                Ok(RwLockReadGuard { line, value, _value: PhantomData })
            }
            None => Err(this),
        }
    }
}

impl<'a, T: ?Sized> RwLockMappedWriteGuard<'a, T> {
    /// Narrows the guard to a part of this part.
    pub fn map<F, U: ?Sized>(mut this: Self, f: F) -> RwLockMappedWriteGuard<'a, U>
    where
        F: FnOnce(&mut T) -> &mut U,
    {
        let value = NonNull::from(f(&mut this));
        RwLockMappedWriteGuard { line: ManuallyDrop::new(this).line, value, _value: PhantomData }
    }

    /// Narrows the guard to a part of this part, if there is one.
    ///
    /// # Errors
    /// The guard as it was, if `f` returns `None`.
    pub fn try_map<F, U: ?Sized>(
        mut this: Self,
        f: F,
    ) -> Result<RwLockMappedWriteGuard<'a, U>, Self>
    where
        F: FnOnce(&mut T) -> Option<&mut U>,
    {
        match f(&mut this).map(NonNull::from) {
            Some(value) => {
                let line = ManuallyDrop::new(this).line;
                Ok(RwLockMappedWriteGuard { line, value, _value: PhantomData })
            }
            None => Err(this),
        }
    }
}

impl<T: ?Sized> Drop for RwLockReadGuard<'_, T> {
    fn drop(&mut self) {
        self.line.leave(Kind::Read);
    }
}

impl<T: ?Sized> Drop for RwLockWriteGuard<'_, T> {
    fn drop(&mut self) {
        self.lock.line.leave(Kind::Write);
    }
}

impl<T: ?Sized> Drop for RwLockMappedWriteGuard<'_, T> {
    fn drop(&mut self) {
        self.line.leave(Kind::Write);
    }
}

impl<T: ?Sized> Deref for RwLockReadGuard<'_, T> {
    type Target = T;

    fn deref(&self) -> &T {
        // SAFETY: the guard has shared access, so nobody changes the value.
        unsafe { self.value.as_ref() }
    }
}

impl<T: ?Sized> Deref for RwLockWriteGuard<'_, T> {
    type Target = T;

    fn deref(&self) -> &T {
        // SAFETY: the guard has exclusive access.
        unsafe { &*self.lock.value.get() }
    }
}

impl<T: ?Sized> DerefMut for RwLockWriteGuard<'_, T> {
    fn deref_mut(&mut self) -> &mut T {
        // SAFETY: the guard has exclusive access and is itself borrowed exclusively.
        unsafe { &mut *self.lock.value.get() }
    }
}

impl<T: ?Sized> Deref for RwLockMappedWriteGuard<'_, T> {
    type Target = T;

    fn deref(&self) -> &T {
        // SAFETY: the guard has exclusive access.
        unsafe { self.value.as_ref() }
    }
}

impl<T: ?Sized> DerefMut for RwLockMappedWriteGuard<'_, T> {
    fn deref_mut(&mut self) -> &mut T {
        // SAFETY: the guard has exclusive access and is itself borrowed exclusively.
        unsafe { self.value.as_mut() }
    }
}

/// Guards print as what they guard.
macro_rules! print_as_the_value {
    ($($guard:ident)*) => { $(
        impl<T: ?Sized + fmt::Debug> fmt::Debug for $guard<'_, T> {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                (**self).fmt(f)
            }
        }

        impl<T: ?Sized + fmt::Display> fmt::Display for $guard<'_, T> {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                (**self).fmt(f)
            }
        }
    )* };
}

print_as_the_value!(RwLockReadGuard RwLockWriteGuard RwLockMappedWriteGuard);
