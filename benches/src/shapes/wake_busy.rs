//! How long does it take until a busy runtime runs a task that was woken from a thread outside?
//!
//! Two tasks a worker compute for about 5 us and yield, again and again; the outside is heard between
//! two of them, sooner or later.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};
use std::time::Duration;

use super::outside_wakes::{self, WAKE};
use super::{Figure, Question};
use crate::cell::{Answer, Case, Cell};
use crate::neutral::{compute_for, yield_once};
use crate::peers::Runtime;

const TASKS_A_WORKER: usize = 2;
const TURN: Duration = Duration::from_micros(5);
const GAP: Duration = Duration::from_micros(200);

/// See the module.
#[derive(Debug)]
pub struct WakeBusy;

impl Question for WakeBusy {
    const NAME: &'static str = "wake_busy";
    const ASKS: &'static str = "wake of a busy runtime from outside";

    fn figures(_case: &Case) -> Vec<Figure> {
        vec![
            Figure::quantile("p50 us", WAKE, 0.50).goal(0.80),
            Figure::quantile("p99 us", WAKE, 0.99),
        ]
    }

    fn answer<R: Runtime>(cell: &Cell) -> Answer {
        let runtime = R::start(cell.workers);
        let done = Arc::new(AtomicBool::new(false));
        let busy = |_| {
            let done = done.clone();
            runtime.spawn_outside(async move {
                // Ordering: Relaxed, the flag hands nothing over.
                while !done.load(Relaxed) {
                    compute_for(TURN);
                    yield_once().await;
                }
            })
        };
        let tasks: Vec<_> = (0..cell.workers * TASKS_A_WORKER).map(busy).collect();
        let answer = outside_wakes::measure(cell, &runtime, GAP);
        done.store(true, Relaxed);
        for task in tasks {
            smol::future::block_on(task);
        }
        runtime.stop();
        // The CPU is always busy here: what it costs says nothing.
        Answer { operations: 0, ..answer }
    }
}
