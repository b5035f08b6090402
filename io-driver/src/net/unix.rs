//! Halves of [`UnixStream`], who is at its other end, and pipes.

pub mod pipe;

use super::UnixStream;
use super::split;

pub use super::unix_stream::UCred;
pub use std::os::unix::net::SocketAddr;

/// The reading half of a borrowed stream; see [`UnixStream::split`].
pub type ReadHalf<'a> = split::ReadHalf<'a, UnixStream>;
/// The writing half of a borrowed stream; see [`UnixStream::split`].
pub type WriteHalf<'a> = split::WriteHalf<'a, UnixStream>;
/// The reading half of a stream; see [`UnixStream::into_split`].
pub type OwnedReadHalf = split::OwnedReadHalf<std::os::unix::net::UnixStream>;
/// The writing half of a stream; see [`UnixStream::into_split`].
pub type OwnedWriteHalf = split::OwnedWriteHalf<std::os::unix::net::UnixStream>;
/// The halves were not of the same stream.
pub type ReuniteError = split::ReuniteError<std::os::unix::net::UnixStream>;

/// The number of a user.
#[allow(non_camel_case_types)]
pub type uid_t = u32;
/// The number of a group.
#[allow(non_camel_case_types)]
pub type gid_t = u32;
/// The number of a process.
#[allow(non_camel_case_types)]
pub type pid_t = i32;
