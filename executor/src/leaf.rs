//! Where leaf futures meet the task that polls them: budget and wait site.
//!
//! A leaf future (a sleep, a read, a lock) calls [`proceed`] before it makes progress and
//! [`waiting`] when it returns `Pending`. Outside a task both do nothing. What it is and where it was
//! made is its [`Made`]. The lower crates reach the same functions through their `host` modules; see
//! `runtime::host`.

use std::panic::Location;
use std::task::{Context, Poll};

pub(crate) use heist_timer::host::{Made, Operation};

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

/// As [`waiting`], unless something has been noted in this poll: what is inside says more.
#[inline]
pub(crate) fn waiting_at_least(operation: &'static Operation, at: &'static Location<'static>) {
    current::note_wait_at_least(operation.as_str_ref(), at);
}

/// Notes in the current task that it awaits the handle of another, which was spawned at `at`.
#[inline]
pub(crate) fn joining(handle: Joined, task: Id, at: &'static Location<'static>) {
    current::note_join(handle, task, at);
}
