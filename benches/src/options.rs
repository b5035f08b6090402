//! The command line.

use std::path::PathBuf;
use std::time::Duration;

use crate::cell::Cell;
use crate::load::Order;

/// What `--help` prints.
pub const HELP: &str = "\
Heist beside tokio and smol, shape by shape.

    cargo bench -p heist-benches -- [OPTIONS]

    --quick                 about 3 minutes for everything; figures are rough
    --full                  about 30 minutes (neither: about 8)
    --only SHAPE[,SHAPE]    these shapes only, in as many rounds as their share of the time allows
    --contestants A[,B]     of heist, tokio, smol, limits
    --workers N             worker threads of each runtime; default: as many as there are cpus
    --rounds N              so many rounds, whatever time they take
    --wrk                   drive hyper_hello with `wrk -t1` instead of the generator in here
    --out DIR               where results go; default: benches/results
    --list                  the shapes and who takes part in each";

/// What the program was asked to do.
#[derive(Debug)]
pub enum Command {
    /// Print the help.
    Help,
    /// Print the shapes.
    List,
    /// Run the duel.
    Duel(Options),
    /// Be the process of one cell.
    Cell(Cell),
    /// Be the clients of a cell.
    Load(Order),
}

/// How long the duel may take, and so how long each of its cells.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Effort {
    /// A look at where things stand.
    Quick,
    /// Enough rounds to believe a ratio.
    Normal,
    /// For publication.
    Full,
}

impl Effort {
    /// How long a cell measures, where its shape has no reason to take another time.
    pub fn cell(self) -> Duration {
        Duration::from_millis(match self {
            Effort::Quick => 100,
            Effort::Normal => 250,
            Effort::Full => 400,
        })
    }

    /// How long the whole duel takes, about.
    pub fn total(self) -> Duration {
        Duration::from_secs(match self {
            Effort::Quick => 165,
            Effort::Normal => 480,
            Effort::Full => 1800,
        })
    }

    /// Picks the value for this effort.
    pub fn pick<T>(self, quick: T, normal: T, full: T) -> T {
        match self {
            Effort::Quick => quick,
            Effort::Normal => normal,
            Effort::Full => full,
        }
    }
}

/// What the duel was asked to do.
#[derive(Clone, Debug)]
pub struct Options {
    /// How much time to take.
    pub effort: Effort,
    /// The shapes to run; empty: all.
    pub only: Vec<String>,
    /// The contestants to run; empty: all.
    pub contestants: Vec<String>,
    /// Worker threads of each runtime.
    pub workers: usize,
    /// Rounds, if not to be chosen by time.
    pub rounds: Option<usize>,
    /// Whether `wrk` drives the HTTP servers.
    pub wrk: bool,
    /// Where results go.
    pub out: PathBuf,
}

/// Reads the command line.
///
/// # Errors
/// What is wrong with it, in words for the user.
pub fn parse(mut arguments: impl Iterator<Item = String>) -> Result<Command, String> {
    let mut options = Options {
        effort: Effort::Normal,
        only: Vec::new(),
        contestants: Vec::new(),
        workers: std::thread::available_parallelism().map_or(2, |cpus| cpus.get()),
        rounds: None,
        wrk: false,
        out: PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/results")),
    };
    while let Some(name) = arguments.next() {
        let mut value = || arguments.next().ok_or_else(|| format!("`{name}` needs a value"));
        match name.as_str() {
            "--quick" => options.effort = Effort::Quick,
            "--full" => options.effort = Effort::Full,
            "--only" => options.only = names(&value()?),
            "--contestants" => options.contestants = names(&value()?),
            "--workers" => options.workers = number(&name, &value()?)?,
            "--rounds" => options.rounds = Some(number(&name, &value()?)?),
            "--wrk" => options.wrk = true,
            "--out" => options.out = PathBuf::from(value()?),
            "--list" => return Ok(Command::List),
            "--help" | "-h" => return Ok(Command::Help),
            // Only the duel itself writes these.
            "--cell" => return order(&name, &value()?).map(Command::Cell),
            "--load" => return order(&name, &value()?).map(Command::Load),
            // cargo passes this to every bench.
            "--bench" => {}
            _ => return Err(format!("no such argument: `{name}`")),
        }
    }
    Ok(Command::Duel(options))
}

fn names(list: &str) -> Vec<String> {
    list.split(',').map(|name| name.trim().to_owned()).collect()
}

fn number(name: &str, value: &str) -> Result<usize, String> {
    match value.parse() {
        Ok(number) if number > 0 => Ok(number),
        _ => Err(format!("`{name}` needs a number above zero, not `{value}`")),
    }
}

fn order<T: serde::de::DeserializeOwned>(name: &str, value: &str) -> Result<T, String> {
    serde_json::from_str(value).map_err(|error| format!("`{name}`: {error}"))
}
