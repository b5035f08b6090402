//! [`TcpStream`].

use std::fmt;
use std::future::Future;
use std::io::{self, IoSlice};
use std::mem::MaybeUninit;
use std::net::{Shutdown, SocketAddr};
use std::os::fd::{AsFd, BorrowedFd};
use std::panic::Location;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use super::about;
use super::addr::{ToSocketAddrs, resolve};
use super::connect::connect;
use super::methods::{common_methods, file_methods, reading_methods, writing_methods};
use super::stream::{SHUTDOWN, shutdown};
use super::{split, tcp};
use crate::context;
use crate::host::{Made, Operation};
use crate::interest::Interest;
use crate::source::Async;

static CONNECT: Operation = Operation::new("TcpStream::connect");
static READ: Operation = Operation::new("TcpStream::read");
static WRITE: Operation = Operation::new("TcpStream::write");
#[cfg(any(target_os = "android", target_os = "linux"))]
static SEND_FILE: Operation = Operation::new("TcpStream::send_file");
static PEEK: Operation = Operation::new("TcpStream::peek");

/// A TCP connection.
///
/// Reading and writing need only `&self`, so both directions can be used at once without splitting;
/// [`split`](TcpStream::split) and [`into_split`](TcpStream::into_split) are there for programs that
/// do. The traits of `futures-io` are implemented on it, and with features those of `hyper::rt` and
/// `tokio::io`.
///
/// # Errors
/// Where a method says nothing of them, errors are those of the system, with their kinds: so it is with
/// all that only asks for something or sets it. What sends, receives or waits fails also once the
/// runtime has shut down; see [`is_shutdown_error`](crate::is_shutdown_error).
///
/// Examples are at the head of `heist::net`.
// Transparent for `as_ref` of the owned halves.
#[repr(transparent)]
pub struct TcpStream {
    pub(super) io: Arc<Async<std::net::TcpStream>>,
}

impl TcpStream {
    /// Connects to an address; of several, the first that answers. What differs from tokio: an
    /// address that does not answer has a head start of 250 ms, then the next one is tried beside
    /// it, with IPv6 and IPv4 in turn ("happy eyeballs").
    ///
    /// # Errors
    /// `ConnectionRefused` and the like, with the address in the message; `InvalidInput` for what
    /// is no address.
    ///
    /// # Panics
    /// Outside a runtime.
    ///
    /// # Cancel safety
    /// Cancel safe: an attempt under way is closed.
    #[track_caller]
    pub fn connect<A: ToSocketAddrs>(
        addr: A,
    ) -> impl Future<Output = io::Result<TcpStream>> + Send {
        let (target, made) = (addr.target(), Made::here(&CONNECT));
        async move {
            let (_, at) = made.begin();
            connect(resolve(target, at).await?, at).await
        }
    }

    pub(super) async fn connect_socket(
        socket: socket2::Socket,
        addr: SocketAddr,
        at: &'static Location<'static>,
    ) -> io::Result<TcpStream> {
        context::demand(at);
        match socket.connect(&addr.into()) {
            Ok(()) => {}
            Err(error)
                if error.raw_os_error() == Some(rustix::io::Errno::INPROGRESS.raw_os_error()) => {}
            Err(error) => return Err(about("connect to", addr, &error)),
        }
        let stream = TcpStream { io: Arc::new(Async::new_connecting(socket.into())?) };
        stream.io.readiness(Interest::WRITABLE, &CONNECT, at).await?;
        match stream.take_error()? {
            None => Ok(stream),
            Some(error) => Err(about("connect to", addr, &error)),
        }
    }

    #[track_caller]
    pub(super) fn from_nonblocking(stream: std::net::TcpStream) -> io::Result<TcpStream> {
        Ok(TcpStream { io: Arc::new(Async::new_nonblocking(stream)?) })
    }

    /// Takes over a stream of the standard library, which is made non-blocking.
    ///
    /// # Panics
    /// Outside a runtime.
    #[track_caller]
    pub fn from_std(stream: std::net::TcpStream) -> io::Result<TcpStream> {
        Ok(TcpStream { io: Arc::new(Async::new(stream)?) })
    }

    /// Back to the standard library, off the reactor; it stays non-blocking.
    ///
    /// # Errors
    /// If an owned half of this stream still exists.
    pub fn into_std(self) -> io::Result<std::net::TcpStream> {
        Arc::try_unwrap(self.io)
            .map(Async::into_inner)
            .map_err(|_| io::Error::other("half of this stream is still in use"))
    }

    fn io(&self) -> &Async<std::net::TcpStream> {
        &self.io
    }

    reading_methods!(READ);
    writing_methods!(WRITE);
    common_methods!();
    file_methods!(SEND_FILE);

    /// Reads what is there without taking it out.
    ///
    /// # Errors
    /// As [`read`](TcpStream::read).
    ///
    /// # Cancel safety
    /// Cancel safe.
    #[track_caller]
    pub fn peek<'a>(
        &'a self,
        buffer: &'a mut [u8],
    ) -> impl Future<Output = io::Result<usize>> + Send + 'a {
        let site = (&PEEK, Location::caller());
        self.io.run(Interest::READABLE, site, |stream| stream.peek(buffer), |_| false)
    }

    /// As [`peek`](TcpStream::peek), for futures written by hand; the last waker wins.
    #[track_caller]
    pub fn poll_peek(&self, cx: &mut Context<'_>, buffer: &mut [u8]) -> Poll<io::Result<usize>> {
        let site = (&PEEK, Location::caller());
        let peek = |stream: &std::net::TcpStream| stream.peek(buffer);
        self.io.poll_attempt(cx, Interest::READABLE, site, peek, |_| false)
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

    /// Closes one half or both, at once.
    ///
    /// # Errors
    /// Those of the system. A peer that is gone already is none.
    pub fn shutdown_std(&self, how: Shutdown) -> io::Result<()> {
        shutdown(self.io.get_ref(), how)
    }

    /// Two halves that borrow the stream.
    pub fn split(&mut self) -> (tcp::ReadHalf<'_>, tcp::WriteHalf<'_>) {
        (split::ReadHalf(self), split::WriteHalf(self))
    }

    /// Two halves that own the stream between them; dropping the writing one closes it.
    pub fn into_split(self) -> (tcp::OwnedReadHalf, tcp::OwnedWriteHalf) {
        split::into_split(self.io)
    }

    /// The address of the peer.
    pub fn peer_addr(&self) -> io::Result<SocketAddr> {
        self.io.get_ref().peer_addr()
    }

    /// The address of this end.
    pub fn local_addr(&self) -> io::Result<SocketAddr> {
        self.io.get_ref().local_addr()
    }

    /// Whether small writes are sent at once instead of being gathered (`TCP_NODELAY`).
    pub fn nodelay(&self) -> io::Result<bool> {
        self.io.get_ref().nodelay()
    }

    /// Sets whether small writes are sent at once.
    pub fn set_nodelay(&self, nodelay: bool) -> io::Result<()> {
        self.io.get_ref().set_nodelay(nodelay)
    }

    /// The time to live of its packets.
    pub fn ttl(&self) -> io::Result<u32> {
        self.io.get_ref().ttl()
    }

    /// Sets the time to live of its packets.
    pub fn set_ttl(&self, ttl: u32) -> io::Result<()> {
        self.io.get_ref().set_ttl(ttl)
    }

    /// How long a close waits for unsent data (`SO_LINGER`).
    pub fn linger(&self) -> io::Result<Option<Duration>> {
        socket2::SockRef::from(self.io.get_ref()).linger()
    }

    /// Sets how long a close waits for unsent data; zero makes it reset the connection.
    pub fn set_linger(&self, linger: Option<Duration>) -> io::Result<()> {
        socket2::SockRef::from(self.io.get_ref()).set_linger(linger)
    }

    /// Makes a close reset the connection; as [`set_linger`](TcpStream::set_linger) with zero.
    pub fn set_zero_linger(&self) -> io::Result<()> {
        self.set_linger(Some(Duration::ZERO))
    }

    /// Whether received data is acknowledged at once.
    #[cfg(any(target_os = "android", target_os = "linux"))]
    pub fn quickack(&self) -> io::Result<bool> {
        socket2::SockRef::from(self.io.get_ref()).tcp_quickack()
    }

    /// Sets whether received data is acknowledged at once. The system may change it later.
    #[cfg(any(target_os = "android", target_os = "linux"))]
    pub fn set_quickack(&self, quickack: bool) -> io::Result<()> {
        socket2::SockRef::from(self.io.get_ref()).set_tcp_quickack(quickack)
    }

    /// The error that the system holds for this socket, if any; asking clears it.
    pub fn take_error(&self) -> io::Result<Option<io::Error>> {
        self.io.get_ref().take_error()
    }
}

impl AsFd for TcpStream {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.io.get_ref().as_fd()
    }
}

impl fmt::Debug for TcpStream {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.io.get_ref().fmt(f)
    }
}
