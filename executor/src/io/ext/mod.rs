//! The methods of readers and writers: tokio's names and signatures on the traits of `futures-io`.
//!
//! Most return the futures of `futures-lite`; its own extension traits lack tokio's `next_line`,
//! `shutdown`, and numbers, and its `read_line` does not append. What takes a buffer of the crate
//! `bytes` is there with the feature `bytes`.

mod buf_read;
#[cfg(feature = "bytes")]
mod buffers;
mod lines;
mod numbers;
mod read;
mod seek;
mod write;

pub use buf_read::AsyncBufReadExt;
#[cfg(feature = "bytes")]
pub use buffers::{ReadToBuf, WriteAllOfBuf, WriteFromBuf};
pub use lines::{Lines, ReadLine, Split};
pub use numbers::{ReadNumber, WriteNumber};
pub use read::{AsyncReadExt, ReadExact};
pub use seek::AsyncSeekExt;
pub use write::AsyncWriteExt;
