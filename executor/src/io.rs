//! Asynchronous reading and writing.
//!
//! The traits are those of `futures-io`, the helpers those of `futures-lite`; [`Async`] puts any
//! descriptor on the runtime's reactor.

pub use futures_lite::io::{
    AsyncBufRead, AsyncBufReadExt, AsyncRead, AsyncReadExt, AsyncSeek, AsyncSeekExt, AsyncWrite,
    AsyncWriteExt, BufReader, BufWriter, copy, empty, repeat, sink, split,
};
pub use heist_io::{Async, Interest, Ready};
