//! How long does a task wait that was woken by one that then computes for long?
//!
//! A wakes B and computes for 20 ms, while another worker is idle. A runtime that keeps B for A's
//! worker, because it was woken there, lets it wait as long. The first round is not counted: in it a
//! runtime may start a thread. The limit is a thread that waits on a futex.

use std::sync::Arc;
use std::time::Duration;

use super::{Figure, Question};
use crate::cell::{Answer, Case, Cell};
use crate::histogram::Histogram;
use crate::neutral::{Bell, compute_for};
use crate::options::Effort;
use crate::peers::{Contestant, Runtime};
use crate::probes;

const WORK: Duration = Duration::from_millis(20);
const REST: Duration = Duration::from_millis(2);
const DELAY: &str = "delay";

/// See the module.
#[derive(Debug)]
pub struct StuckBehind;

impl Question for StuckBehind {
    const NAME: &'static str = "stuck_behind";
    const ASKS: &'static str = "A wakes B and computes for 20 ms beside an idle worker: delay of B";

    fn figures(_case: &Case) -> Vec<Figure> {
        vec![Figure::quantile("p50 us", DELAY, 0.50), Figure::quantile("p99 us", DELAY, 0.99)]
    }

    fn limits(_case: &Case) -> Vec<Contestant> {
        let wake = |cell: &Cell| probes::futex::wake(cell, REST, WORK, DELAY);
        vec![probes::limit("futex", wake)]
    }

    fn time(_case: &Case, effort: Effort) -> Duration {
        // The 99th percentile of less than a hundred waits is the longest of them.
        Duration::from_secs(effort.pick(1, 3, 10))
    }

    fn answer<R: Runtime>(cell: &Cell) -> Answer {
        let time = cell.time;
        let cell = Cell { workers: cell.workers.max(2), ..cell.clone() };
        let delays = cell.on_runtime::<R, _>(async move {
            let bell = Arc::new(Bell::default());
            let rounds = time.as_nanos() / (WORK + REST).as_nanos();
            let b = R::spawn({
                let bell = bell.clone();
                async move {
                    let mut delays = Histogram::default();
                    for round in 0..rounds {
                        let delay = bell.heard().await;
                        if round > 0 {
                            delays.record(delay);
                        }
                    }
                    delays
                }
            });
            let a = R::spawn(async move {
                for _ in 0..rounds {
                    R::sleep(REST).await;
                    bell.ring();
                    compute_for(WORK);
                }
            });
            a.await;
            b.await
        });
        Answer::default().with_latency(DELAY, delays)
    }
}
