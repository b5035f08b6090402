//! The methods of readers and writers: tokio's names and signatures on the traits of `futures-io`.
//!
//! Most return the futures of `futures-lite`; its own extension traits lack tokio's `next_line`,
//! `shutdown`, and numbers, and its `read_line` does not append. What takes a buffer of the `bytes` crate (`read_buf`, `write_buf`,
//! `write_all_buf`) is not here: with the feature `tokio-io`, tokio's own traits have it for every
//! stream of ours.

mod buf_read;
mod lines;
mod numbers;
mod read;
mod seek;
mod write;

pub use buf_read::AsyncBufReadExt;
pub use lines::{Lines, ReadLine, Split};
pub use numbers::{ReadNumber, WriteNumber};
pub use read::{AsyncReadExt, ReadExact};
pub use seek::AsyncSeekExt;
pub use write::AsyncWriteExt;
