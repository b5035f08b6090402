//! [`File`]; see `transfer` for how it is read, written and sought.

mod transfer;

use std::fmt;
use std::fs::{FileTimes, Metadata, Permissions};
use std::future::{Future, poll_fn};
use std::io;
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, OwnedFd, RawFd};
use std::panic::Location;
use std::path::Path;
use std::sync::Arc;
use std::time::SystemTime;

use super::OpenOptions;
use crate::blocking::{OwnOutbox, call};
use crate::leaf::{Made, Operation};
use transfer::{Inbox, Turn};

static INTO_STD: Operation = Operation::new("File::into_std");
static SYNC: Operation = Operation::new("File::sync");
static SET_LEN: Operation = Operation::new("File::set_len");
static SET_TIMES: Operation = Operation::new("File::set_times");
static METADATA: Operation = Operation::new("File::metadata");
static CLONE: Operation = Operation::new("File::try_clone");
static SET_PERMISSIONS: Operation = Operation::new("File::set_permissions");

/// How much is read or written at once, unless it is set otherwise.
const MAX_BUF_SIZE: usize = 2 << 20;

/// An open file.
///
/// Reading, writing and seeking are the traits of `futures-io`, with the helpers of
/// [`AsyncReadExt`](crate::io::AsyncReadExt) and its kin. One read is one call on the blocking pool
/// for as much as is asked for, so ask for much: [`BufReader`](crate::io::BufReader) helps, and
/// [`fs::copy`](super::copy) and [`fs::read`](fn@super::read) know the shortest way.
///
/// # Writing
/// A write only leaves its bytes in a buffer, from which the pool writes them to the file, at once and
/// in order. Small writes that come fast go together; a writer that is faster than the file waits
/// when the buffer (2 MiB) is full. What differs from tokio, where each write is a call of its own,
/// is the speed. So:
///
/// * A write that fails shows as the error of the next operation that is not a read, and what was
///   written behind it is lost.
/// * [`flush`](crate::io::AsyncWriteExt::flush) waits until everything is in the file, that is,
///   with the operating system, and says whether it worked; [`sync_all`](File::sync_all) does so, and
///   waits for the disk.
/// * A file that is dropped is closed once everything is written, but an error of that is lost: flush
///   first. Debug mode reports it; see [`Builder::debug`](crate::runtime::Builder::debug). Bytes that
///   are still on their way when the process exits are lost, too.
///
/// # Cancel safety
/// Cancel safe: a read that is dropped leaves what it gets to the next one. A write that is
/// dropped before it was ready has not happened. Of a seek that is dropped it is not known whether
/// it has happened.
///
/// What the methods do to the file itself ([`sync_all`](File::sync_all), [`set_len`](File::set_len),
/// [`metadata`](File::metadata) and their kin) never happens if the future is dropped before a thread has
/// taken its call up, and goes on to its end unheard after that; what was written before is written in
/// any case. A [`File::create`] that is dropped may have emptied the file. [`File::into_std`] is not
/// cancel safe: the file is closed with it.
///
/// # Examples
/// ```
/// # heist::runtime::Runtime::new().unwrap().block_on(async {
/// use heist::fs::{self, File};
/// use heist::io::{AsyncReadExt, AsyncWriteExt};
///
/// let path = std::env::temp_dir().join(format!("heist-doc-file-{}", std::process::id()));
/// let mut file = File::create(&path).await.unwrap();
/// file.write_all(b"hello").await.unwrap();
/// file.flush().await.unwrap();
///
/// let mut text = String::new();
/// File::open(&path).await.unwrap().read_to_string(&mut text).await.unwrap();
/// assert_eq!(text, "hello");
/// fs::remove_file(&path).await.unwrap();
/// # });
/// ```
pub struct File {
    file: Arc<std::fs::File>,
    /// It also knows where the file was opened: that is where a task that waits for it is said to wait.
    outbox: OwnOutbox,
    /// What `&mut self` has under way; `&self` may be used besides.
    turn: Turn,
    inbox: Inbox,
    max_buf_size: usize,
}

impl File {
    /// Opens a file for reading.
    ///
    /// # Errors
    /// `NotFound`, `PermissionDenied` and the like.
    #[track_caller]
    pub fn open(path: impl AsRef<Path>) -> impl Future<Output = io::Result<File>> + Send {
        let at = Location::caller();
        let path = path.as_ref().to_owned();
        call((&super::open_options::OPEN, at), move || {
            Ok(File::opened(std::fs::File::open(path)?, at))
        })
    }

    /// Opens a file for writing; it is created, or emptied if it exists.
    ///
    /// # Errors
    /// `PermissionDenied` and the like.
    #[track_caller]
    pub fn create(path: impl AsRef<Path>) -> impl Future<Output = io::Result<File>> + Send {
        let at = Location::caller();
        let path = path.as_ref().to_owned();
        call((&super::open_options::OPEN, at), move || {
            Ok(File::opened(std::fs::File::create(path)?, at))
        })
    }

    /// Creates a file for reading and writing, which must not exist.
    ///
    /// # Errors
    /// `AlreadyExists` if it does, and the like.
    #[track_caller]
    pub fn create_new(path: impl AsRef<Path>) -> impl Future<Output = io::Result<File>> + Send {
        let at = Location::caller();
        let path = path.as_ref().to_owned();
        call((&super::open_options::OPEN, at), move || {
            Ok(File::opened(std::fs::File::create_new(path)?, at))
        })
    }

    /// Options for opening a file; as [`OpenOptions::new`].
    pub fn options() -> OpenOptions {
        OpenOptions::new()
    }

    /// Takes over a file of the standard library.
    #[track_caller]
    pub fn from_std(file: std::fs::File) -> File {
        File::opened(file, Location::caller())
    }

    pub(super) fn opened(file: std::fs::File, at: &'static Location<'static>) -> File {
        File {
            file: Arc::new(file),
            outbox: OwnOutbox::new(at),
            turn: Turn::Idle,
            inbox: Inbox::default(),
            max_buf_size: MAX_BUF_SIZE,
        }
    }

    /// Back to the standard library, once nothing is under way any more. The error of a write that
    /// has not been flushed is lost.
    #[track_caller]
    pub fn into_std(mut self) -> impl Future<Output = std::fs::File> + Send {
        let made = Made::here(&INTO_STD);
        async move {
            made.begin();
            poll_fn(|cx| self.poll_settled(cx)).await;
            let _ = poll_fn(|cx| self.poll_untaken_returned(cx)).await;
            let File { file, .. } = self;
            Arc::try_unwrap(file).expect("whatever was under way has given the file back")
        }
    }

    /// Back to the standard library at once.
    ///
    /// # Errors
    /// If something is under way, or something was read that no one has taken; the file comes back.
    pub fn try_into_std(self) -> Result<std::fs::File, File> {
        if self.inbox.len() > 0 {
            return Err(self);
        }
        let File { file, outbox, turn, inbox, max_buf_size } = self;
        Arc::try_unwrap(file).map_err(|file| File { file, outbox, turn, inbox, max_buf_size })
    }

    /// How much is read or written at once, in bytes; 2 MiB if it is not set.
    pub fn max_buf_size(&self) -> usize {
        self.max_buf_size
    }

    /// Sets how much is read or written at once, in bytes. The file may hold on to three buffers of
    /// this size.
    ///
    /// # Panics
    /// If it is zero.
    #[track_caller]
    pub fn set_max_buf_size(&mut self, bytes: usize) {
        assert!(bytes > 0, "a file needs a buffer: `set_max_buf_size(0)`");
        self.max_buf_size = bytes;
    }

    /// Flushes, and waits until contents and metadata are on the disk.
    ///
    /// # Errors
    /// Those of the system, and that of a former write.
    #[track_caller]
    pub fn sync_all(&self) -> impl Future<Output = io::Result<()>> + Send + '_ {
        self.after_writes(Made::here(&SYNC), std::fs::File::sync_all)
    }

    /// As [`sync_all`](File::sync_all), for the contents and no more metadata than they need.
    ///
    /// # Errors
    /// Those of the system, and that of a former write.
    #[track_caller]
    pub fn sync_data(&self) -> impl Future<Output = io::Result<()>> + Send + '_ {
        self.after_writes(Made::here(&SYNC), std::fs::File::sync_data)
    }

    /// Flushes, and cuts the file off or fills it up with zeros.
    ///
    /// # Errors
    /// Those of the system, and that of a former write.
    #[track_caller]
    pub fn set_len(&self, len: u64) -> impl Future<Output = io::Result<()>> + Send + '_ {
        self.after_writes(Made::here(&SET_LEN), move |file| file.set_len(len))
    }

    /// Flushes, and says what the system knows of the file.
    ///
    /// # Errors
    /// Those of the system, and that of a former write.
    #[track_caller]
    pub fn metadata(&self) -> impl Future<Output = io::Result<Metadata>> + Send + '_ {
        self.after_writes(Made::here(&METADATA), std::fs::File::metadata)
    }

    /// Flushes, and sets the permissions of the file.
    ///
    /// # Errors
    /// Those of the system, and that of a former write.
    #[track_caller]
    pub fn set_permissions(
        &self,
        permissions: Permissions,
    ) -> impl Future<Output = io::Result<()>> + Send + '_ {
        self.after_writes(Made::here(&SET_PERMISSIONS), move |file| {
            file.set_permissions(permissions)
        })
    }

    /// Flushes, and sets the times that the system keeps for the file.
    ///
    /// # Errors
    /// Those of the system, and that of a former write.
    #[track_caller]
    pub fn set_times(&self, times: FileTimes) -> impl Future<Output = io::Result<()>> + Send + '_ {
        self.after_writes(Made::here(&SET_TIMES), move |file| file.set_times(times))
    }

    /// Flushes, and sets the time of the last change.
    ///
    /// # Errors
    /// Those of the system, and that of a former write.
    #[track_caller]
    pub fn set_modified(
        &self,
        time: SystemTime,
    ) -> impl Future<Output = io::Result<()>> + Send + '_ {
        self.set_times(FileTimes::new().set_modified(time))
    }

    /// Flushes, and opens the same file again; the two share one position.
    ///
    /// # Errors
    /// Those of the system, and that of a former write.
    #[track_caller]
    pub fn try_clone(&self) -> impl Future<Output = io::Result<File>> + Send + '_ {
        let (made, max_buf_size) = (Made::here(&CLONE), self.max_buf_size);
        let at = made.at;
        self.after_writes(made, move |file| {
            Ok(File { max_buf_size, ..File::opened(file.try_clone()?, at) })
        })
    }

    /// A call on the file, once everything that was written is there.
    async fn after_writes<F, T>(&self, made: Made, f: F) -> io::Result<T>
    where
        F: FnOnce(&std::fs::File) -> io::Result<T> + Send + 'static,
        T: Send + 'static,
    {
        let site = (made.operation, made.begin());
        poll_fn(|cx| self.outbox.poll_flush(cx, site)).await?;
        let file = self.file.clone();
        call(site, move || f(&file)).await
    }
}

impl From<std::fs::File> for File {
    #[track_caller]
    fn from(file: std::fs::File) -> File {
        File::from_std(file)
    }
}

impl From<OwnedFd> for File {
    #[track_caller]
    fn from(descriptor: OwnedFd) -> File {
        File::from_std(descriptor.into())
    }
}

impl AsFd for File {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.file.as_fd()
    }
}

impl AsRawFd for File {
    fn as_raw_fd(&self) -> RawFd {
        self.file.as_raw_fd()
    }
}

impl fmt::Debug for File {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.file.fmt(f)
    }
}
