//! Everywhere else: one system call a datagram.

use std::io::{self, IoSliceMut};
use std::net::{SocketAddr, UdpSocket};

use rustix::net::{RecvAncillaryBuffer, RecvFlags, ReturnFlags};

use super::Datagram;

/// Sends as many as there is room for.
pub(super) fn send<'a>(
    socket: &UdpSocket,
    datagrams: impl Iterator<Item = (&'a [u8], Option<SocketAddr>)>,
) -> io::Result<usize> {
    until_failure(datagrams, |(bytes, to)| match to {
        Some(to) => socket.send_to(bytes, to).map(drop),
        None => socket.send(bytes).map(drop),
    })
}

/// Receives as many as are there.
pub(super) fn receive(socket: &UdpSocket, datagrams: &mut [Datagram<'_>]) -> io::Result<usize> {
    until_failure(datagrams.iter_mut(), |datagram| {
        let mut room = [IoSliceMut::new(datagram.buffer)];
        let mut control = RecvAncillaryBuffer::default();
        let got = rustix::net::recvmsg(socket, &mut room, &mut control, RecvFlags::empty())?;
        let from = got.address.and_then(|address| SocketAddr::try_from(address).ok());
        datagram.received(got.bytes, from, got.flags.contains(ReturnFlags::TRUNC));
        Ok(())
    })
}

/// How many have succeeded, of at most a batch; a failure only if it is the first's.
fn until_failure<T>(
    each: impl Iterator<Item = T>,
    mut operation: impl FnMut(T) -> io::Result<()>,
) -> io::Result<usize> {
    let mut done = 0;
    for one in each.take(super::BATCH) {
        match operation(one) {
            Ok(()) => done += 1,
            Err(error) if done == 0 => return Err(error),
            Err(_) => break,
        }
    }
    Ok(done)
}
