//! Asynchronous reading and writing.
//!
//! The traits are those of `futures-io`, most helpers those of `futures-lite`; [`Async`] puts any
//! descriptor on the runtime's reactor. Here is what those lack: copying both ways at once
//! ([`copy_bidirectional`]), streams in memory ([`duplex`]), this process's own streams ([`stdin`],
//! [`stdout`], [`stderr`]), and reading with limits ([`LimitedExt`]).

mod copy;
mod duplex;
mod join;
mod limited;
mod stdin;
mod stdout;

pub use copy::{copy, copy_bidirectional};
pub use duplex::{DuplexStream, duplex};
pub use futures_lite::io::{
    AsyncBufRead, AsyncBufReadExt, AsyncRead, AsyncReadExt, AsyncSeek, AsyncSeekExt, AsyncWrite,
    AsyncWriteExt, BufReader, BufWriter, Cursor, empty, repeat, sink, split,
};
pub use heist_io::{Async, Interest, Ready};
pub use join::{Join, join};
pub use limited::{LimitedError, LimitedExt, NextLineLimited, ReadExactly, ReadUntilLimited};
pub use stdin::{Stdin, stdin};
pub use stdout::{Stderr, Stdout, stderr, stdout};
