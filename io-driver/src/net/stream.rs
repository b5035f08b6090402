//! What every stream has, written once: TCP and Unix streams, their halves, and pipes.
//!
//! All reading goes through one `recv` into memory that need not be initialised, all writing through
//! one `send`; the inherent methods (see `methods`), `futures-io`, `hyper::rt` and `tokio::io` are thin
//! over them.

use std::io::{self, IoSlice, IoSliceMut};
use std::mem::MaybeUninit;
use std::net::Shutdown;
use std::os::fd::AsFd;
use std::panic::Location;
use std::task::{Context, Poll};

use rustix::net::{RecvFlags, SendFlags};

use crate::host::{Made, Operation};
use crate::interest::Interest;
use crate::source::Async;

pub(crate) static ASYNC_IO: Operation = Operation::new("async_io");
pub(super) static SHUTDOWN: Operation = Operation::new("shutdown");

/// A peer that is gone is an error and no signal. Apple's systems know that from the socket itself,
/// by an option which the standard library and `socket2` set.
const QUIETLY: SendFlags = {
    #[cfg(target_vendor = "apple")]
    const FLAGS: SendFlags = SendFlags::empty();
    #[cfg(not(target_vendor = "apple"))]
    const FLAGS: SendFlags = SendFlags::NOSIGNAL;
    FLAGS
};

/// Where an operation was called, and what it is.
pub(crate) type Site = (&'static Operation, &'static Location<'static>);

/// How a stream is read and written: as a socket, unless it says otherwise.
pub trait Transfer: AsFd {
    /// Whether a short read or write says that there is no more for now. Only true where the end of
    /// the stream is reported as an event of its own, which `polling` does not ask for.
    const SHORT_MEANS_EMPTY: bool = cfg!(target_os = "linux");

    /// Reads what is there, as far as it fits.
    fn recv(&self, buffer: &mut [MaybeUninit<u8>]) -> io::Result<usize> {
        let (received, _) = rustix::net::recv(self, buffer, RecvFlags::empty())?;
        Ok(received.0.len())
    }

    /// Writes what there is room for.
    fn send(&self, bytes: &[u8]) -> io::Result<usize> {
        Ok(rustix::net::send(self, bytes, QUIETLY)?)
    }

    /// As `send`, from several buffers in turn.
    fn send_vectored(&self, bufs: &[IoSlice<'_>]) -> io::Result<usize> {
        let mut control = rustix::net::SendAncillaryBuffer::default();
        Ok(rustix::net::sendmsg(self, bufs, &mut control, QUIETLY)?)
    }

    /// Whether a transfer of `n` of `len` bytes says that there is no more for now. Zero is the end
    /// of the stream, which is final.
    fn is_short(n: usize, len: usize) -> bool {
        Self::SHORT_MEANS_EMPTY && 0 < n && n < len
    }
}

impl Transfer for std::net::TcpStream {}
impl Transfer for std::os::unix::net::UnixStream {}

/// # Safety of the cast
/// `MaybeUninit<u8>` has the layout of `u8`; callers only ever write initialised bytes.
fn uninit(buffer: &mut [u8]) -> &mut [MaybeUninit<u8>] {
    // SAFETY: same layout and lifetime, and `recv` writes nothing but initialised bytes.
    unsafe { &mut *(std::ptr::from_mut(buffer) as *mut [MaybeUninit<u8>]) }
}

impl<T: Transfer> Async<T> {
    pub(crate) fn poll_recv(
        &self,
        cx: &mut Context<'_>,
        at: Site,
        buffer: &mut [MaybeUninit<u8>],
    ) -> Poll<io::Result<usize>> {
        let len = buffer.len();
        self.poll_attempt(cx, Interest::READABLE, at, |s| s.recv(buffer), |&n| T::is_short(n, len))
    }

    pub(crate) fn poll_send(
        &self,
        cx: &mut Context<'_>,
        at: Site,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        let len = bytes.len();
        self.poll_attempt(cx, Interest::WRITABLE, at, |s| s.send(bytes), |&n| T::is_short(n, len))
    }

    pub(crate) fn poll_send_vectored(
        &self,
        cx: &mut Context<'_>,
        at: Site,
        bufs: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let len = bufs.iter().map(|buf| buf.len()).sum();
        self.poll_attempt(
            cx,
            Interest::WRITABLE,
            at,
            |s| s.send_vectored(bufs),
            |&n| T::is_short(n, len),
        )
    }

    pub(crate) fn recv<'a>(
        &'a self,
        at: Site,
        buffer: &'a mut [u8],
    ) -> impl Future<Output = io::Result<usize>> + Send + 'a
    where
        T: Sync,
    {
        let len = buffer.len();
        let receive = move |s: &T| s.recv(uninit(buffer));
        self.run(Interest::READABLE, at, receive, move |&n| T::is_short(n, len))
    }

    pub(crate) fn send<'a>(
        &'a self,
        at: Site,
        bytes: &'a [u8],
    ) -> impl Future<Output = io::Result<usize>> + Send + 'a
    where
        T: Sync,
    {
        self.run(Interest::WRITABLE, at, |s| s.send(bytes), |&n| T::is_short(n, bytes.len()))
    }

    pub(crate) fn send_vectored<'a>(
        &'a self,
        at: Site,
        bufs: &'a [IoSlice<'a>],
    ) -> impl Future<Output = io::Result<usize>> + Send + 'a
    where
        T: Sync,
    {
        let len: usize = bufs.iter().map(|buf| buf.len()).sum();
        self.run(Interest::WRITABLE, at, |s| s.send_vectored(bufs), move |&n| T::is_short(n, len))
    }

    pub(crate) fn try_recv(&self, buffer: &mut [u8]) -> io::Result<usize> {
        let len = buffer.len();
        self.attempt(Interest::READABLE, |s| s.recv(uninit(buffer)), |&n| T::is_short(n, len))
            .unwrap_or_else(|| Err(io::ErrorKind::WouldBlock.into()))
    }

    pub(crate) fn try_recv_vectored(&self, bufs: &mut [IoSliceMut<'_>]) -> io::Result<usize> {
        let len = bufs.iter().map(|buf| buf.len()).sum();
        let receive = |s: &T| Ok(rustix::io::readv(s, bufs)?);
        self.attempt(Interest::READABLE, receive, |&n| T::is_short(n, len))
            .unwrap_or_else(|| Err(io::ErrorKind::WouldBlock.into()))
    }

    pub(crate) fn try_send(&self, bytes: &[u8]) -> io::Result<usize> {
        self.attempt(Interest::WRITABLE, |s| s.send(bytes), |&n| T::is_short(n, bytes.len()))
            .unwrap_or_else(|| Err(io::ErrorKind::WouldBlock.into()))
    }

    pub(crate) fn try_send_vectored(&self, bufs: &[IoSlice<'_>]) -> io::Result<usize> {
        let len = bufs.iter().map(|buf| buf.len()).sum();
        self.attempt(Interest::WRITABLE, |s| s.send_vectored(bufs), |&n| T::is_short(n, len))
            .unwrap_or_else(|| Err(io::ErrorKind::WouldBlock.into()))
    }

    pub(crate) async fn recv_exact(&self, made: Made, mut buffer: &mut [u8]) -> io::Result<usize>
    where
        T: Sync,
    {
        let at = made.begin();
        let len = buffer.len();
        while !buffer.is_empty() {
            let n = self.recv(at, buffer).await?;
            if n == 0 {
                return Err(io::Error::new(
                    io::ErrorKind::UnexpectedEof,
                    "early end of the stream",
                ));
            }
            buffer = &mut buffer[n..];
        }
        Ok(len)
    }

    /// Sends a part of a file without taking it through this process's memory.
    #[cfg(any(target_os = "android", target_os = "linux"))]
    pub(crate) async fn send_file<F: AsFd>(
        &self,
        made: Made,
        file: &F,
        range: impl std::ops::RangeBounds<u64>,
    ) -> io::Result<u64>
    where
        T: Sync,
    {
        use std::ops::Bound;
        /// So many bytes at a time, as the call may wait for a disk.
        const CHUNK: u64 = 256 << 10;
        let at = made.begin();
        let start = match range.start_bound() {
            Bound::Included(&start) => start,
            Bound::Excluded(&before) => before.saturating_add(1),
            Bound::Unbounded => 0,
        };
        let end = match range.end_bound() {
            Bound::Included(&last) => last.saturating_add(1),
            Bound::Excluded(&end) => end,
            Bound::Unbounded => u64::MAX,
        };
        let mut offset = start;
        while offset < end {
            let len = CHUNK.min(end - offset) as usize;
            let send = |s: &T| Ok(rustix::fs::sendfile(s, file, Some(&mut offset), len)?);
            if self.run(Interest::WRITABLE, at, send, |_| false).await? == 0 {
                break;
            }
        }
        Ok(offset - start)
    }

    pub(crate) async fn send_all(&self, made: Made, mut bytes: &[u8]) -> io::Result<()>
    where
        T: Sync,
    {
        let at = made.begin();
        while !bytes.is_empty() {
            let n = self.send(at, bytes).await?;
            bytes = &bytes[n..];
        }
        Ok(())
    }
}

/// Closes a half; a peer that is gone already is no failure. A pipe is not to be closed like that: it
/// ends when it is dropped.
pub(crate) fn shutdown<T: AsFd>(source: &T, how: Shutdown) -> io::Result<()> {
    let how = match how {
        Shutdown::Read => rustix::net::Shutdown::Read,
        Shutdown::Write => rustix::net::Shutdown::Write,
        Shutdown::Both => rustix::net::Shutdown::Both,
    };
    match rustix::net::shutdown(source, how) {
        Err(rustix::io::Errno::NOTCONN | rustix::io::Errno::NOTSOCK) => Ok(()),
        result => Ok(result?),
    }
}
