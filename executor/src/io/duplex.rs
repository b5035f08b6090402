//! Streams in memory, for tests and for plumbing: [`duplex`], two that are connected to each other, and
//! [`simplex`], one direction alone. Both stand on the same [`Conduit`].
//!
//! Deliberately without halves of their own: [`split`] splits any stream.

use std::collections::VecDeque;
use std::io::{self, Read};
use std::panic::Location;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, Waker, ready};

use futures_io::{AsyncRead, AsyncWrite};
use futures_lite::io::{ReadHalf, WriteHalf, split};
use parking_lot::Mutex;

use crate::foreign::wake;
use crate::leaf::{self, Operation};

static READ: Operation = Operation::new("DuplexStream::read");
static WRITE: Operation = Operation::new("DuplexStream::write");
static READ_SIMPLEX: Operation = Operation::new("SimplexStream::read");
static WRITE_SIMPLEX: Operation = Operation::new("SimplexStream::write");

/// What an operation is, and where its stream was made.
type Site = (&'static Operation, &'static Location<'static>);

/// Two streams of which each reads what the other writes. A write waits while `max_buf_size` bytes
/// have not been read.
///
/// # Panics
/// If `max_buf_size` is zero.
///
/// # Examples
/// ```
/// # heist::runtime::Runtime::new().unwrap().block_on(async {
/// use heist::io::{AsyncReadExt, AsyncWriteExt};
///
/// let (mut client, mut server) = heist::io::duplex(64);
/// client.write_all(b"ping").await.unwrap();
/// drop(client);
/// let mut text = String::new();
/// server.read_to_string(&mut text).await.unwrap();
/// assert_eq!(text, "ping");
/// # });
/// ```
#[track_caller]
pub fn duplex(max_buf_size: usize) -> (DuplexStream, DuplexStream) {
    assert!(max_buf_size > 0, "a stream needs a buffer: `duplex(0)`");
    let at = Location::caller();
    let (there, back) =
        (Arc::new(Conduit::new(max_buf_size)), Arc::new(Conduit::new(max_buf_size)));
    let a = DuplexStream { incoming: back.clone(), outgoing: there.clone(), at };
    (a, DuplexStream { incoming: there, outgoing: back, at })
}

/// One of two connected streams; see [`duplex`]. Dropping it ends the other's reading, and makes the
/// other's writing fail with `BrokenPipe`.
///
/// # Cancel safety
/// Cancel safe: nothing is read or written unless it is returned.
#[derive(Debug)]
pub struct DuplexStream {
    incoming: Arc<Conduit>,
    outgoing: Arc<Conduit>,
    at: &'static Location<'static>,
}

/// A stream in memory whose one half reads what the other writes. A write waits while `max_buf_size`
/// bytes have not been read.
///
/// The reader finds the end once the writer has been shut down: dropping the writing half alone
/// does not end the stream, as in tokio, since the halves are one stream between them.
///
/// # Panics
/// If `max_buf_size` is zero.
///
/// # Examples
/// ```
/// # heist::runtime::Runtime::new().unwrap().block_on(async {
/// use heist::io::{AsyncReadExt, AsyncWriteExt};
///
/// let (mut reader, mut writer) = heist::io::simplex(64);
/// writer.write_all(b"ping").await.unwrap();
/// writer.shutdown().await.unwrap();
/// let mut text = String::new();
/// reader.read_to_string(&mut text).await.unwrap();
/// assert_eq!(text, "ping");
/// # });
/// ```
#[track_caller]
pub fn simplex(max_buf_size: usize) -> (ReadHalf<SimplexStream>, WriteHalf<SimplexStream>) {
    split(SimplexStream::new_unsplit(max_buf_size))
}

/// A stream that reads what has been written to it; see [`simplex`].
///
/// # Cancel safety
/// Cancel safe: nothing is read or written unless it is returned.
#[derive(Debug)]
pub struct SimplexStream {
    conduit: Conduit,
    at: &'static Location<'static>,
}

impl SimplexStream {
    /// Both halves of [`simplex`] in one.
    ///
    /// # Panics
    /// If `max_buf_size` is zero.
    #[track_caller]
    pub fn new_unsplit(max_buf_size: usize) -> SimplexStream {
        assert!(max_buf_size > 0, "a stream needs a buffer: `simplex(0)`");
        SimplexStream { conduit: Conduit::new(max_buf_size), at: Location::caller() }
    }
}

/// One direction.
#[derive(Debug)]
struct Conduit(Mutex<Flow>);

#[derive(Debug)]
struct Flow {
    bytes: VecDeque<u8>,
    max: usize,
    /// There will be no more writing.
    is_ended: bool,
    /// There will be no more reading.
    is_abandoned: bool,
    reader: Option<Waker>,
    writer: Option<Waker>,
}

impl Conduit {
    fn new(max: usize) -> Conduit {
        Conduit(Mutex::new(Flow {
            bytes: VecDeque::new(),
            max,
            is_ended: false,
            is_abandoned: false,
            reader: None,
            writer: None,
        }))
    }

    fn poll_read(
        &self,
        cx: &mut Context<'_>,
        buffer: &mut [u8],
        site: Site,
    ) -> Poll<io::Result<usize>> {
        ready!(leaf::proceed(cx));
        let mut flow = self.0.lock();
        if flow.bytes.is_empty() && !flow.is_ended && !buffer.is_empty() {
            let replaced = wait(&mut flow.reader, cx, site);
            drop(flow);
            drop(replaced);
            return Poll::Pending;
        }
        // The bytes lie in up to two pieces, and a read takes from the first one.
        let first = flow.bytes.read(buffer)?;
        let second = flow.bytes.read(&mut buffer[first..])?;
        let writer = flow.writer.take();
        drop(flow);
        wake(writer);
        Poll::Ready(Ok(first + second))
    }

    fn poll_write(
        &self,
        cx: &mut Context<'_>,
        bytes: &[u8],
        site: Site,
    ) -> Poll<io::Result<usize>> {
        ready!(leaf::proceed(cx));
        let mut flow = self.0.lock();
        if flow.is_ended || flow.is_abandoned {
            let message = "the stream has been closed";
            return Poll::Ready(Err(io::Error::new(io::ErrorKind::BrokenPipe, message)));
        }
        let room = flow.max - flow.bytes.len();
        if room == 0 && !bytes.is_empty() {
            let replaced = wait(&mut flow.writer, cx, site);
            drop(flow);
            drop(replaced);
            return Poll::Pending;
        }
        let n = bytes.len().min(room);
        flow.bytes.extend(&bytes[..n]);
        let reader = flow.reader.take();
        drop(flow);
        wake(reader);
        Poll::Ready(Ok(n))
    }

    fn end(&self) {
        let reader = {
            let mut flow = self.0.lock();
            flow.is_ended = true;
            flow.reader.take()
        };
        wake(reader);
    }

    fn abandon(&self) {
        let writer = {
            let mut flow = self.0.lock();
            flow.is_abandoned = true;
            flow.bytes = VecDeque::new();
            flow.writer.take()
        };
        wake(writer);
    }
}

/// Waits in a place; the waker that it takes the place of is to be dropped behind the lock.
#[must_use]
fn wait(place: &mut Option<Waker>, cx: &Context<'_>, site: Site) -> Option<Waker> {
    leaf::restore();
    leaf::waiting(site.0, site.1);
    match place {
        Some(waker) if waker.will_wake(cx.waker()) => None,
        _ => place.replace(cx.waker().clone()),
    }
}

impl AsyncRead for DuplexStream {
    fn poll_read(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffer: &mut [u8],
    ) -> Poll<io::Result<usize>> {
        self.incoming.poll_read(cx, buffer, (&READ, self.at))
    }
}

impl AsyncWrite for DuplexStream {
    fn poll_write(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        self.outgoing.poll_write(cx, bytes, (&WRITE, self.at))
    }

    fn poll_flush(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn poll_close(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.outgoing.end();
        Poll::Ready(Ok(()))
    }
}

impl Drop for DuplexStream {
    fn drop(&mut self) {
        self.outgoing.end();
        self.incoming.abandon();
    }
}

impl AsyncRead for SimplexStream {
    fn poll_read(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffer: &mut [u8],
    ) -> Poll<io::Result<usize>> {
        self.conduit.poll_read(cx, buffer, (&READ_SIMPLEX, self.at))
    }
}

impl AsyncWrite for SimplexStream {
    fn poll_write(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        self.conduit.poll_write(cx, bytes, (&WRITE_SIMPLEX, self.at))
    }

    fn poll_flush(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn poll_close(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.conduit.end();
        Poll::Ready(Ok(()))
    }
}
