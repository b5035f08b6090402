//! Files, as their users see them: what is written can be read, in order, and errors are told.

use std::future::Future;
use std::io::{self, SeekFrom, Write};
use std::path::{Path, PathBuf};
use std::pin::pin;
use std::sync::Arc;
use std::task::{Context, Poll, Waker};

use heist::fs::{self, File, OpenOptions};
use heist::io::{AsyncReadExt, AsyncSeekExt, AsyncWriteExt, BufReader};
use heist_tests::{in_own_process, on_two_workers, two_workers};

/// A directory that is removed with everything in it.
struct Scratch(PathBuf);

impl Scratch {
    fn new(name: &str) -> Scratch {
        let path = std::env::temp_dir().join(format!("heist-fs-{name}-{}", std::process::id()));
        let _ = std::fs::remove_dir_all(&path);
        std::fs::create_dir(&path).unwrap();
        Scratch(path)
    }

    fn path(&self, name: &str) -> PathBuf {
        self.0.join(name)
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

fn bytes(len: usize) -> Vec<u8> {
    (0..len).map(|n| (n * 7 + n / 251) as u8).collect()
}

#[test]
fn whole_files_and_directories() {
    let scratch = Scratch::new("whole");
    on_two_workers(async {
        let (a, b, dir) = (scratch.path("a"), scratch.path("b"), scratch.path("x/y/z"));
        fs::write(&a, b"text").await.unwrap();
        assert_eq!(fs::copy(&a, &b).await.unwrap(), 4);
        assert_eq!(fs::read(&b).await.unwrap(), b"text");
        assert_eq!(fs::read_to_string(&b).await.unwrap(), "text");
        fs::rename(&b, scratch.path("c")).await.unwrap();
        assert!(!fs::try_exists(&b).await.unwrap());
        fs::hard_link(&a, &b).await.unwrap();
        let link = scratch.path("link");
        fs::symlink(&a, &link).await.unwrap();
        assert_eq!(fs::read_link(&link).await.unwrap(), a);
        assert!(fs::symlink_metadata(&link).await.unwrap().is_symlink());
        assert_eq!(fs::metadata(&link).await.unwrap().len(), 4);
        assert_eq!(fs::canonicalize(&link).await.unwrap(), fs::canonicalize(&a).await.unwrap());
        let mut permissions = fs::metadata(&a).await.unwrap().permissions();
        permissions.set_readonly(true);
        fs::set_permissions(&a, permissions).await.unwrap();
        assert!(fs::metadata(&a).await.unwrap().permissions().readonly());
        fs::create_dir_all(&dir).await.unwrap();
        fs::remove_dir(&dir).await.unwrap();
        fs::DirBuilder::new().recursive(true).mode(0o700).create(&dir).await.unwrap();
        fs::remove_dir_all(scratch.path("x")).await.unwrap();
        fs::remove_file(&a).await.unwrap();
        let error = fs::read(&a).await.unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::NotFound);
        let error = fs::create_dir(&scratch.0).await.unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::AlreadyExists);
    });
}

#[test]
fn a_directory_is_read_in_batches_and_whole() {
    let scratch = Scratch::new("dir");
    for n in 0..300 {
        std::fs::write(scratch.path(&format!("{n:03}")), b"").unwrap();
    }
    on_two_workers(async {
        let mut entries = fs::read_dir(&scratch.0).await.unwrap();
        let mut names = Vec::new();
        while let Some(entry) = entries.next_entry().await.unwrap() {
            assert_eq!(entry.path(), scratch.0.join(entry.file_name()));
            if names.is_empty() {
                assert!(entry.file_type().await.unwrap().is_file());
                assert_eq!(entry.metadata().await.unwrap().len(), 0);
            }
            names.push(entry.file_name().into_string().unwrap());
        }
        names.sort();
        assert_eq!(names, (0..300).map(|n| format!("{n:03}")).collect::<Vec<_>>());
        assert!(entries.next_entry().await.unwrap().is_none());
    });
}

#[test]
fn small_writes_arrive_in_order_and_large_ones_whole() {
    let scratch = Scratch::new("writes");
    on_two_workers(async {
        let path = scratch.path("file");
        let expected = bytes(5 << 20);
        let mut file = File::create(&path).await.unwrap();
        let (small, large) = expected.split_at(1 << 16);
        for chunk in small.chunks(13) {
            file.write_all(chunk).await.unwrap();
        }
        file.write_all(large).await.unwrap();
        file.flush().await.unwrap();
        assert!(std::fs::read(&path).unwrap() == expected);

        let mut read = Vec::new();
        File::open(&path).await.unwrap().read_to_end(&mut read).await.unwrap();
        assert!(read == expected);
        let mut read = Vec::new();
        let mut file = File::open(&path).await.unwrap();
        file.set_max_buf_size(10_000);
        BufReader::new(file).read_to_end(&mut read).await.unwrap();
        assert!(read == expected);
    });
}

#[test]
fn reads_writes_and_seeks_take_turns() {
    let scratch = Scratch::new("turns");
    on_two_workers(async {
        let path = scratch.path("file");
        let mut file =
            OpenOptions::new().read(true).write(true).create_new(true).open(&path).await.unwrap();
        file.write_all(b"0123456789").await.unwrap();
        assert_eq!(file.seek(SeekFrom::Start(2)).await.unwrap(), 2);
        let mut two = [0; 2];
        file.read_exact(&mut two).await.unwrap();
        assert_eq!(&two, b"23");
        file.write_all(b"ab").await.unwrap();
        assert_eq!(file.seek(SeekFrom::Current(1)).await.unwrap(), 7);
        file.read_exact(&mut two).await.unwrap();
        assert_eq!(&two, b"78");
        assert_eq!(file.seek(SeekFrom::End(0)).await.unwrap(), 10);
        file.set_len(8).await.unwrap();
        assert_eq!(file.metadata().await.unwrap().len(), 8);
        file.sync_all().await.unwrap();
        file.sync_data().await.unwrap();
        let mut other = file.try_clone().await.unwrap();
        assert_eq!(other.rewind().await.unwrap(), 0);
        let mut text = String::new();
        file.read_to_string(&mut text).await.unwrap();
        assert_eq!(text, "0123ab67");
        drop(other);
        assert_eq!(file.into_std().await.metadata().unwrap().len(), 8);
    });
}

#[test]
fn many_tasks_wait_for_the_same_writes() {
    let scratch = Scratch::new("waiters");
    on_two_workers(async {
        let expected = bytes(1 << 20);
        for round in 0..20 {
            let mut file = File::create(scratch.path(&round.to_string())).await.unwrap();
            file.write_all(&expected).await.unwrap();
            let file = Arc::new(file);
            let waiters: Vec<_> = (0..10)
                .map(|_| {
                    let file = file.clone();
                    heist::spawn(async move { file.metadata().await.unwrap().len() })
                })
                .collect();
            for waiter in waiters {
                assert_eq!(waiter.await.unwrap(), 1 << 20);
            }
        }
    });
}

/// Polls a future once and drops it.
fn poll_once<F: Future>(future: F) -> Option<F::Output> {
    match pin!(future).poll(&mut Context::from_waker(Waker::noop())) {
        Poll::Ready(output) => Some(output),
        Poll::Pending => None,
    }
}

#[test]
fn a_dropped_read_loses_nothing() {
    let scratch = Scratch::new("dropped");
    let path = scratch.path("file");
    std::fs::write(&path, b"0123456789").unwrap();
    on_two_workers(async {
        for _ in 0..100 {
            let mut file = OpenOptions::new().read(true).write(true).open(&path).await.unwrap();
            let mut got = [0; 4];
            let n = poll_once(file.read(&mut got)).map_or(0, Result::unwrap);
            let mut rest = String::new();
            file.read_to_string(&mut rest).await.unwrap();
            assert_eq!(String::from_utf8_lossy(&got[..n]) + rest.as_str(), "0123456789");

            file.seek(SeekFrom::Start(0)).await.unwrap();
            let n = poll_once(file.read(&mut got)).map_or(0, Result::unwrap);
            assert_eq!(file.seek(SeekFrom::Current(0)).await.unwrap(), n as u64);

            file.seek(SeekFrom::Start(0)).await.unwrap();
            let n = poll_once(file.read(&mut got)).map_or(0, Result::unwrap);
            file.write_all(&b"0123456789"[n..n + 1]).await.unwrap();
            file.flush().await.unwrap();
            assert_eq!(std::fs::read(&path).unwrap(), b"0123456789");
        }
    });
}

#[test]
fn an_error_behind_a_write_shows_at_the_flush() {
    on_two_workers(async {
        let mut full = OpenOptions::new().write(true).open("/dev/full").await.unwrap();
        full.write_all(b"this cannot be stored").await.unwrap();
        assert_eq!(full.flush().await.unwrap_err().kind(), io::ErrorKind::StorageFull);
        full.flush().await.expect("it was told once");
        full.write_all(b"this cannot be stored").await.unwrap();
        assert_eq!(full.sync_all().await.unwrap_err().kind(), io::ErrorKind::StorageFull);
    });
}

#[test]
fn what_was_written_survives_the_file_and_the_runtime() {
    let scratch = Scratch::new("survives");
    let expected = bytes(3 << 20);
    for round in 0..20 {
        let path = scratch.path(&round.to_string());
        let runtime = two_workers();
        runtime.block_on(async {
            let mut file = File::create(&path).await.unwrap();
            file.write_all(&expected).await.unwrap();
        });
        drop(runtime);
        assert!(std::fs::read(&path).unwrap() == expected);
    }
}

#[test]
fn a_call_that_is_dropped_before_it_begins_never_happens() {
    let scratch = Scratch::new("undone");
    let path = scratch.path("file");
    std::fs::write(&path, b"").unwrap();
    let runtime = heist::runtime::Builder::new_multi_thread()
        .worker_threads(1)
        .max_blocking_threads(1)
        .build()
        .unwrap();
    runtime.block_on(async {
        let (go, wait) = std::sync::mpsc::channel::<()>();
        let busy = heist::task::spawn_blocking(move || wait.recv().unwrap());
        assert!(poll_once(fs::remove_file(&path)).is_none());
        drop(fs::remove_file(&path));
        go.send(()).unwrap();
        busy.await.unwrap();
        heist::task::spawn_blocking(|| {}).await.unwrap();
        assert!(path.exists());
    });
}

#[test]
fn a_task_that_waits_for_a_file_says_for_what_and_where() {
    let scratch = Scratch::new("dump");
    let path = scratch.path("fifo");
    let made = std::process::Command::new("mkfifo").arg(&path).status().unwrap();
    assert!(made.success());
    on_two_workers(async {
        let reader = heist::spawn(read(path.clone()));
        let is_there = || {
            let tasks = heist::task::all();
            let task = tasks.iter().find(|task| task.id() == reader.id());
            task.is_some_and(|task| task.to_string().contains("fs::read"))
        };
        heist_tests::eventually("the task says what it waits for", is_there).await;
        // Opening it lets the reader go on.
        let mut fifo = std::fs::File::options().write(true).open(&path).unwrap();
        fifo.write_all(b"x").unwrap();
        drop(fifo);
        assert_eq!(reader.await.unwrap().unwrap(), b"x");
    });
}

fn read(path: impl AsRef<Path>) -> impl Future<Output = io::Result<Vec<u8>>> {
    let path = path.as_ref().to_owned();
    async move { fs::read(path).await }
}

#[test]
fn files_leak_no_descriptors() {
    if !in_own_process("files_leak_no_descriptors") {
        return;
    }
    let scratch = Scratch::new("leak");
    on_two_workers(async {
        let path = scratch.path("file");
        fs::write(&path, b"x").await.unwrap();
        let before = heist_tests::descriptors();
        for _ in 0..100 {
            let mut file = OpenOptions::new().append(true).open(&path).await.unwrap();
            file.write_all(b"x").await.unwrap();
            let mut file = File::open(&path).await.unwrap();
            let _ = poll_once(file.read(&mut [0; 10]));
        }
        let closed = || heist_tests::descriptors() == before;
        heist_tests::eventually("all files are closed", closed).await;
    });
}

#[test]
fn a_file_keeps_the_times_that_it_is_given() {
    let scratch = Scratch::new("times");
    on_two_workers(async {
        let path = scratch.path("file");
        let file = File::create(&path).await.unwrap();
        let time = std::time::SystemTime::UNIX_EPOCH + std::time::Duration::from_secs(1_000_000);
        file.set_modified(time).await.unwrap();
        assert_eq!(fs::metadata(&path).await.unwrap().modified().unwrap(), time);
    });
}
