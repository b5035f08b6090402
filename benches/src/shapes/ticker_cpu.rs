//! What does it cost to keep a clock ticking when nothing else happens?
//!
//! One task sleeps until the next millisecond, again and again.

use std::time::{Duration, Instant};

use super::{Figure, Question};
use crate::cell::{Answer, Case, Cell};
use crate::histogram::Histogram;
use crate::meter::Meter;
use crate::options::Effort;
use crate::peers::Runtime;

const TICK: Duration = Duration::from_millis(1);
const LATE: &str = "late";

/// See the module.
#[derive(Debug)]
pub struct TickerCpu;

impl Question for TickerCpu {
    const NAME: &'static str = "ticker_cpu";
    const ASKS: &'static str = "CPU of a 1 ms ticker, and its lateness";

    fn figures(_case: &Case) -> Vec<Figure> {
        vec![
            Figure::cpu("CPU ns a tick").goal(0.90),
            Figure::quantile("late p50 us", LATE, 0.50),
            Figure::quantile("late p99 us", LATE, 0.99),
        ]
    }

    fn time(_case: &Case, effort: Effort) -> Duration {
        effort.cell() * 3
    }

    fn answer<R: Runtime>(cell: &Cell) -> Answer {
        let time = cell.time;
        cell.on_runtime::<R, _>(async move {
            let meter = Meter::start();
            let late = tick::<R>(time).await;
            meter.stop(late.total()).with_latency(LATE, late)
        })
    }
}

/// How late each tick was, for so long. A tick that is missed is not left out, but late.
pub async fn tick<R: Runtime>(time: Duration) -> Histogram {
    tick_by(time, R::sleep_until).await
}

/// The same of somebody who sleeps like this.
pub async fn tick_by(time: Duration, sleep_until: impl AsyncFn(Instant)) -> Histogram {
    let start = Instant::now();
    let mut late = Histogram::default();
    let mut deadline = start;
    while deadline < start + time {
        deadline += TICK;
        sleep_until(deadline).await;
        late.record(deadline.elapsed().as_nanos() as u64);
    }
    late
}
