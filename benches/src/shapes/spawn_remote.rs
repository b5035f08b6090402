//! What does it cost to spawn an empty task from a thread that is no worker, and to join it?
//!
//! 10 000 are spawned in one go by a thread outside, which then joins them in order; between two
//! such bursts the workers have nothing to do, and may go to sleep.

use super::{Figure, Question};
use crate::cell::{Answer, Case, Cell};
use crate::meter::Meter;
use crate::peers::Runtime;

const TASKS: u64 = 10_000;

/// See the module.
#[derive(Debug)]
pub struct SpawnRemote;

impl Question for SpawnRemote {
    const NAME: &'static str = "spawn_remote";
    const ASKS: &'static str = "10 000 empty tasks spawned from a thread outside and joined";

    fn figures(_case: &Case) -> Vec<Figure> {
        vec![Figure::wall("ns a task").goal(0.60)]
    }

    fn answer<R: Runtime>(cell: &Cell) -> Answer {
        let runtime = R::start(cell.workers);
        let burst = || {
            let tasks: Vec<_> = (0..TASKS).map(|_| runtime.spawn_outside(async {})).collect();
            // One blocking wait a burst, not one a task.
            smol::future::block_on(async {
                for task in tasks {
                    task.await;
                }
            });
        };
        let warm = Meter::start();
        while warm.elapsed() < cell.time / 5 {
            burst();
        }
        let meter = Meter::start();
        let mut bursts = 0;
        while meter.elapsed() < cell.time {
            burst();
            bursts += 1;
        }
        let answer = meter.stop(bursts * TASKS);
        runtime.stop();
        answer
    }
}
