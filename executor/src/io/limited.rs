//! [`LimitedExt`]: reading what a peer sends without letting it decide how much memory that takes.
//!
//! What asyncio's streams do with their limit: a failure says why, and carries what was read until
//! then, so that a protocol can go on from there.

use std::fmt;
use std::future::Future;
use std::io;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use futures_io::{AsyncBufRead, AsyncRead};

use super::Awaited;
use crate::leaf::Operation;

/// How much memory is taken at once for bytes that have not come yet.
const STEP: usize = 64 << 10;

static READ_EXACTLY: Operation = Operation::new("LimitedExt::read_exactly");
static READ_UNTIL_LIMITED: Operation = Operation::new("LimitedExt::read_until_limited");
static NEXT_LINE_LIMITED: Operation = Operation::new("LimitedExt::next_line_limited");

/// Reading with limits, for every reader. tokio has no such methods.
///
/// # Cancel safety
/// Not cancel safe: what a future has read is dropped with it.
///
/// # Examples
/// ```
/// # heist::runtime::Runtime::new().unwrap().block_on(async {
/// use heist::io::{LimitedError, LimitedExt};
///
/// let mut input = &b"short\na line that is too long\n"[..];
/// assert_eq!(input.next_line_limited(10).await.unwrap().as_deref(), Some("short"));
/// match input.next_line_limited(10).await {
///     Err(LimitedError::Overrun { read, limit: 10 }) => assert_eq!(read, b"a line tha"),
///     other => panic!("{other:?}"),
/// }
/// # });
/// ```
pub trait LimitedExt {
    /// Reads exactly `n` bytes. Memory grows with what comes, not with `n`.
    ///
    /// # Errors
    /// [`Incomplete`](LimitedError::Incomplete) if the stream ends before.
    #[track_caller]
    fn read_exactly(&mut self, n: usize) -> Awaited<ReadExactly<'_, Self>>
    where
        Self: AsyncRead + Unpin,
    {
        Awaited::new(&READ_EXACTLY, ReadExactly { reader: self, n, read: Vec::new(), filled: 0 })
    }

    /// Reads up to and including a delimiter, which must be among the next `limit` bytes.
    ///
    /// # Errors
    /// [`Overrun`](LimitedError::Overrun) if it is not; `limit` bytes have been read then.
    /// [`Incomplete`](LimitedError::Incomplete) if the stream ends before.
    #[track_caller]
    fn read_until_limited(
        &mut self,
        delimiter: u8,
        limit: usize,
    ) -> Awaited<ReadUntilLimited<'_, Self>>
    where
        Self: AsyncBufRead + Unpin,
    {
        Awaited::new(&READ_UNTIL_LIMITED, ReadUntilLimited::new(self, delimiter, limit))
    }

    /// Reads a line of at most `limit` bytes, which include its end (`\n` or `\r\n`), and returns
    /// it without that; `None` at the end of the stream. The last line may lack its end.
    ///
    /// # Errors
    /// [`Overrun`](LimitedError::Overrun) if the line is longer; `limit` bytes have been read then.
    /// [`Io`](LimitedError::Io) with `InvalidData` if it is not UTF-8.
    #[track_caller]
    fn next_line_limited(&mut self, limit: usize) -> Awaited<NextLineLimited<'_, Self>>
    where
        Self: AsyncBufRead + Unpin,
    {
        Awaited::new(&NEXT_LINE_LIMITED, NextLineLimited(ReadUntilLimited::new(self, b'\n', limit)))
    }
}

impl<R: ?Sized> LimitedExt for R {}

/// Why a limited read failed, and what it had read. Turns into an [`io::Error`] with `?`.
#[derive(Debug)]
#[non_exhaustive]
pub enum LimitedError {
    /// What was looked for is not within the limit.
    Overrun {
        /// The bytes up to the limit.
        read: Vec<u8>,
        /// The limit in bytes.
        limit: usize,
    },
    /// The stream has ended too early.
    Incomplete {
        /// The bytes up to the end.
        read: Vec<u8>,
        /// How many bytes were asked for, if that was said.
        expected: Option<usize>,
    },
    /// Reading has failed.
    Io {
        /// The bytes up to the failure.
        read: Vec<u8>,
        /// The failure.
        error: io::Error,
    },
}

impl LimitedError {
    /// What was read; it is gone from the stream.
    pub fn read(&self) -> &[u8] {
        match self {
            LimitedError::Overrun { read, .. }
            | LimitedError::Incomplete { read, .. }
            | LimitedError::Io { read, .. } => read,
        }
    }

    /// What was read, to keep.
    pub fn into_read(self) -> Vec<u8> {
        match self {
            LimitedError::Overrun { read, .. }
            | LimitedError::Incomplete { read, .. }
            | LimitedError::Io { read, .. } => read,
        }
    }
}

impl fmt::Display for LimitedError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let so_far = self.read().len();
        match self {
            LimitedError::Overrun { limit, .. } => {
                write!(f, "no delimiter within the limit of {limit} bytes")
            }
            LimitedError::Incomplete { expected: Some(expected), .. } => {
                write!(f, "the stream has ended after {so_far} of {expected} bytes")
            }
            LimitedError::Incomplete { expected: None, .. } => {
                write!(f, "the stream has ended after {so_far} bytes without the delimiter")
            }
            LimitedError::Io { error, .. } => write!(f, "after {so_far} bytes: {error}"),
        }
    }
}

impl std::error::Error for LimitedError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            LimitedError::Io { error, .. } => Some(error),
            LimitedError::Overrun { .. } | LimitedError::Incomplete { .. } => None,
        }
    }
}

/// `InvalidData` for an overrun, `UnexpectedEof` for an early end; a failure of reading keeps its
/// kind. The error itself is inside.
impl From<LimitedError> for io::Error {
    fn from(error: LimitedError) -> io::Error {
        let kind = match &error {
            LimitedError::Overrun { .. } => io::ErrorKind::InvalidData,
            LimitedError::Incomplete { .. } => io::ErrorKind::UnexpectedEof,
            LimitedError::Io { error, .. } => error.kind(),
        };
        io::Error::new(kind, error)
    }
}

/// Reads an exact number of bytes; see [`LimitedExt::read_exactly`].
#[derive(Debug)]
#[must_use = "futures do nothing unless awaited"]
pub struct ReadExactly<'a, R: ?Sized> {
    reader: &'a mut R,
    n: usize,
    /// As long as there is memory for bytes that may come; `filled` of them have.
    read: Vec<u8>,
    filled: usize,
}

impl<R: AsyncRead + Unpin + ?Sized> Future for ReadExactly<'_, R> {
    type Output = Result<Vec<u8>, LimitedError>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let this = &mut *self;
        while this.filled < this.n {
            if this.filled == this.read.len() {
                // Doubling, so that much data is not copied often.
                let more = (this.n - this.filled).min(this.filled.max(STEP));
                this.read.resize(this.filled + more, 0);
            }
            let result =
                ready!(Pin::new(&mut *this.reader).poll_read(cx, &mut this.read[this.filled..]));
            let mut so_far = || {
                this.read.truncate(this.filled);
                std::mem::take(&mut this.read)
            };
            match result {
                Ok(0) => {
                    let (read, expected) = (so_far(), Some(this.n));
                    return Poll::Ready(Err(LimitedError::Incomplete { read, expected }));
                }
                Ok(n) => this.filled += n,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => {
                    return Poll::Ready(Err(LimitedError::Io { read: so_far(), error }));
                }
            }
        }
        Poll::Ready(Ok(std::mem::take(&mut this.read)))
    }
}

/// Reads up to a delimiter; see [`LimitedExt::read_until_limited`].
#[derive(Debug)]
#[must_use = "futures do nothing unless awaited"]
pub struct ReadUntilLimited<'a, R: ?Sized> {
    reader: &'a mut R,
    delimiter: u8,
    limit: usize,
    read: Vec<u8>,
}

impl<'a, R: ?Sized> ReadUntilLimited<'a, R> {
    fn new(reader: &'a mut R, delimiter: u8, limit: usize) -> ReadUntilLimited<'a, R> {
        ReadUntilLimited { reader, delimiter, limit, read: Vec::new() }
    }
}

impl<R: AsyncBufRead + Unpin + ?Sized> Future for ReadUntilLimited<'_, R> {
    type Output = Result<Vec<u8>, LimitedError>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let this = &mut *self;
        loop {
            let room = this.limit - this.read.len();
            if room == 0 {
                let read = std::mem::take(&mut this.read);
                return Poll::Ready(Err(LimitedError::Overrun { read, limit: this.limit }));
            }
            let available = match ready!(Pin::new(&mut *this.reader).poll_fill_buf(cx)) {
                Ok([]) => {
                    let read = std::mem::take(&mut this.read);
                    return Poll::Ready(Err(LimitedError::Incomplete { read, expected: None }));
                }
                Ok(available) => &available[..available.len().min(room)],
                Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
                Err(error) => {
                    let read = std::mem::take(&mut this.read);
                    return Poll::Ready(Err(LimitedError::Io { read, error }));
                }
            };
            let end = available.iter().position(|&byte| byte == this.delimiter);
            let n = end.map_or(available.len(), |end| end + 1);
            this.read.extend_from_slice(&available[..n]);
            Pin::new(&mut *this.reader).consume(n);
            if end.is_some() {
                return Poll::Ready(Ok(std::mem::take(&mut this.read)));
            }
        }
    }
}

/// Reads a line; see [`LimitedExt::next_line_limited`].
#[derive(Debug)]
#[must_use = "futures do nothing unless awaited"]
pub struct NextLineLimited<'a, R: ?Sized>(ReadUntilLimited<'a, R>);

impl<R: AsyncBufRead + Unpin + ?Sized> Future for NextLineLimited<'_, R> {
    type Output = Result<Option<String>, LimitedError>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let mut line = match ready!(Pin::new(&mut self.0).poll(cx)) {
            Ok(line) => line,
            Err(LimitedError::Incomplete { read, .. }) if read.is_empty() => {
                return Poll::Ready(Ok(None));
            }
            Err(LimitedError::Incomplete { read, .. }) => read,
            Err(error) => return Poll::Ready(Err(error)),
        };
        if line.last() == Some(&b'\n') {
            line.pop();
            if line.last() == Some(&b'\r') {
                line.pop();
            }
        }
        Poll::Ready(String::from_utf8(line).map(Some).map_err(|error| {
            let message = io::Error::new(io::ErrorKind::InvalidData, error.utf8_error());
            LimitedError::Io { read: error.into_bytes(), error: message }
        }))
    }
}
