//! [`AsyncSeekExt`]: the methods of what has a position.

use std::io::SeekFrom;

use futures_io::AsyncSeek;
use futures_lite::io::{AsyncSeekExt as Lite, SeekFuture};

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
    fn seek(&mut self, position: SeekFrom) -> SeekFuture<'_, Self>
    where
        Self: Unpin,
    {
        Lite::seek(self, position)
    }

    /// Goes to the start.
    fn rewind(&mut self) -> SeekFuture<'_, Self>
    where
        Self: Unpin,
    {
        Lite::seek(self, SeekFrom::Start(0))
    }

    /// How far from the start this is.
    fn stream_position(&mut self) -> SeekFuture<'_, Self>
    where
        Self: Unpin,
    {
        Lite::seek(self, SeekFrom::Current(0))
    }
}

impl<S: AsyncSeek + ?Sized> AsyncSeekExt for S {}
