//! [`AsyncWriteExt`]: the methods of every writer.

use std::io::IoSlice;

#[cfg(feature = "bytes")]
use bytes::Buf;
use futures_io::AsyncWrite;
use futures_lite::io::{
    AsyncWriteExt as Lite, CloseFuture, FlushFuture, WriteAllFuture, WriteFuture,
    WriteVectoredFuture,
};

#[cfg(feature = "bytes")]
use super::buffers::{WriteAllOfBuf, WriteFromBuf};
use super::numbers::{WriteNumber, writing_numbers};
use crate::io::Awaited;
use crate::leaf::Operation;

static WRITE: Operation = Operation::new("AsyncWriteExt::write");
static WRITE_VECTORED: Operation = Operation::new("AsyncWriteExt::write_vectored");
static WRITE_ALL: Operation = Operation::new("AsyncWriteExt::write_all");
#[cfg(feature = "bytes")]
static WRITE_BUF: Operation = Operation::new("AsyncWriteExt::write_buf");
#[cfg(feature = "bytes")]
static WRITE_ALL_BUF: Operation = Operation::new("AsyncWriteExt::write_all_buf");
static FLUSH: Operation = Operation::new("AsyncWriteExt::flush");
static SHUTDOWN: Operation = Operation::new("AsyncWriteExt::shutdown");
static CLOSE: Operation = Operation::new("AsyncWriteExt::close");

/// The methods of every writer.
///
/// # Examples
/// ```
/// # heist::runtime::Runtime::new().unwrap().block_on(async {
/// use heist::io::AsyncWriteExt;
///
/// let mut output = Vec::new();
/// output.write_u16(5).await.unwrap();
/// output.write_all(b"hello").await.unwrap();
/// output.shutdown().await.unwrap();
/// assert_eq!(output, b"\x00\x05hello");
/// # });
/// ```
pub trait AsyncWriteExt: AsyncWrite {
    /// Writes as much as there is room for, and says how much that was.
    ///
    /// # Cancel safety
    /// Cancel safe: nothing has been written unless it is returned.
    #[track_caller]
    fn write<'a>(&'a mut self, bytes: &'a [u8]) -> Awaited<WriteFuture<'a, Self>>
    where
        Self: Unpin,
    {
        Awaited::new(&WRITE, Lite::write(self, bytes))
    }

    /// As [`write`](Self::write), from several buffers in turn.
    ///
    /// # Cancel safety
    /// Cancel safe.
    #[track_caller]
    fn write_vectored<'a>(
        &'a mut self,
        buffers: &'a [IoSlice<'a>],
    ) -> Awaited<WriteVectoredFuture<'a, Self>>
    where
        Self: Unpin,
    {
        Awaited::new(&WRITE_VECTORED, Lite::write_vectored(self, buffers))
    }

    /// Writes everything.
    ///
    /// # Errors
    /// `WriteZero` if the writer takes no more.
    ///
    /// # Cancel safety
    /// Not cancel safe: how much was written is lost.
    #[track_caller]
    fn write_all<'a>(&'a mut self, bytes: &'a [u8]) -> Awaited<WriteAllFuture<'a, Self>>
    where
        Self: Unpin,
    {
        Awaited::new(&WRITE_ALL, Lite::write_all(self, bytes))
    }

    /// Writes a part of a buffer of the crate `bytes`, which moves on by as much, and says how much
    /// that was. With the feature `bytes`.
    ///
    /// # Cancel safety
    /// Cancel safe: nothing has been written unless it is returned.
    #[cfg(feature = "bytes")]
    #[track_caller]
    fn write_buf<'a, B>(&'a mut self, buffer: &'a mut B) -> Awaited<WriteFromBuf<'a, Self, B>>
    where
        Self: Unpin,
        B: Buf + ?Sized,
    {
        Awaited::new(&WRITE_BUF, WriteFromBuf { writer: self, buffer })
    }

    /// Writes all of a buffer of the crate `bytes`. With the feature `bytes`.
    ///
    /// # Errors
    /// `WriteZero` if the writer takes no more.
    ///
    /// # Cancel safety
    /// Cancel safe: what has been written is gone from the buffer, so call it again.
    #[cfg(feature = "bytes")]
    #[track_caller]
    fn write_all_buf<'a, B>(&'a mut self, buffer: &'a mut B) -> Awaited<WriteAllOfBuf<'a, Self, B>>
    where
        Self: Unpin,
        B: Buf + ?Sized,
    {
        Awaited::new(&WRITE_ALL_BUF, WriteAllOfBuf(WriteFromBuf { writer: self, buffer }))
    }

    /// Waits until what was written has reached its destination.
    ///
    /// # Cancel safety
    /// Cancel safe: call it again.
    #[track_caller]
    fn flush(&mut self) -> Awaited<FlushFuture<'_, Self>>
    where
        Self: Unpin,
    {
        Awaited::new(&FLUSH, Lite::flush(self))
    }

    /// Flushes, and ends the stream in this direction: the peer reads its end.
    ///
    /// # Cancel safety
    /// Cancel safe: call it again.
    #[track_caller]
    fn shutdown(&mut self) -> Awaited<CloseFuture<'_, Self>>
    where
        Self: Unpin,
    {
        Awaited::new(&SHUTDOWN, Lite::close(self))
    }

    /// [`shutdown`](Self::shutdown), by the name that `futures-io` gives it.
    ///
    /// # Cancel safety
    /// Cancel safe: call it again.
    #[track_caller]
    fn close(&mut self) -> Awaited<CloseFuture<'_, Self>>
    where
        Self: Unpin,
    {
        Awaited::new(&CLOSE, Lite::close(self))
    }

    writing_numbers! {
        u8: write_u8 / -, i8: write_i8 / -,
        u16: write_u16 / write_u16_le, i16: write_i16 / write_i16_le,
        u32: write_u32 / write_u32_le, i32: write_i32 / write_i32_le,
        u64: write_u64 / write_u64_le, i64: write_i64 / write_i64_le,
        u128: write_u128 / write_u128_le, i128: write_i128 / write_i128_le,
        f32: write_f32 / write_f32_le, f64: write_f64 / write_f64_le,
    }
}

impl<W: AsyncWrite + ?Sized> AsyncWriteExt for W {}
