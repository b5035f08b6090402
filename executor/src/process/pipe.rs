//! Pipes to children: [`ChildStdin`], [`ChildStdout`], [`ChildStderr`].

use std::io;
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, OwnedFd, RawFd};
use std::panic::Location;
use std::pin::Pin;
use std::process::Stdio;
use std::task::{Context, Poll, ready};

use futures_io::{AsyncRead, AsyncWrite};
use heist_io::{Async, Interest};

use crate::leaf::{self, Operation};

static READ: Operation = Operation::new("ChildStdout::read");
static READ_ERRORS: Operation = Operation::new("ChildStderr::read");
static WRITE: Operation = Operation::new("ChildStdin::write");

/// Our end of a pipe.
#[derive(Debug)]
pub(super) struct Pipe {
    io: Async<OwnedFd>,
    /// Where the child was started.
    at: &'static Location<'static>,
}

impl Pipe {
    pub(super) fn new(fd: OwnedFd, at: &'static Location<'static>) -> io::Result<Pipe> {
        Ok(Pipe { io: Async::new(fd)?, at })
    }

    /// Off the reactor, and blocking again: another process may not expect anything else.
    fn into_owned_fd(self) -> io::Result<OwnedFd> {
        let fd = self.io.into_inner();
        rustix::io::ioctl_fionbio(&fd, false)?;
        Ok(fd)
    }

    fn poll<R>(
        &self,
        cx: &mut Context<'_>,
        interest: Interest,
        operation: &'static Operation,
        mut attempt: impl FnMut(&OwnedFd) -> io::Result<R>,
    ) -> Poll<io::Result<R>> {
        ready!(leaf::proceed(cx));
        loop {
            match self.io.try_io(interest, &mut attempt) {
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
                result => return Poll::Ready(result),
            }
            let ready = match interest {
                Interest::READABLE => self.io.poll_readable(cx),
                _ => self.io.poll_writable(cx),
            };
            if ready.is_pending() {
                leaf::restore();
                leaf::waiting(operation, self.at);
            }
            ready!(ready)?;
        }
    }

    fn poll_read(
        &self,
        cx: &mut Context<'_>,
        operation: &'static Operation,
        buffer: &mut [u8],
    ) -> Poll<io::Result<usize>> {
        self.poll(cx, Interest::READABLE, operation, |fd| Ok(rustix::io::read(fd, &mut *buffer)?))
    }
}

macro_rules! reading_end {
    ($(#[$doc:meta])* $name:ident, $operation:ident) => {
        $(#[$doc])*
        #[derive(Debug)]
        pub struct $name(Pipe);

        impl $name {
            pub(super) fn new(pipe: Pipe) -> $name {
                $name(pipe)
            }

            /// Takes over the pipe of a child of the standard library.
            ///
            /// # Errors
            /// Those of the system, as running out of memory.
            ///
            /// # Panics
            /// Outside a runtime.
            #[track_caller]
            pub fn from_std(stream: std::process::$name) -> io::Result<$name> {
                Ok($name(Pipe::new(stream.into(), Location::caller())?))
            }

            /// The pipe alone, off the reactor and blocking again.
            ///
            /// # Errors
            /// Those of the system.
            pub fn into_owned_fd(self) -> io::Result<OwnedFd> {
                self.0.into_owned_fd()
            }
        }

        /// # Cancel safety
        /// Cancel safe: nothing is read unless it is returned.
        impl AsyncRead for $name {
            fn poll_read(
                self: Pin<&mut Self>,
                cx: &mut Context<'_>,
                buffer: &mut [u8],
            ) -> Poll<io::Result<usize>> {
                self.0.poll_read(cx, &$operation, buffer)
            }
        }

        impl AsFd for $name {
            fn as_fd(&self) -> BorrowedFd<'_> {
                self.0.io.as_fd()
            }
        }

        impl AsRawFd for $name {
            fn as_raw_fd(&self) -> RawFd {
                self.0.io.as_raw_fd()
            }
        }

        /// For the standard input of another child.
        impl TryFrom<$name> for Stdio {
            type Error = io::Error;

            fn try_from(stream: $name) -> io::Result<Stdio> {
                Ok(stream.into_owned_fd()?.into())
            }
        }
    };
}

reading_end! {
    /// The reading end of a child's standard output.
    ChildStdout, READ
}

reading_end! {
    /// The reading end of a child's standard error.
    ChildStderr, READ_ERRORS
}

/// The writing end of a child's standard input. The child reads the end of its input once this is
/// dropped or closed with [`close`](crate::io::AsyncWriteExt::close).
#[derive(Debug)]
pub struct ChildStdin(Option<Pipe>);

impl ChildStdin {
    pub(super) fn new(pipe: Pipe) -> ChildStdin {
        ChildStdin(Some(pipe))
    }

    /// Takes over the pipe of a child of the standard library.
    ///
    /// # Errors
    /// Those of the system, as running out of memory.
    ///
    /// # Panics
    /// Outside a runtime.
    #[track_caller]
    pub fn from_std(stream: std::process::ChildStdin) -> io::Result<ChildStdin> {
        Ok(ChildStdin::new(Pipe::new(stream.into(), Location::caller())?))
    }

    /// The pipe alone, off the reactor and blocking again.
    ///
    /// # Errors
    /// `BrokenPipe` if it has been closed.
    pub fn into_owned_fd(self) -> io::Result<OwnedFd> {
        self.0.ok_or_else(closed)?.into_owned_fd()
    }
}

fn closed() -> io::Error {
    io::Error::new(io::ErrorKind::BrokenPipe, "the child's standard input has been closed")
}

/// # Cancel safety
/// Cancel safe: nothing is written unless it is returned.
impl AsyncWrite for ChildStdin {
    fn poll_write(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        let Some(pipe) = &self.0 else { return Poll::Ready(Err(closed())) };
        pipe.poll(cx, Interest::WRITABLE, &WRITE, |fd| Ok(rustix::io::write(fd, bytes)?))
    }

    fn poll_flush(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn poll_close(mut self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.0 = None;
        Poll::Ready(Ok(()))
    }
}

impl AsFd for ChildStdin {
    /// # Panics
    /// Once it has been shut down: then there is no descriptor any more.
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.0.as_ref().expect("the child's standard input has been closed").io.as_fd()
    }
}

impl AsRawFd for ChildStdin {
    /// # Panics
    /// As `as_fd`.
    fn as_raw_fd(&self) -> RawFd {
        self.as_fd().as_raw_fd()
    }
}

/// For the standard output of another child.
impl TryFrom<ChildStdin> for Stdio {
    type Error = io::Error;

    fn try_from(stream: ChildStdin) -> io::Result<Stdio> {
        Ok(stream.into_owned_fd()?.into())
    }
}
