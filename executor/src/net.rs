//! TCP, UDP and Unix sockets, with tokio's names and signatures.
//!
//! Reading and writing are inherent methods on `&self`; the traits of `futures-io` are implemented
//! besides, and with features those of `hyper::rt` and `tokio::io`.

pub use heist_io::net::{
    TcpListener, TcpSocket, TcpStream, ToSocketAddrs, UdpSocket, UnixDatagram, UnixListener,
    UnixStream, lookup_host, tcp, unix,
};
