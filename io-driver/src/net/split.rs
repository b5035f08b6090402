//! Halves of a stream: borrowed, and owned; one kind each for TCP and Unix streams, see
//! [`tcp`](super::tcp) and [`unix`](super::unix).

use std::fmt;
use std::future::Future;
use std::io::{self, IoSlice};
use std::mem::MaybeUninit;
use std::net::Shutdown;
use std::os::fd::{AsFd, BorrowedFd};
use std::panic::Location;
use std::ptr;
use std::sync::Arc;
use std::task::{Context, Poll};

use super::methods::{common_methods, reading_methods, writing_methods};
use super::stream::{SHUTDOWN, Transfer, shutdown};
use super::tcp_stream::TcpStream;
use super::unix_stream::UnixStream;
use crate::host::{Made, Operation};
use crate::source::Async;

static READ: Operation = Operation::new("OwnedReadHalf::read");
static WRITE: Operation = Operation::new("OwnedWriteHalf::write");

/// The reading half of a borrowed stream; see `split`. It has the stream's methods.
#[derive(Debug)]
pub struct ReadHalf<'a, S>(pub(super) &'a S);

/// The writing half of a borrowed stream; see `split`. It has the stream's methods.
#[derive(Debug)]
pub struct WriteHalf<'a, S>(pub(super) &'a S);

/// The reading half of a stream; see `into_split`.
pub struct OwnedReadHalf<T: AsFd> {
    io: Arc<Async<T>>,
}

/// The writing half of a stream; see `into_split`. Dropping it closes the writing direction.
pub struct OwnedWriteHalf<T: AsFd> {
    io: Arc<Async<T>>,
    close_on_drop: bool,
}

/// The halves were not of the same stream.
#[derive(Debug)]
pub struct ReuniteError<T: AsFd + fmt::Debug>(pub OwnedReadHalf<T>, pub OwnedWriteHalf<T>);

pub(super) fn into_split<T: AsFd>(io: Arc<Async<T>>) -> (OwnedReadHalf<T>, OwnedWriteHalf<T>) {
    (OwnedReadHalf { io: io.clone() }, OwnedWriteHalf { io, close_on_drop: true })
}

impl<T: Transfer + Sync> OwnedReadHalf<T> {
    fn io(&self) -> &Async<T> {
        &self.io
    }

    reading_methods!(READ);
    common_methods!();
}

impl<T: Transfer + Sync> OwnedWriteHalf<T> {
    fn io(&self) -> &Async<T> {
        &self.io
    }

    writing_methods!(WRITE);
    common_methods!();

    /// Closes the writing direction: the peer reads the end of the stream.
    ///
    /// # Errors
    /// Those of the system. A peer that is gone already is none.
    ///
    /// # Cancel safety
    /// Cancel safe: it does not wait.
    #[track_caller]
    pub fn shutdown(&mut self) -> impl Future<Output = io::Result<()>> + Send + '_ {
        let (made, io) = (Made::here(&SHUTDOWN), self.io());
        async move {
            made.begin();
            shutdown(io.get_ref(), Shutdown::Write)
        }
    }

    /// Drops the half without closing the writing direction.
    pub fn forget(mut self) {
        self.close_on_drop = false;
    }
}

impl<T: AsFd> Drop for OwnedWriteHalf<T> {
    fn drop(&mut self) {
        if self.close_on_drop {
            // There is nobody left to tell.
            let _ = shutdown(self.io.get_ref(), Shutdown::Write);
        }
    }
}

macro_rules! halves_of {
    ($stream:ident, $std:ty, $addr:ty) => {
        impl OwnedReadHalf<$std> {
            /// The whole stream again.
            ///
            /// # Errors
            /// If the halves are not of the same stream; both come back.
            pub fn reunite(
                self,
                mut other: OwnedWriteHalf<$std>,
            ) -> Result<$stream, ReuniteError<$std>> {
                if !Arc::ptr_eq(&self.io, &other.io) {
                    return Err(ReuniteError(self, other));
                }
                other.close_on_drop = false;
                Ok($stream { io: self.io })
            }
        }

        impl OwnedWriteHalf<$std> {
            /// The whole stream again; see [`OwnedReadHalf::reunite`].
            ///
            /// # Errors
            /// If the halves are not of the same stream; both come back.
            pub fn reunite(
                self,
                other: OwnedReadHalf<$std>,
            ) -> Result<$stream, ReuniteError<$std>> {
                other.reunite(self)
            }
        }

        halves_of!(@each OwnedReadHalf, $stream, $std, $addr);
        halves_of!(@each OwnedWriteHalf, $stream, $std, $addr);
    };
    (@each $half:ident, $stream:ident, $std:ty, $addr:ty) => {
        /// The whole stream, for what the half has no method for.
        impl AsRef<$stream> for $half<$std> {
            fn as_ref(&self) -> &$stream {
                // SAFETY: a stream is transparently the `Arc` of its source, which is the half's, too.
                unsafe { &*ptr::from_ref(&self.io).cast::<$stream>() }
            }
        }

        impl $half<$std> {
            /// The address of the peer.
            ///
            /// # Errors
            /// Those of the system, as `NotConnected`.
            pub fn peer_addr(&self) -> io::Result<$addr> {
                self.io.get_ref().peer_addr()
            }

            /// The address of this end.
            ///
            /// # Errors
            /// Those of the system.
            pub fn local_addr(&self) -> io::Result<$addr> {
                self.io.get_ref().local_addr()
            }
        }
    };
}
halves_of!(TcpStream, std::net::TcpStream, std::net::SocketAddr);
halves_of!(UnixStream, std::os::unix::net::UnixStream, std::os::unix::net::SocketAddr);

macro_rules! borrowed {
    ($($half:ident),*) => { $(
        impl<S> AsRef<S> for $half<'_, S> {
            fn as_ref(&self) -> &S {
                self.0
            }
        }

        impl<S> std::ops::Deref for $half<'_, S> {
            type Target = S;
            fn deref(&self) -> &S {
                self.0
            }
        }

        impl<S: AsFd> AsFd for $half<'_, S> {
            fn as_fd(&self) -> BorrowedFd<'_> {
                self.0.as_fd()
            }
        }
    )* };
}
borrowed!(ReadHalf, WriteHalf);

macro_rules! owned {
    ($($half:ident),*) => { $(
        impl<T: AsFd> AsFd for $half<T> {
            fn as_fd(&self) -> BorrowedFd<'_> {
                self.io.get_ref().as_fd()
            }
        }

        impl<T: AsFd + fmt::Debug> fmt::Debug for $half<T> {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.debug_tuple(stringify!($half)).field(self.io.get_ref()).finish()
            }
        }
    )* };
}
owned!(OwnedReadHalf, OwnedWriteHalf);

impl<T: AsFd + fmt::Debug> fmt::Display for ReuniteError<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the two halves are not of the same stream")
    }
}

impl<T: AsFd + fmt::Debug> std::error::Error for ReuniteError<T> {}
