//! [`AsyncReadExt`]: the methods of every reader.

use std::future::Future;
use std::io;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

#[cfg(feature = "bytes")]
use bytes::BufMut;
use futures_io::AsyncRead;
use futures_lite::io::{
    AsyncReadExt as Lite, Bytes, Chain, ReadExactFuture, ReadFuture, ReadToEndFuture,
    ReadToStringFuture, ReadVectoredFuture, Take,
};

#[cfg(feature = "bytes")]
use super::buffers::ReadToBuf;
use super::numbers::{ReadNumber, reading_numbers};
use crate::io::Awaited;
use crate::leaf::Operation;

static READ: Operation = Operation::new("AsyncReadExt::read");
static READ_VECTORED: Operation = Operation::new("AsyncReadExt::read_vectored");
#[cfg(feature = "bytes")]
static READ_BUF: Operation = Operation::new("AsyncReadExt::read_buf");
static READ_EXACT: Operation = Operation::new("AsyncReadExt::read_exact");
static READ_TO_END: Operation = Operation::new("AsyncReadExt::read_to_end");
static READ_TO_STRING: Operation = Operation::new("AsyncReadExt::read_to_string");

/// The methods of every reader.
///
/// # Examples
/// ```
/// # heist::runtime::Runtime::new().unwrap().block_on(async {
/// use heist::io::AsyncReadExt;
///
/// let mut input = &b"\x00\x05hello and more"[..];
/// let length = input.read_u16().await.unwrap();
/// let mut word = vec![0; length.into()];
/// input.read_exact(&mut word).await.unwrap();
/// assert_eq!(word, b"hello");
/// # });
/// ```
pub trait AsyncReadExt: AsyncRead {
    /// Reads what there is, at most as much as the buffer takes, and says how much that was; 0 is
    /// the end of the stream, or an empty buffer.
    ///
    /// # Cancel safety
    /// Cancel safe: nothing has been read unless it is returned.
    #[track_caller]
    fn read<'a>(&'a mut self, buffer: &'a mut [u8]) -> Awaited<ReadFuture<'a, Self>>
    where
        Self: Unpin,
    {
        Awaited::new(&READ, Lite::read(self, buffer))
    }

    /// As [`read`](Self::read), into several buffers in turn.
    ///
    /// # Cancel safety
    /// Cancel safe.
    #[track_caller]
    fn read_vectored<'a>(
        &'a mut self,
        buffers: &'a mut [io::IoSliceMut<'a>],
    ) -> Awaited<ReadVectoredFuture<'a, Self>>
    where
        Self: Unpin,
    {
        Awaited::new(&READ_VECTORED, Lite::read_vectored(self, buffers))
    }

    /// Reads what there is into a buffer of the crate `bytes`, which moves on by as much, and says
    /// how much that was: at most as much as the buffer has room for, and at most 16 KiB. 0 is the
    /// end of the stream, or a full buffer. With the feature `bytes`.
    ///
    /// # Cancel safety
    /// Cancel safe: nothing has been read unless it is returned.
    #[cfg(feature = "bytes")]
    #[track_caller]
    fn read_buf<'a, B>(&'a mut self, buffer: &'a mut B) -> Awaited<ReadToBuf<'a, Self, B>>
    where
        Self: Unpin,
        B: BufMut + ?Sized,
    {
        Awaited::new(&READ_BUF, ReadToBuf { reader: self, buffer })
    }

    /// Fills the buffer, and says how long it is.
    ///
    /// # Errors
    /// `UnexpectedEof` if the stream ends before.
    ///
    /// # Cancel safety
    /// Not cancel safe: what has been read into the buffer is gone from the stream.
    #[track_caller]
    fn read_exact<'a>(&'a mut self, buffer: &'a mut [u8]) -> Awaited<ReadExact<'a, Self>>
    where
        Self: Unpin,
    {
        Awaited::new(
            &READ_EXACT,
            ReadExact { len: buffer.len(), filling: Lite::read_exact(self, buffer) },
        )
    }

    /// Appends everything up to the end of the stream, and says how many bytes that were.
    ///
    /// # Cancel safety
    /// Not cancel safe: what has been read is gone from the stream.
    #[track_caller]
    fn read_to_end<'a>(&'a mut self, buffer: &'a mut Vec<u8>) -> Awaited<ReadToEndFuture<'a, Self>>
    where
        Self: Unpin,
    {
        Awaited::new(&READ_TO_END, Lite::read_to_end(self, buffer))
    }

    /// As [`read_to_end`](Self::read_to_end), for text.
    ///
    /// # Errors
    /// `InvalidData` if it is not UTF-8.
    ///
    /// # Cancel safety
    /// Not cancel safe.
    #[track_caller]
    fn read_to_string<'a>(
        &'a mut self,
        buffer: &'a mut String,
    ) -> Awaited<ReadToStringFuture<'a, Self>>
    where
        Self: Unpin,
    {
        Awaited::new(&READ_TO_STRING, Lite::read_to_string(self, buffer))
    }

    /// A reader of the next `limit` bytes.
    fn take(self, limit: u64) -> Take<Self>
    where
        Self: Sized,
    {
        Lite::take(self, limit)
    }

    /// A reader of this one and then another.
    fn chain<R: AsyncRead>(self, next: R) -> Chain<Self, R>
    where
        Self: Sized,
    {
        Lite::chain(self, next)
    }

    /// A stream of single bytes; put a [`BufReader`](crate::io::BufReader) beneath it. tokio has no
    /// such method.
    fn bytes(self) -> Bytes<Self>
    where
        Self: Sized,
    {
        Lite::bytes(self)
    }

    reading_numbers! {
        u8: read_u8 / -, i8: read_i8 / -,
        u16: read_u16 / read_u16_le, i16: read_i16 / read_i16_le,
        u32: read_u32 / read_u32_le, i32: read_i32 / read_i32_le,
        u64: read_u64 / read_u64_le, i64: read_i64 / read_i64_le,
        u128: read_u128 / read_u128_le, i128: read_i128 / read_i128_le,
        f32: read_f32 / read_f32_le, f64: read_f64 / read_f64_le,
    }
}

impl<R: AsyncRead + ?Sized> AsyncReadExt for R {}

/// Fills a buffer; see [`AsyncReadExt::read_exact`].
#[derive(Debug)]
#[must_use = "futures do nothing unless awaited"]
pub struct ReadExact<'a, R: Unpin + ?Sized> {
    len: usize,
    filling: ReadExactFuture<'a, R>,
}

impl<R: AsyncRead + Unpin + ?Sized> Future for ReadExact<'_, R> {
    type Output = io::Result<usize>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        ready!(Pin::new(&mut self.filling).poll(cx))?;
        Poll::Ready(Ok(self.len))
    }
}
