//! Halves of [`TcpStream`].

use super::TcpStream;
use super::split;

/// The reading half of a borrowed stream; see [`TcpStream::split`].
pub type ReadHalf<'a> = split::ReadHalf<'a, TcpStream>;
/// The writing half of a borrowed stream; see [`TcpStream::split`].
pub type WriteHalf<'a> = split::WriteHalf<'a, TcpStream>;
/// The reading half of a stream; see [`TcpStream::into_split`].
pub type OwnedReadHalf = split::OwnedReadHalf<std::net::TcpStream>;
/// The writing half of a stream; see [`TcpStream::into_split`].
pub type OwnedWriteHalf = split::OwnedWriteHalf<std::net::TcpStream>;
/// The halves were not of the same stream.
pub type ReuniteError = split::ReuniteError<std::net::TcpStream>;
