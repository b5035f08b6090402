//! What the embedding runtime lends to I/O operations: a budget, places to note what a task waits for
//! and what it has forgotten to wait for, threads to block on, and time.
//!
//! Where no runtime has installed anything, budgets are unlimited, notes go nowhere, threads are
//! started as they are needed, and nothing is done after a while.

use std::future::Future;
use std::panic::Location;
use std::pin::Pin;
use std::sync::OnceLock;
use std::task::{Context, Poll};
use std::time::Duration;

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
    /// An operation that was called at the place given is dropped without ever having been polled.
    pub unpolled: fn(&'static Operation, &'static Location<'static>),
    /// Runs a closure that blocks (a name resolution) away from the threads that run tasks.
    pub run_blocking: fn(Box<dyn FnOnce() + Send>),
    /// Waits for a while.
    pub sleep: fn(Duration) -> Sleep,
}

/// A wait for a while.
pub type Sleep = Pin<Box<dyn Future<Output = ()> + Send>>;

/// A kind of wait, for example `TcpStream::read`.
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

#[cold]
pub(crate) fn unpolled(operation: &'static Operation, at: &'static Location<'static>) {
    if let Some(host) = HOST.get() {
        (host.unpolled)(operation, at);
    }
}

/// What an async block is and where it was made: it takes this along and [begins](Made::begin) with
/// it, or was never polled.
#[derive(Debug)]
pub(crate) struct Made {
    operation: &'static Operation,
    at: &'static Location<'static>,
}

impl Made {
    /// An operation of this kind, called by the caller.
    #[track_caller]
    pub(crate) fn here(operation: &'static Operation) -> Made {
        Made { operation, at: Location::caller() }
    }

    /// The first poll has come.
    pub(crate) fn begin(self) -> (&'static Operation, &'static Location<'static>) {
        let site = (self.operation, self.at);
        std::mem::forget(self);
        site
    }
}

impl Drop for Made {
    fn drop(&mut self) {
        unpolled(self.operation, self.at);
    }
}

/// Waits for a while; `None` where no runtime can.
pub(crate) fn sleep(duration: Duration) -> Option<Sleep> {
    HOST.get().map(|host| (host.sleep)(duration))
}

pub(crate) fn run_blocking(job: Box<dyn FnOnce() + Send>) {
    match HOST.get() {
        Some(host) => (host.run_blocking)(job),
        None => drop(std::thread::spawn(job)),
    }
}
