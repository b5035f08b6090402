//! What hyper asks of a runtime: an executor and a timer.
//!
//! [`TcpStream`](crate::net::TcpStream), [`UnixStream`](crate::net::UnixStream) and the streams of
//! [`duplex`](crate::io::duplex) implement hyper's `Read` and `Write` themselves, so
//! `http1::Builder::new().timer(Timer).serve_connection(stream, service)` needs no adapter.
//!
//! # Examples
//! ```
//! # heist::runtime::Runtime::new().unwrap().block_on(async {
//! use heist::hyper::{Executor, Timer};
//! use hyper::body::Incoming;
//! use hyper::service::service_fn;
//! use hyper::{Request, Response, client, server};
//!
//! let (near, far) = heist::io::duplex(64 << 10);
//! let hello = service_fn(|_: Request<Incoming>| async {
//!     Ok::<_, hyper::Error>(Response::new(String::from("hello")))
//! });
//! heist::spawn(
//!     server::conn::http2::Builder::new(Executor).timer(Timer).serve_connection(far, hello),
//! );
//!
//! let (mut sender, connection) =
//!     client::conn::http2::Builder::new(Executor).timer(Timer).handshake(near).await.unwrap();
//! heist::spawn(connection);
//! let request = Request::get("http://localhost/").body(String::new()).unwrap();
//! let response = sender.send_request(request).await.unwrap();
//! assert_eq!(response.status(), 200);
//! # });
//! ```

use std::future::Future;
use std::io;
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::time::{Duration, Instant};

use futures_io::{AsyncRead, AsyncWrite};
use heist_timer::host::{part_sleep, part_sleep_until};
use hyper::rt::{Read, ReadBufCursor, Write};

use crate::io::DuplexStream;
use crate::time;

/// Spawns hyper's background work (HTTP/2 streams, connection drivers) on the current runtime.
#[derive(Clone, Copy, Debug, Default)]
pub struct Executor;

impl Executor {
    /// The same as `Executor`.
    pub const fn new() -> Executor {
        Executor
    }
}

impl<F> hyper::rt::Executor<F> for Executor
where
    F: Future + Send + 'static,
    F::Output: Send + 'static,
{
    /// # Panics
    /// Outside a runtime.
    fn execute(&self, future: F) {
        drop(crate::spawn(future));
    }
}

/// Hyper's timers on the current runtime's clock.
#[derive(Clone, Copy, Debug, Default)]
pub struct Timer;

impl Timer {
    /// The same as `Timer`.
    pub const fn new() -> Timer {
        Timer
    }
}

pin_project_lite::pin_project! {
    struct Sleep {
        #[pin]
        sleep: time::Sleep,
    }
}

impl Future for Sleep {
    type Output = ();

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        self.project().sleep.poll(cx)
    }
}

impl hyper::rt::Sleep for Sleep {}

impl hyper::rt::Timer for Timer {
    fn sleep(&self, duration: Duration) -> Pin<Box<dyn hyper::rt::Sleep>> {
        Box::pin(Sleep { sleep: part_sleep(duration) })
    }

    fn sleep_until(&self, deadline: Instant) -> Pin<Box<dyn hyper::rt::Sleep>> {
        Box::pin(Sleep { sleep: part_sleep_until(deadline.into()) })
    }

    fn now(&self) -> Instant {
        time::Instant::now().into()
    }

    fn reset(&self, sleep: &mut Pin<Box<dyn hyper::rt::Sleep>>, deadline: Instant) {
        match sleep.as_mut().downcast_mut_pin::<Sleep>() {
            Some(ours) => ours.project().sleep.reset(deadline.into()),
            None => *sleep = self.sleep_until(deadline),
        }
    }
}

impl Read for DuplexStream {
    fn poll_read(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        mut buffer: ReadBufCursor<'_>,
    ) -> Poll<io::Result<()>> {
        // By way of memory that is initialised: these streams are for tests and for plumbing.
        let mut bytes = [0; 4096];
        let len = buffer.remaining().min(bytes.len());
        let n = ready!(AsyncRead::poll_read(self, cx, &mut bytes[..len]))?;
        buffer.put_slice(&bytes[..n]);
        Poll::Ready(Ok(()))
    }
}

impl Write for DuplexStream {
    fn poll_write(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        AsyncWrite::poll_write(self, cx, bytes)
    }

    fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        AsyncWrite::poll_flush(self, cx)
    }

    fn poll_shutdown(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        AsyncWrite::poll_close(self, cx)
    }
}
