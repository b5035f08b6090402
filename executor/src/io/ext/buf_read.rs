//! [`AsyncBufReadExt`]: the methods of readers that have a buffer.

use futures_io::AsyncBufRead;
use futures_lite::io::{AsyncBufReadExt as Lite, FillBuf, ReadUntilFuture};

use super::lines::{Lines, ReadLine, Split};
use crate::io::Awaited;
use crate::leaf::Operation;

static FILL_BUF: Operation = Operation::new("AsyncBufReadExt::fill_buf");
static READ_UNTIL: Operation = Operation::new("AsyncBufReadExt::read_until");
static READ_LINE: Operation = Operation::new("AsyncBufReadExt::read_line");

/// The methods of readers that have a buffer. For input from strangers there are those of
/// [`LimitedExt`](crate::io::LimitedExt), which take no more memory than they are told.
///
/// # Examples
/// ```
/// # heist::runtime::Runtime::new().unwrap().block_on(async {
/// use heist::io::AsyncBufReadExt;
///
/// let mut lines = (&b"one\r\ntwo"[..]).lines();
/// assert_eq!(lines.next_line().await.unwrap().as_deref(), Some("one"));
/// assert_eq!(lines.next_line().await.unwrap().as_deref(), Some("two"));
/// assert_eq!(lines.next_line().await.unwrap(), None);
/// # });
/// ```
pub trait AsyncBufReadExt: AsyncBufRead {
    /// The bytes in the buffer, after filling it if it was empty; none at the end of the stream.
    /// What has been dealt with is to be [consumed](Self::consume).
    ///
    /// # Cancel safety
    /// Cancel safe.
    #[track_caller]
    fn fill_buf(&mut self) -> Awaited<FillBuf<'_, Self>>
    where
        Self: Unpin,
    {
        Awaited::new(&FILL_BUF, Lite::fill_buf(self))
    }

    /// Takes bytes out of the buffer.
    fn consume(&mut self, amount: usize)
    where
        Self: Unpin,
    {
        Lite::consume(self, amount);
    }

    /// Appends everything up to and including a delimiter, or the end of the stream, and says how
    /// many bytes that were.
    ///
    /// # Cancel safety
    /// Nothing is lost: what has been read is in `buffer`.
    #[track_caller]
    fn read_until<'a>(
        &'a mut self,
        delimiter: u8,
        buffer: &'a mut Vec<u8>,
    ) -> Awaited<ReadUntilFuture<'a, Self>>
    where
        Self: Unpin,
    {
        Awaited::new(&READ_UNTIL, Lite::read_until(self, delimiter, buffer))
    }

    /// Appends a line with its end, and says how many bytes that were; 0 at the end of the stream.
    ///
    /// # Errors
    /// `InvalidData` if it is not UTF-8.
    ///
    /// # Cancel safety
    /// Not cancel safe: what has been read of the line is lost, `buffer` is as it was. Use
    /// [`lines`](Self::lines) where that matters.
    #[track_caller]
    fn read_line<'a>(&'a mut self, buffer: &'a mut String) -> Awaited<ReadLine<'a, Self>>
    where
        Self: Unpin,
    {
        Awaited::new(&READ_LINE, ReadLine::new(self, buffer))
    }

    /// The lines of this reader without their ends: `while let Some(line) = lines.next_line().await?`.
    fn lines(self) -> Lines<Self>
    where
        Self: Sized,
    {
        Lines::new(self)
    }

    /// The parts between delimiters.
    fn split(self, delimiter: u8) -> Split<Self>
    where
        Self: Sized,
    {
        Split::new(self, delimiter)
    }
}

impl<R: AsyncBufRead + ?Sized> AsyncBufReadExt for R {}
