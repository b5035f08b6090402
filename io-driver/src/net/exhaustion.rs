//! What listeners do when descriptors or memory have run out: the error is held back for a while.
//!
//! The waiting connection is still there then, and asking again at once would only repeat the error. A
//! loop that does nothing but try again would use up a core.

use std::fmt;
use std::io;
use std::panic::{RefUnwindSafe, UnwindSafe};
use std::task::{Context, Poll, ready};
use std::time::Duration;

use parking_lot::Mutex;
use rustix::io::Errno;

use crate::host::{self, Sleep};

/// How long an error of exhaustion is held back.
const PAUSE: Duration = Duration::from_millis(100);

fn is_exhausted(error: &io::Error) -> bool {
    let errno = Errno::from_io_error(error);
    matches!(errno, Some(Errno::MFILE | Errno::NFILE | Errno::NOBUFS | Errno::NOMEM))
}

/// Holds an error of exhaustion back; anything else passes.
pub(super) async fn held_back_if_exhausted<T>(accepted: io::Result<T>) -> io::Result<T> {
    if accepted.as_ref().is_err_and(is_exhausted) {
        if let Some(pause) = host::sleep(PAUSE) {
            pause.await;
        }
    }
    accepted
}

/// The same for `poll_accept`: an error whose pause is not over. It is the listener's, as futures
/// written by hand have no place for it; they share it as they share the listener's place for a waker.
#[derive(Default)]
pub(super) struct HeldBack(Mutex<Option<(io::Error, Sleep)>>);

impl HeldBack {
    /// What `accept` polls, but an error of exhaustion when its pause is over; nothing is accepted
    /// before.
    pub(super) fn poll<T>(
        &self,
        cx: &mut Context<'_>,
        accept: impl FnOnce(&mut Context<'_>) -> Poll<io::Result<T>>,
    ) -> Poll<io::Result<T>> {
        // Not under the lock: polls and destructors lead to foreign wakers.
        let held = self.0.lock().take();
        let (error, mut pause) = match held {
            Some(held) => held,
            None => match ready!(accept(cx)) {
                Err(error) if is_exhausted(&error) => match host::sleep(PAUSE) {
                    Some(pause) => (error, pause),
                    None => return Poll::Ready(Err(error)),
                },
                accepted => return Poll::Ready(accepted),
            },
        };
        if pause.as_mut().poll(cx).is_ready() {
            return Poll::Ready(Err(error));
        }
        // If somebody else has polled meanwhile, the last waker wins.
        let other = self.0.lock().replace((error, pause));
        drop(other);
        Poll::Pending
    }
}

// A pause is ours, and no panic leaves it half changed.
impl UnwindSafe for HeldBack {}
impl RefUnwindSafe for HeldBack {}

impl fmt::Debug for HeldBack {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("HeldBack").finish_non_exhaustive()
    }
}
