//! The reactor: waits for events, and hands them to the registrations that they belong to.
//!
//! A registration is found by its key: a place in a slab, and a generation, so that an event which
//! was fetched before its source was closed never reaches the source that has taken its place.

use std::fmt;
use std::io;
use std::os::fd::BorrowedFd;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::Waker;
use std::time::Duration;

use parking_lot::Mutex;
use slab::Slab;

use crate::interest::Ready;
use crate::registration::{Registration, wake_all};
use crate::wait::{EventBuffer, Waiter};

/// Waits for I/O; see the crate's documentation.
pub struct Reactor {
    waiter: Waiter,
    sources: Mutex<Sources>,
    /// Held by the one turn that may be in progress.
    turn: Mutex<Turn>,
    shut_down: AtomicBool,
}

#[derive(Default)]
struct Sources {
    slab: Slab<(u32, Arc<Registration>)>,
    generation: u32,
}

/// What a turn works with, kept from turn to turn.
struct Turn {
    events: EventBuffer,
    batch: Vec<(Arc<Registration>, Ready)>,
    woken: Vec<Waker>,
}

const GENERATION_BITS: u32 = usize::BITS / 2 - 1;

fn key(index: usize, generation: u32) -> usize {
    ((generation as usize & ((1 << GENERATION_BITS) - 1)) << (usize::BITS / 2)) | index
}

fn index(key: usize) -> usize {
    key & ((1 << (usize::BITS / 2)) - 1)
}

impl Sources {
    /// The registration of a key, unless its source was closed; another may have its place.
    fn find(&self, event_key: usize) -> Option<&Arc<Registration>> {
        let (generation, registration) = self.slab.get(index(event_key))?;
        (key(index(event_key), *generation) == event_key).then_some(registration)
    }
}

impl Reactor {
    /// A reactor without sources, which fetches so many events in a turn; more come in the next.
    ///
    /// # Errors
    /// If the system refuses a poller or an event descriptor.
    ///
    /// # Panics
    /// If there are to be no events.
    pub fn new(events_max: usize) -> io::Result<Arc<Reactor>> {
        assert!(events_max > 0, "a reactor without events");
        Ok(Arc::new(Reactor {
            waiter: Waiter::new()?,
            sources: Mutex::new(Sources::default()),
            turn: Mutex::new(Turn {
                events: EventBuffer::new(events_max),
                batch: Vec::new(),
                woken: Vec::new(),
            }),
            shut_down: AtomicBool::new(false),
        }))
    }

    /// Waits for events for at most `timeout` (`None`: until there are some or [`notify`] is
    /// called), and wakes whoever waits for them. Returns how many sources had events, or `None`
    /// at once if another turn is in progress.
    ///
    /// One system call on Linux.
    ///
    /// [`notify`]: Reactor::notify
    ///
    /// # Errors
    /// If the poller fails. An interruption by a signal counts as no events.
    pub fn turn(&self, timeout: Option<Duration>) -> io::Result<Option<usize>> {
        let Some(mut turn) = self.turn.try_lock() else { return Ok(None) };
        let Turn { events, batch, woken } = &mut *turn;
        self.waiter.wait(events, timeout)?;
        {
            let sources = self.sources.lock();
            // Not there: the source was closed after the event was fetched.
            let found = |(key, ready)| Some((sources.find(key)?.clone(), ready));
            batch.extend(events.iter().filter_map(found));
        }
        let count = batch.len();
        for (registration, ready) in batch.drain(..) {
            registration.event(ready, woken);
        }
        wake_all(woken);
        Ok(Some(count))
    }

    /// Ends the wait of the turn in progress, or of the next one. May be called from anywhere; one
    /// system call.
    pub fn notify(&self) {
        self.waiter.notify();
    }

    /// How many sources are registered.
    pub fn registered(&self) -> usize {
        self.sources.lock().slab.len()
    }

    /// Ends the reactor: operations that wait, and later ones that would, fail.
    pub fn shutdown(&self) {
        let registrations: Vec<_> = {
            let sources = self.sources.lock();
            // Under the lock, against `register`: a source is either here or refused.
            self.shut_down.store(true, Ordering::Release);
            sources.slab.iter().map(|(_, (_, registration))| registration.clone()).collect()
        };
        let mut woken = Vec::new();
        for registration in registrations {
            registration.event(Ready::GONE, &mut woken);
        }
        wake_all(&mut woken);
        self.notify();
    }

    pub(crate) fn register(
        &self,
        source: BorrowedFd<'_>,
        ready: Ready,
    ) -> io::Result<(usize, Arc<Registration>)> {
        let registration = Arc::new(Registration::new(ready));
        let key = {
            let mut sources = self.sources.lock();
            if self.shut_down.load(Ordering::Acquire) {
                return Err(gone());
            }
            sources.generation = sources.generation.wrapping_add(1);
            let generation = sources.generation;
            key(sources.slab.insert((generation, registration.clone())), generation)
        };
        if let Err(error) = self.waiter.add(source, key) {
            self.sources.lock().slab.remove(index(key));
            return Err(match error.kind() {
                io::ErrorKind::PermissionDenied => io::Error::new(
                    error.kind(),
                    "this kind of file is always ready and cannot be waited for; use `heist::fs` \
                     or `task::spawn_blocking` for regular files",
                ),
                _ => error,
            });
        }
        Ok((key, registration))
    }

    pub(crate) fn rearm(&self, source: BorrowedFd<'_>, key: usize) -> io::Result<()> {
        self.waiter.rearm(source, key)
    }

    /// Takes a source out, before its descriptor is closed.
    pub(crate) fn deregister(&self, source: BorrowedFd<'_>, key: usize) {
        // It was registered and is still open, so the kernel has no reason to refuse; and if the bare
        // descriptor of an `AsyncFd` has been closed already, it has left by that.
        let _ = self.waiter.delete(source);
        let removed = self.sources.lock().slab.remove(index(key));
        drop(removed);
    }
}

/// What operations on a source fail with once its reactor has ended.
pub(crate) fn gone() -> io::Error {
    io::Error::other(Gone)
}

/// Whether an operation has failed because the runtime of its source has shut down.
pub fn is_shutdown_error(error: &io::Error) -> bool {
    error.get_ref().is_some_and(|error| error.is::<Gone>())
}

#[derive(Debug)]
struct Gone;

impl fmt::Display for Gone {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the I/O driver of this source's runtime has shut down")
    }
}

impl std::error::Error for Gone {}

impl fmt::Debug for Reactor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Reactor").field("sources", &self.registered()).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use std::os::fd::AsFd;
    use std::os::unix::net::UnixStream;

    use super::*;

    #[test]
    fn a_key_leads_to_its_own_source_or_to_none() {
        let reactor = Reactor::new(8).unwrap();
        let (a, b) = UnixStream::pair().unwrap();
        let mut before = None;
        for source in [&a, &b, &a] {
            let (now, registration) = reactor.register(source.as_fd(), Ready::EMPTY).unwrap();
            if let Some(before) = before.replace(now) {
                assert_eq!(index(before), index(now), "it has its predecessor's place");
                assert!(reactor.sources.lock().find(before).is_none());
            }
            assert!(
                reactor.sources.lock().find(now).is_some_and(|r| Arc::ptr_eq(r, &registration))
            );
            reactor.deregister(source.as_fd(), now);
            assert!(reactor.sources.lock().find(now).is_none());
        }
    }
}
