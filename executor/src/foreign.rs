//! Calling foreign code from threads that must survive it: hooks, wakers, destructors.
//!
//! A panic of such code has been told of by the process's panic hook when it arrives here, and ends
//! here. Deliberately not for futures and jobs, whose panics belong to whoever joins them.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::task::Waker;

/// Calls `f`; `None` if it panics.
pub(crate) fn quietly<R>(f: impl FnOnce() -> R) -> Option<R> {
    let payload = match catch_unwind(AssertUnwindSafe(f)) {
        Ok(result) => return Some(result),
        Err(payload) => payload,
    };
    // The payload's own destructor is foreign code, too; whatever that panics with is let go of.
    if let Err(payload) = catch_unwind(AssertUnwindSafe(|| drop(payload))) {
        std::mem::forget(payload);
    }
    None
}

/// Calls a waker, if there is one, and lets go of it. Whoever wakes is not to blame for what it does, and
/// has others to wake.
pub(crate) fn wake(waker: impl Into<Option<Waker>>) {
    if let Some(waker) = waker.into() {
        quietly(|| waker.wake());
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicU32, Ordering};

    use super::*;

    #[test]
    fn a_panic_ends_there_however_often_it_panics() {
        // Of no size, so that nothing leaks when the last one is let go of.
        struct Twice;
        static PANICS: AtomicU32 = AtomicU32::new(0);
        impl Drop for Twice {
            fn drop(&mut self) {
                if PANICS.fetch_add(1, Ordering::Relaxed) < 2 {
                    std::panic::panic_any(Twice);
                }
            }
        }
        assert_eq!(quietly(|| 7), Some(7));
        assert_eq!(quietly(|| -> u32 { std::panic::panic_any(Twice) }), None);
        assert_eq!(PANICS.load(Ordering::Relaxed), 1);
    }
}
