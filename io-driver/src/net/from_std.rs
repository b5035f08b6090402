//! Sockets of the standard library, taken over with `try_from`, as each `from_std` does it.

use std::io;
use std::os::unix::net as unix;

use super::{TcpListener, TcpStream, UdpSocket, UnixDatagram, UnixListener, UnixStream};

macro_rules! taken_over {
    ($($std:ty => $socket:ident),* $(,)?) => { $(
        /// As `from_std`.
        ///
        /// # Panics
        /// Outside a runtime.
        impl TryFrom<$std> for $socket {
            type Error = io::Error;

            #[track_caller]
            fn try_from(socket: $std) -> io::Result<$socket> {
                $socket::from_std(socket)
            }
        }
    )* };
}
taken_over!(
    std::net::TcpListener => TcpListener,
    std::net::TcpStream => TcpStream,
    std::net::UdpSocket => UdpSocket,
    unix::UnixDatagram => UnixDatagram,
    unix::UnixListener => UnixListener,
    unix::UnixStream => UnixStream,
);
