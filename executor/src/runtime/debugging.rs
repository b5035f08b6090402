//! Debug mode: mistakes that cost too much to look for always, each reported once for its place.
//!
//! A loop makes the same mistake in each round, so what is remembered is the line of the program, and
//! what was wrong there. Here are the kinds, and when they are worth a report; how they are noticed is
//! told where that happens: `slow_polls`, [`Made`](heist_timer::host::Made), `io::unsent`, the
//! [`Outbox`](crate::blocking::Outbox) and [`Handle`](super::Handle). Deliberately without failures
//! that nobody joins, which are always reported.

use std::collections::HashSet;
use std::fmt::Display;
use std::panic::Location;
use std::time::Duration;

use heist_timer::silence;
use parking_lot::Mutex;

use super::context;
use crate::report;

/// What may be wrong at a place.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) enum Mistake {
    SlowPoll,
    Unpolled,
    Unsent,
    UsedAfterShutdown,
}

/// The mistakes of one runtime that have been reported.
pub(crate) struct Debugging {
    /// From when on a poll is slow.
    pub(super) long_poll: Duration,
    reported: Mutex<HashSet<(Mistake, &'static Location<'static>)>>,
}

impl Debugging {
    pub(super) fn new(long_poll: Duration) -> Debugging {
        Debugging { long_poll, reported: Mutex::default() }
    }

    /// Reports a mistake, unless it has been reported for this place.
    pub(crate) fn report<M: Display>(
        &self,
        mistake: Mistake,
        at: &'static Location<'static>,
        message: impl FnOnce() -> M,
    ) {
        // The lock is free again before the report, whose way may lead through foreign code.
        let is_new = self.reported.lock().insert((mistake, at));
        if is_new {
            report::warn(message());
        }
    }
}

/// Reports a mistake on the current runtime, if that is in debug mode.
#[cold]
fn report_here<M: Display>(
    mistake: Mistake,
    at: &'static Location<'static>,
    message: impl FnOnce() -> M,
) {
    context::with_current(|scheduler| {
        if let Some(debugging) = &scheduler.config.debugging {
            debugging.report(mistake, at, message);
        }
    });
}

/// A future of ours is dropped without ever having been polled.
///
/// That is a mistake where async code does it, and only if the code goes on: a panic that passes
/// by, or whoever gives up what is half done, drops futures that would have had their turn.
#[cold]
pub(crate) fn unpolled(operation: &'static str, at: &'static Location<'static>) {
    if !context::in_async() || silence::is_kept() || std::thread::panicking() {
        return;
    }
    report_here(Mistake::Unpolled, at, || {
        format!(
            "a `{operation}` made at {at} was dropped without having been awaited; nothing has \
             come of it"
        )
    });
}

/// What was written does not arrive. While a panic passes by, that is what there is to tell.
#[cold]
pub(crate) fn unsent<M: Display>(at: &'static Location<'static>, message: impl FnOnce() -> M) {
    if !std::thread::panicking() {
        report_here(Mistake::Unsent, at, message);
    }
}

/// Whether the current runtime is in debug mode.
pub(crate) fn is_on() -> bool {
    context::with_current(|scheduler| scheduler.config.debugging.is_some()).unwrap_or(false)
}
