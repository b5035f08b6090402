//! Does a task or a timer cost more when there are many?
//!
//! `tasks`: so many tasks at once, which each yield once and are joined. `timers`: so many sleeps are
//! pending; ten tasks set and cancel further ones, of random lengths up to an hour. A million of them
//! only in a full run.

use std::time::Duration;

use super::pending_timers::hold;
use super::{Figure, Question};
use crate::cell::{Answer, Case, Cell, repeat};
use crate::neutral::yield_once;
use crate::options::Effort;
use crate::peers::Runtime;
use crate::stats::Random;

const SETTERS: u64 = 10;
const SETTINGS: u64 = 200;

/// See the module.
#[derive(Debug)]
pub struct Growth;

impl Question for Growth {
    const NAME: &'static str = "growth";
    const ASKS: &'static str = "cost of a task and of a timer among 1 000 to 1 000 000 of them";

    fn cases(effort: Effort) -> Vec<Case> {
        let most = effort.pick(100_000, 100_000, 1_000_000);
        let sizes = [1_000, 10_000, 100_000, 1_000_000];
        let sizes = || sizes.into_iter().filter(|size| *size <= most);
        let tasks = sizes().map(|size| Case::sized("tasks", size));
        tasks.chain(sizes().map(|size| Case::sized("timers", size))).collect()
    }

    fn figures(case: &Case) -> Vec<Figure> {
        vec![Figure::wall(if case.variant == "tasks" { "ns a task" } else { "ns a timer" })]
    }

    fn time(case: &Case, effort: Effort) -> Duration {
        // Making a million of them takes about a second each time.
        effort.cell() + Duration::from_micros(case.size)
    }

    fn answer<R: Runtime>(cell: &Cell) -> Answer {
        let (size, time) = (cell.size(), cell.time);
        if cell.case.variant == "tasks" {
            return cell.repeat::<R, _, _>(cell.case.size, move || async move {
                let tasks: Vec<_> = (0..size).map(|_| R::spawn(yield_once())).collect();
                for task in tasks {
                    task.await;
                }
            });
        }
        cell.on_runtime::<R, _>(async move {
            hold::<R>(size).await;
            repeat(time, SETTERS * SETTINGS, set_and_cancel::<R>).await
        })
    }
}

async fn set_and_cancel<R: Runtime>() {
    let setter = |seed| {
        R::spawn(async move {
            let mut random = Random::new(seed);
            for _ in 0..SETTINGS {
                let time = Duration::from_millis(1_000 + random.below(3_600_000));
                assert_eq!(R::timeout(time, yield_once()).await, Some(()));
            }
        })
    };
    for setter in (0..SETTERS).map(setter).collect::<Vec<_>>() {
        setter.await;
    }
}
