//! `tokio::io::{AsyncRead, AsyncWrite}`.

use std::io::{self, IoSlice};
use std::net::Shutdown;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

use crate::net::stream::shutdown;
use crate::net::unix::{self, pipe};
use crate::net::{TcpStream, UnixStream, tcp};

macro_rules! read {
    ($($type:ty),*) => { $(
        impl AsyncRead for $type {
            fn poll_read(
                self: Pin<&mut Self>,
                cx: &mut Context<'_>,
                buffer: &mut ReadBuf<'_>,
            ) -> Poll<io::Result<()>> {
                // SAFETY: `poll_recv` writes nothing but initialised bytes.
                let n = ready!(self.poll_recv(cx, unsafe { buffer.unfilled_mut() }))?;
                // SAFETY: `poll_recv` has initialised `n` bytes.
                unsafe { buffer.assume_init(n) };
                buffer.advance(n);
                Poll::Ready(Ok(()))
            }
        }
    )* };
}

macro_rules! write {
    ($($type:ty),*) => { $(
        impl AsyncWrite for $type {
            fn poll_write(
                self: Pin<&mut Self>,
                cx: &mut Context<'_>,
                bytes: &[u8],
            ) -> Poll<io::Result<usize>> {
                self.poll_send(cx, bytes)
            }

            fn poll_flush(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
                Poll::Ready(Ok(()))
            }

            fn poll_shutdown(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
                Poll::Ready(shutdown(&*self, Shutdown::Write))
            }

            fn is_write_vectored(&self) -> bool {
                true
            }

            fn poll_write_vectored(
                self: Pin<&mut Self>,
                cx: &mut Context<'_>,
                bufs: &[IoSlice<'_>],
            ) -> Poll<io::Result<usize>> {
                self.poll_send_vectored(cx, bufs)
            }
        }
    )* };
}

read!(TcpStream, tcp::OwnedReadHalf, tcp::ReadHalf<'_>);
read!(UnixStream, unix::OwnedReadHalf, unix::ReadHalf<'_>);
write!(TcpStream, tcp::OwnedWriteHalf, tcp::WriteHalf<'_>);
write!(UnixStream, unix::OwnedWriteHalf, unix::WriteHalf<'_>);
read!(pipe::Receiver);
write!(pipe::Sender);
