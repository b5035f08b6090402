//! Calling foreign code from threads that must survive it: hooks, wakers, destructors.
//!
//! A panic of such code has been told of by the process's panic hook when it arrives here, and ends
//! here. Deliberately not for futures and jobs, whose panics belong to whoever joins them.

use std::panic::{AssertUnwindSafe, catch_unwind};

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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_panic_ends_there_however_often_it_panics() {
        struct Twice(u32);
        impl Drop for Twice {
            fn drop(&mut self) {
                if self.0 > 0 {
                    std::panic::panic_any(Twice(self.0 - 1));
                }
            }
        }
        assert_eq!(quietly(|| 7), Some(7));
        assert_eq!(quietly(|| -> u32 { std::panic::panic_any(Twice(2)) }), None);
    }
}
