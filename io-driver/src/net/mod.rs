//! Sockets: TCP, UDP and Unix, with tokio's names and signatures.
//!
//! Each is thin over [`Async`](crate::Async). Sockets are made non-blocking by the call that makes
//! them where the system can do that.

mod addr;
mod connect;
mod exhaustion;
mod from_std;
mod lookup;
mod methods;
mod raw_fd;
mod split;
pub(crate) mod stream;
pub mod tcp;
mod tcp_listener;
mod tcp_socket;
mod tcp_stream;
mod udp;
mod udp_many;
mod udp_options;
pub mod unix;
mod unix_addr;
mod unix_datagram;
mod unix_listener;
mod unix_socket;
mod unix_stream;

pub use addr::{ToSocketAddrs, lookup_host};
pub use tcp_listener::TcpListener;
pub use tcp_socket::TcpSocket;
pub use tcp_stream::TcpStream;
pub use udp::UdpSocket;
pub use udp_many::Datagram;
pub use unix_datagram::UnixDatagram;
pub use unix_listener::UnixListener;
pub use unix_socket::UnixSocket;
pub use unix_stream::UnixStream;

use std::io;
use std::net::SocketAddr;

/// An error that names the address which it is about; the kind stays.
fn about(what: &str, addr: impl std::fmt::Display, error: &io::Error) -> io::Error {
    io::Error::new(error.kind(), format!("cannot {what} {addr}: {error}"))
}

/// Tries addresses one after the other until `attempt` succeeds; the last failure tells.
async fn try_each<T, F>(
    addrs: impl Iterator<Item = SocketAddr>,
    mut attempt: impl FnMut(SocketAddr) -> F,
) -> io::Result<T>
where
    F: Future<Output = io::Result<T>>,
{
    let mut failure = None;
    for addr in addrs {
        match attempt(addr).await {
            Ok(socket) => return Ok(socket),
            Err(error) => failure = Some(error),
        }
    }
    Err(failure.unwrap_or_else(no_address))
}

fn no_address() -> io::Error {
    io::Error::new(io::ErrorKind::InvalidInput, "the name resolved to no address")
}
