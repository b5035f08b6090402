//! [`Lines`] and [`Split`]: a reader's parts one after the other. Each is a `futures_core::Stream`
//! too.

use std::future::{Future, poll_fn};
use std::io;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use futures_core::Stream;
use futures_io::AsyncBufRead;
use pin_project_lite::pin_project;

pin_project! {
    /// The lines of a reader; see [`AsyncBufReadExt::lines`](super::AsyncBufReadExt::lines).
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
    /// `InvalidData` if it is not UTF-8; the error inside is the standard library's
    /// [`FromUtf8Error`](std::string::FromUtf8Error), which has the bytes. The next call goes on
    /// with the next line.
    ///
    /// # Cancel safety
    /// Cancel safe: the part of a line that has been read stays here.
    pub fn next_line(&mut self) -> impl Future<Output = io::Result<Option<String>>>
    where
        R: Unpin,
    {
        poll_fn(|cx| Pin::new(&mut *self).poll_next_line(cx))
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
    /// # Cancel safety
    /// Cancel safe: what has been read of a part stays here.
    pub fn next_segment(&mut self) -> impl Future<Output = io::Result<Option<Vec<u8>>>>
    where
        R: Unpin,
    {
        poll_fn(|cx| Pin::new(&mut *self).poll_next_segment(cx))
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
        let mut this = self.project();
        loop {
            let available = match ready!(this.reader.as_mut().poll_fill_buf(cx)) {
                Ok(available) => available,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
                Err(error) => return Poll::Ready(Err(error)),
            };
            let end = available.iter().position(|byte| byte == this.delimiter);
            let n = end.map_or(available.len(), |end| end + 1);
            this.part.extend_from_slice(&available[..n]);
            this.reader.as_mut().consume(n);
            if end.is_some() || n == 0 {
                let part = std::mem::take(this.part);
                return Poll::Ready(Ok((!part.is_empty()).then_some(part)));
            }
        }
    }
}

impl<R: AsyncBufRead> Stream for Split<R> {
    type Item = io::Result<Vec<u8>>;

    fn poll_next(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        self.poll_next_segment(cx).map(Result::transpose)
    }
}
