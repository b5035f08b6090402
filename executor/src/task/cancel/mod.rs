//! Cancelling with a reason, and with time to clean up.
//!
//! `abort` drops a future where it stands, which cannot wait for anything. `cancel` asks first. A
//! [`Cancellation`] is what can be asked to end: a task, or a part of one (the body of a scope, the
//! future inside [`with_cleanup`]). *Attendants* register with the one that encloses them: a
//! clean-up that is to run, a shield, a scope whose children must end first. The protocol:
//!
//! 1. [`Cancellation::request`] notes the first reason and wakes the attendants. If there are none,
//!    the caller ends the thing at once: a task is aborted, the future in a clean-up is dropped.
//! 2. Each attendant does its part, in its own polls, and leaves.
//! 3. When the last leaves, the thing ends: a task aborts itself and ends at the `await` that it is
//!    in; an enclosing attendant is woken, and does the same one level up.
//!
//! Who comes after the request does not attend any more: a clean-up may use scopes and clean-ups,
//! and they are not asked to end. Requests and attendants meet under the cancellation's lock, so
//! an attendant either sees the request or is seen by it.
//!
//! Deliberately not part of it: what happens to a future that is simply dropped (the loser of a
//! `select!`, an aborted task). No destructor can wait.

mod attendant;
#[cfg(not(heist_loom))]
mod cleanup;
#[cfg(not(heist_loom))]
mod shield;

use std::sync::Arc;
use std::task::Waker;

use slab::Slab;

use crate::foreign::wake;
use crate::shim::Mutex;

#[cfg(not(heist_loom))]
pub(super) use attendant::enter;
pub(crate) use attendant::{Attendant, enter_nothing};
#[cfg(not(heist_loom))]
pub use cleanup::{Ending, WithCleanup, with_cleanup};
#[cfg(not(heist_loom))]
pub use shield::{Shield, shield};

/// See the module's documentation.
#[derive(Debug, Default)]
pub(crate) struct Cancellation(Mutex<Request>);

#[derive(Debug, Default)]
struct Request {
    /// Set once, by the first request.
    reason: Option<Arc<str>>,
    attendants: Slab<Waker>,
    /// Whoever waits for the attendants to leave.
    owner: Option<Waker>,
}

impl Cancellation {
    /// Asks for the end. False if nobody attends to it: then the caller is to see to the end.
    pub(crate) fn request(&self, reason: &Arc<str>) -> bool {
        let wakers: Vec<Waker> = {
            let mut request = self.0.lock();
            if request.reason.is_some() {
                return !request.attendants.is_empty();
            }
            request.reason = Some(reason.clone());
            request.attendants.iter().map(|(_, waker)| waker.clone()).collect()
        };
        // Outside the lock: a waker may do anything. The others are woken all the same.
        let attended = !wakers.is_empty();
        for waker in wakers {
            wake(waker);
        }
        attended
    }

    /// Whether the end was asked for.
    pub(crate) fn is_requested(&self) -> bool {
        self.0.lock().reason.is_some()
    }

    /// Why the end was asked for, if it was.
    pub(crate) fn reason(&self) -> Option<Arc<str>> {
        self.0.lock().reason.clone()
    }

    /// Whether somebody still attends; then `owner` is woken when the last leaves.
    pub(super) fn is_attended(&self, owner: &Waker) -> bool {
        let mut request = self.0.lock();
        let attended = !request.attendants.is_empty();
        let next = attended.then(|| owner.clone());
        let before = std::mem::replace(&mut request.owner, next);
        drop(request);
        // A waker's destructor, too, is foreign code.
        drop(before);
        attended
    }
}
