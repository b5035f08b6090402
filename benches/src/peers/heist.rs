//! Heist, as a program gets it: multi-thread, I/O and timers on.

use std::future::Future;
use std::io;
use std::path::PathBuf;
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::time::{Duration, Instant};

use heist::fs::File;
use heist::net::{TcpListener, TcpStream};
use heist::runtime::{Builder, Runtime as HeistRuntime};
use heist::sync::{mpsc, oneshot};

use super::{Channels, Runtime};

/// See the module.
#[derive(Debug)]
pub struct Heist(HeistRuntime);

/// A task's handle without the `Result`.
#[derive(Debug)]
pub struct Task<T>(heist::task::JoinHandle<T>);

impl<T> Future for Task<T> {
    type Output = T;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<T> {
        Poll::Ready(ready!(Pin::new(&mut self.0).poll(cx)).expect("tasks of shapes end well"))
    }
}

impl Runtime for Heist {
    const NAME: &'static str = super::OURS;
    type Task<T: Send + 'static> = Task<T>;
    type Native = HeistChannels;
    type Listener = TcpListener;
    type Stream = TcpStream;
    type HyperStream = TcpStream;

    fn start(workers: usize) -> Heist {
        let runtime = Builder::new_multi_thread().worker_threads(workers).build();
        Heist(runtime.expect("a runtime starts"))
    }

    fn stop(self) {
        drop(self);
    }

    fn spawn_outside<F>(&self, future: F) -> Task<F::Output>
    where
        F: Future<Output: Send> + Send + 'static,
    {
        Task(self.0.spawn(future))
    }

    fn spawn<F>(future: F) -> Task<F::Output>
    where
        F: Future<Output: Send> + Send + 'static,
    {
        Task(heist::spawn(future))
    }

    fn yield_now() -> impl Future<Output = ()> + Send {
        heist::task::yield_now()
    }

    fn sleep(time: Duration) -> impl Future<Output = ()> + Send + 'static {
        heist::time::sleep(time)
    }

    fn sleep_until(deadline: Instant) -> impl Future<Output = ()> + Send + 'static {
        heist::time::sleep_until(deadline.into())
    }

    async fn timeout<F>(time: Duration, future: F) -> Option<F::Output>
    where
        F: Future<Output: Send> + Send,
    {
        heist::time::timeout(time, future).await.ok()
    }

    fn spawn_blocking<T: Send + 'static>(job: impl FnOnce() -> T + Send + 'static) -> Task<T> {
        Task(heist::task::spawn_blocking(job))
    }

    async fn block_in_place<T: Send + 'static>(job: impl FnOnce() -> T + Send + 'static) -> T {
        heist::task::block_in_place(job)
    }

    async fn copy_file(from: PathBuf, to: PathBuf) -> io::Result<u64> {
        let (from, to) = (File::open(from).await?, File::create(to).await?);
        heist::io::copy(from, to).await
    }

    fn listen(listener: std::net::TcpListener) -> io::Result<TcpListener> {
        TcpListener::from_std(listener)
    }

    async fn accept(listener: &TcpListener) -> io::Result<TcpStream> {
        let (stream, _) = listener.accept().await?;
        stream.set_nodelay(true)?;
        Ok(stream)
    }

    fn read<'a>(
        stream: &'a mut TcpStream,
        buffer: &'a mut [u8],
    ) -> impl Future<Output = io::Result<usize>> + Send + 'a {
        stream.read(buffer)
    }

    fn write_all<'a>(
        stream: &'a mut TcpStream,
        bytes: &'a [u8],
    ) -> impl Future<Output = io::Result<()>> + Send + 'a {
        stream.write_all(bytes)
    }

    fn hyper_stream(stream: TcpStream) -> TcpStream {
        stream
    }
}

/// Heist's own channels.
#[derive(Debug)]
pub struct HeistChannels;

impl Channels for HeistChannels {
    type Sender = mpsc::Sender<u64>;
    type Receiver = mpsc::Receiver<u64>;

    fn oneshot<T: Send + 'static>()
    -> (impl FnOnce(T) + Send + 'static, impl Future<Output = T> + Send + 'static) {
        let (sender, receiver) = oneshot::channel();
        let send = move |value| {
            // Ignored: the receiver may have gone.
            let _ = sender.send(value);
        };
        (send, async move { receiver.await.expect("the sender sends before it goes") })
    }

    fn bounded(capacity: usize) -> (Self::Sender, Self::Receiver) {
        mpsc::channel(capacity)
    }

    async fn send(sender: &Self::Sender, number: u64) {
        sender.send(number).await.expect("the receiver outlives its senders");
    }

    fn receive(receiver: &mut Self::Receiver) -> impl Future<Output = Option<u64>> + Send + '_ {
        receiver.recv()
    }
}
