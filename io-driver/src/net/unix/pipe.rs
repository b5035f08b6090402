//! Pipes, with names (FIFOs) and without: [`Sender`], [`Receiver`], [`pipe()`], [`OpenOptions`].
//!
//! As on the other streams, reading and writing are inherent methods on `&self`, beside the traits.
//! An example is at the head of `heist::net`.

use std::fmt;
use std::fs::File;
use std::future::Future;
use std::io::{self, IoSlice};
use std::mem::MaybeUninit;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::os::unix::fs::{FileTypeExt, OpenOptionsExt};
use std::panic::Location;
use std::path::Path;
use std::task::{Context, Poll};

use rustix::fs::OFlags;

use crate::context;
use crate::host::Operation;
use crate::interest::{Interest, Ready};
use crate::net::about;
use crate::net::methods::{reading_methods, writing_methods};
use crate::net::stream::Transfer;
use crate::source::Async;

static READ: Operation = Operation::new("pipe::Receiver::read");
static WRITE: Operation = Operation::new("pipe::Sender::write");

/// A pipe without a name, close-on-exec at both ends.
///
/// # Errors
/// Those of the system, as running out of descriptors.
///
/// # Panics
/// Outside a runtime.
#[track_caller]
pub fn pipe() -> io::Result<(Sender, Receiver)> {
    #[cfg(not(target_vendor = "apple"))]
    let (read, write) = {
        use rustix::pipe::{PipeFlags, pipe_with};
        pipe_with(PipeFlags::CLOEXEC | PipeFlags::NONBLOCK)?
    };
    #[cfg(target_vendor = "apple")]
    let (read, write) = {
        let (read, write) = rustix::pipe::pipe()?;
        for end in [&read, &write] {
            rustix::io::fcntl_setfd(end, rustix::io::FdFlags::CLOEXEC)?;
            rustix::io::ioctl_fionbio(end, true)?;
        }
        (read, write)
    };
    Ok((Sender::from_owned_fd_unchecked(write)?, Receiver::from_owned_fd_unchecked(read)?))
}

/// How to open a FIFO.
#[derive(Clone, Debug, Default)]
pub struct OpenOptions {
    read_write: bool,
    unchecked: bool,
}

impl OpenOptions {
    /// For reading or writing alone, with a check that it is a FIFO.
    pub fn new() -> OpenOptions {
        OpenOptions::default()
    }

    /// Whether it is opened in both directions: then it never lacks the other end, so that a sender
    /// can be opened before there is a receiver, and a receiver never reads an end.
    #[cfg(any(target_os = "android", target_os = "linux"))]
    pub fn read_write(&mut self, value: bool) -> &mut OpenOptions {
        self.read_write = value;
        self
    }

    /// Whether to do without the check that it is a FIFO.
    pub fn unchecked(&mut self, value: bool) -> &mut OpenOptions {
        self.unchecked = value;
        self
    }

    /// Opens a FIFO for reading. There need not be a sender yet; until the first one comes, reads
    /// find the end.
    ///
    /// # Errors
    /// `NotFound` and the like; `InvalidInput` if it is no FIFO.
    ///
    /// # Panics
    /// Outside a runtime.
    #[track_caller]
    pub fn open_receiver<P: AsRef<Path>>(&self, path: P) -> io::Result<Receiver> {
        context::demand(Location::caller());
        Receiver::from_owned_fd_unchecked(self.open(path.as_ref(), Interest::READABLE)?)
    }

    /// Opens a FIFO for writing.
    ///
    /// # Errors
    /// `ENXIO` if nobody has it open for reading; try again later. Otherwise as
    /// [`open_receiver`](OpenOptions::open_receiver).
    ///
    /// # Panics
    /// Outside a runtime.
    #[track_caller]
    pub fn open_sender<P: AsRef<Path>>(&self, path: P) -> io::Result<Sender> {
        context::demand(Location::caller());
        Sender::from_owned_fd_unchecked(self.open(path.as_ref(), Interest::WRITABLE)?)
    }

    fn open(&self, path: &Path, direction: Interest) -> io::Result<OwnedFd> {
        let file = std::fs::OpenOptions::new()
            .read(direction.is_readable() || self.read_write)
            .write(direction.is_writable() || self.read_write)
            .custom_flags(libc::O_NONBLOCK)
            .open(path)?;
        if !self.unchecked {
            must_be_pipe(&file).map_err(|error| about("open", path.display(), &error))?;
        }
        Ok(file.into())
    }
}

fn must_be_pipe(file: &File) -> io::Result<()> {
    if file.metadata()?.file_type().is_fifo() {
        return Ok(());
    }
    Err(io::Error::new(io::ErrorKind::InvalidInput, "this is no pipe"))
}

/// A descriptor that is a pipe, open in this direction, and non-blocking by now.
fn checked(file: File, direction: Interest) -> io::Result<OwnedFd> {
    must_be_pipe(&file)?;
    let flags = rustix::fs::fcntl_getfl(&file)?;
    let (wanted, message) = match direction {
        Interest::READABLE => (OFlags::RDONLY, "this end of the pipe is not for reading"),
        _ => (OFlags::WRONLY, "this end of the pipe is not for writing"),
    };
    let mode = flags & OFlags::RWMODE;
    if mode != wanted && mode != OFlags::RDWR {
        return Err(io::Error::new(io::ErrorKind::InvalidInput, message));
    }
    if !flags.contains(OFlags::NONBLOCK) {
        rustix::fs::fcntl_setfl(&file, flags | OFlags::NONBLOCK)?;
    }
    Ok(file.into())
}

/// An end of a pipe.
#[derive(Debug)]
struct End(OwnedFd);

impl AsFd for End {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.0.as_fd()
    }
}

impl Transfer for End {
    /// A pipe in packet mode gives one packet to a read, however much room there is.
    const SHORT_MEANS_EMPTY: bool = false;

    fn recv(&self, buffer: &mut [MaybeUninit<u8>]) -> io::Result<usize> {
        let (read, _) = rustix::io::read(self, buffer)?;
        Ok(read.len())
    }

    fn send(&self, bytes: &[u8]) -> io::Result<usize> {
        Ok(rustix::io::write(self, bytes)?)
    }

    fn send_vectored(&self, bufs: &[IoSlice<'_>]) -> io::Result<usize> {
        Ok(rustix::io::writev(self, bufs)?)
    }
}

/// The reading end of a pipe. Reads find the end once all senders are dropped; to read what later
/// senders write into a FIFO, open it anew.
pub struct Receiver {
    io: Async<End>,
}

/// The writing end of a pipe. Writes fail with `BrokenPipe` once all receivers are dropped.
///
/// `shutdown` does nothing: the pipe ends when the sender is dropped.
pub struct Sender {
    io: Async<End>,
}

/// What both ends have.
macro_rules! end {
    ($end:ident, $direction:expr) => {
        impl $end {
            fn io(&self) -> &Async<End> {
                &self.io
            }

            /// Takes over an end of a pipe, which is made non-blocking.
            ///
            /// # Errors
            /// `InvalidInput` if it is no pipe, or open in the other direction only.
            ///
            /// # Panics
            /// Outside a runtime.
            #[track_caller]
            pub fn from_file(file: File) -> io::Result<$end> {
                $end::from_owned_fd_unchecked(checked(file, $direction)?)
            }

            /// As [`from_file`](Self::from_file).
            ///
            /// # Errors
            /// As [`from_file`](Self::from_file).
            ///
            /// # Panics
            /// Outside a runtime.
            #[track_caller]
            pub fn from_owned_fd(fd: OwnedFd) -> io::Result<$end> {
                $end::from_file(fd.into())
            }

            /// Takes over an end of a pipe that is known to be one, and non-blocking.
            ///
            /// # Errors
            /// Those of the system.
            ///
            /// # Panics
            /// Outside a runtime.
            #[track_caller]
            pub fn from_file_unchecked(file: File) -> io::Result<$end> {
                $end::from_owned_fd_unchecked(file.into())
            }

            /// As [`from_file_unchecked`](Self::from_file_unchecked).
            ///
            /// # Panics
            /// Outside a runtime.
            #[track_caller]
            pub fn from_owned_fd_unchecked(fd: OwnedFd) -> io::Result<$end> {
                Ok($end { io: Async::new_nonblocking(End(fd))? })
            }

            /// The descriptor alone, off the reactor, and blocking.
            ///
            /// # Errors
            /// Those of the system.
            pub fn into_blocking_fd(self) -> io::Result<OwnedFd> {
                let fd = self.into_nonblocking_fd()?;
                rustix::io::ioctl_fionbio(&fd, false)?;
                Ok(fd)
            }

            /// The descriptor alone, off the reactor; it stays non-blocking.
            ///
            /// # Errors
            /// None at present; the type is tokio's.
            pub fn into_nonblocking_fd(self) -> io::Result<OwnedFd> {
                Ok(self.io.into_inner().0)
            }

            /// Waits until the pipe is ready, and says for what.
            ///
            /// # Errors
            /// If the runtime has shut down.
            ///
            /// # Cancel safety
            /// Cancel safe.
            #[track_caller]
            pub fn ready(
                &self,
                interest: Interest,
            ) -> impl Future<Output = io::Result<Ready>> + Send + '_ {
                self.io.ready(interest)
            }

            /// Runs an operation of one's own once if the pipe is thought to be ready for it.
            ///
            /// # Errors
            /// `WouldBlock` if it is not, and those of the operation.
            pub fn try_io<R>(&self, mut operation: impl FnMut() -> io::Result<R>) -> io::Result<R> {
                self.io.try_io($direction, |_| operation())
            }
        }

        impl AsFd for $end {
            fn as_fd(&self) -> BorrowedFd<'_> {
                self.io.get_ref().as_fd()
            }
        }

        impl fmt::Debug for $end {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.debug_tuple(stringify!($end)).field(&self.io.get_ref().0).finish()
            }
        }
    };
}
end!(Receiver, Interest::READABLE);
end!(Sender, Interest::WRITABLE);

impl Receiver {
    reading_methods!(READ);
}

impl Sender {
    writing_methods!(WRITE);
}
