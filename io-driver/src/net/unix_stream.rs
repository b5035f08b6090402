//! [`UnixStream`].

use std::fmt;
use std::future::Future;
use std::io::{self, IoSlice};
use std::mem::MaybeUninit;
use std::net::Shutdown;
use std::os::fd::{AsFd, BorrowedFd};
use std::os::unix::net::{self as unix, SocketAddr};
use std::panic::Location;
use std::path::Path;
use std::sync::Arc;
use std::task::{Context, Poll};

use socket2::{SockAddr, Socket};

use super::about;
use super::methods::{common_methods, file_methods, reading_methods, writing_methods};
use super::stream::{SHUTDOWN, shutdown};
use super::unix_addr::{shown, sock_addr};
use super::unix_socket::UnixSocket;
use super::{split, unix as halves};
use crate::context;
use crate::host::{Made, Operation};
use crate::interest::Interest;
use crate::source::Async;

static CONNECT: Operation = Operation::new("UnixStream::connect");
static READ: Operation = Operation::new("UnixStream::read");
static WRITE: Operation = Operation::new("UnixStream::write");
#[cfg(any(target_os = "android", target_os = "linux"))]
static SEND_FILE: Operation = Operation::new("UnixStream::send_file");

/// A connection within this machine. As [`TcpStream`](super::TcpStream), reading and writing need
/// only `&self`.
///
/// # Errors
/// Where a method says nothing of them, errors are those of the system, with their kinds: so it is with
/// all that only asks for something or sets it. What sends, receives or waits fails also once the
/// runtime has shut down; see [`is_shutdown_error`](crate::is_shutdown_error).
///
/// Examples are at the head of `heist::net`.
// Transparent for `as_ref` of the owned halves.
#[repr(transparent)]
pub struct UnixStream {
    pub(super) io: Arc<Async<unix::UnixStream>>,
}

impl UnixStream {
    /// Connects to a path.
    ///
    /// # Errors
    /// `NotFound`, `ConnectionRefused` and the like, with the path in the message; on Linux `WouldBlock`,
    /// if the listener has no room for another waiting connection.
    ///
    /// # Panics
    /// Outside a runtime.
    ///
    /// # Cancel safety
    /// Cancel safe: an attempt under way is closed.
    #[track_caller]
    pub fn connect<P: AsRef<Path>>(
        path: P,
    ) -> impl Future<Output = io::Result<UnixStream>> + Send + use<P> {
        let (path, made) = (path.as_ref().to_owned(), Made::here(&CONNECT));
        async move {
            let (_, at) = made.begin();
            context::demand(at);
            let socket = UnixSocket::new_stream()?;
            UnixStream::connect_socket(socket.into_socket(), SockAddr::unix(path)?, at).await
        }
    }

    /// As [`connect`](UnixStream::connect), to an address, which may be an abstract one.
    ///
    /// # Errors
    /// As [`connect`](UnixStream::connect).
    ///
    /// # Panics
    /// Outside a runtime.
    ///
    /// # Cancel safety
    /// Cancel safe: an attempt under way is closed.
    #[track_caller]
    pub fn connect_addr(
        addr: &SocketAddr,
    ) -> impl Future<Output = io::Result<UnixStream>> + Send + use<> {
        let (addr, made) = (sock_addr(addr), Made::here(&CONNECT));
        async move {
            let (_, at) = made.begin();
            context::demand(at);
            let socket = UnixSocket::new_stream()?;
            UnixStream::connect_socket(socket.into_socket(), addr?, at).await
        }
    }

    pub(super) async fn connect_socket(
        socket: Socket,
        addr: SockAddr,
        at: &'static Location<'static>,
    ) -> io::Result<UnixStream> {
        let failed = |error: io::Error| about("connect to", shown(&addr), &error);
        let mut waits = false;
        match socket.connect(&addr) {
            Ok(()) => {}
            Err(error)
                if error.raw_os_error() == Some(rustix::io::Errno::INPROGRESS.raw_os_error()) =>
            {
                waits = true;
            }
            Err(error) => return Err(failed(error)),
        }
        let socket = unix::UnixStream::from(socket);
        let io = if waits { Async::new_connecting(socket) } else { Async::new_nonblocking(socket) };
        let stream = UnixStream { io: Arc::new(io?) };
        if waits {
            stream.io.readiness(Interest::WRITABLE, &CONNECT, at).await?;
            if let Some(error) = stream.take_error()? {
                return Err(failed(error));
            }
        }
        Ok(stream)
    }

    /// Two connected streams.
    ///
    /// # Panics
    /// Outside a runtime.
    #[track_caller]
    pub fn pair() -> io::Result<(UnixStream, UnixStream)> {
        let (a, b) = unix::UnixStream::pair()?;
        Ok((UnixStream::from_std(a)?, UnixStream::from_std(b)?))
    }

    /// Takes over a stream of the standard library, which is made non-blocking.
    ///
    /// # Panics
    /// Outside a runtime.
    #[track_caller]
    pub fn from_std(stream: unix::UnixStream) -> io::Result<UnixStream> {
        Ok(UnixStream { io: Arc::new(Async::new(stream)?) })
    }

    /// Back to the standard library, off the reactor; it stays non-blocking.
    ///
    /// # Errors
    /// If an owned half of this stream still exists.
    pub fn into_std(self) -> io::Result<unix::UnixStream> {
        Arc::try_unwrap(self.io)
            .map(Async::into_inner)
            .map_err(|_| io::Error::other("half of this stream is still in use"))
    }

    fn io(&self) -> &Async<unix::UnixStream> {
        &self.io
    }

    reading_methods!(READ);
    writing_methods!(WRITE);
    common_methods!();
    file_methods!(SEND_FILE);

    /// Two halves that borrow the stream.
    pub fn split(&mut self) -> (halves::ReadHalf<'_>, halves::WriteHalf<'_>) {
        (split::ReadHalf(self), split::WriteHalf(self))
    }

    /// Two halves that own the stream between them; dropping the writing one closes it.
    pub fn into_split(self) -> (halves::OwnedReadHalf, halves::OwnedWriteHalf) {
        split::into_split(self.io)
    }

    /// Closes the writing half: the peer reads the end of the stream.
    ///
    /// # Errors
    /// Those of the system. A peer that is gone already is none.
    ///
    /// # Cancel safety
    /// Cancel safe: it does not wait.
    #[track_caller]
    pub fn shutdown(&self) -> impl Future<Output = io::Result<()>> + Send + '_ {
        let made = Made::here(&SHUTDOWN);
        async move {
            made.begin();
            shutdown(self.io.get_ref(), Shutdown::Write)
        }
    }

    /// The address of the peer.
    pub fn peer_addr(&self) -> io::Result<SocketAddr> {
        self.io.get_ref().peer_addr()
    }

    /// The address of this end.
    pub fn local_addr(&self) -> io::Result<SocketAddr> {
        self.io.get_ref().local_addr()
    }

    /// Who is at the other end.
    #[cfg(target_os = "linux")]
    pub fn peer_cred(&self) -> io::Result<UCred> {
        let cred = rustix::net::sockopt::socket_peercred(self.io.get_ref())?;
        Ok(UCred {
            uid: cred.uid.as_raw(),
            gid: cred.gid.as_raw(),
            pid: Some(cred.pid.as_raw_nonzero().get()),
        })
    }

    /// The error that the system holds for this socket, if any; asking clears it.
    pub fn take_error(&self) -> io::Result<Option<io::Error>> {
        self.io.get_ref().take_error()
    }
}

/// Who a process is; see `UnixStream::peer_cred`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct UCred {
    uid: halves::uid_t,
    gid: halves::gid_t,
    pid: Option<halves::pid_t>,
}

impl UCred {
    /// The user.
    pub fn uid(&self) -> halves::uid_t {
        self.uid
    }

    /// The group.
    pub fn gid(&self) -> halves::gid_t {
        self.gid
    }

    /// The process, where the system tells.
    pub fn pid(&self) -> Option<halves::pid_t> {
        self.pid
    }
}

impl AsFd for UnixStream {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.io.get_ref().as_fd()
    }
}

impl fmt::Debug for UnixStream {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.io.get_ref().fmt(f)
    }
}
