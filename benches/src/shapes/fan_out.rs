//! What does it cost to split work into so many parts and to wait for all of them?
//!
//! The size of a case is the number of parts, each about a microsecond of computing: with few of
//! them the question is how soon others help, with many what each costs.

use super::{Figure, Question};
use crate::cell::{Answer, Case, Cell};
use crate::neutral::compute;
use crate::options::Effort;
use crate::peers::Runtime;

const STEPS: u64 = 1_000;

/// See the module.
#[derive(Debug)]
pub struct FanOut;

impl Question for FanOut {
    const NAME: &'static str = "fan_out";
    const ASKS: &'static str = "a task that spawns so many others, of 1 us each, and joins them";

    fn cases(_effort: Effort) -> Vec<Case> {
        [10, 100, 1_000, 10_000].map(|parts| Case::sized("", parts)).into()
    }

    fn figures(_case: &Case) -> Vec<Figure> {
        vec![Figure::wall("ns a part")]
    }

    fn answer<R: Runtime>(cell: &Cell) -> Answer {
        let parts = cell.case.size;
        cell.repeat::<R, _, _>(parts, move || async move {
            let part = |n| R::spawn(async move { compute(STEPS + n % 2) });
            for part in (0..parts).map(part).collect::<Vec<_>>() {
                part.await;
            }
        })
    }
}
