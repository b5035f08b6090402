//! The runtimes behind one trait, so that each shape is one code for all of them.
//!
//! Everything runs from a spawned root task: the thread that starts a runtime is a worker in none
//! of them, and what it spawned itself would take the way from outside.

pub mod heist;
pub mod smol;
pub mod tokio;

use std::future::Future;
use std::io;
use std::path::PathBuf;
use std::time::{Duration, Instant};

use crate::cell::{Answer, Cell};
use crate::shapes::Question;

/// Someone who can answer the question of a shape.
#[derive(Clone, Copy, Debug)]
pub struct Contestant {
    /// As in tables and after `--contestants`.
    pub name: &'static str,
    /// Whether this is a runtime; otherwise it is a limit, with which nobody competes.
    pub is_runtime: bool,
    /// Runs a cell.
    pub answer: fn(&Cell) -> Answer,
}

/// The name of the contestant that the others are measured against.
pub const OURS: &str = "heist";

/// The runtimes that take part: the one list.
pub fn runtimes<Q: Question>() -> Vec<Contestant> {
    vec![
        contestant::<heist::Heist, Q>(),
        contestant::<tokio::Tokio, Q>(),
        contestant::<smol::Smol, Q>(),
    ]
}

fn contestant<R: Runtime, Q: Question>() -> Contestant {
    Contestant { name: R::NAME, is_runtime: true, answer: Q::answer::<R> }
}

/// What shapes need of a runtime.
///
/// Functions without `self` are called inside a task of the runtime.
pub trait Runtime: Sized + Send + Sync + 'static {
    /// As in tables.
    const NAME: &'static str;
    /// The handle of a task, which yields the task's output and panics if the task did.
    type Task<T: Send + 'static>: Future<Output = T> + Send + Unpin + 'static;
    /// The channels that come with the runtime.
    type Native: Channels;
    /// A TCP listener.
    type Listener: Send + Sync + 'static;
    /// A TCP connection.
    type Stream: Send + 'static;
    /// A TCP connection in the form that hyper wants.
    type HyperStream: hyper::rt::Read + hyper::rt::Write + Send + Unpin + 'static;

    /// Starts a runtime with so many worker threads.
    fn start(workers: usize) -> Self;
    /// Ends it, and returns once its threads have ended.
    fn stop(self);
    /// Spawns from a thread that is no worker.
    fn spawn_outside<F>(&self, future: F) -> Self::Task<F::Output>
    where
        F: Future<Output: Send> + Send + 'static;
    /// Runs the root task, and blocks this thread until it has ended.
    fn run<F>(&self, root: F) -> F::Output
    where
        F: Future<Output: Send> + Send + 'static,
    {
        ::smol::future::block_on(self.spawn_outside(root))
    }

    /// Spawns from a task.
    fn spawn<F>(future: F) -> Self::Task<F::Output>
    where
        F: Future<Output: Send> + Send + 'static;
    /// Lets a task go on without its handle.
    fn detach<T: Send + 'static>(task: Self::Task<T>) {
        drop(task);
    }
    /// Lets others run.
    fn yield_now() -> impl Future<Output = ()> + Send;
    /// Waits for so long.
    fn sleep(time: Duration) -> impl Future<Output = ()> + Send + 'static;
    /// Waits until then.
    fn sleep_until(deadline: Instant) -> impl Future<Output = ()> + Send + 'static;
    /// Gives a future so much time; `None` if that was not enough.
    fn timeout<F>(time: Duration, future: F) -> impl Future<Output = Option<F::Output>> + Send
    where
        F: Future<Output: Send> + Send;
    /// Runs a closure where it may block.
    fn spawn_blocking<T: Send + 'static>(job: impl FnOnce() -> T + Send + 'static)
    -> Self::Task<T>;
    /// Runs a closure that may block inside the task, or elsewhere if the runtime cannot.
    fn block_in_place<T: Send + 'static>(
        job: impl FnOnce() -> T + Send + 'static,
    ) -> impl Future<Output = T> + Send;
    /// Copies a file through the program, with the runtime's own files and its own `copy`.
    fn copy_file(from: PathBuf, to: PathBuf) -> impl Future<Output = io::Result<u64>> + Send;

    /// Makes a listener of one that is bound and non-blocking.
    fn listen(listener: std::net::TcpListener) -> io::Result<Self::Listener>;
    /// Accepts a connection, with `TCP_NODELAY` set.
    fn accept(
        listener: &Self::Listener,
    ) -> impl Future<Output = io::Result<Self::Stream>> + Send + '_;
    /// Reads some bytes; 0 at the end.
    fn read<'a>(
        stream: &'a mut Self::Stream,
        buffer: &'a mut [u8],
    ) -> impl Future<Output = io::Result<usize>> + Send + 'a;
    /// Writes all bytes.
    fn write_all<'a>(
        stream: &'a mut Self::Stream,
        bytes: &'a [u8],
    ) -> impl Future<Output = io::Result<()>> + Send + 'a;
    /// The connection for hyper.
    fn hyper_stream(stream: Self::Stream) -> Self::HyperStream;
}

/// Channels between tasks: those of a runtime, or the [`Neutral`] ones.
pub trait Channels: Send + Sync + 'static {
    /// Sends to a bounded channel.
    type Sender: Clone + Send + Sync + 'static;
    /// Receives from a bounded channel.
    type Receiver: Send + 'static;

    /// A channel for one value: what sends it, and what receives it.
    fn oneshot<T: Send + 'static>()
    -> (impl FnOnce(T) + Send + 'static, impl Future<Output = T> + Send + 'static);
    /// A channel for so many numbers at a time.
    fn bounded(capacity: usize) -> (Self::Sender, Self::Receiver);
    /// Sends, waiting for room.
    fn send(sender: &Self::Sender, number: u64) -> impl Future<Output = ()> + Send + '_;
    /// Receives, waiting for a number; `None` once all senders are gone.
    fn receive(receiver: &mut Self::Receiver) -> impl Future<Output = Option<u64>> + Send + '_;
}

/// Channels of async-channel, which belong to no runtime (and are smol's own).
#[derive(Debug)]
pub struct Neutral;

impl Channels for Neutral {
    type Sender = async_channel::Sender<u64>;
    type Receiver = async_channel::Receiver<u64>;

    fn oneshot<T: Send + 'static>()
    -> (impl FnOnce(T) + Send + 'static, impl Future<Output = T> + Send + 'static) {
        let (sender, receiver) = async_channel::bounded(1);
        let send = move |value| {
            // Ignored: the receiver may have gone.
            let _ = sender.try_send(value);
        };
        (send, async move { receiver.recv().await.expect("the sender sends before it goes") })
    }

    fn bounded(capacity: usize) -> (Self::Sender, Self::Receiver) {
        async_channel::bounded(capacity)
    }

    async fn send(sender: &Self::Sender, number: u64) {
        sender.send(number).await.expect("the receiver outlives its senders");
    }

    async fn receive(receiver: &mut Self::Receiver) -> Option<u64> {
        receiver.recv().await.ok()
    }
}
