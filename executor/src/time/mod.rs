//! Time: sleeps, time-outs, intervals, calls at a later time, and a clock that tests can hold still.

mod after;

pub use after::{TimerHandle, after};
pub use heist_timer::{
    Instant, Interval, MissedTickBehavior, Sleep, Timeout, advance, error, interval, interval_at,
    pause, resume, sleep, sleep_until, timeout, timeout_at,
};

#[doc(no_inline)]
pub use std::time::Duration;
