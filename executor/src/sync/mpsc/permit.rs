//! Room for messages that is kept for one sender.

use std::fmt;
use std::iter::FusedIterator;

use super::bounded::Sender;

/// Room for one message; see [`Sender::reserve`]. Given back if it is dropped.
///
/// # Examples
/// ```
/// # heist::runtime::Runtime::new().unwrap().block_on(async {
/// use heist::sync::mpsc;
///
/// let (sender, mut receiver) = mpsc::channel(1);
/// let permit = sender.reserve().await.unwrap();
/// // The message is made only now that there is room for it.
/// permit.send(String::from("made late"));
/// assert_eq!(receiver.recv().await.unwrap(), "made late");
/// # });
/// ```
#[must_use = "room is given back at once if its permit is not kept"]
pub struct Permit<'a, T> {
    /// Empty once it is used.
    sender: Option<&'a Sender<T>>,
}

impl<'a, T> Permit<'a, T> {
    /// The caller has claimed a slot.
    pub(super) fn new(sender: &'a Sender<T>) -> Permit<'a, T> {
        Permit { sender: Some(sender) }
    }

    /// Sends a message. It never waits.
    pub fn send(mut self, value: T) {
        if let Some(sender) = self.sender.take() {
            sender.channel().put(value);
        }
    }
}

impl<T> Drop for Permit<'_, T> {
    fn drop(&mut self) {
        if let Some(sender) = self.sender {
            sender.channel().unclaim(1);
        }
    }
}

impl<T> fmt::Debug for Permit<'_, T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Permit").finish_non_exhaustive()
    }
}

/// Room for several messages, as an iterator over permits; see [`Sender::reserve_many`]. What is
/// left is given back if it is dropped.
#[must_use = "room is given back at once if its permits are not kept"]
pub struct PermitIterator<'a, T> {
    sender: &'a Sender<T>,
    left: usize,
}

impl<'a, T> PermitIterator<'a, T> {
    /// The caller has claimed as many slots.
    pub(super) fn new(sender: &'a Sender<T>, slots: usize) -> PermitIterator<'a, T> {
        PermitIterator { sender, left: slots }
    }
}

impl<'a, T> Iterator for PermitIterator<'a, T> {
    type Item = Permit<'a, T>;

    fn next(&mut self) -> Option<Permit<'a, T>> {
        self.left = self.left.checked_sub(1)?;
        Some(Permit::new(self.sender))
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        (self.left, Some(self.left))
    }
}

impl<T> ExactSizeIterator for PermitIterator<'_, T> {}
impl<T> FusedIterator for PermitIterator<'_, T> {}

impl<T> Drop for PermitIterator<'_, T> {
    fn drop(&mut self) {
        if self.left > 0 {
            self.sender.channel().unclaim(self.left);
        }
    }
}

impl<T> fmt::Debug for PermitIterator<'_, T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("PermitIterator").field("left", &self.left).finish_non_exhaustive()
    }
}

/// Room for one message together with the sender; see [`Sender::reserve_owned`]. Given back if it
/// is dropped.
#[must_use = "room is given back at once if its permit is not kept"]
pub struct OwnedPermit<T> {
    /// Empty once it is used.
    sender: Option<Sender<T>>,
}

impl<T> OwnedPermit<T> {
    /// The caller has claimed a slot.
    pub(super) fn new(sender: Sender<T>) -> OwnedPermit<T> {
        OwnedPermit { sender: Some(sender) }
    }

    fn take(&mut self) -> Sender<T> {
        self.sender.take().expect("a permit is used once")
    }

    fn sender(&self) -> &Sender<T> {
        self.sender.as_ref().expect("a permit is used once")
    }

    /// Sends a message, and gives the sender back. It never waits.
    pub fn send(mut self, value: T) -> Sender<T> {
        let sender = self.take();
        sender.channel().put(value);
        sender
    }

    /// Gives the room and the sender back.
    pub fn release(mut self) -> Sender<T> {
        let sender = self.take();
        sender.channel().unclaim(1);
        sender
    }

    /// Whether both are of the same channel.
    pub fn same_channel(&self, other: &OwnedPermit<T>) -> bool {
        self.sender().same_channel(other.sender())
    }

    /// Whether both are of the same channel.
    pub fn same_channel_as_sender(&self, sender: &Sender<T>) -> bool {
        self.sender().same_channel(sender)
    }
}

impl<T> Drop for OwnedPermit<T> {
    fn drop(&mut self) {
        if let Some(sender) = &self.sender {
            sender.channel().unclaim(1);
        }
    }
}

impl<T> fmt::Debug for OwnedPermit<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("OwnedPermit").finish_non_exhaustive()
    }
}
