//! [`stdin`]: standard input, read by a thread of its own.
//!
//! Reading a terminal or a pipe that was inherited can only be done by blocking, and a thread that
//! blocks so cannot be called back. If it were one of a runtime's, the runtime could not end before
//! somebody presses a key. So it is the process's: it starts with the first read, reads only when it
//! is asked to, and ends with the process.

use std::io::{self, Read};
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, RawFd};
use std::panic::Location;
use std::pin::Pin;
use std::task::{Context, Poll, Waker, ready};

use futures_io::AsyncRead;
use parking_lot::{Condvar, Mutex};

use crate::foreign::wake;
use crate::leaf::{self, Operation};

static READ: Operation = Operation::new("Stdin::read");

/// How much is read at once, at most.
const CHUNK: usize = 8 << 10;

/// What the thread and its readers share.
struct Desk {
    /// What has been read, of which `taken` bytes have been taken.
    bytes: Vec<u8>,
    taken: usize,
    phase: Phase,
    readers: Vec<Waker>,
}

enum Phase {
    /// There is no thread yet.
    Unstarted,
    /// Nobody has asked for more.
    Resting,
    /// The thread is to read, or is reading.
    Asked,
    /// It has come to the end of the input, or has failed.
    Answered(io::Result<()>),
}

static DESK: Mutex<Desk> =
    Mutex::new(Desk { bytes: Vec::new(), taken: 0, phase: Phase::Unstarted, readers: Vec::new() });
static ASKED: Condvar = Condvar::new();

/// The standard input of this process.
///
/// All handles read from the same input: what one has read is gone for the others. For lines, make
/// one [`BufReader`](crate::io::BufReader) and keep it. What differs from tokio: a read that waits
/// does not keep a runtime from ending. Do not read by way of `std::io::stdin` besides: that waits
/// for a read which is under way here.
///
/// # Cancel safety
/// Cancel safe: what a dropped read has asked for goes to the next one.
///
/// # Examples
/// ```no_run
/// # heist::run(async {
/// use heist::io::{AsyncBufReadExt, BufReader};
///
/// let mut input = BufReader::new(heist::io::stdin());
/// let mut line = String::new();
/// while input.read_line(&mut line).await.unwrap() > 0 {
///     println!("you said {}", line.trim_end());
///     line.clear();
/// }
/// # });
/// ```
#[track_caller]
pub fn stdin() -> Stdin {
    Stdin { at: Location::caller() }
}

/// The standard input of this process; see [`stdin`].
#[derive(Debug)]
pub struct Stdin {
    /// Where the handle was made.
    at: &'static Location<'static>,
}

impl AsyncRead for Stdin {
    fn poll_read(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffer: &mut [u8],
    ) -> Poll<io::Result<usize>> {
        ready!(leaf::proceed(cx));
        if buffer.is_empty() {
            return Poll::Ready(Ok(0));
        }
        let mut desk = DESK.lock();
        let n = (desk.bytes.len() - desk.taken).min(buffer.len());
        if n > 0 {
            buffer[..n].copy_from_slice(&desk.bytes[desk.taken..desk.taken + n]);
            desk.taken += n;
            return Poll::Ready(Ok(n));
        }
        match std::mem::replace(&mut desk.phase, Phase::Asked) {
            Phase::Unstarted => {
                let thread = std::thread::Builder::new().name("heist-stdin".to_owned());
                if let Err(error) = thread.spawn(serve) {
                    desk.phase = Phase::Unstarted;
                    return Poll::Ready(Err(error));
                }
            }
            Phase::Resting => {
                ASKED.notify_one();
            }
            Phase::Asked => {}
            // The end of a terminal's input need not be the last one: the next read asks again.
            Phase::Answered(result) => {
                desk.phase = Phase::Resting;
                return Poll::Ready(result.map(|()| 0));
            }
        }
        if !desk.readers.iter().any(|reader| reader.will_wake(cx.waker())) {
            desk.readers.push(cx.waker().clone());
        }
        leaf::restore();
        leaf::waiting(&READ, self.at);
        Poll::Pending
    }
}

impl AsFd for Stdin {
    fn as_fd(&self) -> BorrowedFd<'_> {
        rustix::stdio::stdin()
    }
}

impl AsRawFd for Stdin {
    fn as_raw_fd(&self) -> RawFd {
        self.as_fd().as_raw_fd()
    }
}

/// The life of the thread.
fn serve() {
    let mut chunk = vec![0; CHUNK];
    loop {
        {
            let mut desk = DESK.lock();
            while !matches!(desk.phase, Phase::Asked) {
                ASKED.wait(&mut desk);
            }
        }
        let result = loop {
            match std::io::stdin().read(&mut chunk) {
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                result => break result,
            }
        };
        let mut desk = DESK.lock();
        desk.bytes.clear();
        desk.taken = 0;
        desk.phase = match result {
            Ok(0) => Phase::Answered(Ok(())),
            Ok(n) => {
                desk.bytes.extend_from_slice(&chunk[..n]);
                Phase::Resting
            }
            Err(error) => Phase::Answered(Err(error)),
        };
        let readers = std::mem::take(&mut desk.readers);
        drop(desk);
        // There is no other thread that reads: this one must survive whatever a waker does.
        for reader in readers {
            wake(reader);
        }
    }
}
