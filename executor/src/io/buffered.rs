//! [`BufWriter`] and [`BufStream`]: writing in larger pieces, and both ways through one value.
//!
//! Buffers are those of `futures-lite`; here is what lets a stream be read through its writer's
//! buffer, as in tokio.

use std::io::{self, IoSlice, IoSliceMut, SeekFrom};
use std::pin::Pin;
use std::task::{Context, Poll};

use futures_io::{AsyncBufRead, AsyncRead, AsyncSeek, AsyncWrite};
use futures_lite::io::{BufReader, BufWriter as Buffered};
use pin_project_lite::pin_project;

use super::unsent::Unsent;

pin_project! {
    /// Collects small writes, and passes reads on.
    ///
    /// What is in the buffer when this is dropped is lost: flush before. Debug mode reports it; see
    /// [`Builder::debug`](crate::runtime::Builder::debug).
    ///
    /// # Examples
    /// ```
    /// # heist::runtime::Runtime::new().unwrap().block_on(async {
    /// use heist::io::{AsyncWriteExt, BufWriter};
    ///
    /// let mut writer = BufWriter::new(Vec::new());
    /// writer.write_all(b"hello").await.unwrap();
    /// assert!(writer.get_ref().is_empty());
    /// writer.flush().await.unwrap();
    /// assert_eq!(writer.get_ref(), b"hello");
    /// # });
    /// ```
    #[derive(Debug)]
    pub struct BufWriter<W> {
        #[pin]
        buffered: Buffered<W>,
        unsent: Unsent,
    }
}

impl<W: AsyncWrite> BufWriter<W> {
    /// A writer with a buffer of 8 KiB.
    #[track_caller]
    pub fn new(writer: W) -> BufWriter<W> {
        BufWriter { buffered: Buffered::new(writer), unsent: Unsent::new() }
    }

    /// A writer with a buffer of so many bytes.
    #[track_caller]
    pub fn with_capacity(capacity: usize, writer: W) -> BufWriter<W> {
        let buffered = Buffered::with_capacity(capacity, writer);
        BufWriter { buffered, unsent: Unsent::new() }
    }

    /// The writer beneath.
    pub fn get_ref(&self) -> &W {
        self.buffered.get_ref()
    }

    /// The writer beneath. What is written to it overtakes what is in the buffer.
    pub fn get_mut(&mut self) -> &mut W {
        self.buffered.get_mut()
    }

    /// The writer beneath; what is in the buffer is lost, which debug mode reports.
    pub fn into_inner(self) -> W {
        self.buffered.into_inner()
    }

    /// What has not been written to the writer beneath yet.
    pub fn buffer(&self) -> &[u8] {
        self.buffered.buffer()
    }

    /// Does something with the buffer, and notes what is in it then.
    #[inline]
    fn with_buffer<R>(self: Pin<&mut Self>, act: impl FnOnce(Pin<&mut Buffered<W>>) -> R) -> R {
        let mut this = self.project();
        let result = act(this.buffered.as_mut());
        this.unsent.is(this.buffered.buffer().len());
        result
    }
}

impl<W: AsyncWrite> AsyncWrite for BufWriter<W> {
    fn poll_write(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        self.with_buffer(|buffered| buffered.poll_write(cx, bytes))
    }

    fn poll_write_vectored(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bufs: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        self.with_buffer(|buffered| buffered.poll_write_vectored(cx, bufs))
    }

    fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.with_buffer(|buffered| buffered.poll_flush(cx))
    }

    fn poll_close(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.with_buffer(|buffered| buffered.poll_close(cx))
    }
}

impl<W: AsyncWrite + AsyncSeek> AsyncSeek for BufWriter<W> {
    fn poll_seek(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        position: SeekFrom,
    ) -> Poll<io::Result<u64>> {
        self.with_buffer(|buffered| buffered.poll_seek(cx, position))
    }
}

impl<W: AsyncWrite + AsyncRead + Unpin> AsyncRead for BufWriter<W> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffer: &mut [u8],
    ) -> Poll<io::Result<usize>> {
        Pin::new(self.buffered.get_mut()).poll_read(cx, buffer)
    }

    fn poll_read_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bufs: &mut [IoSliceMut<'_>],
    ) -> Poll<io::Result<usize>> {
        Pin::new(self.buffered.get_mut()).poll_read_vectored(cx, bufs)
    }
}

impl<W: AsyncWrite + AsyncBufRead + Unpin> AsyncBufRead for BufWriter<W> {
    fn poll_fill_buf(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<&[u8]>> {
        Pin::new(Pin::into_inner(self).buffered.get_mut()).poll_fill_buf(cx)
    }

    fn consume(mut self: Pin<&mut Self>, amount: usize) {
        Pin::new(self.buffered.get_mut()).consume(amount);
    }
}

/// A stream with a buffer in each direction.
///
/// # Examples
/// ```
/// # heist::runtime::Runtime::new().unwrap().block_on(async {
/// use heist::io::{AsyncBufReadExt, AsyncWriteExt, BufStream, duplex};
///
/// let (near, far) = duplex(64);
/// let (mut near, mut far) = (BufStream::new(near), BufStream::new(far));
/// near.write_all(b"question\n").await.unwrap();
/// near.flush().await.unwrap();
/// let mut line = String::new();
/// far.read_line(&mut line).await.unwrap();
/// assert_eq!(line, "question\n");
/// # });
/// ```
#[derive(Debug)]
pub struct BufStream<S> {
    both: BufReader<BufWriter<S>>,
}

impl<S: AsyncRead + AsyncWrite + Unpin> BufStream<S> {
    /// A stream with two buffers of 8 KiB.
    #[track_caller]
    pub fn new(stream: S) -> BufStream<S> {
        BufStream { both: BufReader::new(BufWriter::new(stream)) }
    }

    /// A stream with buffers of so many bytes.
    #[track_caller]
    pub fn with_capacity(reader: usize, writer: usize, stream: S) -> BufStream<S> {
        let writing = BufWriter::with_capacity(writer, stream);
        BufStream { both: BufReader::with_capacity(reader, writing) }
    }

    /// The stream beneath.
    pub fn get_ref(&self) -> &S {
        self.both.get_ref().get_ref()
    }

    /// The stream beneath. What is read from it is missing here, and what is written to it
    /// overtakes what is in the buffer.
    pub fn get_mut(&mut self) -> &mut S {
        self.both.get_mut().get_mut()
    }

    /// The stream beneath; what is in the buffers is lost.
    pub fn into_inner(self) -> S {
        self.both.into_inner().into_inner()
    }
}

impl<S: AsyncRead + AsyncWrite + Unpin> AsyncRead for BufStream<S> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffer: &mut [u8],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.both).poll_read(cx, buffer)
    }
}

impl<S: AsyncRead + AsyncWrite + Unpin> AsyncBufRead for BufStream<S> {
    fn poll_fill_buf(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<&[u8]>> {
        Pin::new(&mut Pin::into_inner(self).both).poll_fill_buf(cx)
    }

    fn consume(mut self: Pin<&mut Self>, amount: usize) {
        Pin::new(&mut self.both).consume(amount);
    }
}

impl<S: AsyncRead + AsyncWrite + Unpin> AsyncWrite for BufStream<S> {
    fn poll_write(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        Pin::new(self.both.get_mut()).poll_write(cx, bytes)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bufs: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        Pin::new(self.both.get_mut()).poll_write_vectored(cx, bufs)
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(self.both.get_mut()).poll_flush(cx)
    }

    fn poll_close(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(self.both.get_mut()).poll_close(cx)
    }
}

/// Whatever is in the buffers ends: what was written is flushed, and what was read ahead is forgotten.
impl<S: AsyncRead + AsyncWrite + AsyncSeek + Unpin> AsyncSeek for BufStream<S> {
    fn poll_seek(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        position: SeekFrom,
    ) -> Poll<io::Result<u64>> {
        Pin::new(&mut self.both).poll_seek(cx, position)
    }
}

/// With the buffers as they are.
impl<S> From<BufReader<BufWriter<S>>> for BufStream<S> {
    fn from(both: BufReader<BufWriter<S>>) -> BufStream<S> {
        BufStream { both }
    }
}
