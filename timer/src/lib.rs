//! The hierarchical timer of the heist executor.
//!
//! Each worker owns one wheel of its own, under a lock that only it takes in the ordinary
//! course of things; [`Timers`] holds the wheels of a runtime. A [`Sleep`] carries its entry
//! inside itself, is filed at its first poll, and costs no allocation. Time comes from a
//! [`Clock`] that tests can hold still.
//!
//! Promises: a timer never fires early; it fires at most one tick (65.536 us) late plus what waking
//! the owner takes, two ticks where timers fire all the time; dropping or resetting a timer is as cheap as making it.
//!
//! Deliberately without threads and without sleeping: an owner asks when it must wake
//! ([`Timers::begin_park`]), sleeps by its own means, and says that time has passed
//! ([`Timers::advance`]). This crate knows nothing of tasks, workers, or I/O.

mod clock;
pub mod context;
// Public for the models alone.
#[allow(unreachable_pub)]
mod entrusted;
mod entry;
pub mod host;
mod instant;
mod interval;
mod owned_wheel;
mod pause;
mod shim;
pub mod silence;
mod sleep;
mod timeout;
mod timers;
mod wheel;

pub use clock::Clock;
pub use instant::Instant;
pub use interval::{Interval, MissedTickBehavior, interval, interval_at};
pub use pause::{advance, pause, resume};
pub use sleep::{Sleep, sleep, sleep_until};
pub use timeout::{Timeout, timeout, timeout_at};
pub use timers::Timers;

/// What models and fuzzing look at from inside.
#[cfg(any(heist_loom, fuzzing))]
#[doc(hidden)]
pub mod model {
    #[cfg(heist_loom)]
    pub use crate::entrusted::Entrusted;
    #[cfg(fuzzing)]
    pub use crate::wheel::compared::go;
}

/// Errors of this crate.
pub mod error {
    pub use crate::timeout::Elapsed;
}
