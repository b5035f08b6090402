//! Whole files at once.

use std::future::Future;
use std::io;
use std::panic::Location;
use std::path::Path;

use crate::blocking::call;
use crate::leaf::Operation;

static READ: Operation = Operation::new("fs::read");
static WRITE: Operation = Operation::new("fs::write");
static COPY: Operation = Operation::new("fs::copy");

/// Reads a whole file.
///
/// # Errors
/// `NotFound`, `PermissionDenied` and the like.
///
/// # Cancel safety
/// That of the [module](super).
///
/// # Examples
/// ```
/// # heist::runtime::Runtime::new().unwrap().block_on(async {
/// assert_eq!(heist::fs::read("/dev/null").await.unwrap(), b"");
/// # });
/// ```
#[track_caller]
pub fn read(path: impl AsRef<Path>) -> impl Future<Output = io::Result<Vec<u8>>> + Send {
    let path = path.as_ref().to_owned();
    call((&READ, Location::caller()), move || std::fs::read(path))
}

/// Reads a whole file that is UTF-8.
///
/// # Errors
/// `InvalidData` if it is not; `NotFound` and the like.
///
/// # Cancel safety
/// That of the [module](super).
#[track_caller]
pub fn read_to_string(path: impl AsRef<Path>) -> impl Future<Output = io::Result<String>> + Send {
    let path = path.as_ref().to_owned();
    call((&READ, Location::caller()), move || std::fs::read_to_string(path))
}

/// Writes a whole file, which is created if need be and else replaced. What is written is copied
/// once, to be handed over; a `Vec` that one can part with goes uncopied with
/// [`spawn_blocking`](crate::task::spawn_blocking) and `std::fs::write`.
///
/// # Errors
/// `PermissionDenied`, `StorageFull` and the like. The file may have been emptied, or written in part.
///
/// # Cancel safety
/// That of the [module](super).
///
/// # Examples
/// ```
/// # heist::runtime::Runtime::new().unwrap().block_on(async {
/// let path = std::env::temp_dir().join(format!("heist-doc-write-{}", std::process::id()));
/// heist::fs::write(&path, "hello").await.unwrap();
/// assert_eq!(heist::fs::read_to_string(&path).await.unwrap(), "hello");
/// heist::fs::remove_file(&path).await.unwrap();
/// # });
/// ```
#[track_caller]
pub fn write(
    path: impl AsRef<Path>,
    contents: impl AsRef<[u8]>,
) -> impl Future<Output = io::Result<()>> + Send {
    let path = path.as_ref().to_owned();
    let contents = contents.as_ref().to_owned();
    call((&WRITE, Location::caller()), move || std::fs::write(path, contents))
}

/// Copies a file with its permissions, inside the kernel where that is possible, and says how
/// many bytes that were.
///
/// # Errors
/// Those of reading the one and writing the other; `InvalidInput` if it is no regular file.
///
/// # Cancel safety
/// That of the [module](super).
#[track_caller]
pub fn copy(
    from: impl AsRef<Path>,
    to: impl AsRef<Path>,
) -> impl Future<Output = io::Result<u64>> + Send {
    let (from, to) = (from.as_ref().to_owned(), to.as_ref().to_owned());
    call((&COPY, Location::caller()), move || std::fs::copy(from, to))
}
