//! Which reactor the sources made on this thread are registered with.

use std::cell::RefCell;
use std::mem::ManuallyDrop;
use std::panic::Location;
use std::sync::Arc;

use crate::reactor::Reactor;

type Current = Option<Arc<Reactor>>;

thread_local! {
    /// Emptied by the guards, not by a destructor: so it is there as long as its thread, in the
    /// destructors of other thread-locals, too, and those may drop a runtime.
    static CURRENT: RefCell<ManuallyDrop<Current>> = const { RefCell::new(ManuallyDrop::new(None)) };
}

fn replace(current: Current) -> Current {
    ManuallyDrop::into_inner(CURRENT.replace(ManuallyDrop::new(current)))
}

/// Restores what was current before; see [`enter`].
#[derive(Debug)]
#[must_use = "the reactor is left again as soon as the guard is dropped"]
pub struct ReactorGuard {
    outer: Current,
}

/// Makes `reactor` the one for sources made on this thread until the guard is dropped. Guards
/// must be dropped in the reverse order of their making.
pub fn enter(reactor: &Arc<Reactor>) -> ReactorGuard {
    ReactorGuard { outer: replace(Some(reactor.clone())) }
}

impl Drop for ReactorGuard {
    fn drop(&mut self) {
        drop(replace(self.outer.take()));
    }
}

/// The current reactor.
///
/// # Panics
/// At the caller's line, if there is none.
#[track_caller]
pub(crate) fn current() -> Arc<Reactor> {
    match CURRENT.with_borrow(|current| Current::clone(current)) {
        Some(reactor) => reactor,
        None => panic!("{NO_REACTOR}"),
    }
}

/// For a future that is polled elsewhere than where it was made, which was `at`.
///
/// # Panics
/// If there is no current reactor.
pub(crate) fn demand(at: &'static Location<'static>) {
    if CURRENT.with_borrow(|current| current.is_none()) {
        panic!("{NO_REACTOR} (the call at {at})");
    }
}

const NO_REACTOR: &str = "there is no Heist I/O driver here: sockets must be made inside a runtime; \
     start one with `heist::run`, `#[heist::main]` or `Runtime::block_on`";
