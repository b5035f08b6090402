//! Heist: a multi-threaded work-stealing async executor with its own I/O driver and timers.
//!
//! One worker thread a core takes ready tasks from its own queue and steals from the others' when
//! that is empty; a worker with nothing to do waits for I/O and timers. The names are tokio's, so
//! that a program moves over by changing `tokio::` to `heist::`; where Heist does more, the
//! documentation says so.
//!
//! ```
//! use std::time::Duration;
//!
//! heist::run(async {
//!     let greeting = heist::spawn(async {
//!         heist::time::sleep(Duration::from_millis(1)).await;
//!         "hello"
//!     });
//!     println!("{}", greeting.await.unwrap());
//! });
//! ```
//!
//! * [`run`], [`main`] and [`test`] start a runtime; [`runtime`] has its settings.
//! * [`spawn`] and [`task`]: tasks, their handles, and what they are doing: [`task::all`].
//! * [`gather`], [`as_completed`], [`wait`], [`scope`], [`task::JoinSet`]: many tasks at once.
//! * [`sync`]: channels, locks, and other ways for tasks to wait for each other.
//! * [`time`], [`net`], [`io`], [`fs`], `process`, [`signal`]: sleeping, sockets, streams, files,
//!   child processes, signals.
//! * [`join!`], [`try_join!`], [`select!`]: several futures in one task.
//! * [`task_local!`] and [`inherited!`]: values of a task, and of its children. [`testing`]: helpers.
//!
//! Features: `bytes` (`read_buf` and its kin, for the buffers of that crate), `hyper` (hyper's `Read`
//! and `Write` on TCP and Unix streams and `duplex`, an executor and a timer for it), `tokio-io` (tokio's
//! `AsyncRead` and `AsyncWrite` on these, their halves, pipes, files and standard streams, without its
//! runtime), `tracing` (what the runtime reports is an event).
//!
//! # Waiting and being woken
//!
//! A future that is polled by Heist must not block its thread; for calls that do there are
//! [`task::spawn_blocking`], [`task::BlockingPool`] and [`task::block_in_place`]. If a task blocks
//! its worker all the same, the others go on: its queue, its timers and the I/O driver are taken
//! over within about a millisecond, as long as there is another worker. With `HEIST_DEBUG=1` in the
//! environment such tasks, and other mistakes, are reported; see
//! [`Builder::debug`](runtime::Builder::debug).

// Under `heist_loom` only the protocols are built, without the runtime that drives them.
#![cfg_attr(heist_loom, allow(dead_code, unused_imports, unused_variables))]
// And what is public for the models alone need not be complete.
#![cfg_attr(heist_loom, allow(clippy::new_without_default, clippy::len_without_is_empty))]
// The macros name this crate by its own name, also in its own tests and examples.
extern crate self as heist;

mod blocking;
mod foreign;
#[cfg(not(heist_loom))]
pub mod fs;
#[cfg(all(feature = "hyper", not(heist_loom)))]
pub mod hyper;
#[cfg(not(heist_loom))]
pub mod io;
mod leaf;
#[cfg(not(heist_loom))]
mod macros;
#[cfg(heist_loom)]
#[doc(hidden)]
pub mod model;
#[cfg(not(heist_loom))]
pub mod net;
#[cfg(all(target_os = "linux", not(heist_loom)))]
pub mod process;
// Public for models and benches alone, so it need not be complete.
#[allow(unreachable_pub, clippy::new_without_default, clippy::len_without_is_empty)]
mod queue;
mod report;
#[cfg(not(heist_loom))]
pub mod runtime;
mod shim;
#[cfg(not(heist_loom))]
pub mod signal;
pub mod sync;
pub mod task;
#[cfg(not(heist_loom))]
pub mod testing;
#[cfg(not(heist_loom))]
pub mod time;
mod worker;

/// `join!(a, b)` waits for several futures in one task.
///
/// # Examples
/// ```
/// # heist::runtime::Runtime::new().unwrap().block_on(async {
/// let (a, b) = heist::join!(async { 1 }, async { "two" });
/// assert_eq!((a, b), (1, "two"));
/// # });
/// ```
///
/// # In detail
///
#[cfg(not(heist_loom))]
pub use heist_macros::join;

/// `#[heist::main]` makes an async function the program's `main`.
///
/// # Examples
/// ```
/// #[heist::main(worker_threads = 2)]
/// async fn main() {
///     let greeting = heist::spawn(async { "hello" });
///     println!("{}", greeting.await.unwrap());
/// }
/// ```
///
/// # In detail
///
#[cfg(not(heist_loom))]
pub use heist_macros::main;

/// `select!` waits for the first of several futures.
///
/// # Examples
/// ```
/// # heist::runtime::Runtime::new().unwrap().block_on(async {
/// use heist::time::{Duration, sleep};
///
/// let winner = heist::select! {
///     () = sleep(Duration::from_secs(3600)) => "the hour",
///     value = async { "the value" } => value,
/// };
/// assert_eq!(winner, "the value");
///
/// // A channel's messages, until it ends or the time is over.
/// let (sender, mut receiver) = heist::sync::mpsc::channel(8);
/// sender.send(1).await.unwrap();
/// sender.send(2).await.unwrap();
/// drop(sender);
/// let mut over = std::pin::pin!(sleep(Duration::from_secs(60)));
/// let mut sum = 0;
/// loop {
///     heist::select! {
///         message = receiver.recv() => match message {
///             Some(n) => sum += n,
///             None => break,
///         },
///         () = &mut over => break,
///     }
/// }
/// assert_eq!(sum, 3);
/// # });
/// ```
///
/// # In detail
///
#[cfg(not(heist_loom))]
pub use heist_macros::select;

/// `#[heist::test]` makes an async function a test.
///
/// # Examples
/// ```
/// #[heist::test(start_paused = true, timeout = "5s")]
/// async fn an_hour_passes() {
///     heist::time::sleep(std::time::Duration::from_secs(3600)).await;
/// }
/// ```
///
/// # In detail
///
#[cfg(not(heist_loom))]
pub use heist_macros::test;

/// `try_join!(a, b)` waits for several futures that may fail, in one task.
///
/// # Examples
/// ```
/// # heist::runtime::Runtime::new().unwrap().block_on(async {
/// let both = heist::try_join!(async { Ok::<_, &str>(1) }, async { Ok(2) });
/// assert_eq!(both, Ok((1, 2)));
///
/// let never = std::future::pending::<Result<u8, &str>>();
/// let failed = heist::try_join!(never, async { Err::<u8, _>("no") });
/// assert_eq!(failed, Err("no"));
/// # });
/// ```
///
/// # In detail
///
#[cfg(not(heist_loom))]
pub use heist_macros::try_join;

#[cfg(not(heist_loom))]
pub use runtime::run;
#[cfg(not(heist_loom))]
pub use task::{TaskGroup, When, as_completed, gather, scope, shield, spawn, wait};

/// What macros expand to, and the parts that benches measure one by one.
#[cfg(not(heist_loom))]
#[doc(hidden)]
pub mod __private {
    pub use crate::macros::{MaybeDone, block_on_with_timeout, random_below};
    pub use crate::queue::{Injector, LocalQueue, Stealer};
    pub use heist_timer::silence::GivenUp;
}
