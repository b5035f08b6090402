//! [`Id`]: tells runtimes apart.

use std::fmt;
use std::num::NonZeroU64;
use std::sync::atomic::{AtomicU64, Ordering};

/// Identifies a runtime, or a [`LocalSet`](crate::task::LocalSet), in this process; never used twice.
///
/// # Examples
/// ```
/// let (a, b) = (heist::runtime::Runtime::new().unwrap(), heist::runtime::Runtime::new().unwrap());
/// assert_ne!(a.handle().id(), b.handle().id());
/// assert_eq!(a.handle().id(), a.block_on(async { heist::runtime::Handle::current().id() }));
/// ```
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct Id(NonZeroU64);

impl Id {
    pub(crate) fn next() -> Id {
        static NEXT: AtomicU64 = AtomicU64::new(1);
        // Ordering: Relaxed; only uniqueness is wanted.
        let next = NEXT.fetch_add(1, Ordering::Relaxed);
        Id(NonZeroU64::new(next).expect("ids start at one"))
    }

    pub(crate) fn as_u64(self) -> u64 {
        self.0.get()
    }
}

impl fmt::Display for Id {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl fmt::Debug for Id {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Id({})", self.0)
    }
}
