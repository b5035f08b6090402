//! How long does a ready task wait among tasks that are always ready, too?
//!
//! On each worker there are two pairs that play ping-pong for ever (each wakes the other and waits: a
//! runtime that always runs the task woken last runs nothing else) and two tasks that yield for
//! ever. The victim is woken from outside once a millisecond.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};
use std::time::Duration;

use super::outside_wakes::{self, WAKE};
use super::{Figure, Question};
use crate::cell::{Answer, Case, Cell};
use crate::neutral::yield_once;
use crate::peers::{Channels, Neutral, Runtime};

const PAIRS_A_WORKER: usize = 2;
const YIELDERS_A_WORKER: usize = 2;
const GAP: Duration = Duration::from_millis(1);

/// See the module.
#[derive(Debug)]
pub struct Fairness;

impl Question for Fairness {
    const NAME: &'static str = "fairness";
    const ASKS: &'static str = "a victim woken among ping-pong pairs and yielders that never rest";

    fn figures(_case: &Case) -> Vec<Figure> {
        vec![
            Figure::quantile("p50 us", WAKE, 0.50),
            Figure::quantile("p99 us", WAKE, 0.99),
            Figure::quantile("max us", WAKE, 1.0),
        ]
    }

    fn time(_case: &Case, effort: crate::options::Effort) -> Duration {
        effort.cell() * 2
    }

    fn answer<R: Runtime>(cell: &Cell) -> Answer {
        let runtime = R::start(cell.workers);
        let done = Arc::new(AtomicBool::new(false));
        let mut tasks = Vec::new();
        for _ in 0..cell.workers * PAIRS_A_WORKER {
            let (ping, pinged) = Neutral::bounded(1);
            let (pong, ponged) = Neutral::bounded(1);
            let start = ping.clone();
            tasks.push(runtime.spawn_outside(pass_on(pinged, pong, done.clone())));
            tasks.push(runtime.spawn_outside(pass_on(ponged, ping, done.clone())));
            start.try_send(1).expect("the channel is empty");
        }
        for _ in 0..cell.workers * YIELDERS_A_WORKER {
            let done = done.clone();
            tasks.push(runtime.spawn_outside(async move {
                // Ordering: Relaxed, the flag hands nothing over.
                while !done.load(Relaxed) {
                    yield_once().await;
                }
            }));
        }
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

/// Receives and sends until told to end, which also ends the partner: it finds the channel closed.
async fn pass_on(
    from: <Neutral as Channels>::Receiver,
    to: <Neutral as Channels>::Sender,
    done: Arc<AtomicBool>,
) {
    while let Ok(number) = from.recv().await {
        if done.load(Relaxed) || to.send(number).await.is_err() {
            return;
        }
    }
}
