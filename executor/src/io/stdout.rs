//! [`stdout`] and [`stderr`]: this process's output, written on the blocking pool.

use std::io;
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, RawFd};
use std::panic::Location;
use std::pin::Pin;
use std::sync::{Arc, LazyLock};
use std::task::{Context, Poll};

use futures_io::AsyncWrite;

use crate::blocking::Outbox;
use crate::leaf::Operation;

/// How much may wait to be written, in bytes: what a pipe takes on Linux.
const LIMIT: usize = 64 << 10;

macro_rules! output {
    ($(#[$doc:meta])* $function:ident, $(#[$type_doc:meta])* $type:ident, $write:literal) => {
        $(#[$doc])*
        #[track_caller]
        pub fn $function() -> $type {
            type Way = (Arc<Outbox>, Arc<std::io::$type>);
            static WAY: LazyLock<Way> =
                LazyLock::new(|| (Arc::default(), Arc::new(std::io::$function())));
            let (outbox, sink) = WAY.clone();
            $type { outbox, sink, at: Location::caller() }
        }

        $(#[$type_doc])*
        pub struct $type {
            outbox: Arc<Outbox>,
            sink: Arc<std::io::$type>,
            /// Where the handle was made.
            at: &'static Location<'static>,
        }

        impl $type {
            const WRITE: &'static Operation = {
                static OPERATION: Operation = Operation::new($write);
                &OPERATION
            };
        }

        impl AsyncWrite for $type {
            fn poll_write(
                self: Pin<&mut Self>,
                cx: &mut Context<'_>,
                bytes: &[u8],
            ) -> Poll<io::Result<usize>> {
                let site = ($type::WRITE, self.at);
                self.outbox.poll_write(cx, site, &self.sink, bytes, LIMIT)
            }

            fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
                self.outbox.poll_flush(cx, ($type::WRITE, self.at))
            }

            fn poll_close(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
                self.poll_flush(cx)
            }
        }

        impl AsFd for $type {
            fn as_fd(&self) -> BorrowedFd<'_> {
                rustix::stdio::$function()
            }
        }

        impl AsRawFd for $type {
            fn as_raw_fd(&self) -> RawFd {
                self.as_fd().as_raw_fd()
            }
        }

        impl std::fmt::Debug for $type {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.debug_struct(stringify!($type)).finish_non_exhaustive()
            }
        }
    };
}

output! {
    /// The standard output of this process.
    ///
    /// A write leaves its bytes in a buffer that all handles share; the blocking pool writes them
    /// out at once and in order, also where `std::io::stdout` would wait for the end of a line. What
    /// differs from tokio: a write of up to 64 KiB that finds room is not torn by other handles'. A
    /// failure shows at the next write or flush of any handle. Flush before the process exits;
    /// dropping a runtime flushes, too.
    ///
    /// # Cancel safety
    /// Cancel safe: nothing is written unless it is returned.
    ///
    /// # Examples
    /// ```
    /// # heist::runtime::Runtime::new().unwrap().block_on(async {
    /// use heist::io::AsyncWriteExt;
    ///
    /// let mut stdout = heist::io::stdout();
    /// stdout.write_all(b"> ").await.unwrap();
    /// stdout.flush().await.unwrap();
    /// # });
    /// ```
    stdout,
    /// The standard output of this process; see [`stdout`].
    Stdout, "Stdout::write"
}

output! {
    /// The standard error of this process; as [`stdout`].
    ///
    /// # Cancel safety
    /// Cancel safe: nothing is written unless it is returned.
    ///
    /// # Examples
    /// ```
    /// # heist::runtime::Runtime::new().unwrap().block_on(async {
    /// use heist::io::AsyncWriteExt;
    ///
    /// let mut stderr = heist::io::stderr();
    /// stderr.write_all(b"something is wrong\n").await.unwrap();
    /// stderr.flush().await.unwrap();
    /// # });
    /// ```
    stderr,
    /// The standard error of this process; see [`stderr`].
    Stderr, "Stderr::write"
}
