//! The macros of the heist executor.
//!
//! `#[main]` and `#[test]` wrap an async function in a runtime; `join!`, `try_join!` and `select!`
//! wait for several futures in one task. All are re-exported by the crate `heist`, whose documentation
//! begins with an example of each and goes on with what is said here; `crate = ..` names it for the
//! attributes where it has another name.

mod entry;
mod join;
mod select;

use proc_macro::TokenStream;

/// Runs an async `main` on a runtime.
///
/// Arguments: `flavor = "multi_thread"` (the default) or `"current_thread"`, `worker_threads = N`,
/// `start_paused = true`, `crate = path`.
///
/// # Panics
/// If the runtime cannot be made.
#[proc_macro_attribute]
pub fn main(args: TokenStream, item: TokenStream) -> TokenStream {
    entry::expand(entry::Kind::Main, args.into(), item.into()).into()
}

/// Runs an async test on a runtime of its own.
///
/// Arguments: `flavor = "current_thread"` (the default) or `"multi_thread"`, `worker_threads = N`,
/// `start_paused = true`, `crate = path`, and `timeout = "5s"`: a test that takes longer prints where
/// every task stands, and fails.
#[proc_macro_attribute]
pub fn test(args: TokenStream, item: TokenStream) -> TokenStream {
    entry::expand(entry::Kind::Test, args.into(), item.into()).into()
}

/// Waits for all of several futures at once, in this task, and returns their outputs as a tuple. Each
/// poll polls those that are not ready yet, in the order written.
///
/// # Cancel safety
/// That of its futures, which are all dropped with it; outputs that are there already are lost.
#[proc_macro]
pub fn join(input: TokenStream) -> TokenStream {
    join::expand(join::Kind::All, input.into()).into()
}

/// Waits for several futures that return results, until all have succeeded or one has failed. The
/// failure is returned at once, and the others are dropped.
///
/// # Errors
/// That of the first future that fails; of several in one poll, that of the one written first.
///
/// # Cancel safety
/// That of its futures, which are all dropped with it; outputs that are there already are lost.
#[proc_macro]
pub fn try_join(input: TokenStream) -> TokenStream {
    join::expand(join::Kind::Try, input.into()).into()
}

/// Waits for the first of several futures whose output fits its pattern, runs that branch's
/// handler, and drops the others.
///
/// tokio's grammar: `pattern = future => handler`, with `, if condition` after the future, an
/// `else => handler` for when every branch is disabled, and `biased;` in front to poll in the order
/// written; otherwise each poll starts with a random branch. Up to 64 branches. A branch is
/// disabled by a condition that is false (its future is made, but not polled) and by an output that
/// does not fit its pattern.
///
/// # Panics
/// If every branch is disabled and there is no `else`.
///
/// # Cancel safety
/// The losers are dropped where they stand, so in a loop each future should be cancel safe, or be kept
/// outside and awaited by `&mut`.
#[proc_macro]
pub fn select(input: TokenStream) -> TokenStream {
    select::expand(input.into()).into()
}
