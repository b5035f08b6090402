//! The descriptors of all sockets as plain numbers, for libraries that are older than `AsFd`.

use std::os::fd::{AsFd, AsRawFd, RawFd};

use super::unix::pipe::{Receiver, Sender};
use super::{
    TcpListener, TcpSocket, TcpStream, UdpSocket, UnixDatagram, UnixListener, UnixSocket,
    UnixStream,
};

macro_rules! raw {
    ($($socket:ty),*) => { $(
        impl AsRawFd for $socket {
            fn as_raw_fd(&self) -> RawFd {
                self.as_fd().as_raw_fd()
            }
        }
    )* };
}
raw!(
    TcpListener,
    TcpSocket,
    TcpStream,
    UdpSocket,
    UnixDatagram,
    UnixListener,
    UnixStream,
    UnixSocket,
    Receiver,
    Sender
);
