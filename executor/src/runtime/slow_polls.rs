//! Debug mode: polls that keep their worker for long are reported.
//!
//! A poll that takes long has computed or blocked where it should have waited, and everything else that
//! its worker could have done stood still. The report names the task and where it was spawned,
//! once for each such place. It comes when the poll is over; [`task::all`](crate::task::all) shows
//! polls that are still going on.

use std::fmt;
use std::time::{Duration, Instant};

use super::debugging::{Debugging, Mistake};
use crate::task::{Notified, TaskInfo, TaskRef};

/// What counts as long if the program does not say: asyncio's limit.
pub(super) const LONG: Duration = Duration::from_millis(100);

/// A poll that is being timed.
#[must_use]
pub(crate) struct TimedPoll<'a> {
    debugging: &'a Debugging,
    task: TaskRef,
    start: Instant,
}

impl<'a> TimedPoll<'a> {
    /// Times the poll of a task that is about to begin.
    pub(crate) fn begin(debugging: &'a Debugging, task: &Notified) -> TimedPoll<'a> {
        TimedPoll { debugging, task: task.task(), start: Instant::now() }
    }

    /// The poll is over, and has had its worker all the time.
    pub(crate) fn end(self) {
        let took = self.start.elapsed();
        if took >= self.debugging.long_poll {
            let header = self.task.header();
            self.debugging.report(Mistake::SlowPoll, header.spawned_at, || SlowPoll {
                took,
                task: TaskInfo::read(header),
            });
        }
    }
}

struct SlowPoll {
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
            " (spawned at {}) kept its worker for {:.0?} in one poll",
            self.task.spawned_at(),
            self.took
        )?;
        match self.task.waits_in() {
            Some(site) => {
                write!(f, ", which ended in {} at {}", site.operation, site.location)?;
            }
            None => f.write_str(" that did not end in an operation of Heist's")?,
        }
        f.write_str("; work that takes long belongs into `task::spawn_blocking`")
    }
}
