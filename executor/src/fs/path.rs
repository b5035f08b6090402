//! What is done to paths: making, moving, removing, asking.

use std::fs::{Metadata, Permissions};
use std::future::Future;
use std::io;
use std::os::unix::fs::DirBuilderExt;
use std::panic::Location;
use std::path::{Path, PathBuf};

use crate::blocking::call;
use crate::leaf::Operation;

macro_rules! of_one_path {
    ($($(#[$doc:meta])* $name:ident -> $output:ty = $call:path as $operation:literal;)*) => { $(
        $(#[$doc])*
        #[track_caller]
        pub fn $name(path: impl AsRef<Path>) -> impl Future<Output = io::Result<$output>> + Send {
            static OPERATION: Operation = Operation::new($operation);
            let path = path.as_ref().to_owned();
            call((&OPERATION, Location::caller()), move || $call(path))
        }
    )* };
}

macro_rules! of_two_paths {
    ($($(#[$doc:meta])* $name:ident = $call:path as $operation:literal;)*) => { $(
        $(#[$doc])*
        #[track_caller]
        pub fn $name(
            from: impl AsRef<Path>,
            to: impl AsRef<Path>,
        ) -> impl Future<Output = io::Result<()>> + Send {
            static OPERATION: Operation = Operation::new($operation);
            let (from, to) = (from.as_ref().to_owned(), to.as_ref().to_owned());
            call((&OPERATION, Location::caller()), move || $call(from, to))
        }
    )* };
}

of_one_path! {
    /// What the system knows of a file; of a symbolic link, what it knows of its target.
    ///
    /// # Errors
    /// `NotFound`, `PermissionDenied` and the like.
    ///
    /// # Cancel safety
    /// That of the [module](super).
    metadata -> Metadata = std::fs::metadata as "fs::metadata";
    /// As [`metadata`], of the symbolic link itself.
    ///
    /// # Errors
    /// As [`metadata`].
    ///
    /// # Cancel safety
    /// That of the [module](super).
    symlink_metadata -> Metadata = std::fs::symlink_metadata as "fs::symlink_metadata";
    /// The absolute path, with every symbolic link resolved.
    ///
    /// # Errors
    /// `NotFound`, `NotADirectory` and the like: every part of the path must exist.
    ///
    /// # Cancel safety
    /// That of the [module](super).
    canonicalize -> PathBuf = std::fs::canonicalize as "fs::canonicalize";
    /// Where a symbolic link points.
    ///
    /// # Errors
    /// `InvalidInput` if it is no symbolic link; `NotFound` and the like.
    ///
    /// # Cancel safety
    /// That of the [module](super).
    read_link -> PathBuf = std::fs::read_link as "fs::read_link";
    /// Whether there is such a file. An error says that it could not be found out.
    ///
    /// # Errors
    /// `PermissionDenied` and the like.
    ///
    /// # Cancel safety
    /// That of the [module](super).
    try_exists -> bool = std::fs::exists as "fs::try_exists";
    /// Makes a directory, whose parent must exist.
    ///
    /// # Errors
    /// `AlreadyExists`; `NotFound` if the parent is missing; and the like.
    ///
    /// # Cancel safety
    /// That of the [module](super).
    create_dir -> () = std::fs::create_dir as "fs::create_dir";
    /// Makes a directory and, where they are missing, its parents. One that exists is no failure.
    ///
    /// # Errors
    /// `PermissionDenied` and the like. What was made before it failed stays.
    ///
    /// # Cancel safety
    /// That of the [module](super).
    create_dir_all -> () = std::fs::create_dir_all as "fs::create_dir_all";
    /// Removes an empty directory.
    ///
    /// # Errors
    /// `DirectoryNotEmpty`, `NotFound` and the like.
    ///
    /// # Cancel safety
    /// That of the [module](super).
    remove_dir -> () = std::fs::remove_dir as "fs::remove_dir";
    /// Removes a directory with everything in it; symbolic links are not followed.
    ///
    /// # Errors
    /// `NotFound`, `PermissionDenied` and the like. What was removed before it failed is gone.
    ///
    /// # Cancel safety
    /// That of the [module](super).
    remove_dir_all -> () = std::fs::remove_dir_all as "fs::remove_dir_all";
    /// Removes a file.
    ///
    /// # Errors
    /// `NotFound`, `IsADirectory` and the like.
    ///
    /// # Cancel safety
    /// That of the [module](super).
    remove_file -> () = std::fs::remove_file as "fs::remove_file";
}

of_two_paths! {
    /// Renames a file or directory; a file of the new name is replaced.
    ///
    /// # Errors
    /// `NotFound` and the like; `CrossesDevices` if the new name is on another file system.
    ///
    /// # Cancel safety
    /// That of the [module](super).
    rename = std::fs::rename as "fs::rename";
    /// Gives a file another name on the same file system.
    ///
    /// # Errors
    /// `AlreadyExists`, `NotFound` and the like; `CrossesDevices` if it is on another file system.
    ///
    /// # Cancel safety
    /// That of the [module](super).
    hard_link = std::fs::hard_link as "fs::hard_link";
    /// Makes a symbolic link `to` that points to `from`.
    ///
    /// # Errors
    /// `AlreadyExists` and the like.
    ///
    /// # Cancel safety
    /// That of the [module](super).
    symlink = std::os::unix::fs::symlink as "fs::symlink";
}

/// Sets the permissions of a file.
///
/// # Errors
/// `NotFound`, `PermissionDenied` and the like.
///
/// # Cancel safety
/// That of the [module](super).
#[track_caller]
pub fn set_permissions(
    path: impl AsRef<Path>,
    permissions: Permissions,
) -> impl Future<Output = io::Result<()>> + Send {
    static OPERATION: Operation = Operation::new("fs::set_permissions");
    let path = path.as_ref().to_owned();
    call((&OPERATION, Location::caller()), move || std::fs::set_permissions(path, permissions))
}

/// Makes directories with settings; see [`create_dir`] and [`create_dir_all`] for those without. An
/// example is at the head of the [module](super).
#[derive(Clone, Debug, Default)]
pub struct DirBuilder {
    recursive: bool,
    mode: Option<u32>,
}

impl DirBuilder {
    /// One directory at a time, with the permissions that the process gives new files.
    pub fn new() -> DirBuilder {
        DirBuilder::default()
    }

    /// Whether missing parents are made, too, and an existing directory is no failure.
    pub fn recursive(&mut self, recursive: bool) -> &mut DirBuilder {
        self.recursive = recursive;
        self
    }

    /// The permissions of new directories, less those that the process masks out.
    pub fn mode(&mut self, mode: u32) -> &mut DirBuilder {
        self.mode = Some(mode);
        self
    }

    /// Makes a directory.
    ///
    /// # Errors
    /// As [`create_dir`], or [`create_dir_all`] if it is recursive.
    ///
    /// # Cancel safety
    /// That of the [module](super).
    #[track_caller]
    pub fn create(
        &self,
        path: impl AsRef<Path>,
    ) -> impl Future<Output = io::Result<()>> + Send + '_ {
        static OPERATION: Operation = Operation::new("DirBuilder::create");
        let mut builder = std::fs::DirBuilder::new();
        builder.recursive(self.recursive);
        if let Some(mode) = self.mode {
            builder.mode(mode);
        }
        let path = path.as_ref().to_owned();
        call((&OPERATION, Location::caller()), move || builder.create(path))
    }
}
