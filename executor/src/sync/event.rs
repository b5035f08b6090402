//! A flag that tasks wait for.

use std::future::{Future, poll_fn};

use super::Notify;
use crate::leaf::{self, Made, Operation};
use crate::shim::atomic::{AtomicBool, Ordering};
use crate::shim::const_fn;

static WAIT: Operation = Operation::new("Event::wait");

/// A flag that tasks can wait for; setting it lets all of them go on.
///
/// Differs from tokio, which has nothing like it: unlike a [`Notify`], an event stays set until it is
/// cleared.
///
/// # Examples
/// ```
/// # heist::runtime::Runtime::new().unwrap().block_on(async {
/// use std::sync::Arc;
///
/// use heist::sync::Event;
///
/// let started = Arc::new(Event::new());
/// let waiter = heist::spawn({
///     let started = started.clone();
///     async move { started.wait().await }
/// });
/// started.set();
/// waiter.await.unwrap();
/// started.wait().await;
/// # });
/// ```
#[derive(Debug, Default)]
pub struct Event {
    set: AtomicBool,
    setting: Notify,
}

impl Event {
    const_fn! {
        /// Makes an event that is not set.
        pub const fn new() -> Event {
            Event { set: AtomicBool::new(false), setting: Notify::new() }
        }
    }

    /// Sets the event, and lets everybody who waits go on, even if it is cleared at once.
    pub fn set(&self) {
        // Ordering: Release, pairs with the load in `is_set`.
        self.set.store(true, Ordering::Release);
        self.setting.notify_waiters();
    }

    /// Clears the event: who waits from now on waits for the next [`set`](Event::set).
    pub fn clear(&self) {
        // Ordering: Release; whoever sees the event cleared sees why.
        self.set.store(false, Ordering::Release);
    }

    /// Whether the event is set.
    pub fn is_set(&self) -> bool {
        // Ordering: Acquire, pairs with the store in `set`. Who waits has begun to listen before this
        // load: if it does not see the store, it will be notified.
        self.set.load(Ordering::Acquire)
    }

    /// Waits until the event is set; ready at once if it is.
    ///
    /// # Cancel safety
    /// Cancel safe.
    #[track_caller]
    pub fn wait(&self) -> impl Future<Output = ()> {
        let made = Made::here(&WAIT);
        async move {
            let at = made.begin();
            let setting = self.setting.notified_at(&WAIT, at);
            // A loop around an event that is set must let others run.
            poll_fn(leaf::proceed).await;
            if !self.is_set() {
                setting.await;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sync::testing::{Polled, ready, waiting};

    #[test]
    fn setting_lets_all_go_and_lasts_until_cleared() {
        let event = Event::new();
        let mut waits: Vec<_> = (0..3).map(|_| waiting(event.wait())).collect();
        event.set();
        event.clear();
        assert!(waits.iter().all(|wait| wait.wakes() == 1));
        waits.iter_mut().for_each(Polled::assert_ready);
        let mut late = waiting(event.wait());
        event.set();
        assert!(event.is_set());
        late.assert_ready();
        ready(event.wait());
    }
}
