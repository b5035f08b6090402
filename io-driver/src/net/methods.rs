//! The inherent methods of streams and of their halves, written once; tokio's names and meanings.
//!
//! Where a macro is used there are `std::io`, `IoSlice`, `MaybeUninit`, `Location`, `Future`, `Context`
//! and `Poll` in scope.

/// The reading methods of a stream or half whose `io` method gives its `Async`.
macro_rules! reading_methods {
    ($read:ident) => {
        /// Reads what is there, at most as much as fits; zero is the end of the stream.
        ///
        /// # Errors
        /// Those of the system, as `ConnectionReset`; and once the runtime has shut down.
        ///
        /// # Cancel safety
        /// Cancel safe: nothing is read unless it is returned.
        #[track_caller]
        pub fn read<'a>(
            &'a self,
            buffer: &'a mut [u8],
        ) -> impl Future<Output = io::Result<usize>> + Send + 'a {
            self.io().recv((&$read, Location::caller()), buffer)
        }

        /// Reads until the buffer is full, and says how long it is.
        ///
        /// # Errors
        /// `UnexpectedEof` if the stream ends before, and as [`read`](Self::read).
        ///
        /// # Cancel safety
        /// Not cancel safe: what has been read is in the buffer, but how much is lost.
        #[track_caller]
        pub fn read_exact<'a>(
            &'a self,
            buffer: &'a mut [u8],
        ) -> impl Future<Output = io::Result<usize>> + Send + 'a {
            self.io().recv_exact($crate::host::Made::here(&$read), buffer)
        }

        /// Reads without waiting.
        ///
        /// # Errors
        /// `WouldBlock` if there is nothing to read now.
        pub fn try_read(&self, buffer: &mut [u8]) -> io::Result<usize> {
            self.io().try_recv(buffer)
        }

        /// As [`try_read`](Self::try_read), into several buffers in turn.
        ///
        /// # Errors
        /// `WouldBlock` if there is nothing to read now.
        pub fn try_read_vectored(&self, bufs: &mut [io::IoSliceMut<'_>]) -> io::Result<usize> {
            self.io().try_recv_vectored(bufs)
        }

        /// Waits until there may be something to read.
        ///
        /// # Errors
        /// If the runtime has shut down.
        ///
        /// # Cancel safety
        /// Cancel safe.
        #[track_caller]
        pub fn readable(&self) -> impl Future<Output = io::Result<()>> + Send + '_ {
            self.io().readable()
        }

        /// As [`readable`](Self::readable), for futures written by hand; the last waker wins.
        pub fn poll_read_ready(&self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
            self.io().poll_readable(cx)
        }

        /// Reads into memory that need not be initialised; the primitive under all reading. Of
        /// several tasks that poll it, the last one is woken.
        ///
        /// # Errors
        /// As [`read`](Self::read).
        #[track_caller]
        pub fn poll_recv(
            &self,
            cx: &mut Context<'_>,
            buffer: &mut [MaybeUninit<u8>],
        ) -> Poll<io::Result<usize>> {
            self.io().poll_recv(cx, (&$read, Location::caller()), buffer)
        }
    };
}
pub(crate) use reading_methods;

/// The writing methods of a stream or half whose `io` method gives its `Async`.
macro_rules! writing_methods {
    ($write:ident) => {
        /// Writes as much as there is room for, and says how much that was.
        ///
        /// # Errors
        /// Those of the system, as `BrokenPipe` if the peer is gone; and once the runtime has shut down.
        ///
        /// # Cancel safety
        /// Cancel safe: nothing is written unless it is returned.
        #[track_caller]
        pub fn write<'a>(
            &'a self,
            bytes: &'a [u8],
        ) -> impl Future<Output = io::Result<usize>> + Send + 'a {
            self.io().send((&$write, Location::caller()), bytes)
        }

        /// As [`write`](Self::write), from several buffers in turn.
        ///
        /// # Errors
        /// As [`write`](Self::write).
        ///
        /// # Cancel safety
        /// Cancel safe: nothing is written unless it is returned.
        #[track_caller]
        pub fn write_vectored<'a>(
            &'a self,
            bufs: &'a [IoSlice<'a>],
        ) -> impl Future<Output = io::Result<usize>> + Send + 'a {
            self.io().send_vectored((&$write, Location::caller()), bufs)
        }

        /// Writes everything.
        ///
        /// # Errors
        /// As [`write`](Self::write).
        ///
        /// # Cancel safety
        /// Not cancel safe: how much was written is lost.
        #[track_caller]
        pub fn write_all<'a>(
            &'a self,
            bytes: &'a [u8],
        ) -> impl Future<Output = io::Result<()>> + Send + 'a {
            self.io().send_all($crate::host::Made::here(&$write), bytes)
        }

        /// Does nothing: a socket has no buffer of ours. It neither waits nor fails.
        pub async fn flush(&self) -> io::Result<()> {
            Ok(())
        }

        /// Writes without waiting.
        ///
        /// # Errors
        /// `WouldBlock` if there is no room now.
        pub fn try_write(&self, bytes: &[u8]) -> io::Result<usize> {
            self.io().try_send(bytes)
        }

        /// As [`try_write`](Self::try_write), from several buffers in turn.
        ///
        /// # Errors
        /// `WouldBlock` if there is no room now.
        pub fn try_write_vectored(&self, bufs: &[IoSlice<'_>]) -> io::Result<usize> {
            self.io().try_send_vectored(bufs)
        }

        /// Waits until there may be room to write.
        ///
        /// # Errors
        /// If the runtime has shut down.
        ///
        /// # Cancel safety
        /// Cancel safe.
        #[track_caller]
        pub fn writable(&self) -> impl Future<Output = io::Result<()>> + Send + '_ {
            self.io().writable()
        }

        /// As [`writable`](Self::writable), for futures written by hand; the last waker wins.
        pub fn poll_write_ready(&self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
            self.io().poll_writable(cx)
        }

        /// Writes from several buffers; the primitive under all writing. Of several tasks that
        /// poll it, the last one is woken.
        ///
        /// # Errors
        /// As [`write`](Self::write).
        #[track_caller]
        pub fn poll_send_vectored(
            &self,
            cx: &mut Context<'_>,
            bufs: &[IoSlice<'_>],
        ) -> Poll<io::Result<usize>> {
            self.io().poll_send_vectored(cx, (&$write, Location::caller()), bufs)
        }

        /// As [`poll_send_vectored`](Self::poll_send_vectored), from one buffer.
        #[track_caller]
        pub fn poll_send(&self, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
            self.io().poll_send(cx, (&$write, Location::caller()), bytes)
        }
    };
}
pub(crate) use writing_methods;

/// Sending files, for what is a socket.
macro_rules! file_methods {
    ($write:ident) => {
        /// Sends the part of a file that the range names (`..` is all of it), and says how many bytes
        /// that were: fewer than asked for if the file ends before. The kernel does it (`sendfile`),
        /// without taking the bytes through this process's memory. The file's own position is neither
        /// used nor changed. tokio has nothing like it.
        ///
        /// What is not in the page cache is read from the disk meanwhile, on this thread, in pieces of
        /// 256 KiB at most.
        ///
        /// # Errors
        /// Those of writing and of reading the file; `InvalidInput` if the kernel cannot read it like
        /// that, as is so with pipes. A peer that is gone is an error as ever, unless the process has
        /// asked for `SIGPIPE`, which Rust's programs ignore.
        ///
        /// # Cancel safety
        /// Not cancel safe: how much was sent is lost.
        #[cfg(any(target_os = "android", target_os = "linux"))]
        #[track_caller]
        pub fn send_file<'a, F: std::os::fd::AsFd + Sync>(
            &'a self,
            file: &'a F,
            range: impl std::ops::RangeBounds<u64> + Send + 'a,
        ) -> impl Future<Output = io::Result<u64>> + Send + 'a {
            self.io().send_file($crate::host::Made::here(&$write), file, range)
        }
    };
}
pub(crate) use file_methods;

/// The methods of a stream or half that are for both directions.
macro_rules! common_methods {
    () => {
        /// Waits until the stream is ready for one of the directions, and says for which.
        ///
        /// # Errors
        /// If the runtime has shut down.
        ///
        /// # Cancel safety
        /// Cancel safe.
        #[track_caller]
        pub fn ready(
            &self,
            interest: $crate::Interest,
        ) -> impl Future<Output = io::Result<$crate::Ready>> + Send + '_ {
            self.io().ready(interest)
        }

        /// Runs an operation of one's own once if the stream is thought to be ready for it.
        ///
        /// # Errors
        /// `WouldBlock` if it is not, and those of the operation.
        pub fn try_io<R>(
            &self,
            interest: $crate::Interest,
            mut operation: impl FnMut() -> io::Result<R>,
        ) -> io::Result<R> {
            self.io().try_io(interest, |_| operation())
        }

        /// As [`try_io`](Self::try_io), waiting as often as the operation says `WouldBlock`.
        ///
        /// # Errors
        /// Those of the operation, and once the runtime has shut down. `WouldBlock` is one of them only where
        /// the operation insists on it in a direction that is closed.
        ///
        /// # Cancel safety
        /// Cancel safe, as far as the operation itself is.
        #[track_caller]
        pub fn async_io<R>(
            &self,
            interest: $crate::Interest,
            mut operation: impl FnMut() -> io::Result<R>,
        ) -> impl Future<Output = io::Result<R>> {
            let site = (&$crate::net::stream::ASYNC_IO, Location::caller());
            self.io().run(interest, site, move |_| operation(), |_| false)
        }
    };
}
pub(crate) use common_methods;
