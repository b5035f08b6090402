//! Every value to every receiver, through a ring of the latest values.
//!
//! Sending never waits: a receiver that falls behind by more than the ring holds misses values, and
//! is told how many ([`RecvError::Lagged`](error::RecvError::Lagged)). A value is dropped when the
//! last receiver has it; that one gets it without cloning.
//!
//! # Examples
//! ```
//! # heist::runtime::Runtime::new().unwrap().block_on(async {
//! use heist::sync::broadcast;
//!
//! let (sender, mut first) = broadcast::channel(16);
//! let mut second = sender.subscribe();
//! sender.send("news").unwrap();
//! assert_eq!(first.recv().await.unwrap(), "news");
//! assert_eq!(second.recv().await.unwrap(), "news");
//! # });
//! ```

pub mod error;
mod receiver;
mod ring;
mod sender;

pub use receiver::{Receiver, Receiving};
pub use sender::{Sender, WeakSender};

/// Makes a channel that keeps `capacity` values, rounded up to a power of two, for receivers that
/// are slow.
///
/// # Panics
/// If `capacity` is zero, or more than half of `usize::MAX`.
#[track_caller]
pub fn channel<T: Clone>(capacity: usize) -> (Sender<T>, Receiver<T>) {
    let sender = Sender::new(capacity);
    let receiver = sender.subscribe();
    (sender, receiver)
}

#[cfg(test)]
mod tests;
