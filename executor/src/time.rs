//! Time: sleeps, time-outs, intervals, and a clock that tests can hold still.

pub use heist_timer::{
    Instant, Interval, MissedTickBehavior, Sleep, Timeout, advance, error, interval, interval_at,
    pause, resume, sleep, sleep_until, timeout, timeout_at,
};

#[doc(no_inline)]
pub use std::time::Duration;
