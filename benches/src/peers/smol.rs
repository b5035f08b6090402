//! smol's parts: one executor on as many threads as the others have workers.
//!
//! The global executor of `smol::spawn` has one thread unless `SMOL_THREADS` says otherwise, and
//! cannot be ended, so this is what it does, made by hand: each thread drives the executor inside
//! `smol::block_on`, which also drives the reactor. Tasks find the executor through a thread-local,
//! as those of the other runtimes do.

use std::cell::OnceCell;
use std::future::Future;
use std::io;
use std::path::PathBuf;
use std::sync::Arc;
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use smol::fs::File;
use smol::io::{AsyncReadExt, AsyncWriteExt};
use smol::net::{TcpListener, TcpStream};
use smol::{Executor, Timer};
use smol_hyper::rt::FuturesIo;

use super::{Neutral, Runtime};

/// See the module.
#[derive(Debug)]
pub struct Smol {
    executor: Arc<Executor<'static>>,
    /// Closed to end the threads.
    stop: async_channel::Sender<()>,
    threads: Vec<JoinHandle<()>>,
}

thread_local! {
    static EXECUTOR: OnceCell<Arc<Executor<'static>>> = const { OnceCell::new() };
}

impl Runtime for Smol {
    const NAME: &'static str = "smol";
    type Task<T: Send + 'static> = smol::Task<T>;
    // `smol::channel` is async-channel.
    type Native = Neutral;
    type Listener = TcpListener;
    type Stream = TcpStream;
    type HyperStream = FuturesIo<TcpStream>;

    fn start(workers: usize) -> Smol {
        let executor = Arc::new(Executor::new());
        let (stop, stopped) = async_channel::bounded::<()>(1);
        let worker = |_| {
            let (executor, stopped) = (executor.clone(), stopped.clone());
            std::thread::spawn(move || {
                EXECUTOR.with(|current| {
                    current.set(executor.clone()).expect("a thread works for one executor")
                });
                // An error says that the channel was closed: the end.
                let _ = smol::block_on(executor.run(stopped.recv()));
            })
        };
        let threads = (0..workers).map(worker).collect();
        Smol { executor, stop, threads }
    }

    fn stop(self) {
        self.stop.close();
        for thread in self.threads {
            thread.join().expect("workers do not panic");
        }
    }

    fn spawn_outside<F>(&self, future: F) -> smol::Task<F::Output>
    where
        F: Future<Output: Send> + Send + 'static,
    {
        self.executor.spawn(future)
    }

    fn spawn<F>(future: F) -> smol::Task<F::Output>
    where
        F: Future<Output: Send> + Send + 'static,
    {
        EXECUTOR.with(|current| current.get().expect("called from a task").spawn(future))
    }

    fn detach<T: Send + 'static>(task: smol::Task<T>) {
        task.detach();
    }

    fn yield_now() -> impl Future<Output = ()> + Send {
        smol::future::yield_now()
    }

    async fn sleep(time: Duration) {
        Timer::after(time).await;
    }

    async fn sleep_until(deadline: Instant) {
        Timer::at(deadline).await;
    }

    async fn timeout<F>(time: Duration, future: F) -> Option<F::Output>
    where
        F: Future<Output: Send> + Send,
    {
        let late = async {
            Timer::after(time).await;
            None
        };
        smol::future::or(async { Some(future.await) }, late).await
    }

    fn spawn_blocking<T: Send + 'static>(
        job: impl FnOnce() -> T + Send + 'static,
    ) -> smol::Task<T> {
        smol::unblock(job)
    }

    async fn block_in_place<T: Send + 'static>(job: impl FnOnce() -> T + Send + 'static) -> T {
        smol::unblock(job).await
    }

    async fn copy_file(from: PathBuf, to: PathBuf) -> io::Result<u64> {
        let (mut from, mut to) = (File::open(from).await?, File::create(to).await?);
        let copied = smol::io::copy(&mut from, &mut to).await?;
        to.flush().await?;
        Ok(copied)
    }

    fn listen(listener: std::net::TcpListener) -> io::Result<TcpListener> {
        smol::Async::new(listener).map(TcpListener::from)
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

    fn hyper_stream(stream: TcpStream) -> FuturesIo<TcpStream> {
        FuturesIo::new(stream)
    }
}
