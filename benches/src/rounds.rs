//! Which cells run when.
//!
//! In each round every case of every shape runs once on each contestant, cases in random order, the
//! contestants of a case one right after the other, also in random order. The first round warms the
//! machine up and is dropped, and so is a case's round during which the hypervisor took away time.

use std::io::{IsTerminal, Write};
use std::time::{Duration, Instant};

use serde::Serialize;

use crate::cell::{Answer, Case, Cell};
use crate::child;
use crate::load;
use crate::meter::machine_ticks;
use crate::options::{Effort, Options};
use crate::peers::Contestant;
use crate::shapes::{self, Shape, echo};
use crate::stats::Random;

/// The share of the machine's time that may be stolen during a case's round.
const STEAL_MAX: f64 = 0.02;
/// What a cell takes beside measuring: the process, warming up, ending. A fifth of the time, and:
const AROUND_A_CELL: Duration = Duration::from_millis(25);
/// How long a cell may take before it counts as hanging, beside ten times what it should take.
const PATIENCE: Duration = Duration::from_secs(10);
/// The load of open-loop cells, as a share of what the hand-written epoll loop serves at most.
const OPEN_LOAD: f64 = 0.25;
/// So many rounds at least, unless told otherwise.
const ROUNDS_MIN: usize = 3;
const ROUNDS_MAX: usize = 25;

/// All that a duel has measured.
#[derive(Debug)]
pub struct Run {
    /// What was asked for.
    pub options: Options,
    /// The shapes that took part, with their cases.
    pub entries: Vec<Entry>,
    /// How many rounds there were, the dropped one included.
    pub rounds: usize,
    /// How many rounds of cases were dropped because the hypervisor took time away.
    pub stolen: usize,
    /// Every cell that counts.
    pub samples: Vec<Sample>,
    /// Messages a second of open-loop loads; zero if there was none.
    pub rate: f64,
    /// How long it all took.
    pub took: Duration,
}

/// A case of a shape, and who takes part.
#[derive(Clone, Debug)]
pub struct Entry {
    /// The shape.
    pub shape: Shape,
    /// The case.
    pub case: Case,
    /// Who takes part.
    pub contestants: Vec<Contestant>,
}

/// One cell's outcome.
#[derive(Clone, Debug, Serialize)]
pub struct Sample {
    /// The shape's name.
    pub shape: &'static str,
    /// The case.
    pub case: Case,
    /// The contestant's name.
    pub contestant: &'static str,
    /// In which round.
    pub round: usize,
    /// How long its process took, in seconds: far more than it measured, and it started or ended
    /// slowly.
    pub took: f64,
    /// The answer, or what went wrong.
    pub outcome: Result<Answer, String>,
}

impl Run {
    /// How many cells went wrong.
    pub fn failures(&self) -> usize {
        self.samples.iter().filter(|sample| sample.outcome.is_err()).count()
    }
}

/// Runs the duel.
///
/// # Errors
/// If shapes or contestants are named that do not exist.
pub fn run(options: &Options) -> Result<Run, String> {
    let all = entries(options.effort);
    let rounds = options.rounds.unwrap_or_else(|| affordable(&all, options.effort));
    let chosen = choose(all, options)?;
    let start = Instant::now();
    let rate = if chosen.iter().any(|e| echo::is_open(&e.case)) { open_rate(options) } else { 0.0 };
    let mut random = Random::new(std::process::id().into());
    let mut progress = Progress::new(rounds, (0..rounds).map(|r| cells(&chosen, r, rounds)).sum());
    let (mut samples, mut stolen) = (Vec::new(), 0);
    for round in 0..rounds {
        let mut order: Vec<&Entry> =
            chosen.iter().filter(|entry| takes_part(entry, round, rounds)).collect();
        random.shuffle(&mut order);
        for entry in order {
            let (stolen_before, ticks_before) = machine_ticks();
            let mut contestants = entry.contestants.clone();
            random.shuffle(&mut contestants);
            let cell = |contestant| sample(entry, contestant, round, options, rate, &mut progress);
            let fresh: Vec<Sample> = contestants.iter().map(cell).collect();
            let (stolen_after, ticks_after) = machine_ticks();
            let ticks = (ticks_after - ticks_before).max(1);
            let is_stolen = (stolen_after - stolen_before) as f64 / ticks as f64 > STEAL_MAX;
            stolen += usize::from(is_stolen);
            // Failures are kept whenever they happen.
            let counts = !is_stolen && !is_warm_up(round, rounds);
            samples.extend(fresh.into_iter().filter(|s| counts || s.outcome.is_err()));
        }
    }
    progress.ends();
    let options = options.clone();
    Ok(Run { options, entries: chosen, rounds, stolen, samples, rate, took: start.elapsed() })
}

fn sample(
    entry: &Entry,
    contestant: &Contestant,
    round: usize,
    options: &Options,
    rate: f64,
    progress: &mut Progress,
) -> Sample {
    let (shape, case, contestant) = (entry.shape.name, entry.case.clone(), contestant.name);
    let name = format!("{shape} {case} {contestant}");
    progress.begins(round, &name);
    let start = Instant::now();
    let outcome = run_cell(entry, contestant, options, rate);
    progress
        .done(&outcome.as_ref().map_or_else(|what| format!("{name}: {what}"), |_| String::new()));
    Sample { shape, case, contestant, round, took: start.elapsed().as_secs_f64(), outcome }
}

fn entries(effort: Effort) -> Vec<Entry> {
    let entry = |shape: &Shape, case: Case| {
        let contestants = shape.contestants(&case);
        Entry { shape: shape.clone(), case, contestants }
    };
    let of_shape = |shape: Shape| {
        (shape.cases)(effort).into_iter().map(move |case| entry(&shape, case)).collect::<Vec<_>>()
    };
    shapes::all().into_iter().flat_map(of_shape).collect()
}

fn choose(mut all: Vec<Entry>, options: &Options) -> Result<Vec<Entry>, String> {
    let names: Vec<_> = shapes::all().iter().map(|shape| shape.name).collect();
    if let Some(unknown) = options.only.iter().find(|name| !names.contains(&name.as_str())) {
        return Err(format!("no such shape: `{unknown}`; there are {}", names.join(", ")));
    }
    let groups = ["heist", "tokio", "smol", "limits"];
    if let Some(unknown) = options.contestants.iter().find(|n| !groups.contains(&n.as_str())) {
        return Err(format!("no such contestant: `{unknown}`; there are {}", groups.join(", ")));
    }
    let wanted = |list: &[String], name: &str| list.is_empty() || list.iter().any(|n| n == name);
    all.retain(|entry| wanted(&options.only, entry.shape.name));
    for entry in &mut all {
        entry.contestants.retain(|contestant| {
            let group = if contestant.is_runtime { contestant.name } else { "limits" };
            wanted(&options.contestants, group)
        });
    }
    all.retain(|entry| !entry.contestants.is_empty());
    Ok(all)
}

/// How many rounds of everything fit into the time.
fn affordable(all: &[Entry], effort: Effort) -> usize {
    let round: Duration = all
        .iter()
        .map(|entry| {
            let cell = expected(entry, effort) * entry.contestants.len() as u32;
            if entry.shape.slow { cell / 3 } else { cell }
        })
        .sum();
    let rounds = effort.total().as_secs_f64() / round.as_secs_f64();
    (rounds as usize).clamp(ROUNDS_MIN, ROUNDS_MAX)
}

fn expected(entry: &Entry, effort: Effort) -> Duration {
    (entry.shape.time)(&entry.case, effort).mul_f64(1.2) + AROUND_A_CELL
}

fn is_warm_up(round: usize, rounds: usize) -> bool {
    round == 0 && rounds >= ROUNDS_MIN
}

/// Slow shapes take part in the second of each three rounds alone.
fn takes_part(entry: &Entry, round: usize, rounds: usize) -> bool {
    !entry.shape.slow || rounds < ROUNDS_MIN || round % 3 == 1
}

fn cells(entries: &[Entry], round: usize, rounds: usize) -> usize {
    let present = entries.iter().filter(|entry| takes_part(entry, round, rounds));
    present.map(|entry| entry.contestants.len()).sum()
}

fn run_cell(
    entry: &Entry,
    contestant: &str,
    options: &Options,
    rate: f64,
) -> Result<Answer, String> {
    let time = (entry.shape.time)(&entry.case, options.effort);
    let cell = Cell {
        shape: entry.shape.name.to_owned(),
        contestant: contestant.to_owned(),
        case: entry.case.clone(),
        workers: options.workers,
        time,
        rate,
        wrk: options.wrk,
    };
    child::run(&cell, PATIENCE + time * 10)
}

/// The load for open-loop cells: the same for all contestants and rounds.
fn open_rate(options: &Options) -> f64 {
    let cell = Cell { time: Duration::from_millis(300), ..echo::calibration(options.workers) };
    match child::run(&cell, PATIENCE) {
        Ok(answer) => answer.operations as f64 * 1e9 / answer.wall_ns as f64 * OPEN_LOAD,
        Err(_) => load::FALLBACK_RATE,
    }
}

/// How far we are, on standard error.
struct Progress {
    start: Instant,
    rounds: usize,
    total: usize,
    done: usize,
    /// On a terminal the line is written over and over; in a log, one line every few seconds.
    terminal: bool,
    written: Option<Instant>,
}

impl Progress {
    const LOG_EVERY: Duration = Duration::from_secs(10);

    fn new(rounds: usize, total: usize) -> Progress {
        let terminal = std::io::stderr().is_terminal();
        Progress { start: Instant::now(), rounds, total, done: 0, terminal, written: None }
    }

    fn begins(&mut self, round: usize, cell: &str) {
        let recently = self.written.is_some_and(|at| at.elapsed() < Progress::LOG_EVERY);
        if !self.terminal && recently {
            return;
        }
        self.written = Some(Instant::now());
        let Progress { rounds, total, done, .. } = &*self;
        let line = format!("{done}/{total}, round {}/{rounds}, {}: {cell}", round + 1, self.left());
        if self.terminal {
            eprint!("\r\x1b[K{line}");
            // Ignored: a line of progress that is not shown harms nobody.
            let _ = std::io::stderr().flush();
        } else {
            eprintln!("{line}");
        }
    }

    fn left(&self) -> String {
        if self.done == 0 {
            return "just begun".to_owned();
        }
        let each = self.start.elapsed().as_secs_f64() / self.done as f64;
        let left = (each * (self.total - self.done) as f64) as u64;
        format!("{}:{:02} left", left / 60, left % 60)
    }

    /// A cell has ended; `complaint` says how, if not well.
    fn done(&mut self, complaint: &str) {
        self.done += 1;
        if !complaint.is_empty() {
            self.says(complaint);
        }
    }

    fn says(&self, text: &str) {
        eprintln!("{}{text}", if self.terminal { "\r\x1b[K" } else { "" });
    }

    fn ends(&self) {
        self.says(&format!("{} cells in {:.0?}", self.done, self.start.elapsed()));
    }
}
