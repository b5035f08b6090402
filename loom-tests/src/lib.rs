//! How the concurrency models are run: `cargo loom`.
//!
//! Each file in `tests/` explores one protocol, on the real code through the libraries' `shim`
//! modules. Each protocol also has a *broken twin*, the same model with one step left out, which
//! must fail: it shows that the model and its bound are large enough to see the bug. Without
//! `cfg(heist_loom)` this package is empty. Its README says how to run the models, how to write one
//! for code of one's own, and what loom cannot do.

#[cfg(heist_loom)]
mod run;

#[cfg(heist_loom)]
pub use run::{model, must_fail};
