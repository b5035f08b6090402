//! [`interval`]: a tick at each beginning of a period.

use std::future::{Future, poll_fn};
use std::panic::Location;
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use crate::entry::EntryState;
use crate::host::{self, Made, Operation};
use crate::instant::Instant;
use crate::sleep::Sleep;

static TICK: Operation = Operation::new("Interval::tick");

/// A tick that is no later than this counts as on time for [`MissedTickBehavior::Delay`], as with
/// tokio: the little that every timer is late must not add up.
const LATE: Duration = Duration::from_millis(5);

/// What an [`Interval`] does about ticks that nobody waited for in time.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum MissedTickBehavior {
    /// Makes up for them in quick succession, and is on its old schedule again.
    #[default]
    Burst,
    /// Starts a new schedule: the next tick is one period after the late one. No two ticks are less
    /// than a period apart, but for 5 ms that a tick may be late without being missed.
    Delay,
    /// Leaves them out, and goes on at the next time that its old schedule names.
    Skip,
}

/// A clock that ticks; see [`interval`].
#[derive(Debug)]
pub struct Interval {
    sleep: Pin<Box<Sleep>>,
    period: Duration,
    missed: MissedTickBehavior,
}

/// Ticks at once and then every `period`.
///
/// An example is at the head of `heist::time`.
///
/// # Panics
/// If `period` is zero. Ticks panic outside a runtime.
#[track_caller]
pub fn interval(period: Duration) -> Interval {
    interval_at(Instant::now(), period)
}

/// Ticks at `start` and then every `period`.
///
/// # Panics
/// If `period` is zero. Ticks panic outside a runtime.
#[track_caller]
pub fn interval_at(start: Instant, period: Duration) -> Interval {
    assert!(period > Duration::ZERO, "an interval needs a period above zero");
    let sleep = Box::pin(Sleep::new(start, EntryState::Idle, Location::caller()));
    Interval { sleep, period, missed: MissedTickBehavior::default() }
}

impl Interval {
    /// Waits for the next tick, and returns the time for which it was scheduled.
    ///
    /// # Cancel safety
    /// Cancel safe: no tick is lost with a dropped wait.
    #[track_caller]
    pub fn tick(&mut self) -> impl Future<Output = Instant> {
        let mut made = Made::here(&TICK);
        poll_fn(move |cx| {
            made.set_polled();
            self.poll_tick_at(cx, made.at)
        })
    }

    /// As [`tick`](Interval::tick), for futures written by hand.
    #[track_caller]
    pub fn poll_tick(&mut self, cx: &mut Context<'_>) -> Poll<Instant> {
        self.poll_tick_at(cx, Location::caller())
    }

    fn poll_tick_at(
        &mut self,
        cx: &mut Context<'_>,
        at: &'static Location<'static>,
    ) -> Poll<Instant> {
        ready!(host::proceed(cx));
        if self.sleep.as_mut().poll_elapsed(cx).is_pending() {
            host::restore();
            host::waiting(&TICK, at);
            return Poll::Pending;
        }
        let scheduled = self.sleep.deadline();
        let now = Instant::now();
        let next = self.next_after(scheduled, now);
        self.sleep.as_mut().reset(next);
        Poll::Ready(scheduled)
    }

    fn next_after(&self, scheduled: Instant, now: Instant) -> Instant {
        let on_time = later(scheduled, self.period);
        match self.missed {
            MissedTickBehavior::Burst => on_time,
            MissedTickBehavior::Delay if now > later(scheduled, LATE.min(self.period)) => {
                later(now, self.period)
            }
            MissedTickBehavior::Delay => on_time,
            MissedTickBehavior::Skip if now < on_time => on_time,
            MissedTickBehavior::Skip => {
                let late = now.duration_since(scheduled).as_nanos() % self.period.as_nanos();
                // The remainder is below the period, which fits.
                let late = Duration::from_nanos(late as u64);
                later(now, self.period - late)
            }
        }
    }

    /// The next tick is one period from now.
    pub fn reset(&mut self) {
        self.reset_at(later(Instant::now(), self.period));
    }

    /// The next tick is now.
    pub fn reset_immediately(&mut self) {
        self.reset_at(Instant::now());
    }

    /// The next tick is `after` from now, and the others follow it.
    pub fn reset_after(&mut self, after: Duration) {
        self.reset_at(later(Instant::now(), after));
    }

    /// The next tick is at `deadline`, and the others follow it.
    pub fn reset_at(&mut self, deadline: Instant) {
        self.sleep.as_mut().reset(deadline);
    }

    /// What happens to missed ticks.
    pub fn missed_tick_behavior(&self) -> MissedTickBehavior {
        self.missed
    }

    /// Says what is to happen to missed ticks.
    pub fn set_missed_tick_behavior(&mut self, behavior: MissedTickBehavior) {
        self.missed = behavior;
    }

    /// The time from tick to tick.
    pub fn period(&self) -> Duration {
        self.period
    }
}

fn later(time: Instant, by: Duration) -> Instant {
    time.checked_add(by).unwrap_or_else(Instant::far_future)
}
