//! `futures_io::{AsyncRead, AsyncWrite}`, also on shared references as the standard library does.

use std::io::{self, IoSlice};
use std::mem::MaybeUninit;
use std::net::Shutdown;
use std::pin::Pin;
use std::task::{Context, Poll};

use futures_io::{AsyncRead, AsyncWrite};

use crate::net::stream::shutdown;
use crate::net::unix::{self, pipe};
use crate::net::{TcpStream, UnixStream, tcp};

fn uninit(buffer: &mut [u8]) -> &mut [MaybeUninit<u8>] {
    // SAFETY: same layout and lifetime, and `poll_recv` writes nothing but initialised bytes.
    unsafe { &mut *(std::ptr::from_mut(buffer) as *mut [MaybeUninit<u8>]) }
}

macro_rules! read {
    ($($type:ty),*) => { $(
        impl AsyncRead for $type {
            fn poll_read(
                self: Pin<&mut Self>,
                cx: &mut Context<'_>,
                buffer: &mut [u8],
            ) -> Poll<io::Result<usize>> {
                self.poll_recv(cx, uninit(buffer))
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

            fn poll_write_vectored(
                self: Pin<&mut Self>,
                cx: &mut Context<'_>,
                bufs: &[IoSlice<'_>],
            ) -> Poll<io::Result<usize>> {
                self.poll_send_vectored(cx, bufs)
            }

            fn poll_flush(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
                Poll::Ready(Ok(()))
            }

            fn poll_close(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
                Poll::Ready(shutdown(&*self, Shutdown::Write))
            }
        }
    )* };
}

read!(TcpStream, &TcpStream, tcp::OwnedReadHalf, tcp::ReadHalf<'_>);
read!(UnixStream, &UnixStream, unix::OwnedReadHalf, unix::ReadHalf<'_>);
write!(TcpStream, &TcpStream, tcp::OwnedWriteHalf, tcp::WriteHalf<'_>);
write!(UnixStream, &UnixStream, unix::OwnedWriteHalf, unix::WriteHalf<'_>);
read!(pipe::Receiver);
write!(pipe::Sender);
