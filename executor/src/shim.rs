//! The primitives under the protocols: real ones, or loom's under `cfg(heist_loom)`.
//!
//! Everything that a loom model explores takes its atomics, locks and cells from here and from
//! nowhere else. What models do not explore (counters, configuration) uses std directly.
//! Deliberately without `SeqCst` helpers: loom weakens sequentially consistent loads and stores,
//! so protocols of the store-buffering kind are written with [`atomic::fence`].

#[cfg(not(heist_loom))]
pub(crate) use real::*;

#[cfg(heist_loom)]
pub(crate) use modelled::*;

#[cfg(not(heist_loom))]
mod real {
    pub(crate) mod atomic {
        pub(crate) use std::sync::atomic::{
            AtomicBool, AtomicPtr, AtomicU32, AtomicU64, AtomicUsize, Ordering, fence,
        };
    }
    pub(crate) use parking_lot::{Condvar, Mutex, MutexGuard, RwLock, RwLockReadGuard};

    /// The same for what is made in constants.
    pub(crate) mod constant {
        pub(crate) use super::{Mutex, MutexGuard, UnsafeCell};
    }

    /// A constant function; in models it is not.
    macro_rules! const_fn {
        ($($function:tt)*) => { $($function)* };
    }
    pub(crate) use const_fn;

    /// Whether a point in time has come.
    pub(crate) fn has_come(time: std::time::Instant) -> bool {
        std::time::Instant::now() >= time
    }

    /// The time that has passed since then.
    pub(crate) fn time_since(time: std::time::Instant) -> std::time::Duration {
        time.elapsed()
    }

    pub(crate) mod thread {
        pub(crate) use std::thread::{Thread, current, park};
    }

    /// `std::thread_local!` with initial values that are constants.
    macro_rules! thread_locals {
        ($($(#[$attribute:meta])* static $name:ident: $type:ty = $value:expr;)*) => {
            ::std::thread_local! {
                $($(#[$attribute])* static $name: $type = const { $value };)*
            }
        };
    }
    pub(crate) use thread_locals;

    /// `std::cell::UnsafeCell` behind loom's closure interface.
    #[derive(Debug)]
    pub(crate) struct UnsafeCell<T>(std::cell::UnsafeCell<T>);

    impl<T> UnsafeCell<T> {
        pub(crate) const fn new(value: T) -> UnsafeCell<T> {
            UnsafeCell(std::cell::UnsafeCell::new(value))
        }

        #[inline(always)]
        pub(crate) fn with<R>(&self, f: impl FnOnce(*const T) -> R) -> R {
            f(self.0.get())
        }

        #[inline(always)]
        pub(crate) fn with_mut<R>(&self, f: impl FnOnce(*mut T) -> R) -> R {
            f(self.0.get())
        }
    }
}

#[cfg(heist_loom)]
mod modelled {
    use std::time::Instant;

    pub(crate) mod atomic {
        pub(crate) use loom::sync::atomic::{
            AtomicBool, AtomicPtr, AtomicU32, AtomicU64, AtomicUsize, Ordering, fence,
        };
    }
    pub(crate) use loom::cell::UnsafeCell;
    /// Loom knows no time: what somebody waits for may come at any moment, so also now.
    pub(crate) fn has_come(_time: Instant) -> bool {
        true
    }

    /// As above: nothing takes any time.
    pub(crate) fn time_since(_time: Instant) -> std::time::Duration {
        std::time::Duration::ZERO
    }

    /// Parking, as `std::thread` has it. loom's own tokens are lost when their thread waits for a
    /// lock meanwhile, so these are made of its lock and its condition variable.
    pub(crate) mod thread {
        use std::sync::Arc;

        use super::{Condvar, Mutex};

        #[derive(Clone)]
        pub(crate) struct Thread(Arc<(Mutex<bool>, Condvar)>);

        loom::thread_local! {
            static CURRENT: Thread = Thread(Arc::new((Mutex::new(false), Condvar::new())));
        }

        pub(crate) fn current() -> Thread {
            CURRENT.with(Thread::clone)
        }

        pub(crate) fn park() {
            let thread = current();
            let mut token = thread.0.0.lock();
            while !std::mem::take(&mut *token) {
                thread.0.1.wait(&mut token);
            }
        }

        impl Thread {
            pub(crate) fn unpark(&self) {
                *self.0.0.lock() = true;
                self.0.1.notify_one();
            }

            pub(crate) fn id(&self) -> usize {
                Arc::as_ptr(&self.0).addr()
            }
        }
    }

    /// Loom runs its threads on one thread of the system, so each needs locals of loom's own.
    macro_rules! thread_locals {
        ($($(#[$attribute:meta])* static $name:ident: $type:ty = $value:expr;)*) => {
            ::loom::thread_local! {
                $($(#[$attribute])* static $name: $type = $value;)*
            }
        };
    }
    pub(crate) use thread_locals;

    /// The same for what is made in constants: loom makes its own at run time, here at the first use.
    pub(crate) mod constant {
        use std::ops::Deref;
        use std::sync::{Mutex as StdMutex, OnceLock};

        pub(crate) type Mutex<T> = Lazy<T, super::Mutex<T>>;
        pub(crate) type UnsafeCell<T> = Lazy<T, super::UnsafeCell<T>>;
        pub(crate) use super::MutexGuard;

        #[derive(Debug)]
        pub(crate) struct Lazy<I, M> {
            initial: StdMutex<Option<I>>,
            made: OnceLock<M>,
        }

        pub(crate) trait Make<I> {
            fn make(initial: I) -> Self;
        }

        impl<I, M> Lazy<I, M> {
            pub(crate) const fn new(initial: I) -> Lazy<I, M> {
                Lazy { initial: StdMutex::new(Some(initial)), made: OnceLock::new() }
            }
        }

        impl<I, M: Make<I>> Deref for Lazy<I, M> {
            type Target = M;
            fn deref(&self) -> &M {
                self.made.get_or_init(|| M::make(self.initial.lock().unwrap().take().unwrap()))
            }
        }

        impl<T> Make<T> for super::Mutex<T> {
            fn make(initial: T) -> Self {
                Self::new(initial)
            }
        }

        impl<T> Make<T> for super::UnsafeCell<T> {
            fn make(initial: T) -> Self {
                Self::new(initial)
            }
        }
    }

    /// A function that is not constant: it makes atomics, which must be there before they are shared.
    macro_rules! const_fn {
        ($(#[$attribute:meta])* $visibility:vis const fn $($function:tt)*) => {
            $(#[$attribute])* $visibility fn $($function)*
        };
    }
    pub(crate) use const_fn;

    /// loom's mutex behind parking_lot's interface.
    #[derive(Debug, Default)]
    pub(crate) struct Mutex<T>(loom::sync::Mutex<T>);

    /// The guard of [`Mutex`]; the option is empty only inside [`Condvar::wait`].
    pub(crate) struct MutexGuard<'a, T>(Option<loom::sync::MutexGuard<'a, T>>);

    impl<T> Mutex<T> {
        pub(crate) fn new(value: T) -> Mutex<T> {
            Mutex(loom::sync::Mutex::new(value))
        }

        pub(crate) fn lock(&self) -> MutexGuard<'_, T> {
            MutexGuard(Some(self.0.lock().unwrap()))
        }

        pub(crate) fn try_lock(&self) -> Option<MutexGuard<'_, T>> {
            self.0.try_lock().ok().map(|guard| MutexGuard(Some(guard)))
        }
    }

    impl<T> std::ops::Deref for MutexGuard<'_, T> {
        type Target = T;
        fn deref(&self) -> &T {
            self.0.as_ref().unwrap()
        }
    }

    impl<T> std::ops::DerefMut for MutexGuard<'_, T> {
        fn deref_mut(&mut self) -> &mut T {
            self.0.as_mut().unwrap()
        }
    }

    pub(crate) use loom::sync::RwLockReadGuard;

    /// loom's lock for readers and writers behind parking_lot's interface.
    #[derive(Debug)]
    pub(crate) struct RwLock<T>(loom::sync::RwLock<T>);

    impl<T> RwLock<T> {
        pub(crate) fn new(value: T) -> RwLock<T> {
            RwLock(loom::sync::RwLock::new(value))
        }

        pub(crate) fn read(&self) -> RwLockReadGuard<'_, T> {
            self.0.read().unwrap()
        }

        pub(crate) fn write(&self) -> loom::sync::RwLockWriteGuard<'_, T> {
            self.0.write().unwrap()
        }
    }

    /// loom's condition variable behind parking_lot's interface.
    #[derive(Debug)]
    pub(crate) struct Condvar(loom::sync::Condvar);

    impl Condvar {
        pub(crate) fn new() -> Condvar {
            Condvar(loom::sync::Condvar::new())
        }

        pub(crate) fn wait<T>(&self, guard: &mut MutexGuard<'_, T>) {
            let held = guard.0.take().unwrap();
            guard.0 = Some(self.0.wait(held).unwrap());
        }

        /// Loom knows no time: a deadline never passes inside a model.
        pub(crate) fn wait_until<T>(&self, guard: &mut MutexGuard<'_, T>, _deadline: Instant) {
            self.wait(guard);
        }

        pub(crate) fn notify_one(&self) {
            self.0.notify_one();
        }

        pub(crate) fn notify_all(&self) {
            self.0.notify_all();
        }
    }
}
