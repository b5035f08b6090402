//! [`UnixSocket`]: a Unix socket before it connects or listens, to bind it first.

use std::future::Future;
use std::io;
use std::os::fd::{AsFd, BorrowedFd, FromRawFd, IntoRawFd, RawFd};
use std::panic::Location;
use std::path::Path;

use socket2::{Domain, SockAddr, Socket, Type};

use super::unix_addr::shown;
use super::{UnixDatagram, UnixListener, UnixStream, about};
use crate::context;
use crate::host::{Made, Operation};

static CONNECT: Operation = Operation::new("UnixSocket::connect");

/// A Unix socket that neither connects nor listens yet. Options are set through its descriptor.
///
/// Examples are at the head of `heist::net`.
#[derive(Debug)]
pub struct UnixSocket(Socket);

impl UnixSocket {
    /// For a stream or a listener.
    ///
    /// # Errors
    /// Those of the system, as running out of descriptors.
    pub fn new_stream() -> io::Result<UnixSocket> {
        UnixSocket::new(Type::STREAM)
    }

    /// For datagrams.
    ///
    /// # Errors
    /// Those of the system, as running out of descriptors.
    pub fn new_datagram() -> io::Result<UnixSocket> {
        UnixSocket::new(Type::DGRAM)
    }

    fn new(kind: Type) -> io::Result<UnixSocket> {
        let socket = Socket::new(Domain::UNIX, kind, None)?;
        socket.set_nonblocking(true)?;
        Ok(UnixSocket(socket))
    }

    pub(super) fn into_socket(self) -> Socket {
        self.0
    }

    /// Binds it to a path, which must not exist.
    ///
    /// # Errors
    /// `AddrInUse` if it does, with the path in the message.
    pub fn bind(&self, path: impl AsRef<Path>) -> io::Result<()> {
        let addr = SockAddr::unix(path)?;
        self.0.bind(&addr).map_err(|error| about("bind to", shown(&addr), &error))
    }

    /// Listens, with room for `backlog` waiting connections.
    ///
    /// # Errors
    /// If it has not been bound; `InvalidInput` if it is for datagrams.
    ///
    /// # Panics
    /// Outside a runtime.
    #[track_caller]
    pub fn listen(self, backlog: u32) -> io::Result<UnixListener> {
        context::demand(Location::caller());
        self.must_be(Type::STREAM)?;
        self.0.listen(i32::try_from(backlog).unwrap_or(i32::MAX))?;
        UnixListener::from_std(self.0.into())
    }

    /// Connects; see [`UnixStream::connect`].
    ///
    /// # Errors
    /// Those of [`UnixStream::connect`]; `InvalidInput` if it is for datagrams.
    ///
    /// # Panics
    /// Outside a runtime.
    ///
    /// # Cancel safety
    /// Cancel safe, but that the socket goes with it: an attempt under way is closed.
    #[track_caller]
    pub fn connect<P: AsRef<Path>>(
        self,
        path: P,
    ) -> impl Future<Output = io::Result<UnixStream>> + Send + use<P> {
        let (addr, made) = (SockAddr::unix(path), Made::here(&CONNECT));
        async move {
            let (_, at) = made.begin();
            context::demand(at);
            self.must_be(Type::STREAM)?;
            UnixStream::connect_socket(self.0, addr?, at).await
        }
    }

    /// Makes it a socket for datagrams.
    ///
    /// # Errors
    /// `InvalidInput` if it is for a stream.
    ///
    /// # Panics
    /// Outside a runtime.
    #[track_caller]
    pub fn datagram(self) -> io::Result<UnixDatagram> {
        context::demand(Location::caller());
        self.must_be(Type::DGRAM)?;
        UnixDatagram::from_std(self.0.into())
    }

    fn must_be(&self, kind: Type) -> io::Result<()> {
        if self.0.r#type()? == kind {
            return Ok(());
        }
        let message = match kind {
            Type::DGRAM => "only a socket made by `new_datagram` is for datagrams",
            _ => "only a socket made by `new_stream` listens or connects to a stream",
        };
        Err(io::Error::new(io::ErrorKind::InvalidInput, message))
    }
}

impl AsFd for UnixSocket {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.0.as_fd()
    }
}

impl IntoRawFd for UnixSocket {
    fn into_raw_fd(self) -> RawFd {
        self.0.into_raw_fd()
    }
}

/// It must be a Unix socket that is non-blocking.
impl FromRawFd for UnixSocket {
    unsafe fn from_raw_fd(fd: RawFd) -> UnixSocket {
        // SAFETY: the caller promises that the descriptor is open and nobody else's.
        UnixSocket(unsafe { Socket::from_raw_fd(fd) })
    }
}
