//! What does one turn of a task through the queue cost?
//!
//! 200 tasks yield 1 000 times each. `neutral`: the task wakes itself and is pending, which a
//! runtime sees as any other wake; `native`: the runtime's own `yield_now`, which may do better.

use super::{Figure, Question};
use crate::cell::{Answer, Case, Cell};
use crate::neutral::yield_once;
use crate::options::Effort;
use crate::peers::{Contestant, Runtime};
use crate::probes;

const TASKS: u64 = 200;
const YIELDS: u64 = 1_000;

/// See the module.
#[derive(Debug)]
pub struct YieldMany;

impl Question for YieldMany {
    const NAME: &'static str = "yield_many";
    const ASKS: &'static str = "200 tasks yielding 1 000 times";

    fn cases(_effort: Effort) -> Vec<Case> {
        vec![Case::named("neutral"), Case::named("native")]
    }

    fn figures(_case: &Case) -> Vec<Figure> {
        vec![Figure::wall("ns a yield").goal(0.50)]
    }

    fn limits(_case: &Case) -> Vec<Contestant> {
        vec![probes::limit("bare ring", |cell| probes::ring::yields(cell, TASKS, YIELDS))]
    }

    fn answer<R: Runtime>(cell: &Cell) -> Answer {
        if cell.case.variant == "native" {
            cell.repeat::<R, _, _>(TASKS * YIELDS, native::<R>)
        } else {
            cell.repeat::<R, _, _>(TASKS * YIELDS, || neutral::<R>(TASKS, YIELDS))
        }
    }
}

/// So many tasks each wake themselves so often.
pub async fn neutral<R: Runtime>(tasks: u64, yields: u64) {
    let task = |_| {
        R::spawn(async move {
            for _ in 0..yields {
                yield_once().await;
            }
        })
    };
    for task in (0..tasks).map(task).collect::<Vec<_>>() {
        task.await;
    }
}

async fn native<R: Runtime>() {
    let task = |_| {
        R::spawn(async {
            for _ in 0..YIELDS {
                R::yield_now().await;
            }
        })
    };
    for task in (0..TASKS).map(task).collect::<Vec<_>>() {
        task.await;
    }
}
