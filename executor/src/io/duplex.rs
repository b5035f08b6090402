//! [`duplex`]: two streams in memory, connected to each other, for tests and for plumbing.
//!
//! Deliberately without halves: [`split`](crate::io::split) splits any stream.

use std::collections::VecDeque;
use std::io::{self, Read};
use std::panic::Location;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, Waker, ready};

use futures_io::{AsyncRead, AsyncWrite};
use parking_lot::Mutex;

use crate::leaf::{self, Operation};

static READ: Operation = Operation::new("DuplexStream::read");
static WRITE: Operation = Operation::new("DuplexStream::write");

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
    let (there, back) = (Conduit::new(max_buf_size), Conduit::new(max_buf_size));
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
    incoming: Arc<Mutex<Conduit>>,
    outgoing: Arc<Mutex<Conduit>>,
    at: &'static Location<'static>,
}

/// One direction.
#[derive(Debug)]
struct Conduit {
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
    fn new(max: usize) -> Arc<Mutex<Conduit>> {
        Arc::new(Mutex::new(Conduit {
            bytes: VecDeque::new(),
            max,
            is_ended: false,
            is_abandoned: false,
            reader: None,
            writer: None,
        }))
    }

    fn end(conduit: &Mutex<Conduit>) {
        let reader = {
            let mut conduit = conduit.lock();
            conduit.is_ended = true;
            conduit.reader.take()
        };
        reader.into_iter().for_each(Waker::wake);
    }

    fn abandon(conduit: &Mutex<Conduit>) {
        let writer = {
            let mut conduit = conduit.lock();
            conduit.is_abandoned = true;
            conduit.bytes = VecDeque::new();
            conduit.writer.take()
        };
        writer.into_iter().for_each(Waker::wake);
    }
}

/// Waits in a place; the waker that it takes the place of is to be dropped behind the lock.
#[must_use]
fn wait(
    place: &mut Option<Waker>,
    cx: &Context<'_>,
    operation: &'static Operation,
    at: &'static Location<'static>,
) -> Option<Waker> {
    leaf::restore();
    leaf::waiting(operation, at);
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
        ready!(leaf::proceed(cx));
        let mut conduit = self.incoming.lock();
        if conduit.bytes.is_empty() && !conduit.is_ended && !buffer.is_empty() {
            let replaced = wait(&mut conduit.reader, cx, &READ, self.at);
            drop(conduit);
            drop(replaced);
            return Poll::Pending;
        }
        // The bytes lie in up to two pieces, and a read takes from the first one.
        let first = conduit.bytes.read(buffer)?;
        let second = conduit.bytes.read(&mut buffer[first..])?;
        let writer = conduit.writer.take();
        drop(conduit);
        writer.into_iter().for_each(Waker::wake);
        Poll::Ready(Ok(first + second))
    }
}

impl AsyncWrite for DuplexStream {
    fn poll_write(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        ready!(leaf::proceed(cx));
        let mut conduit = self.outgoing.lock();
        if conduit.is_ended || conduit.is_abandoned {
            let message = "the stream has been closed";
            return Poll::Ready(Err(io::Error::new(io::ErrorKind::BrokenPipe, message)));
        }
        let room = conduit.max - conduit.bytes.len();
        if room == 0 && !bytes.is_empty() {
            let replaced = wait(&mut conduit.writer, cx, &WRITE, self.at);
            drop(conduit);
            drop(replaced);
            return Poll::Pending;
        }
        let n = bytes.len().min(room);
        conduit.bytes.extend(&bytes[..n]);
        let reader = conduit.reader.take();
        drop(conduit);
        reader.into_iter().for_each(Waker::wake);
        Poll::Ready(Ok(n))
    }

    fn poll_flush(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn poll_close(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Conduit::end(&self.outgoing);
        Poll::Ready(Ok(()))
    }
}

impl Drop for DuplexStream {
    fn drop(&mut self) {
        Conduit::end(&self.outgoing);
        Conduit::abandon(&self.incoming);
    }
}
