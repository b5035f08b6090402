//! Linux: `sendmmsg` and `recvmmsg`.

use std::io;
use std::net::{SocketAddr, UdpSocket};
use std::os::fd::AsRawFd;
use std::ptr;

use libc::{c_int, c_uint, c_void, iovec, mmsghdr, socklen_t};
use socket2::{SockAddr, SockAddrStorage};

use super::{BATCH, Datagram};

const NO_SLICE: iovec = iovec { iov_base: ptr::null_mut(), iov_len: 0 };

/// A header for each slice, which it points to, and for the name that is at this place.
fn headers(
    slices: &mut [iovec],
    mut name: impl FnMut(usize) -> (*mut c_void, socklen_t),
) -> [mmsghdr; BATCH] {
    // SAFETY: integers and pointers, of which all may be zero.
    let mut headers: [mmsghdr; BATCH] = unsafe { std::mem::zeroed() };
    for (index, (header, slice)) in headers.iter_mut().zip(slices).enumerate() {
        let header = &mut header.msg_hdr;
        (header.msg_iov, header.msg_iovlen) = (slice, 1);
        (header.msg_name, header.msg_namelen) = name(index);
    }
    headers
}

/// How many a call has passed on.
fn count(result: c_int) -> io::Result<usize> {
    usize::try_from(result).map_err(|_| io::Error::last_os_error())
}

/// Sends as many as there is room for.
pub(super) fn send<'a>(
    socket: &UdpSocket,
    datagrams: impl Iterator<Item = (&'a [u8], Option<SocketAddr>)>,
) -> io::Result<usize> {
    let mut slices = [NO_SLICE; BATCH];
    let mut names = [const { None }; BATCH];
    let mut len = 0;
    for (bytes, to) in datagrams.take(BATCH) {
        slices[len] = iovec { iov_base: bytes.as_ptr().cast_mut().cast(), iov_len: bytes.len() };
        names[len] = to.map(SockAddr::from);
        len += 1;
    }
    let mut headers = headers(&mut slices[..len], |index| match &names[index] {
        Some(name) => (name.as_ptr().cast_mut().cast(), name.len()),
        None => (ptr::null_mut(), 0),
    });
    // SAFETY: there are `len` headers. They point to slices, to bytes and to names that outlive the
    // call and are left alone until then; the kernel only reads them.
    count(unsafe {
        libc::sendmmsg(socket.as_raw_fd(), headers.as_mut_ptr(), len as c_uint, libc::MSG_NOSIGNAL)
    })
}

/// Receives as many as are there.
pub(super) fn receive(socket: &UdpSocket, datagrams: &mut [Datagram<'_>]) -> io::Result<usize> {
    let len = datagrams.len().min(BATCH);
    let mut slices = [NO_SLICE; BATCH];
    for (slice, datagram) in slices.iter_mut().zip(&mut *datagrams) {
        let buffer = &mut *datagram.buffer;
        *slice = iovec { iov_base: buffer.as_mut_ptr().cast(), iov_len: buffer.len() };
    }
    let mut names: [_; BATCH] = std::array::from_fn(|_| SockAddrStorage::zeroed());
    let mut headers = headers(&mut slices[..len], |index| {
        let name_len = names[index].size_of();
        ((&raw mut names[index]).cast(), name_len)
    });
    // SAFETY: there are `len` headers. They point to slices, to buffers and to names that outlive the
    // call and are left alone until then, with their true lengths; nobody else has them.
    let received = count(unsafe {
        libc::recvmmsg(socket.as_raw_fd(), headers.as_mut_ptr(), len as c_uint, 0, ptr::null_mut())
    })?;
    for ((datagram, header), name) in datagrams.iter_mut().zip(headers).zip(names).take(received) {
        // SAFETY: the kernel has written a name of this length there.
        let from = unsafe { SockAddr::new(name, header.msg_hdr.msg_namelen) };
        let is_truncated = header.msg_hdr.msg_flags & libc::MSG_TRUNC != 0;
        datagram.received(header.msg_len as usize, from.as_socket(), is_truncated);
    }
    Ok(received)
}
