//! What does it cost to copy a large file through the program?
//!
//! No system waits for files as it does for sockets, so a runtime hands each piece to a thread, and
//! moves it between buffers. *thread* has neither: one thread with one buffer of 256 KiB, with which it
//! is fastest.

use std::path::PathBuf;

use super::{Figure, Question};
use crate::cell::{Answer, Case, Cell};
use crate::options::Effort;
use crate::peers::{Contestant, Runtime};
use crate::probes;

/// See the module.
#[derive(Debug)]
pub struct FileCopy;

impl Question for FileCopy {
    const NAME: &'static str = "file_copy";
    const ASKS: &'static str = "a file of so many MiB is copied in pieces";
    const SLOW: bool = true;

    fn cases(effort: Effort) -> Vec<Case> {
        vec![Case::sized("", if effort == Effort::Quick { 256 } else { 1024 })]
    }

    fn figures(_case: &Case) -> Vec<Figure> {
        vec![Figure::wall("ns/KiB"), Figure::cpu("cpu ns/KiB")]
    }

    fn limits(_case: &Case) -> Vec<Contestant> {
        vec![probes::limit("thread", probes::files::copy)]
    }

    fn answer<R: Runtime>(cell: &Cell) -> Answer {
        let files = Files::new(cell);
        let (from, to) = (files.from(), files.to());
        cell.repeat::<R, _, _>(files.kib, move || {
            let (from, to) = (from.clone(), to.clone());
            async move {
                R::copy_file(from, to).await.expect("a file can be copied");
            }
        })
    }
}

/// A folder with a file to copy, which is removed at the end.
#[derive(Debug)]
pub struct Files {
    folder: PathBuf,
    /// How many KiB the file has.
    pub kib: u64,
}

impl Files {
    /// Makes the file of a cell: zeros that take no place on the disk, so that only what is written
    /// can have to wait for it.
    ///
    /// # Panics
    /// If the system's folder for such things takes no files.
    pub fn new(cell: &Cell) -> Files {
        let folder = std::env::temp_dir().join(format!("heist-file-copy-{}", std::process::id()));
        let files = Files { folder, kib: cell.case.size << 10 };
        std::fs::create_dir(&files.folder).expect("a folder can be made");
        let file = std::fs::File::create(files.from()).expect("a file can be made");
        file.set_len(files.kib << 10).expect("a file can be long");
        files
    }

    /// The file.
    pub fn from(&self) -> PathBuf {
        self.folder.join("from")
    }

    /// Where it is copied to.
    pub fn to(&self) -> PathBuf {
        self.folder.join("to")
    }
}

impl Drop for Files {
    fn drop(&mut self) {
        // What cannot be removed is left to whoever cleans such folders.
        let _ = std::fs::remove_dir_all(&self.folder);
    }
}
