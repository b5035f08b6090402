//! A cell: one shape, one case of it, one contestant; what it is told and what it answers.

use std::collections::BTreeMap;
use std::fmt;
use std::future::Future;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::histogram::Histogram;
use crate::meter::Meter;
use crate::peers::Runtime;

/// One way to ask the question of a shape.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Case {
    /// Which way, where there are several: a kind of channel, a load.
    pub variant: String,
    /// What is swept: tasks, connections, microseconds of idleness; zero if nothing is.
    pub size: u64,
}

impl Case {
    /// The only case of a shape.
    pub fn only() -> Vec<Case> {
        vec![Case::default()]
    }

    /// A case with a name and no size.
    pub fn named(variant: &str) -> Case {
        Case { variant: variant.to_owned(), size: 0 }
    }

    /// A case with a name (possibly empty) and a size.
    pub fn sized(variant: &str, size: u64) -> Case {
        Case { variant: variant.to_owned(), size }
    }
}

impl fmt::Display for Case {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match (self.variant.as_str(), self.size) {
            ("", 0) => Ok(()),
            ("", size) => write!(f, "{size}"),
            (variant, 0) => f.write_str(variant),
            (variant, size) => write!(f, "{variant} {size}"),
        }
    }
}

/// What the process of a cell is told.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Cell {
    /// Name of the shape.
    pub shape: String,
    /// Name of the contestant.
    pub contestant: String,
    /// Which case of the shape.
    pub case: Case,
    /// Worker threads of the runtime.
    pub workers: usize,
    /// How long to measure.
    pub time: Duration,
    /// Messages a second of an open-loop load.
    pub rate: f64,
    /// Whether `wrk` drives the HTTP servers.
    pub wrk: bool,
}

/// What a cell has measured. All figures are costs: less is better.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub struct Answer {
    /// How many operations the next three are for.
    pub operations: u64,
    /// Wall time.
    pub wall_ns: u64,
    /// CPU time of the process, user and system.
    pub cpu_ns: u64,
    /// Context switches of the process, voluntary and not.
    pub switches: u64,
    /// Distributions of latencies, in nanoseconds, by name.
    pub latency: BTreeMap<String, Histogram>,
    /// Other figures, by name.
    pub gauges: BTreeMap<String, f64>,
}

impl Answer {
    /// Adds a distribution of latencies.
    #[must_use]
    pub fn with_latency(mut self, name: &str, histogram: Histogram) -> Answer {
        self.latency.insert(name.to_owned(), histogram);
        self
    }

    /// Adds a figure.
    #[must_use]
    pub fn with_gauge(mut self, name: &str, value: f64) -> Answer {
        self.gauges.insert(name.to_owned(), value);
        self
    }
}

impl Cell {
    /// The size of the case, for counting with.
    pub fn size(&self) -> usize {
        usize::try_from(self.case.size).expect("sizes of cases are small")
    }

    /// Runs `pass`, which does so many operations, on a fresh runtime: first without counting, for
    /// a fifth of the time, then until the time is used up.
    ///
    /// `pass` is called from a root task, so that what it spawns starts on a worker.
    pub fn repeat<R, P, F>(&self, operations: u64, pass: P) -> Answer
    where
        R: Runtime,
        P: FnMut() -> F + Send + 'static,
        F: Future<Output = ()> + Send + 'static,
    {
        let time = self.time;
        self.on_runtime::<R, _>(repeat(time, operations, pass))
    }

    /// Runs one future as the root task of a fresh runtime.
    pub fn on_runtime<R, F>(&self, root: F) -> F::Output
    where
        R: Runtime,
        F: Future<Output: Send> + Send + 'static,
    {
        let runtime = R::start(self.workers);
        let output = runtime.run(root);
        runtime.stop();
        output
    }
}

/// As [`Cell::repeat`], for the inside of a root task.
pub async fn repeat<P, F>(time: Duration, operations: u64, mut pass: P) -> Answer
where
    P: FnMut() -> F + Send,
    F: Future<Output = ()> + Send,
{
    let warm = Meter::start();
    while warm.elapsed() < time / 5 {
        pass().await;
    }
    let meter = Meter::start();
    let mut passes = 0;
    while meter.elapsed() < time {
        pass().await;
        passes += 1;
    }
    meter.stop(passes * operations)
}
