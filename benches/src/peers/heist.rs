//! Heist.

use std::future::Future;
use std::net::SocketAddr;
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use heist::net::{TcpListener, TcpStream};
use heist::runtime::{Builder, Handle};

use super::{Output, Runtime};

pub(crate) struct Heist;

pub(crate) struct Join<T>(heist::task::JoinHandle<T>);

impl<T> Future for Join<T> {
    type Output = T;
    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<T> {
        Poll::Ready(ready!(Pin::new(&mut self.0).poll(cx)).expect("a task of a shape"))
    }
}

impl Runtime for Heist {
    type Join<T: Send + 'static> = Join<T>;
    type Stream = TcpStream;
    type Listener = TcpListener;

    fn run<T: Send + 'static>(workers: usize, root: impl Future<Output = T> + Send + 'static) -> T {
        let runtime = Builder::new_multi_thread().worker_threads(workers).build().unwrap();
        let output = runtime.block_on(runtime.spawn(root)).unwrap();
        runtime.shutdown_timeout(Duration::from_secs(1));
        output
    }

    fn spawn<T: Send + 'static>(future: impl Future<Output = T> + Send + 'static) -> Join<T> {
        Join(heist::spawn(future))
    }

    fn spawner() -> impl Fn(Output<()>) -> Join<()> + Send + Sync + 'static {
        let handle = Handle::current();
        move |future| Join(handle.spawn(future))
    }

    fn sleep(duration: Duration) -> impl Future<Output = ()> + Send {
        heist::time::sleep(duration)
    }

    async fn timeout<F: Future + Send>(duration: Duration, future: F) -> Option<F::Output>
    where
        F::Output: Send,
    {
        heist::time::timeout(duration, future).await.ok()
    }

    async fn blocking(job: impl FnOnce() + Send + 'static) {
        heist::task::spawn_blocking(job).await.unwrap();
    }

    async fn listen() -> (TcpListener, SocketAddr) {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let addr = listener.local_addr().unwrap();
        (listener, addr)
    }

    async fn accept(listener: &TcpListener) -> TcpStream {
        let (stream, _) = listener.accept().await.unwrap();
        stream.set_nodelay(true).unwrap();
        stream
    }

    async fn read<'a>(stream: &'a mut TcpStream, buffer: &'a mut [u8]) -> usize {
        stream.read(buffer).await.unwrap_or(0)
    }

    async fn write_all<'a>(stream: &'a mut TcpStream, bytes: &'a [u8]) -> bool {
        stream.write_all(bytes).await.is_ok()
    }

    fn start_and_stop(workers: usize) {
        let runtime = Builder::new_multi_thread().worker_threads(workers).build().unwrap();
        runtime.block_on(runtime.spawn(async {})).unwrap();
    }
}
