//! [`TcpSocket`]: a socket before it connects or listens, to set its options.

use std::future::Future;
use std::io;
use std::net::SocketAddr;
use std::os::fd::{AsFd, BorrowedFd, FromRawFd, IntoRawFd, RawFd};
use std::time::Duration;

use socket2::{Domain, Protocol, SockAddr, Socket, Type};

use super::about;
use super::tcp_listener::TcpListener;
use super::tcp_stream::TcpStream;
use crate::host::{Made, Operation};

static CONNECT: Operation = Operation::new("TcpSocket::connect");

/// A TCP socket that neither connects nor listens yet.
///
/// # Errors
/// Where a method says nothing of them, errors are those of the system, with their kinds: so it is with
/// all options.
///
/// Examples are at the head of `heist::net`.
#[derive(Debug)]
pub struct TcpSocket(Socket);

/// A non-blocking socket for addresses of this kind.
pub(super) fn nonblocking(addr: SocketAddr) -> io::Result<Socket> {
    of_domain(Domain::for_address(addr))
}

fn of_domain(domain: Domain) -> io::Result<Socket> {
    let socket = Socket::new(domain, Type::STREAM, Some(Protocol::TCP))?;
    socket.set_nonblocking(true)?;
    Ok(socket)
}

fn inet(addr: SockAddr) -> io::Result<SocketAddr> {
    addr.as_socket().ok_or_else(|| io::Error::other("not an internet address"))
}

impl TcpSocket {
    /// For IPv4.
    pub fn new_v4() -> io::Result<TcpSocket> {
        Ok(TcpSocket(of_domain(Domain::IPV4)?))
    }

    /// For IPv6.
    pub fn new_v6() -> io::Result<TcpSocket> {
        Ok(TcpSocket(of_domain(Domain::IPV6)?))
    }

    /// Sets whether an address may be bound while old connections of it linger.
    pub fn set_reuseaddr(&self, reuse: bool) -> io::Result<()> {
        self.0.set_reuse_address(reuse)
    }

    /// Whether an address may be bound while old connections of it linger.
    pub fn reuseaddr(&self) -> io::Result<bool> {
        self.0.reuse_address()
    }

    /// Sets whether several sockets may listen on the address, sharing its connections.
    pub fn set_reuseport(&self, reuse: bool) -> io::Result<()> {
        self.0.set_reuse_port(reuse)
    }

    /// Whether several sockets may listen on the address.
    pub fn reuseport(&self) -> io::Result<bool> {
        self.0.reuse_port()
    }

    /// Sets whether idle connections are probed.
    pub fn set_keepalive(&self, keepalive: bool) -> io::Result<()> {
        self.0.set_keepalive(keepalive)
    }

    /// Whether idle connections are probed.
    pub fn keepalive(&self) -> io::Result<bool> {
        self.0.keepalive()
    }

    /// Sets whether small writes are sent at once.
    pub fn set_nodelay(&self, nodelay: bool) -> io::Result<()> {
        self.0.set_tcp_nodelay(nodelay)
    }

    /// Whether small writes are sent at once.
    pub fn nodelay(&self) -> io::Result<bool> {
        self.0.tcp_nodelay()
    }

    /// Sets the size of the send buffer, in bytes; the system may choose another.
    pub fn set_send_buffer_size(&self, bytes: u32) -> io::Result<()> {
        self.0.set_send_buffer_size(bytes as usize)
    }

    /// The size of the send buffer, in bytes.
    pub fn send_buffer_size(&self) -> io::Result<u32> {
        self.0.send_buffer_size().map(|bytes| bytes as u32)
    }

    /// Sets the size of the receive buffer, in bytes; the system may choose another.
    pub fn set_recv_buffer_size(&self, bytes: u32) -> io::Result<()> {
        self.0.set_recv_buffer_size(bytes as usize)
    }

    /// The size of the receive buffer, in bytes.
    pub fn recv_buffer_size(&self) -> io::Result<u32> {
        self.0.recv_buffer_size().map(|bytes| bytes as u32)
    }

    /// Sets how long a close waits for unsent data; zero makes it reset the connection.
    pub fn set_linger(&self, linger: Option<Duration>) -> io::Result<()> {
        self.0.set_linger(linger)
    }

    /// Makes a close reset the connection.
    pub fn set_zero_linger(&self) -> io::Result<()> {
        self.set_linger(Some(Duration::ZERO))
    }

    /// How long a close waits for unsent data.
    pub fn linger(&self) -> io::Result<Option<Duration>> {
        self.0.linger()
    }

    /// Sets the type of service of its IPv4 packets.
    pub fn set_tos_v4(&self, tos: u32) -> io::Result<()> {
        self.0.set_tos_v4(tos)
    }

    /// The type of service of its IPv4 packets.
    pub fn tos_v4(&self) -> io::Result<u32> {
        self.0.tos_v4()
    }

    /// Sets the traffic class of its IPv6 packets.
    #[cfg(any(
        target_os = "android",
        target_os = "freebsd",
        target_os = "linux",
        target_os = "macos"
    ))]
    pub fn set_tclass_v6(&self, class: u32) -> io::Result<()> {
        self.0.set_tclass_v6(class)
    }

    /// The traffic class of its IPv6 packets.
    #[cfg(any(
        target_os = "android",
        target_os = "freebsd",
        target_os = "linux",
        target_os = "macos"
    ))]
    pub fn tclass_v6(&self) -> io::Result<u32> {
        self.0.tclass_v6()
    }

    /// The interface that it is bound to, by name.
    #[cfg(any(target_os = "android", target_os = "linux"))]
    pub fn device(&self) -> io::Result<Option<Vec<u8>>> {
        self.0.device()
    }

    /// Binds it to the interface of this name, or to none.
    #[cfg(any(target_os = "android", target_os = "linux"))]
    pub fn bind_device(&self, interface: Option<&[u8]>) -> io::Result<()> {
        self.0.bind_device(interface)
    }

    /// The error that the system holds for this socket, if any; asking clears it.
    pub fn take_error(&self) -> io::Result<Option<io::Error>> {
        self.0.take_error()
    }

    /// The address that it is bound to.
    pub fn local_addr(&self) -> io::Result<SocketAddr> {
        self.0.local_addr().and_then(inet)
    }

    /// Binds it to an address of this machine.
    ///
    /// # Errors
    /// `AddrInUse` and the like, with the address in the message.
    pub fn bind(&self, addr: SocketAddr) -> io::Result<()> {
        self.0.bind(&addr.into()).map_err(|error| about("bind to", addr, &error))
    }

    /// Connects; see [`TcpStream::connect`].
    ///
    /// # Errors
    /// `ConnectionRefused` and the like, with the address in the message.
    ///
    /// # Panics
    /// Outside a runtime.
    ///
    /// # Cancel safety
    /// Cancel safe, but that the socket goes with it: an attempt under way is closed.
    #[track_caller]
    pub fn connect(self, addr: SocketAddr) -> impl Future<Output = io::Result<TcpStream>> + Send {
        let made = Made::here(&CONNECT);
        async move {
            let (_, at) = made.begin();
            TcpStream::connect_socket(self.0, addr, at).await
        }
    }

    /// Listens, with room for `backlog` waiting connections.
    ///
    /// # Errors
    /// Those of the system, as `AddrInUse`.
    ///
    /// # Panics
    /// Outside a runtime.
    #[track_caller]
    pub fn listen(self, backlog: u32) -> io::Result<TcpListener> {
        self.0.listen(i32::try_from(backlog).unwrap_or(i32::MAX))?;
        TcpListener::from_nonblocking(self.0.into())
    }

    /// Takes over a stream of the standard library that is not connected yet.
    pub fn from_std_stream(stream: std::net::TcpStream) -> TcpSocket {
        TcpSocket(stream.into())
    }
}

impl AsFd for TcpSocket {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.0.as_fd()
    }
}

impl IntoRawFd for TcpSocket {
    fn into_raw_fd(self) -> RawFd {
        self.0.into_raw_fd()
    }
}

/// It must be a TCP socket that is non-blocking.
impl FromRawFd for TcpSocket {
    unsafe fn from_raw_fd(fd: RawFd) -> TcpSocket {
        // SAFETY: the caller promises that the descriptor is open and nobody else's.
        TcpSocket(unsafe { Socket::from_raw_fd(fd) })
    }
}
