//! How long does it take to wake a task of an idle runtime from a thread outside?
//!
//! The size of a case is how long the runtime has been idle, in microseconds: a CPU that has slept
//! for long wakes more slowly (a virtual machine may poll for some 200 us before it gives its CPU
//! up). The limit is a thread that waits on a futex. CPU times hold the waking thread's, too.

use std::time::Duration;

use super::outside_wakes::{self, WAKE};
use super::{Figure, Question};
use crate::cell::{Answer, Case, Cell};
use crate::options::Effort;
use crate::peers::{Contestant, Runtime};
use crate::probes;

/// See the module.
#[derive(Debug)]
pub struct WakeIdle;

impl Question for WakeIdle {
    const NAME: &'static str = "wake_idle";
    const ASKS: &'static str = "wake of an idle runtime from outside, after so many us of idleness";

    fn cases(_effort: Effort) -> Vec<Case> {
        [10, 100, 1_000, 10_000].map(|gap| Case::sized("", gap)).into()
    }

    fn figures(_case: &Case) -> Vec<Figure> {
        vec![
            Figure::quantile("p50 us", WAKE, 0.50).goal(0.80),
            Figure::quantile("p99 us", WAKE, 0.99),
        ]
    }

    fn time(case: &Case, effort: Effort) -> Duration {
        // At least some dozens of wakes.
        effort.cell().max(Duration::from_micros(case.size) * effort.pick(30, 60, 150))
    }

    fn limits(_case: &Case) -> Vec<Contestant> {
        let wake = |cell: &Cell| probes::futex::wake(cell, gap(cell), Duration::ZERO, WAKE);
        vec![probes::limit("futex", wake)]
    }

    fn answer<R: Runtime>(cell: &Cell) -> Answer {
        let runtime = R::start(cell.workers);
        let answer = outside_wakes::measure(cell, &runtime, gap(cell));
        runtime.stop();
        answer
    }
}

fn gap(cell: &Cell) -> Duration {
    Duration::from_micros(cell.case.size)
}
