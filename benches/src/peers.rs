//! The contestants behind one trait, so that every shape is the same code for all.
//!
//! Everything runs from a spawned root task: tokio's `block_on` thread is not a worker, and what
//! it spawns would take the way from outside.

mod heist;
mod smol;
mod tokio;

use std::future::Future;
use std::net::SocketAddr;
use std::pin::Pin;
use std::time::Duration;

/// A contestant.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Peer {
    Heist,
    Tokio,
    Smol,
}

impl Peer {
    pub(crate) const ALL: [Peer; 3] = [Peer::Heist, Peer::Tokio, Peer::Smol];

    pub(crate) fn name(self) -> &'static str {
        match self {
            Peer::Heist => "heist",
            Peer::Tokio => "tokio",
            Peer::Smol => "smol",
        }
    }

    pub(crate) fn by_name(name: &str) -> Peer {
        *Peer::ALL.iter().find(|peer| peer.name() == name).expect("a known contestant")
    }
}

pub(crate) type Output<T> = Pin<Box<dyn Future<Output = T> + Send>>;

/// What a shape needs of a runtime.
pub(crate) trait Runtime: Send + Sync + 'static {
    type Join<T: Send + 'static>: Future<Output = T> + Send + 'static;
    type Stream: Send + Sync + 'static;
    type Listener: Send + Sync + 'static;

    /// Runs a root task to its end on this many workers; `outside` is called on the main thread
    /// with the runtime entered, once the workers are there.
    fn run<T: Send + 'static>(workers: usize, root: impl Future<Output = T> + Send + 'static) -> T;
    fn spawn<T: Send + 'static>(future: impl Future<Output = T> + Send + 'static) -> Self::Join<T>;
    /// Something that spawns from threads outside the runtime.
    fn spawner() -> impl Fn(Output<()>) -> Self::Join<()> + Send + Sync + 'static;
    fn sleep(duration: Duration) -> impl Future<Output = ()> + Send;
    fn timeout<F: Future + Send>(
        duration: Duration,
        future: F,
    ) -> impl Future<Output = Option<F::Output>> + Send
    where
        F::Output: Send;
    fn blocking(job: impl FnOnce() + Send + 'static) -> impl Future<Output = ()> + Send;
    fn listen() -> impl Future<Output = (Self::Listener, SocketAddr)> + Send;
    fn accept(listener: &Self::Listener) -> impl Future<Output = Self::Stream> + Send;
    fn read<'a>(
        stream: &'a mut Self::Stream,
        buffer: &'a mut [u8],
    ) -> impl Future<Output = usize> + Send + 'a;
    fn write_all<'a>(
        stream: &'a mut Self::Stream,
        bytes: &'a [u8],
    ) -> impl Future<Output = bool> + Send + 'a;
    /// Builds a runtime, runs one task on it, and drops it.
    fn start_and_stop(workers: usize);
}

/// Runs the generic shape `$shape` on the contestant `$peer`.
macro_rules! on {
    ($peer:expr, $shape:ident($($argument:expr),*)) => {
        match $peer {
            $crate::peers::Peer::Heist => $shape::<$crate::peers::Heist>($($argument),*),
            $crate::peers::Peer::Tokio => $shape::<$crate::peers::Tokio>($($argument),*),
            $crate::peers::Peer::Smol => $shape::<$crate::peers::Smol>($($argument),*),
        }
    };
}
pub(crate) use on;

pub(crate) use heist::Heist;
pub(crate) use smol::Smol;
pub(crate) use tokio::Tokio;
