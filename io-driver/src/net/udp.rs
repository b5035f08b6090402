//! [`UdpSocket`].

use std::fmt;
use std::future::Future;
use std::io;
use std::net::SocketAddr;
use std::os::fd::{AsFd, BorrowedFd};
use std::panic::Location;
use std::task::{Context, Poll};

use super::addr::{ToSocketAddrs, resolve};
use super::stream::ASYNC_IO;
use super::{about, no_address, try_each};
use crate::context;
use crate::host::{Made, Operation};
use crate::interest::{Interest, Ready};
use crate::source::Async;

static BIND: Operation = Operation::new("UdpSocket::bind");
static CONNECT: Operation = Operation::new("UdpSocket::connect");
static RECV: Operation = Operation::new("UdpSocket::recv");
static SEND: Operation = Operation::new("UdpSocket::send");

/// A UDP socket. Any number of tasks may send and receive on it at once.
///
/// Each datagram costs one system call; [`send_many`](UdpSocket::send_many),
/// [`send_many_to`](UdpSocket::send_many_to) and [`recv_many`](UdpSocket::recv_many), which tokio
/// has not, pass on up to 32 with one on Linux.
///
/// # Errors
/// Where a method says nothing of them, errors are those of the system, with their kinds: so it is with
/// all that only asks for something or sets it. What sends, receives or waits fails also once the
/// runtime has shut down; see [`is_shutdown_error`](crate::is_shutdown_error).
///
/// Examples are at the head of `heist::net`.
pub struct UdpSocket {
    pub(super) io: Async<std::net::UdpSocket>,
}

fn peek_sender(socket: &std::net::UdpSocket) -> io::Result<SocketAddr> {
    socket.peek_from(&mut []).map(|(_, from)| from)
}

impl UdpSocket {
    /// Binds to an address; of several, the first that can be had.
    ///
    /// # Errors
    /// `AddrInUse` and the like, with the address in the message.
    ///
    /// # Panics
    /// Outside a runtime.
    ///
    /// # Cancel safety
    /// Cancel safe: only the lookup of a name is waited for, and nothing is bound before.
    #[track_caller]
    pub fn bind<A: ToSocketAddrs>(addr: A) -> impl Future<Output = io::Result<UdpSocket>> + Send {
        let (target, made) = (addr.target(), Made::here(&BIND));
        async move {
            let (_, at) = made.begin();
            context::demand(at);
            let bind = |addr| async move {
                let socket = std::net::UdpSocket::bind(addr);
                UdpSocket::from_std(socket.map_err(|error| about("bind to", addr, &error))?)
            };
            try_each(resolve(target, at).await?, bind).await
        }
    }

    /// Takes over a socket of the standard library, which is made non-blocking.
    ///
    /// # Panics
    /// Outside a runtime.
    #[track_caller]
    pub fn from_std(socket: std::net::UdpSocket) -> io::Result<UdpSocket> {
        Ok(UdpSocket { io: Async::new(socket)? })
    }

    /// Back to the standard library, off the reactor; it stays non-blocking.
    pub fn into_std(self) -> io::Result<std::net::UdpSocket> {
        Ok(self.io.into_inner())
    }

    /// Fixes the peer for `send` and `recv`; of several addresses, the first that works.
    ///
    /// # Errors
    /// Those of the system, with the address in the message, and of the lookup of a name; `InvalidInput`
    /// for what is no address. That nobody listens there shows only when something is sent.
    ///
    /// # Cancel safety
    /// Cancel safe: only the lookup of a name is waited for, and the peer is the old one until then.
    #[track_caller]
    pub fn connect<A: ToSocketAddrs>(
        &self,
        addr: A,
    ) -> impl Future<Output = io::Result<()>> + Send {
        let (target, made) = (addr.target(), Made::here(&CONNECT));
        async move {
            let (_, at) = made.begin();
            let connect = |addr| async move {
                self.io.get_ref().connect(addr).map_err(|error| about("connect to", addr, &error))
            };
            try_each(resolve(target, at).await?, connect).await
        }
    }

    /// Sends a datagram to the connected peer.
    ///
    /// # Errors
    /// Those of the system; `ConnectionRefused`, if the peer's machine has said of an earlier datagram
    /// that nobody listens there.
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

    /// Receives a datagram from the connected peer; what does not fit is lost.
    ///
    /// # Errors
    /// Those of the system; `ConnectionRefused`, if the peer's machine has said that nobody listens there.
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

    /// Sends a datagram; of several addresses, to the first. Costs no more than its system call if
    /// the target is an address.
    ///
    /// # Errors
    /// Those of the system and of the lookup of a name; `InvalidInput` for what is no address.
    ///
    /// # Cancel safety
    /// Cancel safe: nothing is sent unless it is returned.
    #[track_caller]
    pub fn send_to<'a, A: ToSocketAddrs>(
        &'a self,
        bytes: &'a [u8],
        target: A,
    ) -> impl Future<Output = io::Result<usize>> + Send + use<'a, A> {
        let (target, made) = (target.target(), Made::here(&SEND));
        async move {
            let (_, at) = made.begin();
            let addr = resolve(target, at).await?.next().ok_or_else(no_address)?;
            let send = |socket: &std::net::UdpSocket| socket.send_to(bytes, addr);
            self.io.run(Interest::WRITABLE, (&SEND, at), send, |_| false).await
        }
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

    /// As [`recv_from`](UdpSocket::recv_from), without taking the datagram out.
    ///
    /// # Cancel safety
    /// Cancel safe.
    #[track_caller]
    pub fn peek_from<'a>(
        &'a self,
        buffer: &'a mut [u8],
    ) -> impl Future<Output = io::Result<(usize, SocketAddr)>> + Send + 'a {
        let site = (&RECV, Location::caller());
        self.io.run(Interest::READABLE, site, |socket| socket.peek_from(buffer), |_| false)
    }

    /// Receives a datagram from the connected peer without taking it out.
    ///
    /// # Cancel safety
    /// Cancel safe.
    #[track_caller]
    pub fn peek<'a>(
        &'a self,
        buffer: &'a mut [u8],
    ) -> impl Future<Output = io::Result<usize>> + Send + 'a {
        let site = (&RECV, Location::caller());
        self.io.run(Interest::READABLE, site, |socket| socket.peek(buffer), |_| false)
    }

    /// Says whose the next datagram is, without taking it out.
    ///
    /// # Cancel safety
    /// Cancel safe.
    #[track_caller]
    pub fn peek_sender(&self) -> impl Future<Output = io::Result<SocketAddr>> + Send + '_ {
        let site = (&RECV, Location::caller());
        self.io.run(Interest::READABLE, site, peek_sender, |_| false)
    }

    /// As [`peek_sender`](UdpSocket::peek_sender), without waiting.
    ///
    /// # Errors
    /// `WouldBlock` if it would have to wait, and those of the system.
    pub fn try_peek_sender(&self) -> io::Result<SocketAddr> {
        self.io.try_io(Interest::READABLE, peek_sender)
    }

    /// As [`peek_from`](UdpSocket::peek_from), without waiting.
    ///
    /// # Errors
    /// `WouldBlock` if it would have to wait, and those of the system.
    pub fn try_peek_from(&self, buffer: &mut [u8]) -> io::Result<(usize, SocketAddr)> {
        self.io.try_io(Interest::READABLE, |socket| socket.peek_from(buffer))
    }

    /// As [`peek`](UdpSocket::peek), without waiting.
    ///
    /// # Errors
    /// `WouldBlock` if it would have to wait, and those of the system.
    pub fn try_peek(&self, buffer: &mut [u8]) -> io::Result<usize> {
        self.io.try_io(Interest::READABLE, |socket| socket.peek(buffer))
    }

    /// As [`recv`](UdpSocket::recv), without waiting.
    ///
    /// # Errors
    /// `WouldBlock` if it would have to wait, and those of the system.
    pub fn try_recv(&self, buffer: &mut [u8]) -> io::Result<usize> {
        self.io.try_io(Interest::READABLE, |socket| socket.recv(buffer))
    }

    /// As [`recv_from`](UdpSocket::recv_from), without waiting.
    ///
    /// # Errors
    /// `WouldBlock` if it would have to wait, and those of the system.
    pub fn try_recv_from(&self, buffer: &mut [u8]) -> io::Result<(usize, SocketAddr)> {
        self.io.try_io(Interest::READABLE, |socket| socket.recv_from(buffer))
    }

    /// As [`send`](UdpSocket::send), without waiting.
    ///
    /// # Errors
    /// `WouldBlock` if it would have to wait, and those of the system.
    pub fn try_send(&self, bytes: &[u8]) -> io::Result<usize> {
        self.io.try_io(Interest::WRITABLE, |socket| socket.send(bytes))
    }

    /// As [`send_to`](UdpSocket::send_to), without waiting.
    ///
    /// # Errors
    /// `WouldBlock` if it would have to wait, and those of the system.
    pub fn try_send_to(&self, bytes: &[u8], target: SocketAddr) -> io::Result<usize> {
        self.io.try_io(Interest::WRITABLE, |socket| socket.send_to(bytes, target))
    }

    /// As [`recv_from`](UdpSocket::recv_from), for futures written by hand; the last waker wins.
    #[track_caller]
    pub fn poll_recv_from(
        &self,
        cx: &mut Context<'_>,
        buffer: &mut [u8],
    ) -> Poll<io::Result<(usize, SocketAddr)>> {
        let site = (&RECV, Location::caller());
        let receive = |socket: &std::net::UdpSocket| socket.recv_from(buffer);
        self.io.poll_attempt(cx, Interest::READABLE, site, receive, |_| false)
    }

    /// As [`send_to`](UdpSocket::send_to), for futures written by hand; the last waker wins.
    #[track_caller]
    pub fn poll_send_to(
        &self,
        cx: &mut Context<'_>,
        bytes: &[u8],
        target: SocketAddr,
    ) -> Poll<io::Result<usize>> {
        let site = (&SEND, Location::caller());
        let send = |socket: &std::net::UdpSocket| socket.send_to(bytes, target);
        self.io.poll_attempt(cx, Interest::WRITABLE, site, send, |_| false)
    }

    /// As [`recv`](UdpSocket::recv), for futures written by hand; the last waker wins.
    #[track_caller]
    pub fn poll_recv(&self, cx: &mut Context<'_>, buffer: &mut [u8]) -> Poll<io::Result<usize>> {
        let site = (&RECV, Location::caller());
        let receive = |socket: &std::net::UdpSocket| socket.recv(buffer);
        self.io.poll_attempt(cx, Interest::READABLE, site, receive, |_| false)
    }

    /// As [`send`](UdpSocket::send), for futures written by hand; the last waker wins.
    #[track_caller]
    pub fn poll_send(&self, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        let site = (&SEND, Location::caller());
        self.io.poll_attempt(cx, Interest::WRITABLE, site, |socket| socket.send(bytes), |_| false)
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

    /// As [`try_io`](UdpSocket::try_io), waiting as often as the operation says `WouldBlock`.
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

    /// As [`readable`](UdpSocket::readable), for futures written by hand; the last waker wins.
    pub fn poll_recv_ready(&self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.io.poll_readable(cx)
    }

    /// As [`writable`](UdpSocket::writable), for futures written by hand; the last waker wins.
    pub fn poll_send_ready(&self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.io.poll_writable(cx)
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

    /// The address of this end.
    pub fn local_addr(&self) -> io::Result<SocketAddr> {
        self.io.get_ref().local_addr()
    }

    /// The address of the connected peer.
    pub fn peer_addr(&self) -> io::Result<SocketAddr> {
        self.io.get_ref().peer_addr()
    }
}

impl AsFd for UdpSocket {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.io.get_ref().as_fd()
    }
}

impl fmt::Debug for UdpSocket {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.io.get_ref().fmt(f)
    }
}
