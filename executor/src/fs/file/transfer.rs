//! How a [`File`] is read, written and sought.
//!
//! Reads and seeks are calls on the blocking pool, one at a time: a file takes turns. A read owns the
//! buffer while it is under way and gives it back with what it has read; so a future can be dropped
//! at any time, and whoever comes next finds the turn under way and waits for it. Writes go by way of
//! the [`Outbox`](crate::blocking::Outbox); a turn begins only when that is empty, and a write only
//! when no turn is under way, so the file's position is always that which the caller knows.

use std::future::Future;
use std::io::{self, Read, Seek, SeekFrom};
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use futures_io::{AsyncRead, AsyncSeek, AsyncWrite};

use super::File;
use crate::blocking::{Running, start};
use crate::leaf::Operation;

static READ: Operation = Operation::new("File::read");
static WRITE: Operation = Operation::new("File::write");
static FLUSH: Operation = Operation::new("File::flush");
static SEEK: Operation = Operation::new("File::seek");

/// What `&mut File` has under way.
pub(super) enum Turn {
    Idle,
    Reading(Running<(Inbox, io::Result<()>)>),
    Seeking(SeekFrom, Running<u64>),
}

/// What has been read and not been taken yet.
#[derive(Default)]
pub(super) struct Inbox {
    /// As long as the longest read so far.
    bytes: Vec<u8>,
    taken: usize,
    filled: usize,
}

impl Inbox {
    fn fill(&mut self, mut file: &std::fs::File, len: usize) -> io::Result<()> {
        if self.bytes.len() < len {
            self.bytes.resize(len, 0);
        }
        self.taken = 0;
        self.filled = 0;
        self.filled = loop {
            match file.read(&mut self.bytes[..len]) {
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                result => break result?,
            }
        };
        Ok(())
    }

    /// How much there is to take.
    pub(super) fn len(&self) -> usize {
        self.filled - self.taken
    }

    fn take(&mut self, buffer: &mut [u8]) -> usize {
        let n = self.len().min(buffer.len());
        buffer[..n].copy_from_slice(&self.bytes[self.taken..self.taken + n]);
        self.taken += n;
        n
    }
}

impl File {
    /// Waits until neither a read nor a seek is under way.
    fn poll_idle(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let result = match &mut self.turn {
            Turn::Idle => return Poll::Ready(Ok(())),
            Turn::Reading(running) => {
                ready!(Pin::new(running).poll(cx)).and_then(|(inbox, read)| {
                    self.inbox = inbox;
                    read
                })
            }
            Turn::Seeking(_, running) => ready!(Pin::new(running).poll(cx)).map(drop),
        };
        self.turn = Turn::Idle;
        Poll::Ready(result)
    }

    /// Waits until nothing is under way; results of what was dropped are nobody's any more.
    pub(super) fn poll_settled(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        let _ = ready!(self.poll_idle(cx));
        self.outbox.poll_settled(cx, (&FLUSH, self.outbox.at))
    }

    /// Makes the position that of the last byte taken, where a dropped read has gone beyond it.
    pub(super) fn poll_untaken_returned(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        loop {
            match ready!(self.poll_idle(cx)) {
                // A terminal has no position; what a dropped read has got from it is lost.
                Err(error) if error.kind() == io::ErrorKind::NotSeekable => {}
                result => result?,
            }
            if self.inbox.len() == 0 {
                return Poll::Ready(Ok(()));
            }
            self.begin_seek(SeekFrom::Current(0));
        }
    }

    /// Seeks from where the last byte was taken.
    fn begin_seek(&mut self, to: SeekFrom) {
        let untaken = self.inbox.len() as i64;
        self.inbox.taken = self.inbox.filled;
        let file = self.file.clone();
        let running = start((&SEEK, self.outbox.at), move || {
            (&*file).seek(match to {
                SeekFrom::Current(offset) => SeekFrom::Current(offset.saturating_sub(untaken)),
                absolute => absolute,
            })
        });
        self.turn = Turn::Seeking(to, running);
    }
}

impl AsyncRead for File {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffer: &mut [u8],
    ) -> Poll<io::Result<usize>> {
        let this = &mut *self;
        if buffer.is_empty() {
            return Poll::Ready(Ok(0));
        }
        let was_reading = matches!(this.turn, Turn::Reading(_));
        ready!(this.poll_idle(cx))?;
        if this.inbox.len() > 0 || was_reading {
            return Poll::Ready(Ok(this.inbox.take(buffer)));
        }
        ready!(this.outbox.poll_settled(cx, (&READ, this.outbox.at)));
        let file = this.file.clone();
        let mut inbox = std::mem::take(&mut this.inbox);
        let len = buffer.len().min(this.max_buf_size);
        this.turn = Turn::Reading(start((&READ, this.outbox.at), move || {
            let result = inbox.fill(&file, len);
            Ok((inbox, result))
        }));
        ready!(this.poll_idle(cx))?;
        Poll::Ready(Ok(this.inbox.take(buffer)))
    }
}

impl AsyncWrite for File {
    fn poll_write(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        let this = &mut *self;
        ready!(this.poll_untaken_returned(cx))?;
        this.outbox.poll_write(cx, (&WRITE, this.outbox.at), &this.file, bytes, this.max_buf_size)
    }

    fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.outbox.poll_flush(cx, (&FLUSH, self.outbox.at))
    }

    /// As flush: a file is closed by dropping it.
    fn poll_close(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.poll_flush(cx)
    }
}

impl AsyncSeek for File {
    fn poll_seek(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        to: SeekFrom,
    ) -> Poll<io::Result<u64>> {
        let this = &mut *self;
        loop {
            match &mut this.turn {
                Turn::Seeking(under_way, running) if *under_way == to => {
                    let result = ready!(Pin::new(running).poll(cx));
                    this.turn = Turn::Idle;
                    return Poll::Ready(result);
                }
                // It was begun by a future that has been dropped.
                Turn::Seeking(..) | Turn::Reading(_) => {
                    let _ = ready!(this.poll_idle(cx));
                }
                Turn::Idle => {
                    ready!(this.outbox.poll_flush(cx, (&SEEK, this.outbox.at)))?;
                    this.begin_seek(to);
                }
            }
        }
    }
}
