//! Numbers in streams: big-endian, or little-endian where the name ends in `_le`. One future for
//! all that are read, and one for all that are written.

use std::future::Future;
use std::io;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use futures_io::{AsyncRead, AsyncWrite};

/// Reads a number of `N` bytes; see [`AsyncReadExt::read_u32`](super::AsyncReadExt::read_u32) and
/// its kin.
#[derive(Debug)]
#[must_use = "futures do nothing unless awaited"]
pub struct ReadNumber<'a, R: ?Sized, T, const N: usize> {
    reader: &'a mut R,
    bytes: [u8; N],
    filled: usize,
    decode: fn([u8; N]) -> T,
}

impl<'a, R: ?Sized, T, const N: usize> ReadNumber<'a, R, T, N> {
    pub(super) fn new(reader: &'a mut R, decode: fn([u8; N]) -> T) -> Self {
        ReadNumber { reader, bytes: [0; N], filled: 0, decode }
    }
}

impl<R: AsyncRead + Unpin + ?Sized, T, const N: usize> Future for ReadNumber<'_, R, T, N> {
    type Output = io::Result<T>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let this = &mut *self;
        while this.filled < N {
            let rest = &mut this.bytes[this.filled..];
            match ready!(Pin::new(&mut *this.reader).poll_read(cx, rest)) {
                Ok(0) => return Poll::Ready(Err(io::ErrorKind::UnexpectedEof.into())),
                Ok(n) => this.filled += n,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Poll::Ready(Err(error)),
            }
        }
        Poll::Ready(Ok((this.decode)(this.bytes)))
    }
}

/// Writes a number of `N` bytes; see [`AsyncWriteExt::write_u32`](super::AsyncWriteExt::write_u32)
/// and its kin.
#[derive(Debug)]
#[must_use = "futures do nothing unless awaited"]
pub struct WriteNumber<'a, W: ?Sized, const N: usize> {
    writer: &'a mut W,
    bytes: [u8; N],
    written: usize,
}

impl<'a, W: ?Sized, const N: usize> WriteNumber<'a, W, N> {
    pub(super) fn new(writer: &'a mut W, bytes: [u8; N]) -> Self {
        WriteNumber { writer, bytes, written: 0 }
    }
}

impl<W: AsyncWrite + Unpin + ?Sized, const N: usize> Future for WriteNumber<'_, W, N> {
    type Output = io::Result<()>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let this = &mut *self;
        while this.written < N {
            let rest = &this.bytes[this.written..];
            match ready!(Pin::new(&mut *this.writer).poll_write(cx, rest)) {
                Ok(0) => return Poll::Ready(Err(io::ErrorKind::WriteZero.into())),
                Ok(n) => this.written += n,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Poll::Ready(Err(error)),
            }
        }
        Poll::Ready(Ok(()))
    }
}

/// Methods of a trait: `type: big-endian name / little-endian name`; `-` where a byte has no order.
macro_rules! reading_numbers {
    (@one $type:ident, $name:ident, $decode:ident, $order:literal) => {
        #[doc = concat!("Reads a `", stringify!($type), "`", $order, ".")]
        ///
        /// # Errors
        /// `UnexpectedEof` if the stream ends before.
        ///
        /// # Cancel safety
        /// Not cancel safe: bytes that have been read are gone from the stream.
        #[track_caller]
        fn $name(&mut self) -> Awaited<ReadNumber<'_, Self, $type, { size_of::<$type>() }>>
        where
            Self: Unpin,
        {
            static READ: Operation =
                Operation::new(concat!("AsyncReadExt::", stringify!($name)));
            Awaited::new(&READ, ReadNumber::new(self, $type::$decode))
        }
    };
    (@little $type:ident, -) => {};
    (@little $type:ident, $name:ident) => {
        reading_numbers!(@one $type, $name, from_le_bytes, ", least byte first");
    };
    ($($type:ident: $big:ident / $little:tt,)*) => { $(
        reading_numbers!(@one $type, $big, from_be_bytes, ", greatest byte first");
        reading_numbers!(@little $type, $little);
    )* };
}
pub(super) use reading_numbers;

/// As `reading_numbers`, for writers.
macro_rules! writing_numbers {
    (@one $type:ident, $name:ident, $encode:ident, $order:literal) => {
        #[doc = concat!("Writes a `", stringify!($type), "`", $order, ".")]
        ///
        /// # Errors
        /// `WriteZero` if the writer takes no more.
        ///
        /// # Cancel safety
        /// Not cancel safe: how many bytes were written is lost.
        #[track_caller]
        fn $name(&mut self, number: $type) -> Awaited<WriteNumber<'_, Self, { size_of::<$type>() }>>
        where
            Self: Unpin,
        {
            static WRITE: Operation =
                Operation::new(concat!("AsyncWriteExt::", stringify!($name)));
            Awaited::new(&WRITE, WriteNumber::new(self, number.$encode()))
        }
    };
    (@little $type:ident, -) => {};
    (@little $type:ident, $name:ident) => {
        writing_numbers!(@one $type, $name, to_le_bytes, ", least byte first");
    };
    ($($type:ident: $big:ident / $little:tt,)*) => { $(
        writing_numbers!(@one $type, $big, to_be_bytes, ", greatest byte first");
        writing_numbers!(@little $type, $little);
    )* };
}
pub(super) use writing_numbers;
