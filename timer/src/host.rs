//! What the embedding runtime lends to timers: a budget, and places to note what a task waits for and
//! what it has forgotten to wait for.
//!
//! Where no runtime has installed anything, budgets are unlimited and notes go nowhere.

use std::panic::Location;
use std::sync::OnceLock;
use std::task::{Context, Poll};
use std::time::Duration;

use crate::entry::EntryState;
use crate::instant::Instant;
use crate::sleep::Sleep;

/// Functions of the embedding runtime.
#[derive(Debug)]
pub struct Host {
    /// Called before an operation makes progress. `Pending` means that the task has used up its
    /// budget and is woken already: the operation returns `Pending`, too.
    pub proceed: fn(&mut Context<'_>) -> Poll<()>,
    /// Gives back what `proceed` took, as the operation turned out to be pending.
    pub restore: fn(),
    /// Notes that the current task waits in an operation that was called at the place given.
    pub waiting: fn(&'static Operation, &'static Location<'static>),
    /// The same, unless something was noted since the task's poll began: an operation that encloses
    /// others says less than they do.
    pub waiting_at_least: fn(&'static Operation, &'static Location<'static>),
    /// An operation that was called at the place given is dropped without ever having been polled.
    pub unpolled: fn(&'static Operation, &'static Location<'static>),
}

/// A kind of wait, for example `sleep`.
#[derive(Debug)]
#[repr(transparent)]
pub struct Operation {
    name: &'static str,
}

impl Operation {
    /// Names a kind of wait.
    pub const fn new(name: &'static str) -> Operation {
        Operation { name }
    }

    /// The name as a pointer of one word, for the runtime to store.
    pub fn as_str_ref(&'static self) -> &'static &'static str {
        &self.name
    }
}

static HOST: OnceLock<&'static Host> = OnceLock::new();

/// Installs the runtime's functions for the whole process; the first call decides.
pub fn install(host: &'static Host) {
    let _ = HOST.set(host);
}

#[inline]
pub(crate) fn proceed(cx: &mut Context<'_>) -> Poll<()> {
    HOST.get().map_or(Poll::Ready(()), |host| (host.proceed)(cx))
}

#[inline]
pub(crate) fn restore() {
    if let Some(host) = HOST.get() {
        (host.restore)();
    }
}

#[inline]
pub(crate) fn waiting(operation: &'static Operation, at: &'static Location<'static>) {
    if let Some(host) = HOST.get() {
        (host.waiting)(operation, at);
    }
}

#[inline]
pub(crate) fn waiting_at_least(operation: &'static Operation, at: &'static Location<'static>) {
    if let Some(host) = HOST.get() {
        (host.waiting_at_least)(operation, at);
    }
}

#[cold]
pub(crate) fn unpolled(operation: &'static Operation, at: &'static Location<'static>) {
    if let Some(host) = HOST.get() {
        (host.unpolled)(operation, at);
    }
}

/// What a future is and where it was made. If it is dropped while it does not count as polled, that
/// may be a mistake, and is told to the embedding runtime.
///
/// A future by hand keeps it, and calls [`set_polled`](Made::set_polled) first of all when it is polled:
/// a poll without budget counts, too. An async block takes it along, and [begins](Made::begin) with
/// it.
#[derive(Debug)]
pub struct Made {
    /// What it is.
    pub operation: &'static Operation,
    /// Where it was made.
    pub at: &'static Location<'static>,
    polled: bool,
}

impl Made {
    /// A future of this kind, made by the caller.
    #[inline]
    #[track_caller]
    pub fn here(operation: &'static Operation) -> Made {
        Made { operation, at: Location::caller(), polled: false }
    }

    /// A future of this kind, made at `at` as a part of another.
    #[inline]
    pub fn at(operation: &'static Operation, at: &'static Location<'static>) -> Made {
        Made { operation, at, polled: false }
    }

    /// From now on it counts as polled.
    #[inline]
    pub fn set_polled(&mut self) {
        self.polled = true;
    }

    /// The first poll has come; returns the place.
    #[inline]
    pub fn begin(mut self) -> &'static Location<'static> {
        self.set_polled();
        self.at
    }
}

impl Drop for Made {
    #[inline]
    fn drop(&mut self) {
        if !self.polled {
            unpolled(self.operation, self.at);
        }
    }
}

/// A [`sleep`](fn@crate::sleep) as a part of an operation of the runtime's own, where it is no mistake if it
/// is never polled.
#[track_caller]
pub fn part_sleep(duration: Duration) -> Sleep {
    part_sleep_until(Instant::now_plus(duration))
}

/// As [`part_sleep`], until a point in time.
#[track_caller]
pub fn part_sleep_until(deadline: Instant) -> Sleep {
    Sleep::new(deadline, EntryState::Idle, Location::caller())
}
