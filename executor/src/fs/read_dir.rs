//! [`read_dir`]: what is in a directory, a batch of entries per call.

use std::collections::VecDeque;
use std::ffi::OsString;
use std::fs::{FileType, Metadata};
use std::future::{Future, poll_fn};
use std::io;
use std::os::unix::fs::DirEntryExt;
use std::panic::Location;
use std::path::{Path, PathBuf};
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};

use crate::blocking::{Running, Site, call, start};
use crate::leaf::{Made, Operation};

static READ_DIR: Operation = Operation::new("fs::read_dir");
static NEXT_ENTRY: Operation = Operation::new("ReadDir::next_entry");
static METADATA: Operation = Operation::new("DirEntry::metadata");
static FILE_TYPE: Operation = Operation::new("DirEntry::file_type");

/// How many entries are read at once: by guess, so that the trip to the pool (some microseconds)
/// is small beside them, and waiting for the first is, too.
const BATCH: usize = 64;

/// What is in a directory, in no order, without `.` and `..`.
///
/// # Errors
/// `NotFound`, `NotADirectory` and the like.
///
/// # Cancel safety
/// That of the [module](super).
///
/// # Examples
/// ```
/// # heist::runtime::Runtime::new().unwrap().block_on(async {
/// let mut entries = heist::fs::read_dir("/dev").await.unwrap();
/// let mut names = Vec::new();
/// while let Some(entry) = entries.next_entry().await.unwrap() {
///     names.push(entry.file_name());
/// }
/// assert!(names.contains(&"null".into()));
/// # });
/// ```
#[track_caller]
pub fn read_dir(path: impl AsRef<Path>) -> impl Future<Output = io::Result<ReadDir>> + Send {
    let at = Location::caller();
    let path = path.as_ref().to_owned();
    call((&READ_DIR, at), move || {
        let batch = Batch::read(std::fs::read_dir(path)?);
        Ok(ReadDir { phase: Phase::Reading(batch), at })
    })
}

/// The entries of a directory; see [`read_dir`].
#[derive(Debug)]
#[must_use = "it does nothing unless entries are asked for"]
pub struct ReadDir {
    phase: Phase,
    at: &'static Location<'static>,
}

#[derive(Debug)]
enum Phase {
    Reading(Batch),
    Waiting(Running<Batch>),
}

/// Entries that have been read, and where the next ones come from; `None` at the end.
#[derive(Debug, Default)]
struct Batch {
    entries: VecDeque<io::Result<DirEntry>>,
    rest: Option<std::fs::ReadDir>,
}

impl Batch {
    fn read(mut rest: std::fs::ReadDir) -> Batch {
        let entries: VecDeque<_> =
            rest.by_ref().take(BATCH).map(|entry| entry.map(DirEntry::new)).collect();
        let is_end = entries.len() < BATCH;
        Batch { entries, rest: (!is_end).then_some(rest) }
    }
}

impl ReadDir {
    /// The next entry; `None` at the end.
    ///
    /// # Errors
    /// Those of the system; the entries behind an error can still be asked for.
    ///
    /// # Cancel safety
    /// Cancel safe: no entry is lost.
    #[track_caller]
    pub fn next_entry(&mut self) -> impl Future<Output = io::Result<Option<DirEntry>>> + Send + '_ {
        let mut made = Made::here(&NEXT_ENTRY);
        poll_fn(move |cx| {
            made.set_polled();
            self.poll_next_entry(cx)
        })
    }

    /// As [`next_entry`](ReadDir::next_entry), for futures written by hand.
    pub fn poll_next_entry(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<Option<DirEntry>>> {
        loop {
            match &mut self.phase {
                Phase::Reading(batch) => {
                    if let Some(entry) = batch.entries.pop_front() {
                        return Poll::Ready(entry.map(Some));
                    }
                    let Some(rest) = batch.rest.take() else { return Poll::Ready(Ok(None)) };
                    let site: Site = (&NEXT_ENTRY, self.at);
                    self.phase = Phase::Waiting(start(site, || Ok(Batch::read(rest))));
                }
                Phase::Waiting(running) => {
                    let batch = ready!(Pin::new(running).poll(cx));
                    // The call itself fails only with its runtime: then there is no more to come.
                    let (batch, result) = match batch {
                        Ok(batch) => (batch, Ok(())),
                        Err(error) => (Batch::default(), Err(error)),
                    };
                    self.phase = Phase::Reading(batch);
                    result?;
                }
            }
        }
    }
}

/// An entry of a directory.
#[derive(Clone, Debug)]
pub struct DirEntry(Arc<std::fs::DirEntry>);

impl DirEntry {
    fn new(entry: std::fs::DirEntry) -> DirEntry {
        DirEntry(Arc::new(entry))
    }

    /// Its path: that of the directory, as it was given, and its name.
    pub fn path(&self) -> PathBuf {
        self.0.path()
    }

    /// Its name.
    pub fn file_name(&self) -> OsString {
        self.0.file_name()
    }

    /// Its number in the file system.
    pub fn ino(&self) -> u64 {
        self.0.ino()
    }

    /// What the system knows of it; a symbolic link is not followed.
    ///
    /// # Errors
    /// `NotFound` if it has been removed meanwhile, and the like.
    ///
    /// # Cancel safety
    /// That of the [module](super).
    #[track_caller]
    pub fn metadata(&self) -> impl Future<Output = io::Result<Metadata>> + Send + 'static {
        let entry = self.0.clone();
        call((&METADATA, Location::caller()), move || entry.metadata())
    }

    /// Whether it is a file, a directory, or something else; a symbolic link is not followed.
    ///
    /// # Errors
    /// `NotFound` if it has been removed meanwhile, and the like.
    ///
    /// # Cancel safety
    /// That of the [module](super).
    #[track_caller]
    pub fn file_type(&self) -> impl Future<Output = io::Result<FileType>> + Send + 'static {
        let entry = self.0.clone();
        call((&FILE_TYPE, Location::caller()), move || entry.file_type())
    }
}
