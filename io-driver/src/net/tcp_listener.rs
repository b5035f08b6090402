//! [`TcpListener`].

use std::fmt;
use std::future::Future;
use std::io;
use std::net::SocketAddr;
use std::os::fd::{AsFd, BorrowedFd};
use std::panic::Location;
use std::task::{Context, Poll};

use super::addr::{ToSocketAddrs, resolve};
use super::exhaustion::{HeldBack, held_back_if_exhausted};
use super::tcp_stream::TcpStream;
use super::{about, try_each};
use crate::context;
use crate::host::{Made, Operation};
use crate::interest::Interest;
use crate::source::Async;

static BIND: Operation = Operation::new("TcpListener::bind");
static ACCEPT: Operation = Operation::new("TcpListener::accept");

/// How many connections may wait to be accepted.
pub(super) const BACKLOG: i32 = 1024;

/// Listens for TCP connections.
///
/// # Errors
/// Where a method says nothing of them, errors are those of the system, with their kinds: so it is with
/// all that only asks for something or sets it. What sends, receives or waits fails also once the
/// runtime has shut down; see [`is_shutdown_error`](crate::is_shutdown_error).
///
/// Examples are at the head of `heist::net`.
pub struct TcpListener {
    io: Async<std::net::TcpListener>,
    held_back: HeldBack,
}

impl TcpListener {
    /// Listens on an address, with `SO_REUSEADDR` set and room for 1024 waiting connections. Of
    /// several addresses the first that can be had is taken.
    ///
    /// # Errors
    /// `AddrInUse` and the like, with the address in the message; `InvalidInput` for what is no
    /// address.
    ///
    /// # Panics
    /// Outside a runtime.
    ///
    /// # Cancel safety
    /// Cancel safe: only the lookup of a name is waited for, and nothing is bound before.
    #[track_caller]
    pub fn bind<A: ToSocketAddrs>(addr: A) -> impl Future<Output = io::Result<TcpListener>> + Send {
        let (target, made) = (addr.target(), Made::here(&BIND));
        async move {
            let (_, at) = made.begin();
            context::demand(at);
            let addrs = resolve(target, at).await?;
            try_each(addrs, |addr| async move { TcpListener::bind_addr(addr) }).await
        }
    }

    fn bind_addr(addr: SocketAddr) -> io::Result<TcpListener> {
        let listen = || {
            let socket = super::tcp_socket::nonblocking(addr)?;
            socket.set_reuse_address(true)?;
            socket.bind(&addr.into())?;
            socket.listen(BACKLOG)?;
            Ok(socket)
        };
        let socket = listen().map_err(|error| about("listen on", addr, &error))?;
        TcpListener::from_nonblocking(socket.into())
    }

    #[track_caller]
    pub(super) fn from_nonblocking(listener: std::net::TcpListener) -> io::Result<TcpListener> {
        Ok(TcpListener { io: Async::new_nonblocking(listener)?, held_back: HeldBack::default() })
    }

    /// Takes over a listener of the standard library, which is made non-blocking.
    ///
    /// # Panics
    /// Outside a runtime.
    #[track_caller]
    pub fn from_std(listener: std::net::TcpListener) -> io::Result<TcpListener> {
        Ok(TcpListener { io: Async::new(listener)?, held_back: HeldBack::default() })
    }

    /// Back to the standard library, off the reactor; it stays non-blocking.
    pub fn into_std(self) -> io::Result<std::net::TcpListener> {
        Ok(self.io.into_inner())
    }

    /// Waits for a connection.
    ///
    /// A connection that failed before it could be accepted is passed over.
    ///
    /// # Errors
    /// Those of the system, as running out of descriptors or memory. The waiting connection is
    /// still there then: an accept loop should try again, not end. Such an error is reported
    /// 100 ms late, so that a loop which does nothing but try again does not use up a core; tokio's
    /// comes at once.
    ///
    /// # Cancel safety
    /// Cancel safe: no connection is lost.
    #[track_caller]
    pub fn accept(&self) -> impl Future<Output = io::Result<(TcpStream, SocketAddr)>> + Send + '_ {
        let site = (&ACCEPT, Location::caller());
        let accept = self.io.run(Interest::READABLE, site, accept, |_| false);
        async move {
            let (stream, addr) = held_back_if_exhausted(accept.await).await?;
            Ok((TcpStream::from_nonblocking(stream)?, addr))
        }
    }

    /// As [`accept`](TcpListener::accept), for futures written by hand; the last waker wins.
    /// What is reported late there is reported late here, too.
    #[track_caller]
    pub fn poll_accept(&self, cx: &mut Context<'_>) -> Poll<io::Result<(TcpStream, SocketAddr)>> {
        let site = (&ACCEPT, Location::caller());
        let accept = |cx: &mut Context<'_>| {
            self.io.poll_attempt(cx, Interest::READABLE, site, accept, |_| false)
        };
        self.held_back.poll(cx, accept).map(|accepted| {
            let (stream, addr) = accepted?;
            Ok((TcpStream::from_nonblocking(stream)?, addr))
        })
    }

    /// The address that it listens on.
    pub fn local_addr(&self) -> io::Result<SocketAddr> {
        self.io.get_ref().local_addr()
    }

    /// The time to live of accepted connections' packets.
    pub fn ttl(&self) -> io::Result<u32> {
        self.io.get_ref().ttl()
    }

    /// Sets the time to live of accepted connections' packets.
    pub fn set_ttl(&self, ttl: u32) -> io::Result<()> {
        self.io.get_ref().set_ttl(ttl)
    }
}

/// Accepts a connection; one that is broken already is passed over.
fn accept(listener: &std::net::TcpListener) -> io::Result<(std::net::TcpStream, SocketAddr)> {
    loop {
        match accept_nonblocking(listener) {
            Err(error) if is_of_one_connection(&error) => {}
            other => return other,
        }
    }
}

#[cfg(any(target_os = "linux", target_os = "android", target_os = "freebsd"))]
fn accept_nonblocking(
    listener: &std::net::TcpListener,
) -> io::Result<(std::net::TcpStream, SocketAddr)> {
    use rustix::net::{SocketFlags, acceptfrom_with};
    let (stream, addr) = acceptfrom_with(listener, SocketFlags::NONBLOCK | SocketFlags::CLOEXEC)?;
    let addr = addr.and_then(|addr| SocketAddr::try_from(addr).ok());
    let stream = std::net::TcpStream::from(stream);
    let addr = addr.map_or_else(|| stream.peer_addr(), Ok)?;
    Ok((stream, addr))
}

#[cfg(not(any(target_os = "linux", target_os = "android", target_os = "freebsd")))]
fn accept_nonblocking(
    listener: &std::net::TcpListener,
) -> io::Result<(std::net::TcpStream, SocketAddr)> {
    let (stream, addr) = listener.accept()?;
    stream.set_nonblocking(true)?;
    Ok((stream, addr))
}

/// Whether an error of `accept` is about the connection and not about the listener: `accept(2)`
/// advises to treat these as if the connection had never been there.
fn is_of_one_connection(error: &io::Error) -> bool {
    matches!(
        error.kind(),
        io::ErrorKind::ConnectionAborted
            | io::ErrorKind::ConnectionReset
            | io::ErrorKind::ConnectionRefused
            | io::ErrorKind::HostUnreachable
            | io::ErrorKind::NetworkUnreachable
            | io::ErrorKind::NetworkDown
    ) || error.raw_os_error() == Some(rustix::io::Errno::PROTO.raw_os_error())
}

impl AsFd for TcpListener {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.io.get_ref().as_fd()
    }
}

impl fmt::Debug for TcpListener {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.io.get_ref().fmt(f)
    }
}
