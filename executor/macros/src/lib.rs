//! The macros of the heist executor.
//!
//! `#[main]` and `#[test]` wrap an async function in a runtime; `join!`, `try_join!` and `select!`
//! wait for several futures in one task. All are re-exported and documented by the crate `heist`;
//! `crate = ..` names it for the attributes where it has another name.

mod entry;
mod join;
mod select;

use proc_macro::TokenStream;

/// Runs an async `main` on a runtime.
///
/// Arguments: `flavor = "multi_thread"` (the default) or `"current_thread"`, `worker_threads = N`,
/// `start_paused = true`, `crate = path`.
///
/// ```ignore
/// #[heist::main]
/// async fn main() {
///     println!("hello");
/// }
/// ```
#[proc_macro_attribute]
pub fn main(args: TokenStream, item: TokenStream) -> TokenStream {
    entry::expand(entry::Kind::Main, args.into(), item.into()).into()
}

/// Runs an async test on a runtime of its own.
///
/// Arguments: `flavor = "current_thread"` (the default) or `"multi_thread"`, `worker_threads = N`,
/// `start_paused = true`, `crate = path`, and `timeout = "5s"`: a test that takes longer prints where
/// every task stands, and fails.
///
/// ```ignore
/// #[heist::test(start_paused = true, timeout = "5s")]
/// async fn an_hour_passes() {
///     heist::time::sleep(std::time::Duration::from_secs(3600)).await;
/// }
/// ```
#[proc_macro_attribute]
pub fn test(args: TokenStream, item: TokenStream) -> TokenStream {
    entry::expand(entry::Kind::Test, args.into(), item.into()).into()
}

/// Waits for all of several futures at once, in this task, and returns their outputs as a tuple.
///
/// ```ignore
/// let (a, b) = heist::join!(async { 1 }, async { "two" });
/// ```
#[proc_macro]
pub fn join(input: TokenStream) -> TokenStream {
    join::expand(join::Kind::All, input.into()).into()
}

/// Waits for several futures that return results, until all have succeeded or one has failed. The
/// failure is returned at once, and the others are dropped.
///
/// ```ignore
/// let both = heist::try_join!(async { Ok::<_, &str>(1) }, async { Err::<u8, _>("no") });
/// assert_eq!(both, Err("no"));
/// ```
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
/// ```ignore
/// let winner = heist::select! {
///     _ = heist::time::sleep(Duration::from_secs(3600)) => "the hour",
///     value = async { "the value" } => value,
/// };
/// ```
#[proc_macro]
pub fn select(input: TokenStream) -> TokenStream {
    select::expand(input.into()).into()
}
