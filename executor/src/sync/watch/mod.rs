//! The latest of several values, for any number of readers who want to know when it changes.
//!
//! A receiver that is slow misses values in between, but never the last one. Deliberately without
//! a history: see [`broadcast`](super::broadcast).
//!
//! # Examples
//! ```
//! # heist::runtime::Runtime::new().unwrap().block_on(async {
//! use heist::sync::watch;
//!
//! let (sender, mut receiver) = watch::channel("starting");
//! heist::spawn(async move { sender.send("running") });
//! receiver.changed().await.unwrap();
//! assert_eq!(*receiver.borrow(), "running");
//! # });
//! ```

mod receiver;
mod sender;

use super::Notify;
use crate::shim::RwLock;
use crate::shim::atomic::{AtomicUsize, Ordering};

pub use receiver::{Receiver, Ref};
pub use sender::Sender;

/// Makes a channel whose value is `init` for now. It counts as seen by the receiver.
pub fn channel<T>(init: T) -> (Sender<T>, Receiver<T>) {
    let sender = Sender::new(init);
    let receiver = sender.subscribe();
    (sender, receiver)
}

/// What the ends of a channel share.
#[derive(Debug)]
struct Board<T> {
    value: RwLock<T>,
    /// How often the value was changed; written under the value's lock.
    version: AtomicUsize,
    senders: AtomicUsize,
    receivers: AtomicUsize,
    /// Told when the value changes or the last sender goes.
    news: Notify,
    /// Told when the last receiver goes.
    abandoned: Notify,
}

impl<T> Board<T> {
    fn version(&self) -> usize {
        // Ordering: Acquire, pairs with the increment in `changed`. Whoever waits has begun to
        // listen to `news` before this load: if it does not see the increment, it will be told.
        self.version.load(Ordering::Acquire)
    }

    /// Counts a change. The caller holds the value's lock for writing, and tells the `news` later.
    fn count_change(&self) {
        // Ordering: Release, pairs with the load in `version`.
        self.version.fetch_add(1, Ordering::Release);
    }

    /// Whether all senders are gone.
    fn is_closed(&self) -> bool {
        // Ordering: Acquire, pairs with the decrement in `Sender::drop`: who sees no sender sees the
        // last value, too.
        self.senders.load(Ordering::Acquire) == 0
    }

    fn receivers(&self) -> usize {
        // Ordering: Acquire, pairs with the decrement in `Receiver::drop`, as `version` does.
        self.receivers.load(Ordering::Acquire)
    }
}

/// Why a value was not sent or awaited.
pub mod error {
    use std::error::Error;
    use std::fmt;

    /// There is no receiver; here is the value.
    #[derive(Clone, Copy, PartialEq, Eq)]
    pub struct SendError<T>(pub T);

    impl<T> fmt::Debug for SendError<T> {
        fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            f.debug_struct("SendError").finish_non_exhaustive()
        }
    }

    impl<T> fmt::Display for SendError<T> {
        fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            f.write_str("the channel has no receiver")
        }
    }

    impl<T> Error for SendError<T> {}

    /// All senders are gone.
    #[derive(Clone, Debug, PartialEq, Eq)]
    pub struct RecvError(pub(super) ());

    impl fmt::Display for RecvError {
        fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            f.write_str("the channel has no sender")
        }
    }

    impl Error for RecvError {}
}

#[cfg(test)]
mod tests;
