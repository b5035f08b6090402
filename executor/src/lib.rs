//! Heist: a multi-threaded work-stealing async executor.
#![cfg_attr(heist_loom, allow(dead_code, unused_imports))]

#[cfg(not(heist_loom))]
mod blocking;
#[cfg(not(heist_loom))]
mod leaf;
pub(crate) mod queue;
#[cfg(not(heist_loom))]
pub mod runtime;
mod shim;
pub mod task;
#[cfg(not(heist_loom))]
pub mod time;
mod worker;

#[cfg(not(heist_loom))]
pub use runtime::run;
#[cfg(not(heist_loom))]
pub use task::spawn;
