//! [`copy`] and [`copy_bidirectional`]: one pump, once or twice; [`copy_buf`], which needs no buffer of
//! ours.

use std::future::{Future, poll_fn};
use std::io;
use std::pin::{Pin, pin};
use std::task::{Context, Poll, ready};

use futures_io::{AsyncBufRead, AsyncRead, AsyncWrite};

use crate::leaf::{self, Made, Operation};

static COPY: Operation = Operation::new("io::copy");
static COPY_BUF: Operation = Operation::new("io::copy_buf");
static COPY_BIDIRECTIONAL: Operation = Operation::new("io::copy_bidirectional");

/// How large a pump's buffer is at first, ...
const MIN_BUFFER: usize = 8 << 10;
/// ... and how large it may become. By measurement with files, each of whose pieces makes two trips to
/// the blocking pool: `cargo bench -p heist-benches -- --only file_copy`.
const MAX_BUFFER: usize = 1 << 20;

/// Copies everything from a reader to a writer, flushes it, and says how many bytes that were.
///
/// The buffer grows with the speed of both, from 8 KiB to 1 MiB: whenever the reader has filled it and
/// the writer has taken all of it at once. While the reader has nothing, what has been written is
/// flushed. For whole files there is [`fs::copy`](crate::fs::copy).
///
/// # Errors
/// Those of the reader and the writer; `WriteZero` if the writer takes no more.
///
/// # Cancel safety
/// Not cancel safe: what has been read and not yet been written is lost.
///
/// # Examples
/// ```
/// # heist::runtime::Runtime::new().unwrap().block_on(async {
/// let mut copied = Vec::new();
/// assert_eq!(heist::io::copy(&b"hello"[..], &mut copied).await.unwrap(), 5);
/// assert_eq!(copied, b"hello");
/// # });
/// ```
#[track_caller]
pub fn copy<R, W>(reader: R, writer: W) -> impl Future<Output = io::Result<u64>>
where
    R: AsyncRead,
    W: AsyncWrite,
{
    let made = Made::here(&COPY);
    async move {
        made.begin();
        let (mut reader, mut writer) = (pin!(reader), pin!(writer));
        let mut pump = Pump::growing();
        poll_fn(|cx| pump.poll(cx, reader.as_mut(), writer.as_mut())).await
    }
}

/// As [`copy`], from a reader that has a buffer, whose bytes are written from where they are.
///
/// # Errors
/// As [`copy`].
///
/// # Cancel safety
/// Cancel safe, but for how many bytes have been copied: what has been written has been taken out of
/// the reader, and nothing else.
///
/// # Examples
/// ```
/// # heist::runtime::Runtime::new().unwrap().block_on(async {
/// let mut copied = Vec::new();
/// assert_eq!(heist::io::copy_buf(&mut &b"hello"[..], &mut copied).await.unwrap(), 5);
/// assert_eq!(copied, b"hello");
/// # });
/// ```
#[track_caller]
pub fn copy_buf<R, W>(reader: &mut R, writer: &mut W) -> impl Future<Output = io::Result<u64>>
where
    R: AsyncBufRead + Unpin + ?Sized,
    W: AsyncWrite + Unpin + ?Sized,
{
    let mut made = Made::here(&COPY_BUF);
    // At the end it is flushed even if there was nothing to copy.
    let (mut total, mut owed, mut must_flush) = (0, 0, true);
    poll_fn(move |cx| {
        made.set_polled();
        loop {
            // As in `Pump`.
            while owed > 0 {
                ready!(leaf::proceed(cx));
                owed -= 1;
            }
            let bytes = match Pin::new(&mut *reader).poll_fill_buf(cx)? {
                Poll::Ready(bytes) if !bytes.is_empty() => bytes,
                end_or_pending => {
                    if must_flush {
                        ready!(Pin::new(&mut *writer).poll_flush(cx))?;
                        must_flush = false;
                    }
                    return end_or_pending.map(|_| Ok(total));
                }
            };
            let n = ready!(Pin::new(&mut *writer).poll_write(cx, bytes))?;
            if n == 0 {
                return Poll::Ready(Err(takes_no_more()));
            }
            Pin::new(&mut *reader).consume(n);
            total += n as u64;
            owed = n.div_ceil(MIN_BUFFER);
            must_flush = true;
        }
    })
}

fn takes_no_more() -> io::Error {
    io::Error::new(io::ErrorKind::WriteZero, "the writer takes no more")
}

/// Copies from each stream to the other until both have ended, and says how many bytes went from
/// `a` to `b` and from `b` to `a`. A stream that has ended closes the writing direction of the other.
///
/// # Errors
/// As [`copy`], of whichever direction fails first; the other one stops with it.
///
/// # Cancel safety
/// Not cancel safe, as [`copy`].
///
/// # Examples
/// ```
/// # heist::runtime::Runtime::new().unwrap().block_on(async {
/// use heist::io::{AsyncReadExt, AsyncWriteExt, copy_bidirectional, duplex};
///
/// let (mut client, mut a) = duplex(64);
/// let (mut b, mut server) = duplex(64);
/// let relay = heist::spawn(async move { copy_bidirectional(&mut a, &mut b).await });
/// client.write_all(b"ping").await.unwrap();
/// let mut four = [0; 4];
/// server.read_exact(&mut four).await.unwrap();
/// server.write_all(b"pong!").await.unwrap();
/// let mut five = [0; 5];
/// client.read_exact(&mut five).await.unwrap();
/// drop((client, server));
/// assert_eq!(relay.await.unwrap().unwrap(), (4, 5));
/// # });
/// ```
#[track_caller]
pub fn copy_bidirectional<A, B>(
    a: &mut A,
    b: &mut B,
) -> impl Future<Output = io::Result<(u64, u64)>>
where
    A: AsyncRead + AsyncWrite + Unpin + ?Sized,
    B: AsyncRead + AsyncWrite + Unpin + ?Sized,
{
    let made = Made::here(&COPY_BIDIRECTIONAL);
    relay(made, a, b, Pump::growing(), Pump::growing())
}

/// As [`copy_bidirectional`], with buffers of fixed sizes, in bytes.
///
/// # Errors
/// As [`copy_bidirectional`].
///
/// # Panics
/// If a size is zero.
///
/// # Cancel safety
/// Not cancel safe, as [`copy`].
///
/// # Examples
/// ```
/// # heist::runtime::Runtime::new().unwrap().block_on(async {
/// use heist::io::{AsyncReadExt, AsyncWriteExt, copy_bidirectional_with_sizes, duplex};
///
/// let (mut client, mut a) = duplex(64);
/// let (mut b, mut server) = duplex(64);
/// let relay = heist::spawn(async move {
///     copy_bidirectional_with_sizes(&mut a, &mut b, 1024, 64 << 10).await
/// });
/// client.write_all(b"ping").await.unwrap();
/// let mut four = [0; 4];
/// server.read_exact(&mut four).await.unwrap();
/// drop((client, server));
/// assert_eq!(relay.await.unwrap().unwrap(), (4, 0));
/// # });
/// ```
#[track_caller]
pub fn copy_bidirectional_with_sizes<A, B>(
    a: &mut A,
    b: &mut B,
    a_to_b_buf_size: usize,
    b_to_a_buf_size: usize,
) -> impl Future<Output = io::Result<(u64, u64)>>
where
    A: AsyncRead + AsyncWrite + Unpin + ?Sized,
    B: AsyncRead + AsyncWrite + Unpin + ?Sized,
{
    let made = Made::here(&COPY_BIDIRECTIONAL);
    relay(made, a, b, Pump::of_size(a_to_b_buf_size), Pump::of_size(b_to_a_buf_size))
}

fn relay<A, B>(
    mut made: Made,
    a: &mut A,
    b: &mut B,
    there: Pump,
    back: Pump,
) -> impl Future<Output = io::Result<(u64, u64)>>
where
    A: AsyncRead + AsyncWrite + Unpin + ?Sized,
    B: AsyncRead + AsyncWrite + Unpin + ?Sized,
{
    let (mut a_to_b, mut b_to_a) = (Direction::Flowing(there), Direction::Flowing(back));
    poll_fn(move |cx| {
        made.set_polled();
        let there = a_to_b.poll(cx, Pin::new(&mut *a), Pin::new(&mut *b))?;
        let back = b_to_a.poll(cx, Pin::new(&mut *b), Pin::new(&mut *a))?;
        match (there, back) {
            (Poll::Ready(there), Poll::Ready(back)) => Poll::Ready(Ok((there, back))),
            _ => Poll::Pending,
        }
    })
}

/// A buffer between a reader and a writer.
struct Pump {
    buffer: Vec<u8>,
    /// How large the buffer may become.
    max: usize,
    written: usize,
    filled: usize,
    total: u64,
    /// Units of the task's budget that the last read is to be paid with, by its size.
    owed: usize,
    must_flush: bool,
    is_at_end: bool,
    /// The writer has not taken all of the buffer at once.
    is_held_up: bool,
}

impl Pump {
    fn growing() -> Pump {
        Pump { max: MAX_BUFFER, ..Pump::of_size(MIN_BUFFER) }
    }

    #[track_caller]
    fn of_size(size: usize) -> Pump {
        assert!(size > 0, "copying needs a buffer: its size is zero");
        Pump {
            buffer: vec![0; size],
            max: size,
            written: 0,
            filled: 0,
            total: 0,
            owed: 0,
            must_flush: false,
            is_at_end: false,
            is_held_up: false,
        }
    }

    /// Ready when the reader has ended and everything is written and flushed.
    fn poll<R, W>(
        &mut self,
        cx: &mut Context<'_>,
        mut reader: Pin<&mut R>,
        mut writer: Pin<&mut W>,
    ) -> Poll<io::Result<u64>>
    where
        R: AsyncRead + ?Sized,
        W: AsyncWrite + ?Sized,
    {
        loop {
            // Streams in memory take no budget, and may be endless.
            while self.owed > 0 {
                ready!(leaf::proceed(cx));
                self.owed -= 1;
            }
            if self.written == self.filled && !self.is_at_end {
                match reader.as_mut().poll_read(cx, &mut self.buffer)? {
                    Poll::Ready(0) => self.is_at_end = true,
                    Poll::Ready(n) => {
                        (self.written, self.filled) = (0, n);
                        self.owed = n.div_ceil(MIN_BUFFER);
                        self.is_held_up = false;
                    }
                    Poll::Pending => {
                        if self.must_flush {
                            ready!(writer.as_mut().poll_flush(cx))?;
                            self.must_flush = false;
                        }
                        return Poll::Pending;
                    }
                }
            }
            while self.written < self.filled {
                let rest = &self.buffer[self.written..self.filled];
                let Poll::Ready(n) = writer.as_mut().poll_write(cx, rest)? else {
                    self.is_held_up = true;
                    return Poll::Pending;
                };
                if n == 0 {
                    return Poll::Ready(Err(takes_no_more()));
                }
                self.is_held_up |= n < rest.len();
                self.written += n;
                self.total += n as u64;
                self.must_flush = true;
            }
            if self.is_at_end {
                ready!(writer.as_mut().poll_flush(cx))?;
                return Poll::Ready(Ok(self.total));
            }
            // A writer that is slower than its reader would make any buffer full.
            if self.filled == self.buffer.len() && self.filled < self.max && !self.is_held_up {
                self.buffer.resize(2 * self.filled, 0);
                (self.written, self.filled) = (0, 0);
            }
        }
    }
}

/// One direction of two.
enum Direction {
    Flowing(Pump),
    Closing(u64),
    Closed(u64),
}

impl Direction {
    fn poll<R, W>(
        &mut self,
        cx: &mut Context<'_>,
        mut reader: Pin<&mut R>,
        mut writer: Pin<&mut W>,
    ) -> Poll<io::Result<u64>>
    where
        R: AsyncRead + ?Sized,
        W: AsyncWrite + ?Sized,
    {
        loop {
            *self = match self {
                Direction::Flowing(pump) => {
                    Direction::Closing(ready!(pump.poll(cx, reader.as_mut(), writer.as_mut()))?)
                }
                Direction::Closing(total) => {
                    ready!(writer.as_mut().poll_close(cx))?;
                    Direction::Closed(*total)
                }
                Direction::Closed(total) => return Poll::Ready(Ok(*total)),
            }
        }
    }
}
