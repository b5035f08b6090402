//! A file of 1 GiB is copied, while a ticker goes on ticking.
//!
//! asyncio has no files; they block it. Heist's `fs` has them on the blocking pool, as no system can
//! wait for a file as it does for a socket. Here the bytes pass through the program in pieces;
//! `fs::copy` does it in one call, which the kernel may do without touching any.

mod gallery;

use std::io;
use std::path::{Path, PathBuf};

use gallery::{Stopwatch, scale, seconds, ticking};
use heist::fs::{self, File};

#[heist::main]
async fn main() -> io::Result<()> {
    let _stopwatch = Stopwatch::start();
    let folder = Folder::new().await?;
    let (from, to) = (folder.0.join("from"), folder.0.join("to"));
    let size = (scale() * f64::from(1 << 30)) as u64;
    // Nothing but zeros, which take no place on the disk.
    File::create(&from).await?.set_len(size).await?;
    let copied = ticking(seconds(0.01), copy(&from, &to)).await?;
    println!("{copied} bytes copied, and {} arrived", fs::metadata(&to).await?.len());
    Ok(())
}

async fn copy(from: &Path, to: &Path) -> io::Result<u64> {
    let (from, to) = (File::open(from).await?, File::create(to).await?);
    // Flushes at the end: when it is ready, the bytes are in the file.
    heist::io::copy(from, to).await
}

/// A folder for this run, which is removed with all that is in it.
struct Folder(PathBuf);

impl Folder {
    async fn new() -> io::Result<Folder> {
        let name = format!("heist-copy-file-{}", std::process::id());
        let path = std::env::temp_dir().join(name);
        fs::create_dir(&path).await?;
        Ok(Folder(path))
    }
}

impl Drop for Folder {
    /// A destructor cannot wait; but by now there is nothing else to do.
    fn drop(&mut self) {
        if let Err(error) = std::fs::remove_dir_all(&self.0) {
            eprintln!("cannot remove {}: {error}", self.0.display());
        }
    }
}
