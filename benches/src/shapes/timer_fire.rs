//! What does a timer cost that does its work, and how late is it?
//!
//! 100 000 tasks sleep once each, their deadlines spread at random over one second. The CPU time is
//! that of all of it: spawning, registering, firing, running, joining. A sleep that ends early fails
//! the cell. The limit is a thread with a sorted list and nothing else, which wakes no more often than
//! the goal for the median needs.

use std::num::NonZeroU64;
use std::thread;
use std::time::{Duration, Instant};

use super::{Figure, Question};
use crate::cell::{Answer, Case, Cell};
use crate::histogram::Histogram;
use crate::meter::Meter;
use crate::options::Effort;
use crate::peers::{Contestant, Runtime};
use crate::probes;
use crate::stats::Random;

const TIMERS: u64 = 100_000;
const SPREAD: Duration = Duration::from_secs(1);
/// Time to spawn them all before the first deadline.
const LEAD: Duration = Duration::from_millis(300);
const LATE: &str = "late";
/// So far apart the bare thread wakes up: half of the timers are then late by half of this, and the time
/// that a wake takes.
const APART: Duration = Duration::from_micros(130);

/// See the module.
#[derive(Debug)]
pub struct TimerFire;

impl Question for TimerFire {
    const NAME: &'static str = "timer_fire";
    const ASKS: &'static str = "100 000 sleeps over 1 s: CPU a timer, and lateness";

    fn figures(_case: &Case) -> Vec<Figure> {
        vec![
            Figure::cpu("CPU ns a timer").goal(0.40),
            Figure::quantile("late p50 us", LATE, 0.50).cap(100.0),
            Figure::quantile("late p99 us", LATE, 0.99).cap(500.0),
            Figure::quantile("late max us", LATE, 1.0),
        ]
    }

    fn time(_case: &Case, _effort: Effort) -> Duration {
        LEAD + SPREAD
    }

    fn limits(_case: &Case) -> Vec<Contestant> {
        vec![probes::limit("bare thread", bare)]
    }

    fn answer<R: Runtime>(cell: &Cell) -> Answer {
        cell.on_runtime::<R, _>(async {
            let meter = Meter::start();
            let sleeper = |deadline: Instant| {
                R::spawn(async move {
                    R::sleep_until(deadline).await;
                    let now = Instant::now();
                    let late = now.checked_duration_since(deadline);
                    late.expect("no sleep ends early").as_nanos() as u64
                })
            };
            let sleepers: Vec<_> = deadlines().map(sleeper).collect();
            let mut late = Histogram::default();
            for sleeper in sleepers {
                late.record(sleeper.await);
            }
            meter.stop(TIMERS).with_latency(LATE, late)
        })
    }
}

fn deadlines() -> impl Iterator<Item = Instant> {
    let mut random = Random::new(1);
    let first = Instant::now() + LEAD;
    (0..TIMERS).map(move |_| first + SPREAD.mul_f64(random.unit()))
}

fn bare(_cell: &Cell) -> Answer {
    let meter = Meter::start();
    let mut late = Histogram::default();
    let mut deadlines: Vec<_> = deadlines().collect();
    deadlines.sort_unstable();
    // Not 50 us later than asked for, as by default. A refusal only makes the limit worse.
    let _ = rustix::thread::set_current_timer_slack(NonZeroU64::new(1));
    let mut left = &deadlines[..];
    while let Some(next) = left.first() {
        thread::sleep((*next + APART).saturating_duration_since(Instant::now()));
        let now = Instant::now();
        let due = left.partition_point(|deadline| *deadline <= now);
        left[..due].iter().for_each(|due| late.record((now - *due).as_nanos() as u64));
        left = &left[due..];
    }
    meter.stop(TIMERS).with_latency(LATE, late)
}
