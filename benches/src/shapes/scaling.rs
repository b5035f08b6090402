//! What do more workers bring, and what do more workers than CPUs cost?
//!
//! The size of a case is the number of workers, whatever `--workers` says. `spawn`: as `spawn_local`;
//! `yield`: as `yield_many`.

use super::spawn_local::spawn_and_join;
use super::yield_many::neutral;
use super::{Figure, Question};
use crate::cell::{Answer, Case, Cell};
use crate::options::Effort;
use crate::peers::Runtime;

const TASKS: u64 = 10_000;
const YIELDERS: u64 = 200;
const YIELDS: u64 = 200;

/// See the module.
#[derive(Debug)]
pub struct Scaling;

impl Question for Scaling {
    const NAME: &'static str = "scaling";
    const ASKS: &'static str = "spawning and yielding on 1, 2, 4, 8 and 16 workers";

    fn cases(_effort: Effort) -> Vec<Case> {
        let sizes = |variant| [1, 2, 4, 8, 16].map(|workers| Case::sized(variant, workers));
        [sizes("spawn"), sizes("yield")].concat()
    }

    fn figures(case: &Case) -> Vec<Figure> {
        vec![Figure::wall(if case.variant == "spawn" { "ns a task" } else { "ns a yield" })]
    }

    fn answer<R: Runtime>(cell: &Cell) -> Answer {
        let cell = Cell { workers: cell.size(), ..cell.clone() };
        if cell.case.variant == "spawn" {
            cell.repeat::<R, _, _>(TASKS, || spawn_and_join::<R>(TASKS))
        } else {
            cell.repeat::<R, _, _>(YIELDERS * YIELDS, || neutral::<R>(YIELDERS, YIELDS))
        }
    }
}
