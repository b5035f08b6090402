//! Debug mode: polls that keep their worker for long are reported.
//!
//! A poll that takes 100 ms has computed or blocked where it should have waited, and everything else
//! that its worker could have done stood still. The report names the task and where it was spawned,
//! once for each such place, since what a loop spawns fails in the same way each time. It comes when
//! the poll is over; [`task::all`](crate::task::all) shows polls that are still going on.

use std::collections::HashSet;
use std::fmt;
use std::panic::Location;
use std::time::{Duration, Instant};

use parking_lot::Mutex;

use crate::task::{Notified, TaskInfo, TaskRef};

/// What counts as long: asyncio's limit.
const LONG: Duration = Duration::from_millis(100);

/// See the module's documentation.
#[derive(Default)]
pub(crate) struct SlowPolls {
    /// Where tasks were spawned that have been reported.
    reported: Mutex<HashSet<&'static Location<'static>>>,
}

/// A poll that is being timed.
#[must_use]
pub(crate) struct TimedPoll<'a> {
    polls: &'a SlowPolls,
    task: TaskRef,
    start: Instant,
}

impl SlowPolls {
    /// Times the poll of a task that is about to begin.
    pub(crate) fn begin(&self, task: &Notified) -> TimedPoll<'_> {
        TimedPoll { polls: self, task: task.task(), start: Instant::now() }
    }

    fn is_new(&self, place: &'static Location<'static>) -> bool {
        self.reported.lock().insert(place)
    }
}

impl TimedPoll<'_> {
    /// The poll is over, and has had its worker all the time.
    pub(crate) fn end(self) {
        let took = self.start.elapsed();
        if took >= LONG && self.polls.is_new(self.task.header().spawned_at) {
            let task = TaskInfo::read(self.task.header());
            eprintln!("heist: {}", Report { took, task });
        }
    }
}

struct Report {
    took: Duration,
    task: TaskInfo,
}

impl fmt::Display for Report {
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
