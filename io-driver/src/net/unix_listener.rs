//! [`UnixListener`].

use std::fmt;
use std::future::Future;
use std::io;
use std::os::fd::{AsFd, BorrowedFd};
use std::os::unix::net::{self as unix, SocketAddr};
use std::panic::Location;
use std::path::Path;
use std::task::{Context, Poll};

use super::about;
use super::exhaustion::{HeldBack, held_back_if_exhausted};
use super::unix_addr::address;
use super::unix_stream::UnixStream;
use crate::context;
use crate::host::Operation;
use crate::interest::Interest;
use crate::source::Async;

static ACCEPT: Operation = Operation::new("UnixListener::accept");

/// Listens for connections on a path.
///
/// # Errors
/// Where a method says nothing of them, errors are those of the system, with their kinds: so it is with
/// all that only asks for something or sets it. What sends, receives or waits fails also once the
/// runtime has shut down; see [`is_shutdown_error`](crate::is_shutdown_error).
///
/// Examples are at the head of `heist::net`.
pub struct UnixListener {
    io: Async<unix::UnixListener>,
    held_back: HeldBack,
}

impl UnixListener {
    /// Listens on a path, which must not exist. On Linux one that begins with a zero byte is an
    /// abstract name, of which no file is made.
    ///
    /// # Errors
    /// `AddrInUse` if it does, with the path in the message.
    ///
    /// # Panics
    /// Outside a runtime.
    #[track_caller]
    pub fn bind<P: AsRef<Path>>(path: P) -> io::Result<UnixListener> {
        // A panic after it is bound would leave its name behind.
        context::demand(Location::caller());
        let path = path.as_ref();
        let listener = address(path)
            .and_then(|addr| unix::UnixListener::bind_addr(&addr))
            .map_err(|error| about("listen on", path.display(), &error))?;
        UnixListener::from_std(listener)
    }

    /// Listens on an address, which may be an abstract one.
    ///
    /// # Errors
    /// As [`bind`](UnixListener::bind).
    ///
    /// # Panics
    /// Outside a runtime.
    #[track_caller]
    pub fn bind_addr(addr: &SocketAddr) -> io::Result<UnixListener> {
        context::demand(Location::caller());
        UnixListener::from_std(unix::UnixListener::bind_addr(addr)?)
    }

    /// Takes over a listener of the standard library, which is made non-blocking.
    ///
    /// # Panics
    /// Outside a runtime.
    #[track_caller]
    pub fn from_std(listener: unix::UnixListener) -> io::Result<UnixListener> {
        Ok(UnixListener { io: Async::new(listener)?, held_back: HeldBack::default() })
    }

    /// Back to the standard library, off the reactor; it stays non-blocking.
    pub fn into_std(self) -> io::Result<unix::UnixListener> {
        Ok(self.io.into_inner())
    }

    /// Waits for a connection.
    ///
    /// # Errors
    /// Those of the system, as running out of descriptors; see
    /// [`TcpListener::accept`](super::TcpListener::accept).
    ///
    /// # Cancel safety
    /// Cancel safe: no connection is lost.
    #[track_caller]
    pub fn accept(&self) -> impl Future<Output = io::Result<(UnixStream, SocketAddr)>> + Send + '_ {
        let site = (&ACCEPT, Location::caller());
        let accept = self.io.run(Interest::READABLE, site, unix::UnixListener::accept, |_| false);
        async move {
            let (stream, addr) = held_back_if_exhausted(accept.await).await?;
            Ok((UnixStream::from_std(stream)?, addr))
        }
    }

    /// As [`accept`](UnixListener::accept), for futures written by hand; the last waker wins.
    /// What is reported late there is reported late here, too.
    #[track_caller]
    pub fn poll_accept(&self, cx: &mut Context<'_>) -> Poll<io::Result<(UnixStream, SocketAddr)>> {
        let site = (&ACCEPT, Location::caller());
        let accept = |cx: &mut Context<'_>| {
            let accept = unix::UnixListener::accept;
            self.io.poll_attempt(cx, Interest::READABLE, site, accept, |_| false)
        };
        self.held_back.poll(cx, accept).map(|accepted| {
            let (stream, addr) = accepted?;
            Ok((UnixStream::from_std(stream)?, addr))
        })
    }

    /// The error that the system holds for this socket, if any; asking clears it.
    pub fn take_error(&self) -> io::Result<Option<io::Error>> {
        self.io.get_ref().take_error()
    }

    /// The address that it listens on.
    pub fn local_addr(&self) -> io::Result<SocketAddr> {
        self.io.get_ref().local_addr()
    }
}

impl AsFd for UnixListener {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.io.get_ref().as_fd()
    }
}

impl fmt::Debug for UnixListener {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.io.get_ref().fmt(f)
    }
}
