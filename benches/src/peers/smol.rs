//! smol's parts: async-executor on as many threads, async-io, blocking. (Its global executor has
//! one thread unless the environment says otherwise.)

use std::future::Future;
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use async_executor::{Executor, Task};
use async_io::{Async, Timer};
use futures_lite::{AsyncReadExt, AsyncWriteExt, FutureExt, future};

use super::{Output, Runtime};

pub(crate) struct Smol;

static EXECUTOR: OnceLock<Arc<Executor<'static>>> = OnceLock::new();

fn executor() -> &'static Arc<Executor<'static>> {
    EXECUTOR.get_or_init(Arc::default)
}

/// Runs an executor on threads until `body` returns.
fn with_threads<T>(
    executor: &Arc<Executor<'static>>,
    workers: usize,
    body: impl FnOnce() -> T,
) -> T {
    let (stop, stopped) = async_channel::bounded::<()>(1);
    let threads: Vec<_> = (0..workers)
        .map(|_| {
            let (executor, stopped) = (executor.clone(), stopped.clone());
            std::thread::spawn(move || {
                let _ = async_io::block_on(executor.run(stopped.recv()));
            })
        })
        .collect();
    let output = body();
    drop(stop);
    for thread in threads {
        thread.join().unwrap();
    }
    output
}

impl Runtime for Smol {
    type Join<T: Send + 'static> = Task<T>;
    type Stream = Async<TcpStream>;
    type Listener = Async<TcpListener>;

    fn run<T: Send + 'static>(workers: usize, root: impl Future<Output = T> + Send + 'static) -> T {
        let executor = executor();
        with_threads(executor, workers, || future::block_on(executor.spawn(root)))
    }

    fn spawn<T: Send + 'static>(future: impl Future<Output = T> + Send + 'static) -> Task<T> {
        executor().spawn(future)
    }

    fn spawner() -> impl Fn(Output<()>) -> Task<()> + Send + Sync + 'static {
        |future| executor().spawn(future)
    }

    async fn sleep(duration: Duration) {
        Timer::after(duration).await;
    }

    async fn timeout<F: Future + Send>(duration: Duration, future: F) -> Option<F::Output>
    where
        F::Output: Send,
    {
        let late = async {
            Timer::after(duration).await;
            None
        };
        async { Some(future.await) }.or(late).await
    }

    async fn blocking(job: impl FnOnce() + Send + 'static) {
        blocking::unblock(job).await;
    }

    async fn listen() -> (Async<TcpListener>, SocketAddr) {
        let listener = Async::<TcpListener>::bind(([127, 0, 0, 1], 0)).unwrap();
        let addr = listener.get_ref().local_addr().unwrap();
        (listener, addr)
    }

    async fn accept(listener: &Async<TcpListener>) -> Async<TcpStream> {
        let (stream, _) = listener.accept().await.unwrap();
        stream.get_ref().set_nodelay(true).unwrap();
        stream
    }

    async fn read<'a>(stream: &'a mut Async<TcpStream>, buffer: &'a mut [u8]) -> usize {
        stream.read(buffer).await.unwrap_or(0)
    }

    async fn write_all<'a>(stream: &'a mut Async<TcpStream>, bytes: &'a [u8]) -> bool {
        stream.write_all(bytes).await.is_ok()
    }

    fn start_and_stop(workers: usize) {
        let executor = Arc::new(Executor::new());
        with_threads(&executor, workers, || future::block_on(executor.spawn(async {})));
    }
}
