//! `tokio::io::{AsyncRead, AsyncWrite}` for the streams of this crate; sockets have them in `heist-io`.
//!
//! Deliberately without `AsyncSeek`, whose two steps would need a place in each file.

use std::io;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

use super::{DuplexStream, Stderr, Stdin, Stdout};
use crate::fs::File;
#[cfg(target_os = "linux")]
use crate::process::{ChildStderr, ChildStdin, ChildStdout};

macro_rules! read {
    ($($type:ty),*) => { $(
        impl AsyncRead for $type {
            fn poll_read(
                self: Pin<&mut Self>,
                cx: &mut Context<'_>,
                buffer: &mut ReadBuf<'_>,
            ) -> Poll<io::Result<()>> {
                let unfilled = buffer.initialize_unfilled();
                let n = ready!(futures_io::AsyncRead::poll_read(self, cx, unfilled))?;
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
                futures_io::AsyncWrite::poll_write(self, cx, bytes)
            }

            fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
                futures_io::AsyncWrite::poll_flush(self, cx)
            }

            fn poll_shutdown(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
                futures_io::AsyncWrite::poll_close(self, cx)
            }
        }
    )* };
}

read!(DuplexStream, File, Stdin);
write!(DuplexStream, File, Stdout, Stderr);
#[cfg(target_os = "linux")]
read!(ChildStdout, ChildStderr);
#[cfg(target_os = "linux")]
write!(ChildStdin);
