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
//! Errors are those of `std::fs`, with their kinds. All functions panic when their future is polled
//! outside a runtime.

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
