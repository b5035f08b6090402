//! A point in time, by the clock of the runtime that asks.

use std::ops::{Add, AddAssign, Sub, SubAssign};
use std::time::{Duration, Instant as RealInstant};

use crate::{clock, context};

/// About 30 years: what a deadline that cannot be represented is moved to.
const FAR_FUTURE: Duration = Duration::from_secs(86400 * 365 * 30);

/// A point in time, as [`std::time::Instant`]; only [`now`](Instant::now) differs, which goes by
/// the clock of the current runtime and so stands still where that is paused.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct Instant(RealInstant);

impl Instant {
    /// The present time.
    ///
    /// # Examples
    /// ```
    /// let start = heist_timer::Instant::now();
    /// assert!(start.elapsed() < std::time::Duration::from_secs(60));
    /// ```
    #[inline]
    pub fn now() -> Instant {
        if !clock::any_paused() {
            return Instant(RealInstant::now());
        }
        context::with_current(|wheel| wheel.clock().now())
            .unwrap_or_else(|| Instant(RealInstant::now()))
    }

    /// From the standard library's type.
    pub fn from_std(std: RealInstant) -> Instant {
        Instant(std)
    }

    /// To the standard library's type.
    pub fn into_std(self) -> RealInstant {
        self.0
    }

    pub(crate) fn far_future() -> Instant {
        Instant::now() + FAR_FUTURE
    }

    /// Now plus `duration`; where that cannot be represented, about 30 years from now.
    pub(crate) fn now_plus(duration: Duration) -> Instant {
        Instant::now().checked_add(duration).unwrap_or_else(Instant::far_future)
    }

    /// Time since `earlier`, or zero if that is later.
    pub fn duration_since(&self, earlier: Instant) -> Duration {
        self.0.saturating_duration_since(earlier.0)
    }

    /// Time since `earlier`, or `None` if that is later.
    pub fn checked_duration_since(&self, earlier: Instant) -> Option<Duration> {
        self.0.checked_duration_since(earlier.0)
    }

    /// Time since `earlier`, or zero if that is later.
    pub fn saturating_duration_since(&self, earlier: Instant) -> Duration {
        self.0.saturating_duration_since(earlier.0)
    }

    /// Time from this instant to now.
    pub fn elapsed(&self) -> Duration {
        Instant::now().duration_since(*self)
    }

    /// This instant plus `duration`, or `None` if that cannot be represented.
    pub fn checked_add(&self, duration: Duration) -> Option<Instant> {
        self.0.checked_add(duration).map(Instant)
    }

    /// This instant minus `duration`, or `None` if that cannot be represented.
    pub fn checked_sub(&self, duration: Duration) -> Option<Instant> {
        self.0.checked_sub(duration).map(Instant)
    }
}

impl From<RealInstant> for Instant {
    fn from(std: RealInstant) -> Instant {
        Instant(std)
    }
}

impl From<Instant> for RealInstant {
    fn from(instant: Instant) -> RealInstant {
        instant.0
    }
}

impl Add<Duration> for Instant {
    type Output = Instant;

    /// # Panics
    /// If the sum cannot be represented; see [`Instant::checked_add`].
    #[track_caller]
    fn add(self, duration: Duration) -> Instant {
        Instant(self.0 + duration)
    }
}

impl AddAssign<Duration> for Instant {
    #[track_caller]
    fn add_assign(&mut self, duration: Duration) {
        *self = *self + duration;
    }
}

impl Sub<Duration> for Instant {
    type Output = Instant;

    /// # Panics
    /// If the difference cannot be represented; see [`Instant::checked_sub`].
    #[track_caller]
    fn sub(self, duration: Duration) -> Instant {
        Instant(self.0 - duration)
    }
}

impl SubAssign<Duration> for Instant {
    #[track_caller]
    fn sub_assign(&mut self, duration: Duration) {
        *self = *self - duration;
    }
}

impl Sub<Instant> for Instant {
    type Output = Duration;

    fn sub(self, earlier: Instant) -> Duration {
        self.duration_since(earlier)
    }
}
