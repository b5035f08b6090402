//! How the concurrency models are run: `cargo loom`.
//!
//! Each file in `tests/` explores one protocol, on the real code through the libraries' `shim`
//! modules. Each protocol also has a *broken twin*, the same model with one step left out, which
//! must fail: it shows that the model and its bound are large enough to see the bug. Without
//! `cfg(heist_loom)` this package is empty.
//!
//! loom's facts of life: at most five threads with the main one; sequentially consistent loads and
//! stores count as acquire and release, so protocols of the store-buffering kind are written with
//! fences; a model that stops at a limit *passes*, so `model` sees to it that none is set.

#[cfg(heist_loom)]
mod run;

#[cfg(heist_loom)]
pub use run::{model, must_fail};
