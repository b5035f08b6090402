//! TCP, UDP and Unix sockets, with tokio's names and signatures.
//!
//! Reading and writing are inherent methods on `&self`; the traits of `futures-io` are implemented
//! besides, and with features those of `hyper::rt` and `tokio::io`.
//!
//! # Examples
//! A server that sends back what it gets, and a client:
//! ```
//! # heist::runtime::Runtime::new().unwrap().block_on(async {
//! use heist::net::{TcpListener, TcpStream};
//!
//! let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
//! let addr = listener.local_addr().unwrap();
//! let server = heist::spawn(async move {
//!     let (stream, _peer) = listener.accept().await.unwrap();
//!     let mut buffer = [0; 1024];
//!     loop {
//!         match stream.read(&mut buffer).await.unwrap() {
//!             0 => break,
//!             n => stream.write_all(&buffer[..n]).await.unwrap(),
//!         }
//!     }
//! });
//!
//! let client = TcpStream::connect(addr).await.unwrap();
//! client.write_all(b"hello").await.unwrap();
//! client.shutdown().await.unwrap();
//! let mut echo = [0; 5];
//! client.read_exact(&mut echo).await.unwrap();
//! assert_eq!(&echo, b"hello");
//! server.await.unwrap();
//! # });
//! ```
//!
//! With options that must be set before it listens, and with halves for two tasks:
//! ```
//! # heist::runtime::Runtime::new().unwrap().block_on(async {
//! use heist::net::{TcpSocket, TcpStream};
//!
//! let socket = TcpSocket::new_v4().unwrap();
//! socket.set_reuseport(true).unwrap();
//! socket.bind("127.0.0.1:0".parse().unwrap()).unwrap();
//! let listener = socket.listen(64).unwrap();
//!
//! let (reader, writer) =
//!     TcpStream::connect(listener.local_addr().unwrap()).await.unwrap().into_split();
//! let (server, _peer) = listener.accept().await.unwrap();
//! let sends = heist::spawn(async move { writer.write_all(b"ping").await });
//! let mut four = [0; 4];
//! server.read_exact(&mut four).await.unwrap();
//! server.write_all(b"pong").await.unwrap();
//! reader.read_exact(&mut four).await.unwrap();
//! assert_eq!(&four, b"pong");
//! sends.await.unwrap().unwrap();
//! # });
//! ```
//!
//! Datagrams, with and without a fixed peer:
//! ```
//! # heist::runtime::Runtime::new().unwrap().block_on(async {
//! use heist::net::UdpSocket;
//!
//! let server = UdpSocket::bind("127.0.0.1:0").await.unwrap();
//! let client = UdpSocket::bind("127.0.0.1:0").await.unwrap();
//! client.connect(server.local_addr().unwrap()).await.unwrap();
//! client.send(b"ping").await.unwrap();
//!
//! let mut buffer = [0; 1500];
//! let (n, from) = server.recv_from(&mut buffer).await.unwrap();
//! server.send_to(&buffer[..n], from).await.unwrap();
//! assert_eq!(client.recv(&mut buffer).await.unwrap(), 4);
//! # });
//! ```
//!
//! Within this machine: a [`UnixListener`], a [`UnixSocket`] that is bound before it connects, two [`UnixDatagram`]s, and a pipe ([`unix::pipe`]):
//! ```
//! # heist::runtime::Runtime::new().unwrap().block_on(async {
//! use heist::net::{UnixDatagram, UnixListener, UnixSocket, UnixStream, unix::pipe};
//!
//! let path = std::env::temp_dir().join(format!("heist-doc-unix-{}", std::process::id()));
//! let listener = UnixListener::bind(&path).unwrap();
//! let client = UnixStream::connect(&path).await.unwrap();
//! let (server, _peer) = listener.accept().await.unwrap();
//! std::fs::remove_file(&path).unwrap();
//! client.write_all(b"hello").await.unwrap();
//! let mut five = [0; 5];
//! server.read_exact(&mut five).await.unwrap();
//! assert_eq!(&five, b"hello");
//!
//! // With a name of its own, where `connect` would give it none:
//! let named = UnixSocket::new_stream().unwrap();
//! named.bind(path.with_extension("client")).unwrap();
//! let listener = UnixListener::bind(&path).unwrap();
//! let _client = named.connect(&path).await.unwrap();
//! let (_server, peer) = listener.accept().await.unwrap();
//! assert!(peer.as_pathname().unwrap().ends_with(path.with_extension("client")));
//! std::fs::remove_file(path.with_extension("client")).unwrap();
//! std::fs::remove_file(&path).unwrap();
//!
//! let (a, b) = UnixDatagram::pair().unwrap();
//! a.send(b"one").await.unwrap();
//! assert_eq!(b.recv(&mut five).await.unwrap(), 3);
//!
//! let (sender, receiver) = pipe::pipe().unwrap();
//! sender.write_all(b"through").await.unwrap();
//! drop(sender);
//! let mut seven = [0; 8];
//! assert_eq!(receiver.read(&mut seven).await.unwrap(), 7);
//! assert_eq!(receiver.read(&mut seven).await.unwrap(), 0);
//! # });
//! ```
//!
//! Names:
//! ```
//! # heist::runtime::Runtime::new().unwrap().block_on(async {
//! let mut addrs = heist::net::lookup_host("localhost:80").await.unwrap();
//! assert!(addrs.all(|addr| addr.ip().is_loopback() && addr.port() == 80));
//! # });
//! ```
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
