//! The I/O driver of the heist executor.
//!
//! A [`Reactor`] waits for readiness of sockets and wakes whoever waits for it; [`Async`] is any
//! descriptor on a reactor; [`net`] has the sockets. Each source is registered once, in edge mode,
//! and remembers its readiness, so an operation that can go ahead costs its own system call and no
//! other.
//!
//! Deliberately without threads: somebody must call [`Reactor::turn`]. This crate knows nothing of
//! tasks, workers, or timers; what it needs of a runtime comes through [`host`] and [`context`].

#[cfg(not(heist_loom))]
pub mod async_fd;
#[cfg(not(heist_loom))]
pub mod context;
#[cfg(not(heist_loom))]
pub mod host;
mod interest;
#[cfg(not(heist_loom))]
pub mod net;
#[cfg(not(heist_loom))]
mod reactor;
mod readiness;
// Public for the models alone.
#[cfg_attr(not(heist_loom), allow(unreachable_pub))]
#[cfg_attr(heist_loom, allow(dead_code))]
mod registration;
mod shim;
#[cfg(not(heist_loom))]
mod source;
#[cfg(not(heist_loom))]
mod traits;
#[cfg(not(heist_loom))]
mod wait;

pub use interest::{Interest, Ready};
#[cfg(not(heist_loom))]
pub use reactor::{Reactor, is_shutdown_error};
#[cfg(not(heist_loom))]
pub use source::{Async, Readiness, ReadinessOwned};

/// The protocols of this crate, for the loom models.
#[cfg(heist_loom)]
#[doc(hidden)]
pub mod model {
    pub use crate::interest::{Interest, Ready};
    pub use crate::registration::{Place, Registration, wake_all};
}
