//! [`UnixDatagram`].

use std::fmt;
use std::future::Future;
use std::io;
use std::net::Shutdown;
use std::os::fd::{AsFd, BorrowedFd};
use std::os::unix::net::{self as unix, SocketAddr};
use std::panic::Location;
use std::path::Path;
use std::task::{Context, Poll};

use super::about;
use super::stream::ASYNC_IO;
use super::unix_addr::address;
use crate::context;
use crate::host::Operation;
use crate::interest::{Interest, Ready};
use crate::source::Async;

static RECV: Operation = Operation::new("UnixDatagram::recv");
static SEND: Operation = Operation::new("UnixDatagram::send");

/// A datagram socket within this machine.
///
/// # Errors
/// Where a method says nothing of them, errors are those of the system, with their kinds: so it is with
/// all that only asks for something or sets it. What sends, receives or waits fails also once the
/// runtime has shut down; see [`is_shutdown_error`](crate::is_shutdown_error).
///
/// Examples are at the head of `heist::net`.
pub struct UnixDatagram {
    io: Async<unix::UnixDatagram>,
}

impl UnixDatagram {
    /// Binds to a path, which must not exist.
    ///
    /// # Errors
    /// `AddrInUse` if it does, with the path in the message.
    ///
    /// # Panics
    /// Outside a runtime.
    #[track_caller]
    pub fn bind<P: AsRef<Path>>(path: P) -> io::Result<UnixDatagram> {
        // A panic after it is bound would leave its name behind.
        context::demand(Location::caller());
        let path = path.as_ref();
        let socket = address(path)
            .and_then(|addr| unix::UnixDatagram::bind_addr(&addr))
            .map_err(|error| about("bind to", path.display(), &error))?;
        UnixDatagram::from_std(socket)
    }

    /// A socket without a name.
    ///
    /// # Panics
    /// Outside a runtime.
    #[track_caller]
    pub fn unbound() -> io::Result<UnixDatagram> {
        UnixDatagram::from_std(unix::UnixDatagram::unbound()?)
    }

    /// Two connected sockets.
    ///
    /// # Panics
    /// Outside a runtime.
    #[track_caller]
    pub fn pair() -> io::Result<(UnixDatagram, UnixDatagram)> {
        let (a, b) = unix::UnixDatagram::pair()?;
        Ok((UnixDatagram::from_std(a)?, UnixDatagram::from_std(b)?))
    }

    /// Takes over a socket of the standard library, which is made non-blocking.
    ///
    /// # Panics
    /// Outside a runtime.
    #[track_caller]
    pub fn from_std(socket: unix::UnixDatagram) -> io::Result<UnixDatagram> {
        Ok(UnixDatagram { io: Async::new(socket)? })
    }

    /// Back to the standard library, off the reactor; it stays non-blocking.
    pub fn into_std(self) -> io::Result<unix::UnixDatagram> {
        Ok(self.io.into_inner())
    }

    /// Fixes the peer for `send` and `recv`.
    ///
    /// # Errors
    /// `NotFound`, `ConnectionRefused` and the like; `InvalidInput` for a path that is too long.
    pub fn connect<P: AsRef<Path>>(&self, path: P) -> io::Result<()> {
        self.io.get_ref().connect_addr(&address(path.as_ref())?)
    }

    /// Sends a datagram to the connected peer.
    ///
    /// # Errors
    /// Those of the system, as `ConnectionRefused` if the peer is gone, or `NotConnected`.
    ///
    /// # Cancel safety
    /// Cancel safe: nothing is sent unless it is returned.
    #[track_caller]
    pub fn send<'a>(
        &'a self,
        bytes: &'a [u8],
    ) -> impl Future<Output = io::Result<usize>> + Send + 'a {
        let site = (&SEND, Location::caller());
        self.io.run(Interest::WRITABLE, site, |socket| socket.send(bytes), |_| false)
    }

    /// Sends a datagram to a path.
    ///
    /// # Errors
    /// `NotFound`, `ConnectionRefused` and the like.
    ///
    /// # Cancel safety
    /// Cancel safe: nothing is sent unless it is returned.
    #[track_caller]
    pub fn send_to<'a, P: AsRef<Path> + Send + 'a>(
        &'a self,
        bytes: &'a [u8],
        path: P,
    ) -> impl Future<Output = io::Result<usize>> + Send + 'a {
        let site = (&SEND, Location::caller());
        let send = move |socket: &unix::UnixDatagram| socket.send_to(bytes, path.as_ref());
        self.io.run(Interest::WRITABLE, site, send, |_| false)
    }

    /// Receives a datagram; what does not fit is lost.
    ///
    /// # Cancel safety
    /// Cancel safe: no datagram is lost.
    #[track_caller]
    pub fn recv<'a>(
        &'a self,
        buffer: &'a mut [u8],
    ) -> impl Future<Output = io::Result<usize>> + Send + 'a {
        let site = (&RECV, Location::caller());
        self.io.run(Interest::READABLE, site, |socket| socket.recv(buffer), |_| false)
    }

    /// Receives a datagram and says whose it is; what does not fit is lost.
    ///
    /// # Cancel safety
    /// Cancel safe: no datagram is lost.
    #[track_caller]
    pub fn recv_from<'a>(
        &'a self,
        buffer: &'a mut [u8],
    ) -> impl Future<Output = io::Result<(usize, SocketAddr)>> + Send + 'a {
        let site = (&RECV, Location::caller());
        self.io.run(Interest::READABLE, site, |socket| socket.recv_from(buffer), |_| false)
    }

    /// As [`recv`](UnixDatagram::recv), without waiting.
    ///
    /// # Errors
    /// `WouldBlock` if it would have to wait, and those of the system.
    pub fn try_recv(&self, buffer: &mut [u8]) -> io::Result<usize> {
        self.io.try_io(Interest::READABLE, |socket| socket.recv(buffer))
    }

    /// As [`recv_from`](UnixDatagram::recv_from), without waiting.
    ///
    /// # Errors
    /// `WouldBlock` if it would have to wait, and those of the system.
    pub fn try_recv_from(&self, buffer: &mut [u8]) -> io::Result<(usize, SocketAddr)> {
        self.io.try_io(Interest::READABLE, |socket| socket.recv_from(buffer))
    }

    /// As [`send`](UnixDatagram::send), without waiting.
    ///
    /// # Errors
    /// `WouldBlock` if it would have to wait, and those of the system.
    pub fn try_send(&self, bytes: &[u8]) -> io::Result<usize> {
        self.io.try_io(Interest::WRITABLE, |socket| socket.send(bytes))
    }

    /// As [`send_to`](UnixDatagram::send_to), without waiting.
    ///
    /// # Errors
    /// `WouldBlock` if it would have to wait, and those of the system.
    pub fn try_send_to<P: AsRef<Path>>(&self, bytes: &[u8], path: P) -> io::Result<usize> {
        self.io.try_io(Interest::WRITABLE, |socket| socket.send_to(bytes, path.as_ref()))
    }

    /// Runs an operation of one's own once if the socket is thought to be ready for it.
    ///
    /// # Errors
    /// `WouldBlock` if it is not, and those of the operation.
    pub fn try_io<R>(
        &self,
        interest: Interest,
        mut operation: impl FnMut() -> io::Result<R>,
    ) -> io::Result<R> {
        self.io.try_io(interest, |_| operation())
    }

    /// As [`try_io`](UnixDatagram::try_io), waiting as often as the operation says `WouldBlock`.
    ///
    /// # Errors
    /// Those of the operation, and once the runtime has shut down. `WouldBlock` is one of them only where
    /// the operation insists on it in a direction that is closed.
    ///
    /// # Cancel safety
    /// Cancel safe, as far as the operation itself is.
    #[track_caller]
    pub fn async_io<R>(
        &self,
        interest: Interest,
        mut operation: impl FnMut() -> io::Result<R>,
    ) -> impl Future<Output = io::Result<R>> {
        let site = (&ASYNC_IO, Location::caller());
        self.io.run(interest, site, move |_| operation(), |_| false)
    }

    /// As [`readable`](UnixDatagram::readable), for futures written by hand; the last waker wins.
    pub fn poll_recv_ready(&self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.io.poll_readable(cx)
    }

    /// As [`writable`](UnixDatagram::writable), for futures written by hand; the last waker wins.
    pub fn poll_send_ready(&self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.io.poll_writable(cx)
    }

    /// As [`recv_from`](UnixDatagram::recv_from), for futures written by hand; the last waker wins.
    #[track_caller]
    pub fn poll_recv_from(
        &self,
        cx: &mut Context<'_>,
        buffer: &mut [u8],
    ) -> Poll<io::Result<(usize, SocketAddr)>> {
        let site = (&RECV, Location::caller());
        let receive = |socket: &unix::UnixDatagram| socket.recv_from(buffer);
        self.io.poll_attempt(cx, Interest::READABLE, site, receive, |_| false)
    }

    /// As [`send_to`](UnixDatagram::send_to), for futures written by hand; the last waker wins.
    #[track_caller]
    pub fn poll_send_to<P: AsRef<Path>>(
        &self,
        cx: &mut Context<'_>,
        bytes: &[u8],
        path: P,
    ) -> Poll<io::Result<usize>> {
        let site = (&SEND, Location::caller());
        let send = |socket: &unix::UnixDatagram| socket.send_to(bytes, path.as_ref());
        self.io.poll_attempt(cx, Interest::WRITABLE, site, send, |_| false)
    }

    /// As [`recv`](UnixDatagram::recv), for futures written by hand; the last waker wins.
    #[track_caller]
    pub fn poll_recv(&self, cx: &mut Context<'_>, buffer: &mut [u8]) -> Poll<io::Result<usize>> {
        let site = (&RECV, Location::caller());
        let receive = |socket: &unix::UnixDatagram| socket.recv(buffer);
        self.io.poll_attempt(cx, Interest::READABLE, site, receive, |_| false)
    }

    /// As [`send`](UnixDatagram::send), for futures written by hand; the last waker wins.
    #[track_caller]
    pub fn poll_send(&self, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        let site = (&SEND, Location::caller());
        self.io.poll_attempt(cx, Interest::WRITABLE, site, |socket| socket.send(bytes), |_| false)
    }

    /// Waits until there may be something to receive.
    ///
    /// # Errors
    /// If the runtime has shut down.
    ///
    /// # Cancel safety
    /// Cancel safe.
    #[track_caller]
    pub fn readable(&self) -> impl Future<Output = io::Result<()>> + Send + '_ {
        self.io.readable()
    }

    /// Waits until there may be room to send.
    ///
    /// # Errors
    /// If the runtime has shut down.
    ///
    /// # Cancel safety
    /// Cancel safe.
    #[track_caller]
    pub fn writable(&self) -> impl Future<Output = io::Result<()>> + Send + '_ {
        self.io.writable()
    }

    /// Waits until the socket is ready for one of the directions, and says for which.
    ///
    /// # Errors
    /// If the runtime has shut down.
    ///
    /// # Cancel safety
    /// Cancel safe.
    #[track_caller]
    pub fn ready(&self, interest: Interest) -> impl Future<Output = io::Result<Ready>> + Send + '_ {
        self.io.ready(interest)
    }

    /// Closes one direction or both.
    pub fn shutdown(&self, how: Shutdown) -> io::Result<()> {
        self.io.get_ref().shutdown(how)
    }

    /// The error that the system holds for this socket, if any; asking clears it.
    pub fn take_error(&self) -> io::Result<Option<io::Error>> {
        self.io.get_ref().take_error()
    }

    /// The address of the connected peer.
    pub fn peer_addr(&self) -> io::Result<SocketAddr> {
        self.io.get_ref().peer_addr()
    }

    /// The address of this end.
    pub fn local_addr(&self) -> io::Result<SocketAddr> {
        self.io.get_ref().local_addr()
    }
}

impl AsFd for UnixDatagram {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.io.get_ref().as_fd()
    }
}

impl fmt::Debug for UnixDatagram {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.io.get_ref().fmt(f)
    }
}
