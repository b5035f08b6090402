//! [`Sleep`]: a future that is ready when a point in time has come.

use std::future::Future;
use std::panic::Location;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use pin_project_lite::pin_project;

use crate::context;
use crate::entry::{Entry, EntryState, Unpolled};
use crate::host::{self, Operation};
use crate::instant::Instant;
use crate::owned_wheel::OwnedWheel;

static SLEEP: Operation = Operation::new("sleep");
static TIMEOUT: Operation = Operation::new("timeout");

pin_project! {
    /// Waits until a point in time; see [`sleep`] and [`sleep_until`].
    ///
    /// It may be made anywhere, also outside a runtime and on any thread; it is filed in the wheel of
    /// the worker that polls it, and moves over when another one does.
    #[derive(Debug)]
    #[must_use = "futures do nothing unless awaited"]
    pub struct Sleep {
        deadline: Instant,
        at: &'static Location<'static>,
        // The wheel that the entry is filed in, or was.
        wheel: Option<Arc<OwnedWheel>>,
        #[pin]
        entry: Entry,
    }

    impl PinnedDrop for Sleep {
        fn drop(this: Pin<&mut Self>) {
            match this.entry.unpolled.get() {
                None => this.cancel(),
                Some(Unpolled::Sleep) => host::unpolled(&SLEEP, this.at),
                Some(Unpolled::Timeout) => host::unpolled(&TIMEOUT, this.at),
            }
        }
    }
}

/// Waits for `duration`, counted from this call. Where that ends beyond what an instant can
/// represent, about 30 years.
///
/// Never ends early; ends at most 65.536 us late, plus the time that waking the task takes (tokio's
/// granularity is 1 ms).
///
/// An example is at the head of `heist::time`.
///
/// # Panics
/// Polling it outside a runtime panics. Polled again after the runtime has shut down, it stays
/// pending.
///
/// # Cancel safety
/// Cancel safe: dropping it does nothing but end the wait.
#[track_caller]
pub fn sleep(duration: Duration) -> Sleep {
    let deadline = Instant::now_plus(duration);
    Sleep::new(deadline, EntryState::Idle, Location::caller()).unpolled_as(Unpolled::Sleep)
}

/// Waits until `deadline`; one that has passed is ready at once.
///
/// # Panics
/// As [`sleep`].
///
/// # Cancel safety
/// As [`sleep`].
#[track_caller]
pub fn sleep_until(deadline: Instant) -> Sleep {
    Sleep::new(deadline, EntryState::Idle, Location::caller()).unpolled_as(Unpolled::Sleep)
}

impl Sleep {
    /// One that is part of something else, of which nobody expects that it is polled.
    pub(crate) fn new(
        deadline: Instant,
        state: EntryState,
        at: &'static Location<'static>,
    ) -> Sleep {
        Sleep { deadline, at, wheel: None, entry: Entry::new(state) }
    }

    /// The same as a future of its own, of which it is reported if nobody ever polls it.
    pub(crate) fn unpolled_as(self, what: Unpolled) -> Sleep {
        self.entry.unpolled.set(Some(what));
        self
    }

    /// From now on it counts as polled.
    #[inline]
    pub(crate) fn set_polled(&self) {
        self.entry.unpolled.set(None);
    }

    /// Notes that the task waits in the timeout that this is a part of, if in nothing inside it.
    #[inline]
    pub(crate) fn note_timeout(&self) {
        host::waiting_at_least(&TIMEOUT, self.at);
    }

    /// The point in time that it waits for.
    pub fn deadline(&self) -> Instant {
        self.deadline
    }

    /// Whether it has ended: a poll would be ready.
    pub fn is_elapsed(&self) -> bool {
        self.entry.state() == EntryState::Fired
    }

    /// Waits for another point in time from now on, in place and without allocation.
    ///
    /// A sleep that has been polled stays filed and wakes the same task. Moving the deadline to a
    /// later time, the commonest case, only notes it.
    pub fn reset(self: Pin<&mut Self>, deadline: Instant) {
        let this = self.project();
        *this.deadline = deadline;
        if this.entry.state() == EntryState::Pending {
            let wheel = this.wheel.as_ref().expect("a pending entry is filed in a wheel");
            let nanos = wheel.clock().nanos_of(deadline);
            // SAFETY: the entry was filed in this wheel.
            if unsafe { wheel.postpone(&this.entry, nanos) } {
                return;
            }
        }
        // Not pending: the entry is ours, and the next poll files it again.
        this.entry.set_state(EntryState::Idle);
        *this.wheel = None;
    }

    /// Polls without regard to the task's budget, and without noting a wait.
    pub(crate) fn poll_elapsed(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        let this = self.project();
        let entry = this.entry.into_ref().get_ref();
        if entry.state() == EntryState::Pending {
            let wheel = this.wheel.as_ref().expect("a pending entry is filed in a wheel");
            let is_here = context::with_current(|current| Arc::ptr_eq(current, wheel));
            // SAFETY: the entry was filed in this wheel.
            unsafe {
                match is_here {
                    // Its task has moved: the timer follows, so that each wheel stays its owner's.
                    Some(false) => wheel.cancel(entry),
                    _ => wheel.set_waker(entry, cx.waker()),
                }
            }
        }
        match entry.state() {
            EntryState::Fired => return Poll::Ready(()),
            EntryState::Pending | EntryState::Closed => {}
            unfiled @ (EntryState::Idle | EntryState::Ahead) => {
                let wheel = match context::with_current(Arc::clone) {
                    Some(wheel) => wheel,
                    None => panic!(
                        "there is no Heist timer here: the `sleep`, `timeout` or `interval` made \
                         at {} must be polled inside a runtime; start one with `heist::run`, \
                         `#[heist::main]` or `Runtime::block_on`",
                        this.at
                    ),
                };
                let clock = wheel.clock();
                let look = unfiled == EntryState::Idle || clock.is_paused();
                if look && *this.deadline <= clock.now() {
                    entry.set_state(EntryState::Fired);
                    return Poll::Ready(());
                }
                let nanos = clock.nanos_of(*this.deadline);
                // SAFETY: the entry is not filed and ours, and pinned; `cancel` runs before it goes.
                unsafe { wheel.file(entry, nanos, cx.waker()) };
                *this.wheel = Some(wheel);
            }
        }
        Poll::Pending
    }

    fn cancel(self: Pin<&mut Self>) {
        let this = self.project();
        if this.entry.state() == EntryState::Pending {
            let wheel = this.wheel.as_ref().expect("a pending entry is filed in a wheel");
            // SAFETY: the entry was filed in this wheel.
            unsafe { wheel.cancel(&this.entry) };
        }
    }
}

impl Future for Sleep {
    type Output = ();

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        self.set_polled();
        ready!(host::proceed(cx));
        let polled = self.as_mut().poll_elapsed(cx);
        if polled.is_pending() {
            host::restore();
            host::waiting(&SLEEP, self.at);
        }
        polled
    }
}
