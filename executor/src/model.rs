//! The executor's protocols, for the loom models: the real code, with nothing around it but what
//! a model needs to drive it.

use std::collections::VecDeque;
use std::future::Future;
use std::panic::Location;
use std::ptr::NonNull;

use crate::shim::Mutex;
use crate::task::error::FailureHook;
use crate::task::header::Header;
use crate::task::live_set::LiveSet;
use crate::task::state::Claim;
use crate::task::{Home, JoinHandle, Notified, Origin, poll};

pub use crate::blocking::crew::{Crew, Fate};
pub use crate::blocking::population::{Population, Staff};
pub use crate::queue::{Injector, LocalQueue, Stealer};
pub use crate::worker::idle::{Idle, Roused};
pub use crate::worker::outsider::{Loan, Outsider};
pub use crate::worker::parker::{Parker, Seat, Unparked};
pub use crate::worker::watchdog::Watchdog;

/// A home with one queue: tasks of a model.
#[allow(missing_debug_implementations)]
pub struct Tasks {
    live: LiveSet,
    queue: Mutex<VecDeque<Notified>>,
}

impl Default for Tasks {
    fn default() -> Tasks {
        Tasks { live: LiveSet::new(), queue: Mutex::new(VecDeque::new()) }
    }
}

impl Tasks {
    /// Spawns a task.
    ///
    /// # Safety
    /// The home outlives the task: the model runs or shuts down every task before it drops this.
    pub unsafe fn spawn<F>(&self, future: F) -> JoinHandle<F::Output>
    where
        F: Future + 'static,
        F::Output: 'static,
    {
        let origin = Origin { parent: None, spawned_at: Location::caller(), details: None };
        // SAFETY: passed on from the caller.
        let (live, notified, handle) =
            unsafe { poll::allocate(future, NonNull::from(self), origin) };
        assert!(self.live.insert(live).is_ok());
        self.queue.lock().push_back(notified);
        handle
    }

    /// Runs the next task; false if there is none.
    pub fn run_one(&self) -> bool {
        let next = self.queue.lock().pop_front();
        next.map(Notified::run).is_some()
    }

    /// How many tasks have not ended.
    pub fn alive(&self) -> usize {
        self.live.len()
    }

    /// One round of a shutdown: cancels what is queued and what is idle.
    pub fn cancel_round(&self) {
        loop {
            let Some(task) = self.queue.lock().pop_front() else { break };
            let _ = task.header().state.abort();
            task.run();
        }
        for task in self.live.snapshot() {
            if task.header().state.claim() == Claim::Claimed {
                // SAFETY: claimed just now, and the live set holds its reference.
                unsafe { (task.header().vtable.cancel_claimed)(task.as_ptr()) };
            }
        }
    }
}

impl Home for Tasks {
    unsafe fn schedule(home: NonNull<Tasks>, task: Notified) {
        // SAFETY: the model keeps its home.
        unsafe { home.as_ref() }.queue.lock().push_back(task);
    }

    unsafe fn reschedule(home: NonNull<Tasks>, task: Notified) {
        // SAFETY: as above.
        unsafe { Tasks::schedule(home, task) };
    }

    unsafe fn retire(home: NonNull<Tasks>, task: NonNull<Header>) -> bool {
        // SAFETY: as above; the task is in the live set.
        unsafe { home.as_ref().live.remove(task) };
        true
    }

    unsafe fn failure_hook(_: NonNull<Tasks>) -> FailureHook {
        None
    }
}
