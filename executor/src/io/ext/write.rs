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
    fn write<'a>(&'a mut self, bytes: &'a [u8]) -> WriteFuture<'a, Self>
    where
        Self: Unpin,
    {
        Lite::write(self, bytes)
    }

    /// As [`write`](Self::write), from several buffers in turn.
    ///
    /// # Cancel safety
    /// Cancel safe.
    fn write_vectored<'a>(&'a mut self, buffers: &'a [IoSlice<'a>]) -> WriteVectoredFuture<'a, Self>
    where
        Self: Unpin,
    {
        Lite::write_vectored(self, buffers)
    }

    /// Writes everything.
    ///
    /// # Errors
    /// `WriteZero` if the writer takes no more.
    ///
    /// # Cancel safety
    /// Not cancel safe: how much was written is lost.
    fn write_all<'a>(&'a mut self, bytes: &'a [u8]) -> WriteAllFuture<'a, Self>
    where
        Self: Unpin,
    {
        Lite::write_all(self, bytes)
    }

    /// Writes a part of a buffer of the crate `bytes`, which moves on by as much, and says how much
    /// that was. With the feature `bytes`.
    ///
    /// # Cancel safety
    /// Cancel safe: nothing has been written unless it is returned.
    #[cfg(feature = "bytes")]
    fn write_buf<'a, B>(&'a mut self, buffer: &'a mut B) -> WriteFromBuf<'a, Self, B>
    where
        Self: Unpin,
        B: Buf + ?Sized,
    {
        WriteFromBuf { writer: self, buffer }
    }

    /// Writes all of a buffer of the crate `bytes`. With the feature `bytes`.
    ///
    /// # Errors
    /// `WriteZero` if the writer takes no more.
    ///
    /// # Cancel safety
    /// Cancel safe: what has been written is gone from the buffer, so call it again.
    #[cfg(feature = "bytes")]
    fn write_all_buf<'a, B>(&'a mut self, buffer: &'a mut B) -> WriteAllOfBuf<'a, Self, B>
    where
        Self: Unpin,
        B: Buf + ?Sized,
    {
        WriteAllOfBuf(self.write_buf(buffer))
    }

    /// Waits until what was written has reached its destination.
    ///
    /// # Cancel safety
    /// Cancel safe: call it again.
    fn flush(&mut self) -> FlushFuture<'_, Self>
    where
        Self: Unpin,
    {
        Lite::flush(self)
    }

    /// Flushes, and ends the stream in this direction: the peer reads its end.
    ///
    /// # Cancel safety
    /// Cancel safe: call it again.
    fn shutdown(&mut self) -> CloseFuture<'_, Self>
    where
        Self: Unpin,
    {
        Lite::close(self)
    }

    /// [`shutdown`](Self::shutdown), by the name that `futures-io` gives it.
    fn close(&mut self) -> CloseFuture<'_, Self>
    where
        Self: Unpin,
    {
        Lite::close(self)
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
