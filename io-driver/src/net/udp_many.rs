//! Many datagrams at once on a [`UdpSocket`]; tokio has nothing like it.
//!
//! On Linux a batch is one system call, see `linux`; elsewhere it is a loop, see `portable`. Both
//! stop at the first datagram that fails, and the failure is told only if it is the first of all:
//! otherwise whoever goes on from there meets it again.
//!
//! Deliberately without segmentation offload (`UDP_SEGMENT`, `UDP_GRO`), where one buffer holds
//! several datagrams.

#[cfg(target_os = "linux")]
mod linux;
#[cfg(any(not(target_os = "linux"), test))]
mod portable;

#[cfg(target_os = "linux")]
use linux as system;
#[cfg(not(target_os = "linux"))]
use portable as system;

use std::fmt;
use std::future::Future;
use std::io;
use std::net::{Ipv4Addr, SocketAddr};

use super::UdpSocket;
use crate::host::{Made, Operation};
use crate::interest::Interest;

static RECV_MANY: Operation = Operation::new("UdpSocket::recv_many");
static SEND_MANY: Operation = Operation::new("UdpSocket::send_many");

/// So many datagrams go into one batch at most: on the stack each takes about 300 bytes of
/// bookkeeping, and by then the cost of the system call itself has long been shared out.
const BATCH: usize = 32;

/// Room for a datagram, and what has been received into it; see [`UdpSocket::recv_many`].
pub struct Datagram<'a> {
    buffer: &'a mut [u8],
    len: usize,
    from: SocketAddr,
    is_truncated: bool,
}

impl<'a> Datagram<'a> {
    /// Room for a datagram that is as long as the buffer.
    pub fn new(buffer: &'a mut [u8]) -> Datagram<'a> {
        let from = (Ipv4Addr::UNSPECIFIED, 0).into();
        Datagram { buffer, len: 0, from, is_truncated: false }
    }

    /// The bytes that have been received last; none before that.
    pub fn bytes(&self) -> &[u8] {
        &self.buffer[..self.len]
    }

    /// As [`bytes`](Datagram::bytes), to change them in place.
    pub fn bytes_mut(&mut self) -> &mut [u8] {
        &mut self.buffer[..self.len]
    }

    /// Who has sent them; the unspecified address before anything was received.
    pub fn from(&self) -> SocketAddr {
        self.from
    }

    /// Whether the datagram was longer than its room; the rest of it is lost.
    pub fn is_truncated(&self) -> bool {
        self.is_truncated
    }

    fn received(&mut self, len: usize, from: Option<SocketAddr>, is_truncated: bool) {
        self.len = len;
        // The kernel always tells whose a datagram of UDP is.
        self.from = from.unwrap_or((Ipv4Addr::UNSPECIFIED, 0).into());
        self.is_truncated = is_truncated;
    }
}

impl fmt::Debug for Datagram<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Datagram")
            .field("bytes", &self.bytes())
            .field("from", &self.from)
            .field("is_truncated", &self.is_truncated)
            .finish()
    }
}

fn to_peer<'a>(message: &&'a [u8]) -> (&'a [u8], Option<SocketAddr>) {
    (message, None)
}

fn to_address<'a>(message: &(&'a [u8], SocketAddr)) -> (&'a [u8], Option<SocketAddr>) {
    (message.0, Some(message.1))
}

impl UdpSocket {
    /// Sends datagrams to the connected peer, in turn, and says how many: at least one, and fewer
    /// than all if there was no room for more, or if they are more than 32.
    ///
    /// # Errors
    /// Those of the first datagram. If a later one fails, those before it have been sent and count;
    /// send on from there to be told.
    ///
    /// # Cancel safety
    /// Cancel safe: nothing is sent unless it is returned.
    #[track_caller]
    pub fn send_many<'a>(
        &'a self,
        datagrams: &'a [&'a [u8]],
    ) -> impl Future<Output = io::Result<usize>> + Send + 'a {
        self.send_batch(datagrams, to_peer, Made::here(&SEND_MANY))
    }

    /// As [`send_many`](UdpSocket::send_many), each datagram to an address of its own.
    ///
    /// # Errors
    /// As [`send_many`](UdpSocket::send_many).
    ///
    /// # Cancel safety
    /// Cancel safe: nothing is sent unless it is returned.
    #[track_caller]
    pub fn send_many_to<'a>(
        &'a self,
        datagrams: &'a [(&'a [u8], SocketAddr)],
    ) -> impl Future<Output = io::Result<usize>> + Send + 'a {
        self.send_batch(datagrams, to_address, Made::here(&SEND_MANY))
    }

    async fn send_batch<'a, M: Sync>(
        &'a self,
        datagrams: &'a [M],
        parts: fn(&'a M) -> (&'a [u8], Option<SocketAddr>),
        made: Made,
    ) -> io::Result<usize> {
        let at = made.begin();
        if datagrams.is_empty() {
            return Ok(0);
        }
        let send = |socket: &_| system::send(socket, datagrams.iter().map(parts));
        // Fewer than all may be for the failure of the next: the system is to be asked again.
        self.io.run(Interest::WRITABLE, at, send, |_| false).await
    }

    /// Waits for datagrams, receives as many as are there and have room, and says how many: at least
    /// one, and at most 32 at a time. They are in the first of `datagrams`.
    ///
    /// # Errors
    /// Those of the system; on a connected socket `ConnectionRefused`, if the peer's machine says
    /// that nobody listens there.
    ///
    /// # Cancel safety
    /// Cancel safe: no datagram is lost.
    #[track_caller]
    pub fn recv_many<'a>(
        &'a self,
        datagrams: &'a mut [Datagram<'_>],
    ) -> impl Future<Output = io::Result<usize>> + Send + 'a {
        let made = Made::here(&RECV_MANY);
        async move {
            let at = made.begin();
            if datagrams.is_empty() {
                return Ok(0);
            }
            let receive = |socket: &_| system::receive(socket, datagrams);
            // As when sending.
            self.io.run(Interest::READABLE, at, receive, |_| false).await
        }
    }

    /// As [`send_many`](UdpSocket::send_many), without waiting.
    ///
    /// # Errors
    /// `WouldBlock` if there is no room for any, and those of `send_many`.
    pub fn try_send_many(&self, datagrams: &[&[u8]]) -> io::Result<usize> {
        self.io.try_io(Interest::WRITABLE, |socket| {
            system::send(socket, datagrams.iter().map(to_peer))
        })
    }

    /// As [`send_many_to`](UdpSocket::send_many_to), without waiting.
    ///
    /// # Errors
    /// `WouldBlock` if there is no room for any, and those of `send_many_to`.
    pub fn try_send_many_to(&self, datagrams: &[(&[u8], SocketAddr)]) -> io::Result<usize> {
        self.io.try_io(Interest::WRITABLE, |socket| {
            system::send(socket, datagrams.iter().map(to_address))
        })
    }

    /// As [`recv_many`](UdpSocket::recv_many), without waiting.
    ///
    /// # Errors
    /// `WouldBlock` if there is none, and those of `recv_many`.
    pub fn try_recv_many(&self, datagrams: &mut [Datagram<'_>]) -> io::Result<usize> {
        self.io.try_io(Interest::READABLE, |socket| system::receive(socket, datagrams))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Both ways to do it do the same; of sizes, order, addresses and what is cut off.
    #[test]
    fn batches_arrive_as_they_were_sent() {
        type Send = fn(&std::net::UdpSocket, &[(&[u8], SocketAddr)]) -> io::Result<usize>;
        type Receive = fn(&std::net::UdpSocket, &mut [Datagram<'_>]) -> io::Result<usize>;
        let mut ways: Vec<(Send, Receive)> =
            vec![(|s, d| portable::send(s, d.iter().map(to_address)), portable::receive)];
        #[cfg(target_os = "linux")]
        ways.push((|s, d| linux::send(s, d.iter().map(to_address)), linux::receive));
        for (send, receive) in ways {
            let a = std::net::UdpSocket::bind("127.0.0.1:0").unwrap();
            let b = std::net::UdpSocket::bind("127.0.0.1:0").unwrap();
            b.set_nonblocking(true).unwrap();
            let mut room = [[0; 8]; 5];
            let mut datagrams = room.each_mut().map(|buffer| Datagram::new(buffer));
            let error = receive(&b, &mut datagrams).unwrap_err();
            assert_eq!(error.kind(), io::ErrorKind::WouldBlock);

            let to = b.local_addr().unwrap();
            let sent: [(&[u8], _); 4] =
                [(b"one", to), (b"", to), (b"exactly8", to), (b"more than 8", to)];
            assert_eq!(send(&a, &sent).unwrap(), 4);
            assert_eq!(receive(&b, &mut datagrams).unwrap(), 4);
            let got = datagrams.each_ref().map(|it| (it.bytes(), it.is_truncated()));
            assert_eq!(got[0], (&b"one"[..], false));
            assert_eq!(got[1], (&b""[..], false));
            assert_eq!(got[2], (&b"exactly8"[..], false));
            assert_eq!(got[3], (&b"more tha"[..], true));
            for datagram in &datagrams[..4] {
                assert_eq!(datagram.from(), a.local_addr().unwrap());
            }
            // A datagram that is too long for UDP stops the batch, and then fails it.
            let long = vec![0; 70_000];
            let sent: [(&[u8], _); 3] = [(b"1", to), (&long, to), (b"2", to)];
            assert_eq!(send(&a, &sent).unwrap(), 1);
            send(&a, &sent[1..]).unwrap_err();
            assert_eq!(receive(&b, &mut datagrams[..2]).unwrap(), 1);
            assert_eq!(datagrams[0].bytes(), b"1");
        }
    }
}
