//! Time: sleeps, time-outs, intervals, calls at a later time, and a clock that tests can hold still.
//!
//! # Examples
//! ```
//! # heist::runtime::Runtime::new().unwrap().block_on(async {
//! use heist::time::{Duration, Instant, interval, sleep, timeout};
//!
//! let start = Instant::now();
//! sleep(Duration::from_millis(5)).await;
//! assert!(start.elapsed() >= Duration::from_millis(5));
//!
//! // What is not ready in time is dropped.
//! let never = std::future::pending::<()>();
//! assert!(timeout(Duration::from_millis(5), never).await.is_err());
//! assert_eq!(timeout(Duration::from_secs(60), async { 7 }).await, Ok(7));
//!
//! // The first tick is at once.
//! let mut ticks = interval(Duration::from_millis(5));
//! let first = ticks.tick().await;
//! assert_eq!(ticks.tick().await, first + Duration::from_millis(5));
//! # });
//! ```
//!
//! # In tests
//! While the clock is paused, time is what the test says:
//! ```
//! # heist::runtime::Runtime::new().unwrap().block_on(async {
//! use heist::time::{Duration, Instant, advance, pause, resume, sleep};
//!
//! const HOUR: Duration = Duration::from_secs(3600);
//!
//! pause();
//! let start = Instant::now();
//! let reminder = heist::spawn(sleep(HOUR));
//! advance(HOUR).await;
//! reminder.await.unwrap();
//! assert!(start.elapsed() >= HOUR);
//!
//! // If nothing else is left to do, it jumps to the next timer by itself.
//! heist::spawn(sleep(HOUR)).await.unwrap();
//! assert!(start.elapsed() >= 2 * HOUR);
//! resume();
//! # });
//! ```

mod after;

pub use after::{TimerHandle, after};
pub use heist_timer::{
    Instant, Interval, MissedTickBehavior, Sleep, Timeout, advance, error, interval, interval_at,
    pause, resume, sleep, sleep_until, timeout, timeout_at,
};

#[doc(no_inline)]
pub use std::time::Duration;
