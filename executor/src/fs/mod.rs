//! Files and directories, with tokio's names and signatures.
//!
//! No system can wait for files as it does for sockets, so each operation is a call on the blocking
//! pool. Functions for whole files ([`read`], [`write`](fn@write), [`copy`]) are one call each and as
//! fast as those of `std::fs`, which they are; [`File`] is for what has to be done in pieces.
//!
//! A future of this module that is dropped before a thread has taken its call up undoes it: it
//! never happens. A call that has begun goes on to its end unheard. That is the cancel safety of
//! every function here; [`File`] says what its own is.
//!
//! Errors are those of `std::fs`, with their kinds; and if no thread can be started for the call, or
//! the runtime shuts down, that is its error. All functions panic when their future is polled
//! outside a runtime.
//!
//! # Examples
//! ```
//! # heist::runtime::Runtime::new().unwrap().block_on(async {
//! use heist::fs::{self, DirBuilder};
//!
//! let dir = std::env::temp_dir().join(format!("heist-doc-fs-{}", std::process::id()));
//! DirBuilder::new().recursive(true).mode(0o700).create(dir.join("old")).await.unwrap();
//! fs::write(dir.join("note"), "hello").await.unwrap();
//! assert_eq!(fs::copy(dir.join("note"), dir.join("old/copy")).await.unwrap(), 5);
//! fs::rename(dir.join("note"), dir.join("old/note")).await.unwrap();
//! assert_eq!(fs::metadata(dir.join("old/note")).await.unwrap().len(), 5);
//! assert!(!fs::try_exists(dir.join("note")).await.unwrap());
//!
//! let mut entries = fs::read_dir(dir.join("old")).await.unwrap();
//! while let Some(entry) = entries.next_entry().await.unwrap() {
//!     assert!(entry.file_type().await.unwrap().is_file());
//!     println!("{:?}: {} bytes", entry.file_name(), entry.metadata().await.unwrap().len());
//! }
//! fs::remove_dir_all(&dir).await.unwrap();
//! # });
//! ```

mod file;
mod open_options;
mod path;
mod read_dir;
mod whole;

pub use file::File;
pub use open_options::OpenOptions;
pub use path::{
    DirBuilder, canonicalize, create_dir, create_dir_all, hard_link, metadata, read_link,
    remove_dir, remove_dir_all, remove_file, rename, set_permissions, symlink, symlink_metadata,
    try_exists,
};
pub use read_dir::{DirEntry, ReadDir, read_dir};
pub use whole::{copy, read, read_to_string, write};

#[doc(no_inline)]
pub use std::fs::FileTimes;
