//! The allocation that the two ends of a oneshot channel share, and the rules by which they do.
//!
//! All of the channel's unsafe code is here; who may do what follows from [`word`](super::word).

use std::ptr::NonNull;
use std::task::{Context, Poll, Waker};

use super::word::{Close, Done, Word};
use crate::foreign::wake;
use crate::shim::UnsafeCell;

struct Channel<T> {
    word: Word,
    value: UnsafeCell<Option<T>>,
    receiver: UnsafeCell<Option<Waker>>,
    sender: UnsafeCell<Option<Waker>>,
}

/// The sender's half, until it is done.
pub(crate) struct SenderHalf<T>(NonNull<Channel<T>>);

/// The receiver's half.
pub(crate) struct ReceiverHalf<T>(NonNull<Channel<T>>);

// SAFETY: values go from one end to the other and wakers may go anywhere; the word decides which
// thread has which cell.
unsafe impl<T: Send> Send for SenderHalf<T> {}
// SAFETY: a shared reference reads the word only.
unsafe impl<T: Send> Sync for SenderHalf<T> {}
// SAFETY: as for the sender.
unsafe impl<T: Send> Send for ReceiverHalf<T> {}
// SAFETY: as for the sender; `has_value` reads whether there is a value, but not the value.
unsafe impl<T: Send> Sync for ReceiverHalf<T> {}

pub(crate) fn channel<T>() -> (SenderHalf<T>, ReceiverHalf<T>) {
    let channel = NonNull::from(Box::leak(Box::new(Channel {
        word: Word::new(),
        value: UnsafeCell::new(None),
        receiver: UnsafeCell::new(None),
        sender: UnsafeCell::new(None),
    })));
    (SenderHalf(channel), ReceiverHalf(channel))
}

/// Frees the channel, with what is left in it.
///
/// # Safety
/// The other end is gone, and the caller does not use the channel again.
unsafe fn free<T>(channel: NonNull<Channel<T>>) {
    // SAFETY: it was leaked from a box in `channel`, and nobody else refers to it any more.
    drop(unsafe { Box::from_raw(channel.as_ptr()) });
}

/// Sees to it that a waker is in its cell.
///
/// # Safety
/// The cell is the caller's.
unsafe fn put(cell: &UnsafeCell<Option<Waker>>, waker: &Waker) {
    // SAFETY: passed on from the caller.
    cell.with_mut(|cell| match unsafe { &mut *cell } {
        Some(old) => old.clone_from(waker),
        empty => *empty = Some(waker.clone()),
    });
}

impl<T> SenderHalf<T> {
    fn channel(&self) -> &Channel<T> {
        // SAFETY: the sender is not gone, so the channel is not freed.
        unsafe { self.0.as_ref() }
    }

    /// Has its say and is gone, unless the value is refused.
    pub(crate) fn finish(self, value: Option<T>) -> Result<(), T> {
        let pointer = self.0;
        let channel = self.channel();
        let has_value = value.is_some();
        // SAFETY: the sender is not done, so the cell is the sender's.
        channel.value.with_mut(|cell| unsafe { *cell = value });
        match channel.word.finish(has_value) {
            Done::Gone => {}
            // SAFETY: the receiver is gone, and so is the sender by now.
            Done::Free => unsafe { free(pointer) },
            Done::Wake => {
                // SAFETY: the edge has found the bit set, so the cell is the sender's.
                let waker = channel.receiver.with_mut(|cell| unsafe { (*cell).take() });
                if channel.word.sender_leaves() {
                    // SAFETY: as above.
                    unsafe { free(pointer) };
                }
                // The receiver may be gone by now; then this wakes in vain.
                wake(waker);
            }
            Done::Refused => {
                // SAFETY: refused, so the cell is still the sender's.
                let value = channel.value.with_mut(|cell| unsafe { (*cell).take() });
                let _ = self.finish(None);
                return value.map_or(Ok(()), Err);
            }
        }
        Ok(())
    }

    pub(crate) fn is_closed(&self) -> bool {
        self.channel().word.load().is_closed()
    }

    /// Ready once the receiver wants nothing any more.
    pub(crate) fn poll_closed(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        let channel = self.channel();
        if !channel.word.sender_resumes() {
            return Poll::Ready(());
        }
        // SAFETY: the sender's bit is clear, so the cell is the sender's.
        unsafe { put(&channel.sender, cx.waker()) };
        if channel.word.sender_waits() { Poll::Pending } else { Poll::Ready(()) }
    }
}

impl<T> ReceiverHalf<T> {
    fn channel(&self) -> &Channel<T> {
        // SAFETY: the receiver is not gone, so the channel is not freed.
        unsafe { self.0.as_ref() }
    }

    /// What the sender has said; `None` if it is not done. To be called no more after `Some`.
    pub(crate) fn take(&mut self) -> Option<Option<T>> {
        let channel = self.channel();
        let done = channel.word.load().is_done();
        // SAFETY: the sender is done, so the cell is the receiver's.
        done.then(|| channel.value.with_mut(|cell| unsafe { (*cell).take() }))
    }

    /// Whether a value is there to be taken.
    pub(crate) fn has_value(&self) -> bool {
        let channel = self.channel();
        // SAFETY: the sender is done, so nobody writes the cell but the receiver, which is borrowed.
        channel.word.load().is_done() && channel.value.with(|cell| unsafe { (*cell).is_some() })
    }

    pub(crate) fn is_closed(&self) -> bool {
        self.channel().word.load().is_closed()
    }

    /// Has the sender call this waker when it is done; false if it is done.
    pub(crate) fn wait(&mut self, waker: &Waker) -> bool {
        let channel = self.channel();
        if !channel.word.receiver_resumes() {
            return false;
        }
        // SAFETY: the receiver's bit is clear, so the cell is the receiver's.
        unsafe { put(&channel.receiver, waker) };
        channel.word.receiver_waits()
    }

    pub(crate) fn close(&mut self) {
        let channel = self.channel();
        match channel.word.close() {
            Close::Nothing => {}
            Close::Wake => {
                // SAFETY: the edge has found the bit set, so the cell is the receiver's.
                let waker = channel.sender.with_mut(|cell| unsafe { (*cell).take() });
                wake(waker);
            }
        }
    }
}

impl<T> Drop for ReceiverHalf<T> {
    fn drop(&mut self) {
        // Mostly the sender is gone, and everything has happened: no edge is needed.
        if !self.channel().word.load().is_sender_gone() {
            self.close();
            if !self.channel().word.receiver_leaves() {
                return;
            }
        }
        // SAFETY: the sender is gone, and the receiver is by now.
        unsafe { free(self.0) };
    }
}
