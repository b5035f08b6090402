//! Many senders, one receiver, every message received once and in the order of sending.
//!
//! [`channel`] makes senders wait when there are too many messages; [`unbounded_channel`] does not,
//! so that its senders need no `await`. A send and a receive take one short lock each; the receiver
//! is woken if it waits and not else. Senders who wait for room are served in the order in which
//! they came.
//!
//! # Examples
//! ```
//! # heist::runtime::Runtime::new().unwrap().block_on(async {
//! use heist::sync::mpsc;
//!
//! let (sender, mut receiver) = mpsc::channel(2);
//! for name in ["left", "right"] {
//!     let sender = sender.clone();
//!     heist::spawn(async move { sender.send(name).await });
//! }
//! drop(sender);
//! let mut names = Vec::new();
//! while let Some(name) = receiver.recv().await {
//!     names.push(name);
//! }
//! assert_eq!(names.len(), 2);
//! # });
//! ```

mod bounded;
mod channel;
pub mod error;
mod futures;
mod permit;
mod receiver;
mod unbounded;

pub use bounded::{Sender, WeakSender, channel};
pub use futures::{Receiving, Sending};
pub use permit::{OwnedPermit, Permit, PermitIterator};
pub use receiver::{Receiver, UnboundedReceiver};
pub use unbounded::{UnboundedSender, WeakUnboundedSender, unbounded_channel};

#[cfg(test)]
mod tests;
