//! TCP, UDP and Unix sockets, with tokio's names and signatures.
//!
//! Reading and writing are inherent methods on `&self`; the traits of `futures-io` are implemented
//! besides, and with features those of `hyper::rt` and `tokio::io`.
//!
//! # Many datagrams with one system call
//! ```
//! # heist::runtime::Runtime::new().unwrap().block_on(async {
//! use heist::net::{Datagram, UdpSocket};
//!
//! let server = UdpSocket::bind("127.0.0.1:0").await.unwrap();
//! let client = UdpSocket::bind("127.0.0.1:0").await.unwrap();
//! let to = server.local_addr().unwrap();
//! let mut rest: &[(&[u8], _)] = &[(b"one", to), (b"two", to), (b"three", to)];
//! while !rest.is_empty() {
//!     rest = &rest[client.send_many_to(rest).await.unwrap()..];
//! }
//! let mut room = [[0; 1500]; 8];
//! let mut datagrams = room.each_mut().map(|buffer| Datagram::new(buffer));
//! let n = server.recv_many(&mut datagrams).await.unwrap();
//! for datagram in &datagrams[..n] {
//!     println!("{:?} from {}", datagram.bytes(), datagram.from());
//! }
//! # assert_eq!(datagrams[0].bytes(), b"one");
//! # });
//! ```

pub use heist_io::net::{
    Datagram, TcpListener, TcpSocket, TcpStream, ToSocketAddrs, UdpSocket, UnixDatagram,
    UnixListener, UnixSocket, UnixStream, lookup_host, tcp, unix,
};
