//! Asynchronous reading and writing.
//!
//! The traits are those of `futures-io`, their methods have tokio's names ([`AsyncReadExt`] and its
//! kin), most helpers are those of `futures-lite`; [`Async`] puts any descriptor on the runtime's
//! reactor. Here is what those lack: copying both ways at once ([`copy_bidirectional`]), streams in
//! memory ([`duplex`], [`simplex`]), this process's own streams ([`stdin`], [`stdout`], [`stderr`]), and
//! reading with limits ([`LimitedExt`]).
//!
//! # Examples
//! A descriptor of one's own, as [`Async`]:
//! ```
//! # heist::runtime::Runtime::new().unwrap().block_on(async {
//! use heist::io::{Async, Interest};
//! use std::io::{Read, Write};
//! use std::os::unix::net::UnixStream;
//!
//! let (near, far) = UnixStream::pair().unwrap();
//! let (near, far) = (Async::new(near).unwrap(), Async::new(far).unwrap());
//! near.write_with(|mut stream: &UnixStream| stream.write(b"ping")).await.unwrap();
//!
//! let ready = far.ready(Interest::READABLE | Interest::WRITABLE).await.unwrap();
//! assert!(ready.is_readable() || ready.is_writable());
//! let mut buffer = [0; 16];
//! let n = far.read_with(|mut stream: &UnixStream| stream.read(&mut buffer)).await.unwrap();
//! assert_eq!(&buffer[..n], b"ping");
//! # });
//! ```

mod awaited;
mod buffered;
mod copy;
mod duplex;
mod ext;
mod join;
mod limited;
mod stdin;
mod stdout;
#[cfg(feature = "tokio-io")]
mod tokio_io;
pub mod unix;
mod unsent;

pub use awaited::Awaited;
pub use buffered::{BufStream, BufWriter};
pub use copy::{copy, copy_bidirectional, copy_bidirectional_with_sizes, copy_buf};
pub use duplex::{DuplexStream, SimplexStream, duplex, simplex};
pub use ext::{
    AsyncBufReadExt, AsyncReadExt, AsyncSeekExt, AsyncWriteExt, Lines, ReadExact, ReadLine,
    ReadNumber, Split, WriteNumber,
};
#[cfg(feature = "bytes")]
pub use ext::{ReadToBuf, WriteAllOfBuf, WriteFromBuf};
pub use futures_lite::io::{
    AsyncBufRead, AsyncRead, AsyncSeek, AsyncWrite, BufReader, Chain, Cursor, Empty, ReadHalf,
    Repeat, Sink, Take, WriteHalf, empty, repeat, sink, split,
};
pub use heist_io::{Async, Interest, Ready};
pub use join::{Join, join};
pub use limited::{LimitedError, LimitedExt, NextLineLimited, ReadExactly, ReadUntilLimited};
pub use stdin::{Stdin, stdin};
pub use stdout::{Stderr, Stdout, stderr, stdout};

// So that one `use heist::io` serves where it would otherwise clash with `std::io`.
#[doc(no_inline)]
pub use std::io::{Error, ErrorKind, Result, SeekFrom};
