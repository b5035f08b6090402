//! Everywhere else: `Poller::wait`, in edge mode where the platform has it and one-shot where not.

use std::io;
use std::os::fd::{AsRawFd, BorrowedFd};
use std::time::Duration;

use polling::{Event, Events, PollMode, Poller};

use crate::interest::Ready;

/// Events of one turn.
pub(crate) struct EventBuffer(Events);

impl EventBuffer {
    pub(crate) fn new(max: usize) -> EventBuffer {
        let max = std::num::NonZeroUsize::new(max).expect("a reactor has events");
        EventBuffer(Events::with_capacity(max))
    }

    /// Keys and readiness of what has come, without the wake-up call.
    pub(crate) fn iter(&self) -> impl Iterator<Item = (usize, Ready)> + '_ {
        self.0.iter().map(|event| (event.key, ready(event)))
    }
}

fn ready(event: Event) -> Ready {
    let mut ready = Ready::EMPTY;
    if event.readable {
        ready |= Ready::READABLE;
    }
    if event.writable {
        ready |= Ready::WRITABLE;
    }
    if event.is_interrupt() {
        ready |= Ready::READ_CLOSED | Ready::WRITE_CLOSED;
    }
    ready
}

/// See the module's documentation.
pub(crate) struct Waiter {
    poller: Poller,
    mode: PollMode,
}

impl Waiter {
    pub(crate) fn new() -> io::Result<Waiter> {
        let poller = Poller::new()?;
        let mode = if poller.supports_edge() { PollMode::Edge } else { PollMode::Oneshot };
        Ok(Waiter { poller, mode })
    }

    /// Registers a source for both directions.
    pub(crate) fn add(&self, source: BorrowedFd<'_>, key: usize) -> io::Result<()> {
        // SAFETY: a registration is deleted before its descriptor is closed; see `Async`.
        unsafe { self.poller.add_with_mode(source.as_raw_fd(), Event::all(key), self.mode) }
    }

    /// Asks for another event if the source is ready, where the last one was the only one.
    pub(crate) fn rearm(&self, source: BorrowedFd<'_>, key: usize) -> io::Result<()> {
        match self.mode {
            PollMode::Oneshot => {
                self.poller.modify_with_mode(source, Event::all(key), PollMode::Oneshot)
            }
            _ => Ok(()),
        }
    }

    pub(crate) fn delete(&self, source: BorrowedFd<'_>) -> io::Result<()> {
        self.poller.delete(source)
    }

    pub(crate) fn wait(
        &self,
        events: &mut EventBuffer,
        timeout: Option<Duration>,
    ) -> io::Result<()> {
        events.0.clear();
        self.poller.wait(&mut events.0, timeout).map(drop)
    }

    pub(crate) fn notify(&self) {
        // A failure would mean that the poller's own descriptors are broken; then its wait fails,
        // too, and says so.
        let _ = self.poller.notify();
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::Write;
    use std::os::fd::AsFd;
    use std::os::unix::net::UnixStream;

    #[test]
    fn events_come_under_their_key_and_notify_ends_a_wait() {
        let waiter = Waiter::new().unwrap();
        let (mut ours, theirs) = UnixStream::pair().unwrap();
        waiter.add(theirs.as_fd(), 7).unwrap();
        ours.write_all(b"x").unwrap();
        let mut events = EventBuffer::new(16);
        waiter.wait(&mut events, None).unwrap();
        assert!(events.iter().any(|(key, ready)| key == 7 && ready.is_readable()));
        waiter.rearm(theirs.as_fd(), 7).unwrap();
        waiter.delete(theirs.as_fd()).unwrap();
        waiter.notify();
        waiter.wait(&mut events, None).unwrap();
        assert_eq!(events.iter().count(), 0);
    }
}
