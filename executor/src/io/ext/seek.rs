//! [`AsyncSeekExt`]: the methods of what has a position.

use std::io::SeekFrom;

use futures_io::AsyncSeek;
use futures_lite::io::{AsyncSeekExt as Lite, SeekFuture};

use crate::io::Awaited;
use crate::leaf::Operation;

static SEEK: Operation = Operation::new("AsyncSeekExt::seek");
static REWIND: Operation = Operation::new("AsyncSeekExt::rewind");
static STREAM_POSITION: Operation = Operation::new("AsyncSeekExt::stream_position");

/// The methods of what has a position, such as a file.
///
/// # Examples
/// ```
/// # heist::runtime::Runtime::new().unwrap().block_on(async {
/// use heist::io::{AsyncReadExt, AsyncSeekExt, Cursor, SeekFrom};
///
/// let mut text = Cursor::new(b"hello");
/// assert_eq!(text.seek(SeekFrom::End(-1)).await.unwrap(), 4);
/// assert_eq!(text.read_u8().await.unwrap(), b'o');
/// assert_eq!(text.rewind().await.unwrap(), 0);
/// # });
/// ```
pub trait AsyncSeekExt: AsyncSeek {
    /// Goes to a position, and says how far from the start that is.
    ///
    /// # Errors
    /// Those of the stream; `InvalidInput` if that is before the start.
    ///
    /// # Cancel safety
    /// Of a seek that is dropped it is not known whether it has happened: seek to a place that does not
    /// depend on where it is.
    #[track_caller]
    fn seek(&mut self, position: SeekFrom) -> Awaited<SeekFuture<'_, Self>>
    where
        Self: Unpin,
    {
        Awaited::new(&SEEK, Lite::seek(self, position))
    }

    /// Goes to the start.
    ///
    /// # Errors
    /// Those of the stream.
    ///
    /// # Cancel safety
    /// Of one that is dropped it is not known whether it has happened: call it again.
    #[track_caller]
    fn rewind(&mut self) -> Awaited<SeekFuture<'_, Self>>
    where
        Self: Unpin,
    {
        Awaited::new(&REWIND, Lite::seek(self, SeekFrom::Start(0)))
    }

    /// How far from the start this is.
    ///
    /// # Errors
    /// Those of the stream.
    ///
    /// # Cancel safety
    /// Cancel safe: it moves nothing.
    #[track_caller]
    fn stream_position(&mut self) -> Awaited<SeekFuture<'_, Self>>
    where
        Self: Unpin,
    {
        Awaited::new(&STREAM_POSITION, Lite::seek(self, SeekFrom::Current(0)))
    }
}

impl<S: AsyncSeek + ?Sized> AsyncSeekExt for S {}
