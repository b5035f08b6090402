//! Halves of a TCP stream: borrowed, and owned.

use std::fmt;
use std::future::Future;
use std::io::{self, IoSlice};
use std::mem::MaybeUninit;
use std::net::{Shutdown, SocketAddr};
use std::os::fd::{AsFd, BorrowedFd};
use std::panic::Location;
use std::sync::Arc;
use std::task::{Context, Poll};

use super::stream::{shutdown, stream_methods};
use super::tcp_stream::{READ, TcpStream, WRITE};
use crate::source::Async;

/// The reading half of a borrowed stream; see [`TcpStream::split`].
#[derive(Debug)]
pub struct ReadHalf<'a>(pub(super) &'a TcpStream);

/// The writing half of a borrowed stream; see [`TcpStream::split`].
#[derive(Debug)]
pub struct WriteHalf<'a>(pub(super) &'a TcpStream);

impl AsRef<TcpStream> for ReadHalf<'_> {
    fn as_ref(&self) -> &TcpStream {
        self.0
    }
}

impl AsRef<TcpStream> for WriteHalf<'_> {
    fn as_ref(&self) -> &TcpStream {
        self.0
    }
}

impl AsFd for ReadHalf<'_> {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.0.as_fd()
    }
}

impl AsFd for WriteHalf<'_> {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.0.as_fd()
    }
}

impl std::ops::Deref for ReadHalf<'_> {
    type Target = TcpStream;
    fn deref(&self) -> &TcpStream {
        self.0
    }
}

impl std::ops::Deref for WriteHalf<'_> {
    type Target = TcpStream;
    fn deref(&self) -> &TcpStream {
        self.0
    }
}

/// The reading half of a stream; see [`TcpStream::into_split`].
pub struct OwnedReadHalf {
    io: Arc<Async<std::net::TcpStream>>,
}

/// The writing half of a stream; see [`TcpStream::into_split`]. Dropping it closes the writing
/// direction.
pub struct OwnedWriteHalf {
    io: Arc<Async<std::net::TcpStream>>,
    close_on_drop: bool,
}

pub(super) fn into_split(stream: TcpStream) -> (OwnedReadHalf, OwnedWriteHalf) {
    let read = OwnedReadHalf { io: stream.io.clone() };
    (read, OwnedWriteHalf { io: stream.io, close_on_drop: true })
}

macro_rules! owned_half {
    ($half:ident) => {
        impl $half {
            fn io(&self) -> &Async<std::net::TcpStream> {
                &self.io
            }

            stream_methods!(READ, WRITE);

            /// The address of the peer.
            pub fn peer_addr(&self) -> io::Result<SocketAddr> {
                self.io.get_ref().peer_addr()
            }

            /// The address of this end.
            pub fn local_addr(&self) -> io::Result<SocketAddr> {
                self.io.get_ref().local_addr()
            }
        }

        impl AsFd for $half {
            fn as_fd(&self) -> BorrowedFd<'_> {
                self.io.get_ref().as_fd()
            }
        }

        impl fmt::Debug for $half {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.debug_tuple(stringify!($half)).field(self.io.get_ref()).finish()
            }
        }
    };
}
owned_half!(OwnedReadHalf);
owned_half!(OwnedWriteHalf);

impl OwnedReadHalf {
    /// The whole stream again.
    ///
    /// # Errors
    /// If the halves are not of the same stream; both come back.
    pub fn reunite(self, other: OwnedWriteHalf) -> Result<TcpStream, ReuniteError> {
        if !Arc::ptr_eq(&self.io, &other.io) {
            return Err(ReuniteError(self, other));
        }
        let mut other = other;
        other.close_on_drop = false;
        Ok(TcpStream { io: self.io })
    }
}

impl OwnedWriteHalf {
    /// The whole stream again; see [`OwnedReadHalf::reunite`].
    ///
    /// # Errors
    /// If the halves are not of the same stream; both come back.
    pub fn reunite(self, other: OwnedReadHalf) -> Result<TcpStream, ReuniteError> {
        other.reunite(self)
    }

    /// Closes the writing direction: the peer reads the end of the stream.
    pub async fn shutdown(&mut self) -> io::Result<()> {
        shutdown(self.io.get_ref(), Shutdown::Write)
    }

    /// Drops the half without closing the writing direction.
    pub fn forget(mut self) {
        self.close_on_drop = false;
    }
}

impl Drop for OwnedWriteHalf {
    fn drop(&mut self) {
        if self.close_on_drop {
            // There is nobody left to tell.
            let _ = shutdown(self.io.get_ref(), Shutdown::Write);
        }
    }
}

/// The halves were not of the same stream.
#[derive(Debug)]
pub struct ReuniteError(pub OwnedReadHalf, pub OwnedWriteHalf);

impl fmt::Display for ReuniteError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the two halves are not of the same stream")
    }
}

impl std::error::Error for ReuniteError {}
