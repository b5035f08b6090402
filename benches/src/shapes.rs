//! The shapes: one question a file, asked in the same words of every contestant.

pub mod chained_spawn;
pub mod echo;
pub mod fairness;
pub mod fan_out;
pub mod file_copy;
pub mod growth;
pub mod hyper_hello;
pub mod memory;
pub mod mpsc_contended;
pub mod oneshot_pairs;
pub mod outside_wakes;
pub mod pending_timers;
pub mod ping_pong;
pub mod scaling;
pub mod skynet;
pub mod spawn_blocking;
pub mod spawn_local;
pub mod spawn_remote;
pub mod stall;
pub mod startup;
pub mod stuck_behind;
pub mod ticker_cpu;
pub mod timeout_yield;
pub mod timer_fire;
pub mod uneven;
pub mod wake_busy;
pub mod wake_idle;
pub mod yield_many;

use std::time::Duration;

use crate::cell::{Answer, Case, Cell};
use crate::options::Effort;
use crate::peers::{Contestant, Runtime, runtimes};
use crate::probes;

/// What a shape asks and how.
pub trait Question {
    /// As in tables and after `--only`.
    const NAME: &'static str;
    /// The question in one line.
    const ASKS: &'static str;
    /// Slow ones run in one round of three.
    const SLOW: bool = false;

    /// The ways to ask it.
    fn cases(_effort: Effort) -> Vec<Case> {
        Case::only()
    }

    /// The figures that count, with the goals for them.
    fn figures(_case: &Case) -> Vec<Figure> {
        vec![Figure::wall("wall ns")]
    }

    /// How long a cell measures.
    fn time(_case: &Case, effort: Effort) -> Duration {
        effort.cell()
    }

    /// What else takes part: hand-written programs that do the least that must be done.
    fn limits(_case: &Case) -> Vec<Contestant> {
        Vec::new()
    }

    /// Measures on one runtime.
    fn answer<R: Runtime>(cell: &Cell) -> Answer;
}

/// One figure of an answer: a cost, so less is better.
#[derive(Clone, Debug)]
pub struct Figure {
    /// What it is, with its unit.
    pub label: String,
    /// Where it comes from.
    pub of: Source,
    /// Ours as a share of the best peer's: at most this.
    pub goal: Option<f64>,
    /// Ours in absolute terms: at most this.
    pub cap: Option<f64>,
}

/// Where a figure comes from.
#[derive(Clone, Debug, PartialEq)]
pub enum Source {
    /// Wall time an operation, in nanoseconds.
    Wall,
    /// CPU time an operation, in nanoseconds.
    Cpu,
    /// Context switches an operation.
    Switches,
    /// A quantile of a distribution, in microseconds.
    Quantile(&'static str, f64),
    /// A gauge.
    Gauge(&'static str),
}

impl Figure {
    fn new(label: &str, of: Source) -> Figure {
        Figure { label: label.to_owned(), of, goal: None, cap: None }
    }

    /// Wall time an operation.
    pub fn wall(label: &str) -> Figure {
        Figure::new(label, Source::Wall)
    }

    /// CPU time an operation.
    pub fn cpu(label: &str) -> Figure {
        Figure::new(label, Source::Cpu)
    }

    /// Context switches an operation.
    pub fn switches(label: &str) -> Figure {
        Figure::new(label, Source::Switches)
    }

    /// A quantile of a distribution.
    pub fn quantile(label: &str, name: &'static str, q: f64) -> Figure {
        Figure::new(label, Source::Quantile(name, q))
    }

    /// A gauge.
    pub fn gauge(label: &str, name: &'static str) -> Figure {
        Figure::new(label, Source::Gauge(name))
    }

    /// Sets what we want to reach as a share of the best peer's.
    #[must_use]
    pub fn goal(mut self, ratio: f64) -> Figure {
        self.goal = Some(ratio);
        self
    }

    /// Sets what we want to reach in absolute terms.
    #[must_use]
    pub fn cap(mut self, value: f64) -> Figure {
        self.cap = Some(value);
        self
    }

    /// Reads it off an answer; `None` if the answer has no such figure.
    pub fn value(&self, answer: &Answer) -> Option<f64> {
        let each = |total: u64| match answer.operations {
            0 => None,
            operations => Some(total as f64 / operations as f64),
        };
        match self.of {
            Source::Wall => each(answer.wall_ns),
            Source::Cpu => each(answer.cpu_ns),
            Source::Switches => each(answer.switches),
            Source::Quantile(name, q) => {
                answer.latency.get(name).map(|histogram| histogram.quantile(q) / 1000.0)
            }
            Source::Gauge(name) => answer.gauges.get(name).copied(),
        }
    }
}

/// A question with its type taken off, so that shapes fit in a list.
#[derive(Clone, Debug)]
pub struct Shape {
    /// See [`Question::NAME`].
    pub name: &'static str,
    /// See [`Question::ASKS`].
    pub asks: &'static str,
    /// See [`Question::SLOW`].
    pub slow: bool,
    /// See [`Question::cases`].
    pub cases: fn(Effort) -> Vec<Case>,
    /// See [`Question::figures`].
    pub figures: fn(&Case) -> Vec<Figure>,
    /// See [`Question::time`].
    pub time: fn(&Case, Effort) -> Duration,
    /// The runtimes.
    pub runtimes: Vec<Contestant>,
    /// See [`Question::limits`].
    pub limits: fn(&Case) -> Vec<Contestant>,
}

impl Shape {
    fn of<Q: Question>() -> Shape {
        Shape {
            name: Q::NAME,
            asks: Q::ASKS,
            slow: Q::SLOW,
            cases: Q::cases,
            figures: Q::figures,
            time: Q::time,
            runtimes: runtimes::<Q>(),
            limits: Q::limits,
        }
    }

    /// Who takes part in a case.
    pub fn contestants(&self, case: &Case) -> Vec<Contestant> {
        let mut contestants = self.runtimes.clone();
        contestants.extend((self.limits)(case));
        contestants
    }
}

/// All shapes, in the order of the table.
pub fn all() -> Vec<Shape> {
    vec![
        Shape::of::<spawn_local::SpawnLocal>(),
        Shape::of::<spawn_remote::SpawnRemote>(),
        Shape::of::<yield_many::YieldMany>(),
        Shape::of::<oneshot_pairs::OneshotPairs>(),
        Shape::of::<ping_pong::PingPong>(),
        Shape::of::<chained_spawn::ChainedSpawn>(),
        Shape::of::<skynet::Skynet>(),
        Shape::of::<mpsc_contended::MpscContended>(),
        Shape::of::<timeout_yield::TimeoutYield>(),
        Shape::of::<timer_fire::TimerFire>(),
        Shape::of::<spawn_blocking::SpawnBlocking>(),
        Shape::of::<wake_idle::WakeIdle>(),
        Shape::of::<wake_busy::WakeBusy>(),
        Shape::of::<ticker_cpu::TickerCpu>(),
        Shape::of::<echo::Echo>(),
        Shape::of::<hyper_hello::HyperHello>(),
        Shape::of::<startup::Startup>(),
        Shape::of::<memory::Memory>(),
        Shape::of::<stuck_behind::StuckBehind>(),
        Shape::of::<stall::Stall>(),
        Shape::of::<fairness::Fairness>(),
        Shape::of::<uneven::Uneven>(),
        Shape::of::<fan_out::FanOut>(),
        Shape::of::<scaling::Scaling>(),
        Shape::of::<growth::Growth>(),
        Shape::of::<file_copy::FileCopy>(),
        probes::machine(),
    ]
}

/// Runs a cell in this process.
///
/// # Panics
/// If there is no such shape, case or contestant.
pub fn run(cell: &Cell) -> Answer {
    let shape = all().into_iter().find(|shape| shape.name == cell.shape).expect("a shape's name");
    let mut contestants = shape.contestants(&cell.case).into_iter();
    let contestant =
        contestants.find(|contestant| contestant.name == cell.contestant).expect("who takes part");
    (contestant.answer)(cell)
}
