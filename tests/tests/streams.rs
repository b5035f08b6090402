//! Streams of the system's beyond plain reads and writes: several buffers at once, halves, and sources of
//! one's own.

use std::io::{self, IoSlice, Read, Write};
use std::os::unix::net::UnixStream as StdStream;
use std::pin::pin;

use futures_lite::future::poll_once;
use heist::io::{Async, Interest};
use heist::net::{TcpListener, TcpStream, UnixStream};
use heist_tests::on_two_workers;

/// Two ends of a connection.
async fn tcp_pair() -> (TcpStream, TcpStream) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let addr = listener.local_addr().unwrap();
    let (client, server) = heist::join!(TcpStream::connect(addr), listener.accept());
    (client.unwrap(), server.unwrap().0)
}

/// What a stream promises of writes of several buffers, whatever its kind.
macro_rules! check_vectored_writes {
    ($pair:expr) => {{
        let (a, b) = $pair;
        let parts = [IoSlice::new(b"one"), IoSlice::new(b""), IoSlice::new(b"three")];
        let mut got = [0; 16];
        assert_eq!(a.write_vectored(&parts).await.unwrap(), 8);
        a.writable().await.unwrap();
        assert_eq!(a.try_write_vectored(&parts).unwrap(), 8);
        b.read_exact(&mut got).await.unwrap();
        assert_eq!(&got, b"onethreeonethree");

        let block = [0; 1 << 12];
        let blocks = [IoSlice::new(&block), IoSlice::new(&block)];
        let mut sent = 0;
        let error = loop {
            match a.try_write_vectored(&blocks) {
                Ok(n) => sent += n,
                Err(error) => break error,
            }
        };
        assert_eq!(error.kind(), io::ErrorKind::WouldBlock);
        assert!(sent > 0);
        // Full: a write waits until the peer has read.
        let mut rest = vec![1; sent];
        let (written, read) = heist::join!(a.write_vectored(&parts), b.read_exact(&mut rest));
        read.unwrap();
        assert!(rest.iter().all(|&byte| byte == 0));
        let n = written.unwrap();
        b.read_exact(&mut got[..n]).await.unwrap();
        assert_eq!(got[..n], b"onethree"[..n]);
        drop(b);
        // The first may still be taken.
        let error = loop {
            if let Err(error) = a.write_vectored(&parts).await {
                break error;
            }
        };
        let gone = [io::ErrorKind::BrokenPipe, io::ErrorKind::ConnectionReset];
        assert!(gone.contains(&error.kind()), "{error}");
    }};
}

#[test]
fn one_write_sends_several_buffers_and_waits_for_room() {
    on_two_workers(async {
        check_vectored_writes!(tcp_pair().await);
        check_vectored_writes!(UnixStream::pair().unwrap());
    });
}

#[test]
fn halves_of_two_connections_do_not_come_together_and_go_on() {
    on_two_workers(async {
        let ((a, a_peer), (b, b_peer)) = (tcp_pair().await, tcp_pair().await);
        let (addr_a, addr_b) = (a.local_addr().unwrap(), b.local_addr().unwrap());
        let ((read_a, write_a), (read_b, write_b)) = (a.into_split(), b.into_split());
        let error = read_a.reunite(write_b).unwrap_err();
        assert_eq!(error.to_string(), "the two halves are not of the same stream");
        let (read_a, write_b) = (error.0, error.1);
        let error = write_a.reunite(read_b).unwrap_err();
        let (read_b, write_a) = (error.0, error.1);
        // Either half may begin, and no direction was closed meanwhile.
        let a: TcpStream = read_a.reunite(write_a).unwrap();
        let b: TcpStream = write_b.reunite(read_b).unwrap();
        assert_eq!((a.local_addr().unwrap(), b.local_addr().unwrap()), (addr_a, addr_b));
        let mut got = [0; 4];
        for (stream, peer) in [(a, a_peer), (b, b_peer)] {
            stream.write_all(b"here").await.unwrap();
            peer.read_exact(&mut got).await.unwrap();
            peer.write_all(b"back").await.unwrap();
            stream.read_exact(&mut got).await.unwrap();
            assert_eq!(&got, b"back");
        }
    });
}

/// Two ends of a socket of the standard library's.
fn sources() -> (Async<StdStream>, Async<StdStream>) {
    let (a, b) = StdStream::pair().unwrap();
    (Async::new(a).unwrap(), Async::new(b).unwrap())
}

#[test]
fn a_source_of_ones_own_is_read_and_written_when_it_is_ready() {
    on_two_workers(async {
        let (a, b) = sources();
        let mut got = [0; 4];
        {
            let mut reading = pin!(a.read_with(|mut a| a.read(&mut got)));
            assert!(poll_once(&mut reading).await.is_none(), "nothing is there");
            assert_eq!(b.write_with(|mut b| b.write(b"ping")).await.unwrap(), 4);
            assert_eq!(reading.await.unwrap(), 4);
        }
        assert_eq!(&got, b"ping");
        // An error of the operation's is the answer, and nothing is waited for.
        let error = a.read_with(|_| Err::<(), _>(io::Error::other("mine"))).await.unwrap_err();
        assert_eq!(error.to_string(), "mine");
    });
}

#[test]
fn a_source_of_ones_own_says_when_it_is_readable_and_writable() {
    on_two_workers(async {
        let (a, b) = sources();
        let mut block = [0; 1 << 12];
        let read = a.try_io(Interest::READABLE, |mut a| a.read(&mut block));
        assert_eq!(read.unwrap_err().kind(), io::ErrorKind::WouldBlock);
        let mut readable = pin!(a.readable());
        assert!(poll_once(&mut readable).await.is_none());
        let mut filled = b.write_with(|mut b| b.write(b"x")).await.unwrap();
        readable.await.unwrap();

        b.writable().await.unwrap();
        let error = loop {
            match b.try_io(Interest::WRITABLE, |mut b| b.write(&block)) {
                Ok(n) => filled += n,
                Err(error) => break error,
            }
        };
        assert_eq!(error.kind(), io::ErrorKind::WouldBlock);
        let mut writable = pin!(b.writable());
        assert!(poll_once(&mut writable).await.is_none(), "it is full");
        let mut writing = pin!(b.write_with(|mut b| b.write(b"last")));
        assert!(poll_once(&mut writing).await.is_none());
        while filled > 0 {
            filled -= a.read_with(|mut a| a.read(&mut block)).await.unwrap();
        }
        writable.await.unwrap();
        assert_eq!(writing.await.unwrap(), 4);
        assert_eq!(a.read_with(|mut a| a.read(&mut block)).await.unwrap(), 4);
        assert_eq!(&block[..4], b"last");
    });
}
