//! [`Lines`] and [`Split`]: a reader's parts one after the other, each a `futures_core::Stream` too;
//! and one line alone, [`ReadLine`].

use std::future::{Future, poll_fn};
use std::io;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use futures_core::Stream;
use futures_io::AsyncBufRead;
use pin_project_lite::pin_project;

use crate::leaf::{self, Made, Operation};

static NEXT_LINE: Operation = Operation::new("Lines::next_line");
static NEXT_SEGMENT: Operation = Operation::new("Split::next_segment");

pin_project! {
    /// The lines of a reader; see [`AsyncBufReadExt::lines`](super::AsyncBufReadExt::lines).
    ///
    /// # Examples
    /// ```
    /// # heist::runtime::Runtime::new().unwrap().block_on(async {
    /// use heist::io::AsyncBufReadExt;
    ///
    /// let text: &[u8] = b"one\r\ntwo";
    /// let mut lines = text.lines();
    /// assert_eq!(lines.next_line().await.unwrap().as_deref(), Some("one"));
    /// assert_eq!(lines.next_line().await.unwrap().as_deref(), Some("two"));
    /// assert_eq!(lines.next_line().await.unwrap(), None);
    /// # });
    /// ```
    #[derive(Debug)]
    pub struct Lines<R> {
        #[pin]
        parts: Split<R>,
    }
}

impl<R> Lines<R> {
    pub(super) fn new(reader: R) -> Lines<R> {
        Lines { parts: Split::new(reader, b'\n') }
    }

    /// The reader.
    pub fn get_ref(&self) -> &R {
        &self.parts.reader
    }

    /// The reader. What is read from it is missing in the lines.
    pub fn get_mut(&mut self) -> &mut R {
        &mut self.parts.reader
    }

    /// The reader; the part of a line that has been read is lost.
    pub fn into_inner(self) -> R {
        self.parts.reader
    }
}

impl<R: AsyncBufRead> Lines<R> {
    /// The next line without its end (`\n` or `\r\n`), and `None` behind the last.
    ///
    /// # Errors
    /// Those of the reader. `InvalidData` if it is not UTF-8; the error inside is the standard library's
    /// [`FromUtf8Error`](std::string::FromUtf8Error), which has the bytes. The next call goes on
    /// with the next line.
    ///
    /// # Cancel safety
    /// Cancel safe: the part of a line that has been read stays here.
    #[track_caller]
    pub fn next_line(&mut self) -> impl Future<Output = io::Result<Option<String>>>
    where
        R: Unpin,
    {
        let mut made = Made::here(&NEXT_LINE);
        poll_fn(move |cx| {
            made.set_polled();
            let polled = Pin::new(&mut *self).poll_next_line(cx);
            if polled.is_pending() {
                leaf::waiting_at_least(made.operation, made.at);
            }
            polled
        })
    }

    /// What [`next_line`](Self::next_line) polls.
    pub fn poll_next_line(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<io::Result<Option<String>>> {
        let Some(mut line) = ready!(self.project().parts.poll_part(cx))? else {
            return Poll::Ready(Ok(None));
        };
        if line.last() == Some(&b'\n') {
            line.pop();
            if line.last() == Some(&b'\r') {
                line.pop();
            }
        }
        let text = String::from_utf8(line).map(Some);
        Poll::Ready(text.map_err(|error| io::Error::new(io::ErrorKind::InvalidData, error)))
    }
}

impl<R: AsyncBufRead> Stream for Lines<R> {
    type Item = io::Result<String>;

    fn poll_next(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        self.poll_next_line(cx).map(Result::transpose)
    }
}

pin_project! {
    /// The parts of a reader; see [`AsyncBufReadExt::split`](super::AsyncBufReadExt::split).
    #[derive(Debug)]
    pub struct Split<R> {
        #[pin]
        reader: R,
        delimiter: u8,
        // What has been read of the next part.
        part: Vec<u8>,
    }
}

impl<R> Split<R> {
    pub(super) fn new(reader: R, delimiter: u8) -> Split<R> {
        Split { reader, delimiter, part: Vec::new() }
    }
}

impl<R: AsyncBufRead> Split<R> {
    /// The next part without its delimiter, and `None` behind the last.
    ///
    /// # Errors
    /// Those of the reader.
    ///
    /// # Cancel safety
    /// Cancel safe: what has been read of a part stays here.
    #[track_caller]
    pub fn next_segment(&mut self) -> impl Future<Output = io::Result<Option<Vec<u8>>>>
    where
        R: Unpin,
    {
        let mut made = Made::here(&NEXT_SEGMENT);
        poll_fn(move |cx| {
            made.set_polled();
            let polled = Pin::new(&mut *self).poll_next_segment(cx);
            if polled.is_pending() {
                leaf::waiting_at_least(made.operation, made.at);
            }
            polled
        })
    }

    /// What [`next_segment`](Self::next_segment) polls.
    pub fn poll_next_segment(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<io::Result<Option<Vec<u8>>>> {
        let delimiter = self.delimiter;
        let mut part = ready!(self.poll_part(cx))?;
        if let Some(part) = part.as_mut().filter(|part| part.last() == Some(&delimiter)) {
            part.pop();
        }
        Poll::Ready(Ok(part))
    }

    /// The next part with its delimiter, which the last may lack.
    fn poll_part(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<Option<Vec<u8>>>> {
        let this = self.project();
        ready!(poll_until(this.reader, cx, *this.delimiter, this.part))?;
        let part = std::mem::take(this.part);
        Poll::Ready(Ok((!part.is_empty()).then_some(part)))
    }
}

impl<R: AsyncBufRead> Stream for Split<R> {
    type Item = io::Result<Vec<u8>>;

    fn poll_next(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        self.poll_next_segment(cx).map(Result::transpose)
    }
}

/// Appends a line; see [`AsyncBufReadExt::read_line`](super::AsyncBufReadExt::read_line).
#[derive(Debug)]
#[must_use = "futures do nothing unless awaited"]
pub struct ReadLine<'a, R: ?Sized> {
    reader: &'a mut R,
    text: &'a mut String,
    line: Vec<u8>,
}

impl<'a, R: ?Sized> ReadLine<'a, R> {
    pub(super) fn new(reader: &'a mut R, text: &'a mut String) -> ReadLine<'a, R> {
        ReadLine { reader, text, line: Vec::new() }
    }
}

impl<R: AsyncBufRead + Unpin + ?Sized> Future for ReadLine<'_, R> {
    type Output = io::Result<usize>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let this = &mut *self;
        ready!(poll_until(Pin::new(&mut *this.reader), cx, b'\n', &mut this.line))?;
        let line = String::from_utf8(std::mem::take(&mut this.line))
            .map_err(|error| io::Error::new(io::ErrorKind::InvalidData, error))?;
        this.text.push_str(&line);
        Poll::Ready(Ok(line.len()))
    }
}

/// Appends everything up to and including a delimiter, or the end of the stream, to `part`.
fn poll_until<R: AsyncBufRead + ?Sized>(
    mut reader: Pin<&mut R>,
    cx: &mut Context<'_>,
    delimiter: u8,
    part: &mut Vec<u8>,
) -> Poll<io::Result<()>> {
    loop {
        let available = match ready!(reader.as_mut().poll_fill_buf(cx)) {
            Ok(available) => available,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
            Err(error) => return Poll::Ready(Err(error)),
        };
        let end = available.iter().position(|&byte| byte == delimiter);
        let n = end.map_or(available.len(), |end| end + 1);
        part.extend_from_slice(&available[..n]);
        reader.as_mut().consume(n);
        if end.is_some() || n == 0 {
            return Poll::Ready(Ok(()));
        }
    }
}
