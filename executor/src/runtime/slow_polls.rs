//! Debug mode: polls that keep their worker for long are reported.
//!
//! A poll that takes long has computed or blocked where it should have waited, and everything else that
//! its worker could have done stood still. The report names the task and where it was spawned, or
//! where the future was given to `block_on`, once for each such place. It comes when the poll is over;
//! [`task::all`](crate::task::all) shows polls that are still going on.
//!
//! Polls nest: a task may drive a [`LocalSet`](crate::task::LocalSet), and a poll may block with leave. What
//! happened inside such a poll is *excused*: the poll around it is not to blame for it.

use std::cell::Cell;
use std::fmt;
use std::future::Future;
use std::panic::Location;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::{Duration, Instant};

use pin_project_lite::pin_project;

use super::debugging::{Debugging, Mistake};
use crate::task::{Notified, TaskInfo, TaskRef};

/// What counts as long if the program does not say: asyncio's limit.
pub(super) const LONG: Duration = Duration::from_millis(100);

const ADVICE: &str = "work that takes long belongs into `task::spawn_blocking`";

thread_local! {
    /// How often polls on this thread have been excused.
    static EXCUSED: Cell<u32> = const { Cell::new(0) };
}

/// Excuses the polls that are under way on this thread: they may take as long as they like.
pub(crate) fn excuse() {
    EXCUSED.set(EXCUSED.get().wrapping_add(1));
}

/// Since when something has been polled.
struct Stopwatch {
    start: Instant,
    excused: u32,
}

impl Stopwatch {
    fn start() -> Stopwatch {
        Stopwatch { start: Instant::now(), excused: EXCUSED.get() }
    }

    /// How long the poll took, if that is too long and it was not excused.
    fn stop(self, debugging: &Debugging) -> Option<Duration> {
        let took = self.start.elapsed();
        (took >= debugging.long_poll && self.excused == EXCUSED.get()).then_some(took)
    }
}

/// A poll of a task that is being timed.
#[must_use]
pub(crate) struct TimedPoll<'a> {
    debugging: &'a Debugging,
    task: TaskRef,
    watch: Stopwatch,
}

impl<'a> TimedPoll<'a> {
    /// Times the poll of a task that is about to begin.
    pub(crate) fn begin(debugging: &'a Debugging, task: &Notified) -> TimedPoll<'a> {
        TimedPoll { debugging, task: task.task(), watch: Stopwatch::start() }
    }

    /// The poll is over, and has had its worker all the time.
    pub(crate) fn end(self) {
        self.end_of("worker");
    }

    /// The same, for a poll in the middle of another, which is excused if this one was slow.
    pub(crate) fn end_nested(self) {
        if self.end_of("thread") {
            excuse();
        }
    }

    /// Whether it was slow.
    fn end_of(self, kept: &'static str) -> bool {
        let Some(took) = self.watch.stop(self.debugging) else { return false };
        let header = self.task.header();
        self.debugging.report(Mistake::SlowPoll, header.spawned_at, || SlowPoll {
            kept,
            took,
            task: TaskInfo::read(header),
        });
        true
    }
}

struct SlowPoll {
    kept: &'static str,
    took: Duration,
    task: TaskInfo,
}

impl fmt::Display for SlowPoll {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "task {}", self.task.id())?;
        if let Some(name) = self.task.name() {
            write!(f, " `{name}`")?;
        }
        write!(
            f,
            " (spawned at {}) kept its {} for {:.0?} in one poll",
            self.task.spawned_at(),
            self.kept,
            self.took
        )?;
        match self.task.waits_in() {
            Some(site) => {
                write!(f, ", which ended in {} at {}", site.operation, site.location)?;
            }
            None => f.write_str(" that did not end in an operation of Heist's")?,
        }
        write!(f, "; {ADVICE}")
    }
}

pin_project! {
    /// A future that was given to `block_on` at some place; in debug mode its polls are timed.
    pub(super) struct TimedFuture<'a, F> {
        debugging: Option<&'a Debugging>,
        at: &'static Location<'static>,
        #[pin]
        future: F,
    }
}

impl<'a, F> TimedFuture<'a, F> {
    pub(super) fn new(
        debugging: Option<&'a Debugging>,
        at: &'static Location<'static>,
        future: F,
    ) -> TimedFuture<'a, F> {
        TimedFuture { debugging, at, future }
    }
}

impl<F: Future> Future for TimedFuture<'_, F> {
    type Output = F::Output;

    #[inline]
    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<F::Output> {
        let this = self.project();
        let Some(debugging) = *this.debugging else { return this.future.poll(cx) };
        let watch = Stopwatch::start();
        let polled = this.future.poll(cx);
        if let Some(took) = watch.stop(debugging) {
            let at = *this.at;
            debugging.report(Mistake::SlowPoll, at, || {
                format!(
                    "the future of `block_on` at {at} kept its thread for {took:.0?} in one poll; \
                     {ADVICE}"
                )
            });
        }
        polled
    }
}
