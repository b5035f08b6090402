//! What is made of the samples: rows, and from them a table, a JSON file, and plots.

pub mod markdown;
pub mod plots;
pub mod svg;

use std::collections::BTreeMap;
use std::fs;
use std::io;
use std::path::Path;

use serde::Serialize;

use crate::cell::{Answer, Case};
use crate::options::Options;
use crate::peers::OURS;
use crate::rounds::{Entry, Run, Sample};
use crate::shapes::Figure;
use crate::stats::Spread;

/// One figure of one case: everybody's value, and ours as a share of each other's.
#[derive(Debug, Serialize)]
pub struct Row {
    /// The shape's name.
    pub shape: &'static str,
    /// The case.
    pub case: Case,
    /// What the figure is.
    pub figure: String,
    /// The goal for [`Row::against_best`].
    pub goal: Option<f64>,
    /// The goal for our own value.
    pub cap: Option<f64>,
    /// Over the rounds, by contestant.
    pub values: BTreeMap<&'static str, Spread>,
    /// Our value over the least of the peers' of the same round, over the rounds.
    pub against_best: Option<Spread>,
    /// Our value over that of each other contestant in the same round, over the rounds.
    pub against: BTreeMap<&'static str, Spread>,
}

/// How a row stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Standing {
    /// All goals are reached (or, without any, three quarters of the rounds were won).
    Reached,
    /// Ahead of the best peer in three quarters of the rounds, but not as far as we want.
    Ahead,
    /// Neither ahead nor behind.
    Even,
    /// Behind in three quarters of the rounds.
    Behind,
    /// There is nothing to compare with.
    Unknown,
}

impl Row {
    /// How we stand.
    pub fn standing(&self) -> Standing {
        let Some(ours) = self.values.get(OURS) else { return Standing::Unknown };
        let cap_kept = self.cap.is_none_or(|cap| ours.median <= cap);
        match (self.against_best, self.goal) {
            (_, None) if self.cap.is_some() && cap_kept => Standing::Reached,
            (None, _) => Standing::Unknown,
            (Some(ratio), Some(goal)) if ratio.median <= goal && cap_kept => Standing::Reached,
            (Some(ratio), None) if ratio.high < 1.0 && cap_kept => Standing::Reached,
            (Some(ratio), _) if ratio.high < 1.0 => Standing::Ahead,
            (Some(ratio), _) if ratio.low > 1.0 => Standing::Behind,
            (Some(_), _) => Standing::Even,
        }
    }
}

/// The machine that a run was on.
#[derive(Debug, Serialize)]
pub struct Machine {
    /// The processor's name.
    pub processor: String,
    /// How many CPUs there are.
    pub cpus: usize,
    /// The kernel's version.
    pub kernel: String,
    /// Seconds since 1970.
    pub at: u64,
}

impl Machine {
    /// This one.
    pub fn this() -> Machine {
        let read = |path: &str| fs::read_to_string(path).unwrap_or_default();
        let info = read("/proc/cpuinfo");
        let processor =
            info.lines().find_map(|line| line.strip_prefix("model name")?.split_once(':'));
        let at = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH);
        Machine {
            processor: processor.map_or("unknown", |(_, name)| name.trim()).to_owned(),
            cpus: std::thread::available_parallelism().map_or(0, |cpus| cpus.get()),
            kernel: read("/proc/sys/kernel/osrelease").trim().to_owned(),
            at: at.map_or(0, |since| since.as_secs()),
        }
    }
}

/// All rows of a run.
pub fn rows(run: &Run) -> Vec<Row> {
    let of_entry = |entry: &Entry| {
        let figures = (entry.shape.figures)(&entry.case);
        figures.iter().map(|figure| row(run, entry, figure)).collect::<Vec<_>>()
    };
    run.entries.iter().flat_map(of_entry).collect()
}

/// One figure of one case.
pub fn row(run: &Run, entry: &Entry, figure: &Figure) -> Row {
    let mut rounds: BTreeMap<usize, BTreeMap<&'static str, f64>> = BTreeMap::new();
    for (sample, answer) in answers(run, entry) {
        if let Some(value) = figure.value(answer) {
            rounds.entry(sample.round).or_default().insert(sample.contestant, value);
        }
    }
    let over = |value: &dyn Fn(&BTreeMap<&'static str, f64>) -> Option<f64>| {
        Spread::of(rounds.values().filter_map(value))
    };
    let is_peer = |name: &str| {
        name != OURS && entry.contestants.iter().any(|c| c.is_runtime && c.name == name)
    };
    let names = || entry.contestants.iter().map(|contestant| contestant.name);
    let values = names().filter_map(|name| Some((name, over(&|of| of.get(name).copied())?)));
    let against = names()
        .filter(|name| *name != OURS)
        .filter_map(|name| Some((name, over(&|of| Some(ratio(*of.get(OURS)?, *of.get(name)?)))?)));
    let against_best = over(&|of| {
        let peers = of.iter().filter(|(name, _)| is_peer(name)).map(|(_, value)| *value);
        Some(ratio(*of.get(OURS)?, peers.min_by(f64::total_cmp)?))
    });
    Row {
        shape: entry.shape.name,
        case: entry.case.clone(),
        figure: figure.label.clone(),
        goal: figure.goal,
        cap: figure.cap,
        values: values.collect(),
        against: against.collect(),
        against_best,
    }
}

/// Two costs of nothing are alike.
fn ratio(ours: f64, theirs: f64) -> f64 {
    if ours == theirs { 1.0 } else { ours / theirs }
}

/// The answers to one case.
pub fn answers<'a>(
    run: &'a Run,
    entry: &'a Entry,
) -> impl Iterator<Item = (&'a Sample, &'a Answer)> {
    run.samples
        .iter()
        .filter(|sample| sample.shape == entry.shape.name && sample.case == entry.case)
        .filter_map(|sample| Some((sample, sample.outcome.as_ref().ok()?)))
}

/// Prints the table, and writes it as `latest.md`, with `latest.json` and `plots/`, into a folder.
///
/// # Errors
/// If the folder cannot be written.
pub fn publish(run: &Run, folder: &Path) -> io::Result<()> {
    let machine = Machine::this();
    let rows = rows(run);
    let table = markdown::report(run, &machine, &rows);
    print!("{table}");
    fs::create_dir_all(folder)?;
    fs::write(folder.join("latest.md"), table)?;
    let record = Record {
        machine,
        options: Wanted::of(&run.options),
        rounds: run.rounds,
        rows: &rows,
        samples: &run.samples,
    };
    fs::write(folder.join("latest.json"), serde_json::to_string(&record)?)?;
    let plots = folder.join("plots");
    clear(&plots)?;
    for (name, plot) in plots::all(run, &rows) {
        fs::write(plots.join(name), plot)?;
    }
    eprintln!("written to {}", folder.display());
    Ok(())
}

/// Makes an empty folder of one that holds plots of an earlier run, which may have had other shapes.
fn clear(plots: &Path) -> io::Result<()> {
    fs::create_dir_all(plots)?;
    for entry in fs::read_dir(plots)? {
        let path = entry?.path();
        if path.extension().is_some_and(|extension| extension == "svg") {
            fs::remove_file(path)?;
        }
    }
    Ok(())
}

#[derive(Serialize)]
struct Record<'a> {
    machine: Machine,
    options: Wanted,
    rounds: usize,
    rows: &'a [Row],
    samples: &'a [Sample],
}

#[derive(Serialize)]
struct Wanted {
    effort: String,
    workers: usize,
    wrk: bool,
}

impl Wanted {
    fn of(options: &Options) -> Wanted {
        Wanted {
            effort: format!("{:?}", options.effort).to_lowercase(),
            workers: options.workers,
            wrk: options.wrk,
        }
    }
}
