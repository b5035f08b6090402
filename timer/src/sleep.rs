//! [`Sleep`]: a future that is ready when a point in time has come.

use std::future::Future;
use std::panic::Location;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use pin_project_lite::pin_project;

use crate::context;
use crate::entry::{Entry, EntryState};
use crate::host::{self, Operation};
use crate::instant::Instant;
use crate::timers::OwnedWheel;

static SLEEP: Operation = Operation::new("sleep");

pin_project! {
    /// Waits until a point in time; see [`sleep`] and [`sleep_until`].
    ///
    /// It may be made anywhere, also outside a runtime and on any thread; at its first poll it is
    /// filed in the wheel of the worker that polls it.
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
            this.cancel();
        }
    }
}

/// Waits for `duration`. Where that ends beyond what an instant can represent, about 30 years.
///
/// Never ends early; ends at most 65.536 us late, plus the time that waking the task takes (tokio's
/// granularity is 1 ms).
///
/// # Panics
/// Polling it outside a runtime panics.
///
/// # Cancel safety
/// Cancel safe: dropping it does nothing but end the wait.
#[track_caller]
pub fn sleep(duration: Duration) -> Sleep {
    Sleep::new(Instant::now_plus(duration), Location::caller())
}

/// Waits until `deadline`; one that has passed is ready at once.
///
/// # Panics
/// Polling it outside a runtime panics.
///
/// # Cancel safety
/// As [`sleep`].
#[track_caller]
pub fn sleep_until(deadline: Instant) -> Sleep {
    Sleep::new(deadline, Location::caller())
}

impl Sleep {
    pub(crate) fn new(deadline: Instant, at: &'static Location<'static>) -> Sleep {
        Sleep { deadline, at, wheel: None, entry: Entry::new() }
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

    /// Polls without regard to the task's budget.
    pub(crate) fn poll_elapsed(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        let this = self.project();
        let entry = this.entry.into_ref().get_ref();
        match entry.state() {
            EntryState::Fired => return Poll::Ready(()),
            EntryState::Pending => {
                let wheel = this.wheel.as_ref().expect("a pending entry is filed in a wheel");
                // SAFETY: the entry was filed in this wheel.
                if unsafe { !wheel.set_waker(entry, cx.waker()) }
                    && entry.state() == EntryState::Fired
                {
                    return Poll::Ready(());
                }
            }
            EntryState::Idle => {
                let wheel = match context::with_current(Arc::clone) {
                    Some(wheel) => wheel,
                    None => panic!(
                        "there is no Heist timer here: the `sleep`, `timeout` or `interval` made \
                         at {} must be polled inside a runtime; start one with `heist::run`, \
                         `#[heist::main]` or `Runtime::block_on`",
                        this.at
                    ),
                };
                if *this.deadline <= wheel.clock().now() {
                    entry.set_state(EntryState::Fired);
                    return Poll::Ready(());
                }
                let nanos = wheel.clock().nanos_of(*this.deadline);
                // SAFETY: the entry is idle and ours, and pinned; `cancel` runs before it goes.
                unsafe { wheel.file(entry, nanos, cx.waker()) };
                *this.wheel = Some(wheel);
            }
            EntryState::Closed => {}
        }
        host::waiting(&SLEEP, this.at);
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
        ready!(host::proceed(cx));
        let polled = self.as_mut().poll_elapsed(cx);
        if polled.is_pending() {
            host::restore();
        }
        polled
    }
}
