//! Reading into and writing from the buffers of the crate `bytes`, for its users: the feature `bytes`.

use std::future::Future;
use std::io::{self, IoSlice};
use std::mem::MaybeUninit;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use bytes::{Buf, BufMut};
use futures_io::{AsyncRead, AsyncWrite};

/// How much is read at once, at most: it is zeroed before, as the traits of `futures-io` demand.
const READ_MAX: usize = 16 << 10;
/// How many pieces of a buffer are written at once, at most.
const PIECES_MAX: usize = 16;

/// Reads into a buffer; see [`AsyncReadExt::read_buf`](super::AsyncReadExt::read_buf).
#[derive(Debug)]
#[must_use = "futures do nothing unless awaited"]
pub struct ReadToBuf<'a, R: ?Sized, B: ?Sized> {
    pub(super) reader: &'a mut R,
    pub(super) buffer: &'a mut B,
}

impl<R: AsyncRead + Unpin + ?Sized, B: BufMut + ?Sized> Future for ReadToBuf<'_, R, B> {
    type Output = io::Result<usize>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let this = &mut *self;
        if !this.buffer.has_remaining_mut() {
            return Poll::Ready(Ok(0));
        }
        let room = this.buffer.chunk_mut();
        let len = room.len().min(READ_MAX);
        // SAFETY: nothing but initialised bytes is written through the slice.
        let room = unsafe { room[..len].as_uninit_slice_mut() };
        room.fill(MaybeUninit::new(0));
        // SAFETY: same layout and lifetime, and all of it has just been initialised.
        let room = unsafe { &mut *(std::ptr::from_mut(room) as *mut [u8]) };
        let n = ready!(Pin::new(&mut *this.reader).poll_read(cx, room))?;
        assert!(n <= len, "a reader says that it has read {n} bytes into room for {len}");
        // SAFETY: the first `len` bytes of the room are initialised, and `n` is no more.
        unsafe { this.buffer.advance_mut(n) };
        Poll::Ready(Ok(n))
    }
}

/// Writes from a buffer; see [`AsyncWriteExt::write_buf`](super::AsyncWriteExt::write_buf).
#[derive(Debug)]
#[must_use = "futures do nothing unless awaited"]
pub struct WriteFromBuf<'a, W: ?Sized, B: ?Sized> {
    pub(super) writer: &'a mut W,
    pub(super) buffer: &'a mut B,
}

impl<W: AsyncWrite + Unpin + ?Sized, B: Buf + ?Sized> WriteFromBuf<'_, W, B> {
    /// Writes a part of what is left.
    fn poll_write(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<usize>> {
        let mut pieces = [IoSlice::new(&[]); PIECES_MAX];
        let count = self.buffer.chunks_vectored(&mut pieces);
        let n = ready!(Pin::new(&mut *self.writer).poll_write_vectored(cx, &pieces[..count]))?;
        self.buffer.advance(n);
        Poll::Ready(Ok(n))
    }
}

impl<W: AsyncWrite + Unpin + ?Sized, B: Buf + ?Sized> Future for WriteFromBuf<'_, W, B> {
    type Output = io::Result<usize>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        if !self.buffer.has_remaining() {
            return Poll::Ready(Ok(0));
        }
        self.poll_write(cx)
    }
}

/// Writes all of a buffer; see
/// [`AsyncWriteExt::write_all_buf`](super::AsyncWriteExt::write_all_buf).
#[derive(Debug)]
#[must_use = "futures do nothing unless awaited"]
pub struct WriteAllOfBuf<'a, W: ?Sized, B: ?Sized>(pub(super) WriteFromBuf<'a, W, B>);

impl<W: AsyncWrite + Unpin + ?Sized, B: Buf + ?Sized> Future for WriteAllOfBuf<'_, W, B> {
    type Output = io::Result<()>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        while self.0.buffer.has_remaining() {
            if ready!(self.0.poll_write(cx))? == 0 {
                return Poll::Ready(Err(io::ErrorKind::WriteZero.into()));
            }
        }
        Poll::Ready(Ok(()))
    }
}
