//! The wait itself: how the kernel is asked for events.
//!
//! Both ways stand on a `polling::Poller`. Its own `wait` costs five system calls a turn on Linux;
//! so there we ask the poller's descriptor ourselves, which costs one.

#[cfg(target_os = "linux")]
mod linux;
#[cfg(any(not(target_os = "linux"), test))]
mod portable;

#[cfg(target_os = "linux")]
pub(crate) use linux::{EventBuffer, Waiter};
#[cfg(not(target_os = "linux"))]
pub(crate) use portable::{EventBuffer, Waiter};
