//! Pipes with and without names.

use std::fs::File;
use std::io::{self, IoSlice, Read, Write};
use std::os::fd::{AsFd, OwnedFd};
use std::os::unix::ffi::OsStrExt;
use std::path::PathBuf;

use heist::io::{Async, AsyncReadExt, AsyncWriteExt, Interest};
use heist::net::unix::pipe::{OpenOptions, Receiver, Sender, pipe};
use heist_tests::on_two_workers;
use rustix::pipe::{PipeFlags, pipe_with};

/// A FIFO that is removed at the end.
struct Fifo(PathBuf);

impl Fifo {
    fn new(name: &str) -> Fifo {
        let path = std::env::temp_dir().join(format!("heist-{name}-{}", std::process::id()));
        let name = std::ffi::CString::new(path.as_os_str().as_bytes()).unwrap();
        // SAFETY: a path that ends with a zero byte.
        let made = unsafe { libc::mkfifo(name.as_ptr(), 0o600) };
        assert_eq!(made, 0, "{}", io::Error::last_os_error());
        Fifo(path)
    }
}

impl Drop for Fifo {
    fn drop(&mut self) {
        std::fs::remove_file(&self.0).unwrap();
    }
}

fn is_blocking(fd: impl AsFd) -> bool {
    !rustix::fs::fcntl_getfl(fd).unwrap().contains(rustix::fs::OFlags::NONBLOCK)
}

#[test]
fn more_than_a_pipe_holds_passes_and_ends() {
    on_two_workers(async {
        let expected: Vec<u8> = (0..1 << 20).map(|n: u32| (n * 7 + n / 251) as u8).collect();
        let (sender, mut receiver) = pipe().unwrap();
        let source = expected.clone();
        let sending = heist::spawn(async move {
            let (head, rest) = source.split_at(1000);
            let parts = [IoSlice::new(&head[..10]), IoSlice::new(&head[10..])];
            assert_eq!(sender.write_vectored(&parts).await.unwrap(), 1000);
            sender.write_all(rest).await.unwrap();
            sender
        });
        let mut got = vec![0; expected.len()];
        receiver.read_exact(&mut got).await.unwrap();
        assert!(got == expected);
        let mut sender = sending.await.unwrap();
        // What the traits of streams call a shutdown does not end a pipe; dropping does.
        AsyncWriteExt::shutdown(&mut sender).await.unwrap();
        sender.write_all(b"rest").await.unwrap();
        drop(sender);
        let mut rest = String::new();
        receiver.read_to_string(&mut rest).await.unwrap();
        assert_eq!(rest, "rest");
    });
}

#[test]
fn without_waiting_an_empty_and_a_full_pipe_would_block() {
    on_two_workers(async {
        let (sender, receiver) = pipe().unwrap();
        let mut buffer = [0; 1 << 16];
        let error = receiver.try_read(&mut buffer).unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::WouldBlock);
        let mut filled = 0;
        loop {
            match sender.try_write(&buffer[..1000]) {
                Ok(n) => filled += n,
                Err(error) => break assert_eq!(error.kind(), io::ErrorKind::WouldBlock),
            }
        }
        receiver.readable().await.unwrap();
        assert!(receiver.ready(Interest::READABLE).await.unwrap().is_readable());
        let (writable, ()) = heist::join!(sender.writable(), async {
            while filled > 0 {
                let mut bufs = [io::IoSliceMut::new(&mut buffer)];
                filled -= receiver.try_read_vectored(&mut bufs).unwrap();
            }
        });
        writable.unwrap();
        assert_eq!(
            sender.try_write_vectored(&[IoSlice::new(b"a"), IoSlice::new(b"b")]).unwrap(),
            2
        );
        let n = receiver.read(&mut buffer).await.unwrap();
        assert_eq!(&buffer[..n], b"ab");
        drop(receiver);
        assert_eq!(sender.write(b"x").await.unwrap_err().kind(), io::ErrorKind::BrokenPipe);
        let fd: OwnedFd = sender.into_blocking_fd().unwrap();
        assert!(is_blocking(&fd));
    });
}

#[cfg(target_os = "linux")]
#[test]
fn packets_stay_apart_and_none_is_left_behind() {
    on_two_workers(async {
        let (read, write) = pipe_with(PipeFlags::DIRECT | PipeFlags::CLOEXEC).unwrap();
        let (receiver, mut write) = (Receiver::from_owned_fd(read).unwrap(), File::from(write));
        let mut buffer = [0; 64];
        for round in 0..100 {
            write.write_all(b"one").unwrap();
            write.write_all(b"three").unwrap();
            // A short read is no sign that the pipe is empty.
            assert_eq!(receiver.read(&mut buffer).await.unwrap(), 3, "round {round}");
            assert_eq!(receiver.read(&mut buffer).await.unwrap(), 5, "round {round}");
        }
    });
}

#[test]
fn a_fifo_is_opened_from_both_ends() {
    on_two_workers(async {
        let fifo = Fifo::new("fifo");
        let alone = OpenOptions::new().open_sender(&fifo.0).unwrap_err();
        assert_eq!(alone.raw_os_error(), Some(libc::ENXIO));
        let receiver = OpenOptions::new().open_receiver(&fifo.0).unwrap();
        let sender = OpenOptions::new().open_sender(&fifo.0).unwrap();
        sender.write_all(b"through a name").await.unwrap();
        let mut buffer = [0; 64];
        let n = receiver.read(&mut buffer).await.unwrap();
        assert_eq!(&buffer[..n], b"through a name");
        let (waited, _) = heist::join!(receiver.read(&mut buffer), async { drop(sender) });
        assert_eq!(waited.unwrap(), 0);
    });
}

#[cfg(target_os = "linux")]
#[test]
fn a_fifo_that_is_open_both_ways_lacks_no_end() {
    on_two_workers(async {
        let fifo = Fifo::new("both-ways");
        let sender = OpenOptions::new().read_write(true).open_sender(&fifo.0).unwrap();
        sender.write_all(b"early").await.unwrap();
        let receiver = OpenOptions::new().read_write(true).open_receiver(&fifo.0).unwrap();
        let mut buffer = [0; 64];
        assert_eq!(receiver.read(&mut buffer).await.unwrap(), 5);
        drop(sender);
        let error = receiver.try_read(&mut buffer).unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::WouldBlock, "no end is to be read");
    });
}

#[test]
fn what_is_no_pipe_or_the_wrong_end_is_refused() {
    on_two_workers(async {
        let refused = |error: io::Error| assert_eq!(error.kind(), io::ErrorKind::InvalidInput);
        refused(OpenOptions::new().open_receiver("/dev/null").unwrap_err());
        refused(Sender::from_file(File::create("/dev/null").unwrap()).unwrap_err());
        let (read, write) = pipe_with(PipeFlags::CLOEXEC).unwrap();
        refused(Sender::from_owned_fd(read).unwrap_err());
        refused(Receiver::from_owned_fd(write).unwrap_err());
        let missing = OpenOptions::new().open_receiver("/nowhere/at/all").unwrap_err();
        assert_eq!(missing.kind(), io::ErrorKind::NotFound);

        // An end of the system's is made non-blocking, and goes back as one wants it.
        let (read, write) = pipe_with(PipeFlags::CLOEXEC).unwrap();
        let (receiver, sender) =
            (Receiver::from_file(read.into()).unwrap(), Sender::from_owned_fd(write).unwrap());
        assert!(!is_blocking(&receiver) && !is_blocking(&sender));
        sender.write_all(b"x").await.unwrap();
        assert!(!is_blocking(sender.into_nonblocking_fd().unwrap()));
        let mut file = File::from(receiver.into_blocking_fd().unwrap());
        assert!(is_blocking(&file));
        let mut text = String::new();
        file.read_to_string(&mut text).unwrap();
        assert_eq!(text, "x");
    });
}

#[test]
fn an_operation_of_ones_own_is_tried_on_a_pipe() {
    on_two_workers(async {
        let (sender, receiver) = pipe().unwrap();
        let mut buffer = [0; 8];
        let mut read = || Ok(rustix::io::read(&receiver, &mut buffer)?);
        assert_eq!(receiver.try_io(&mut read).unwrap_err().kind(), io::ErrorKind::WouldBlock);
        assert_eq!(sender.try_io(|| Ok(rustix::io::write(&sender, b"abc")?)).unwrap(), 3);
        receiver.readable().await.unwrap();
        assert_eq!(receiver.try_io(&mut read).unwrap(), 3);
    });
}

#[test]
fn a_pipe_is_a_source_of_ones_own() {
    on_two_workers(async {
        let (reader, writer) = pipe_with(PipeFlags::CLOEXEC).unwrap();
        assert!(is_blocking(&reader) && is_blocking(&writer));
        let (reader, writer) = (Async::new(File::from(reader)), Async::new(File::from(writer)));
        let (reader, writer) = (reader.unwrap(), writer.unwrap());
        assert!(!is_blocking(&reader) && !is_blocking(&writer), "it sees to that");

        // More than it holds: both sides wait for each other, in turn.
        let sent: Vec<u8> = (0..1 << 20).map(|n| (n % 251) as u8).collect();
        let expected = sent.clone();
        let writing = heist::spawn(async move {
            let mut rest = &sent[..];
            while !rest.is_empty() {
                rest = &rest[writer.write_with(|mut file| file.write(rest)).await.unwrap()..];
            }
            writer
        });
        let (mut got, mut block) = (Vec::new(), [0; 5000]);
        while got.len() < expected.len() {
            let n = reader.read_with(|mut file| file.read(&mut block)).await.unwrap();
            got.extend_from_slice(&block[..n]);
        }
        assert!(got == expected);

        // The other end goes: an end for who reads, an error for who writes.
        let writer = writing.await.unwrap();
        let reading = heist::spawn(async move {
            reader.readable().await.unwrap();
            let n = reader.read_with(|mut file| file.read(&mut [0; 1])).await.unwrap();
            (reader, n)
        });
        heist::testing::wait_until_idle().await;
        drop(writer);
        let (reader, n) = reading.await.unwrap();
        assert_eq!(n, 0);
        drop(reader.into_inner());

        let (reader, writer) = pipe_with(PipeFlags::CLOEXEC).unwrap();
        let writer = Async::new(File::from(writer)).unwrap();
        let block = [0; 1 << 12];
        while writer.try_io(Interest::WRITABLE, |mut file| file.write(&block)).is_ok() {}
        let writing =
            heist::spawn(async move { writer.write_with(|mut file| file.write(b"x")).await });
        heist::testing::wait_until_idle().await;
        drop(reader);
        assert_eq!(writing.await.unwrap().unwrap_err().kind(), io::ErrorKind::BrokenPipe);
    });
}
