//! The primitives under readiness: real ones, or loom's under `cfg(heist_loom)`.

#[cfg(not(heist_loom))]
pub(crate) use parking_lot::Mutex;
#[cfg(not(heist_loom))]
pub(crate) use std::sync::atomic::{AtomicU64, Ordering};

#[cfg(heist_loom)]
pub(crate) use loom::sync::atomic::{AtomicU64, Ordering};
#[cfg(heist_loom)]
pub(crate) use modelled::Mutex;

#[cfg(heist_loom)]
mod modelled {
    /// loom's mutex behind parking_lot's interface.
    #[derive(Debug)]
    pub(crate) struct Mutex<T>(loom::sync::Mutex<T>);

    impl<T> Mutex<T> {
        pub(crate) fn new(value: T) -> Mutex<T> {
            Mutex(loom::sync::Mutex::new(value))
        }

        pub(crate) fn lock(&self) -> loom::sync::MutexGuard<'_, T> {
            self.0.lock().unwrap()
        }
    }
}
