//! Where leaf futures meet the task that polls them: budget, wait site, and the lack of a poll.
//!
//! A leaf future (a sleep, a read, a lock) calls [`proceed`] before it makes progress and
//! [`waiting`] when it returns `Pending`. Outside a task both do nothing. What it is and where it was
//! made is its [`Made`]. The lower crates reach the same functions through their `host` modules; see
//! `runtime::host`.

use std::panic::Location;
use std::task::{Context, Poll};

pub(crate) use heist_timer::host::Operation;

pub(crate) use crate::task::header::Joined;
use crate::task::{Id, budget, current};

/// Takes one unit of the task's budget. `Pending` means that it is used up: the task is queued
/// again, and the operation must return `Pending` without doing anything.
#[inline]
pub(crate) fn proceed(cx: &mut Context<'_>) -> Poll<()> {
    budget::proceed(cx)
}

/// Gives back the unit of an operation that turned out to be pending.
#[inline]
pub(crate) fn restore() {
    budget::restore();
}

/// Notes in the current task that it waits in `operation`, which was called at `at`.
#[inline]
pub(crate) fn waiting(operation: &'static Operation, at: &'static Location<'static>) {
    current::note_wait(operation.as_str_ref(), at);
}

/// Notes in the current task that it awaits the handle of another, which was spawned at `at`.
#[inline]
pub(crate) fn joining(handle: Joined, task: Id, at: &'static Location<'static>) {
    current::note_join(handle, task, at);
}

/// A future of ours was made at a place and is dropped without ever having been polled.
// Models have no runtime that could report it.
#[cfg_attr(heist_loom, allow(unused_variables))]
#[cold]
pub(crate) fn unpolled(operation: &'static Operation, at: &'static Location<'static>) {
    #[cfg(not(heist_loom))]
    crate::runtime::debugging::unpolled(operation.as_str_ref(), at);
}

/// What a future is and where it was made. If it is dropped while it does not count as polled, that
/// may be a mistake, and is told to [`unpolled`].
///
/// A future by hand keeps it, and calls [`set_polled`](Made::set_polled) first of all when it is polled:
/// a poll without budget counts, too. An async block takes it along, and [begins](Made::begin) with
/// it.
#[derive(Debug)]
pub(crate) struct Made {
    pub(crate) operation: &'static Operation,
    pub(crate) at: &'static Location<'static>,
    polled: bool,
}

impl Made {
    /// A future of this kind, made by the caller.
    #[inline]
    #[track_caller]
    pub(crate) fn here(operation: &'static Operation) -> Made {
        Made { operation, at: Location::caller(), polled: false }
    }

    /// A future of this kind, made at `at` as a part of another.
    #[inline]
    pub(crate) fn at(operation: &'static Operation, at: &'static Location<'static>) -> Made {
        Made { operation, at, polled: false }
    }

    /// From now on it counts as polled.
    #[inline]
    pub(crate) fn set_polled(&mut self) {
        self.polled = true;
    }

    /// The first poll has come; returns the place.
    #[inline]
    pub(crate) fn begin(mut self) -> &'static Location<'static> {
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
