//! How well is uneven work spread?
//!
//! One task spawns 2 000 others, whose work is Pareto distributed between about 1 and 100 us, and
//! joins them. `x ideal` is the time against that of the same work on one thread, divided by the
//! number of workers (or CPUs, if those are fewer).

use std::time::Instant;

use super::{Figure, Question};
use crate::cell::{Answer, Case, Cell};
use crate::neutral::compute;
use crate::peers::Runtime;
use crate::stats::Random;

const TASKS: u64 = 2_000;
const STEPS_MIN: f64 = 1_000.0;
const STEPS_MAX: f64 = 100_000.0;
/// Few tasks hold most of the work.
const SHAPE: f64 = 0.8;
const IDEAL: &str = "x ideal";

/// See the module.
#[derive(Debug)]
pub struct Uneven;

impl Question for Uneven {
    const NAME: &'static str = "uneven";
    const ASKS: &'static str = "2 000 tasks of 1 to 100 us, Pareto distributed, from one task";

    fn figures(_case: &Case) -> Vec<Figure> {
        vec![Figure::gauge("time, x ideal", IDEAL)]
    }

    fn answer<R: Runtime>(cell: &Cell) -> Answer {
        let start = Instant::now();
        for steps in work() {
            std::hint::black_box(compute(steps));
        }
        let alone = start.elapsed();
        let answer = cell.repeat::<R, _, _>(TASKS, || async {
            let task = |steps| R::spawn(async move { compute(steps) });
            for task in work().map(task).collect::<Vec<_>>() {
                task.await;
            }
        });
        let cpus = std::thread::available_parallelism().map_or(1, |cpus| cpus.get());
        let ideal = alone.as_nanos() as f64 / cell.workers.min(cpus) as f64;
        let each = answer.wall_ns as f64 / answer.operations as f64;
        answer.with_gauge(IDEAL, each * TASKS as f64 / ideal)
    }
}

/// The steps of each task, the same every time.
fn work() -> impl Iterator<Item = u64> {
    let mut random = Random::new(7);
    (0..TASKS).map(move |_| {
        let steps = STEPS_MIN / (1.0 - random.unit()).powf(1.0 / SHAPE);
        steps.min(STEPS_MAX) as u64
    })
}
