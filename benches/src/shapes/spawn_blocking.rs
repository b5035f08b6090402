//! What does it cost to have a blocking call made elsewhere?
//!
//! `burst`: 10 000 empty closures handed over at once by one task and then joined; `in turn`: each
//! handed over when the last one is done, so that a thread must be woken there and a task here; `in
//! place`: each run by the task itself, which lends its worker out meanwhile. smol has no way to do that:
//! there it is as `in turn`.

use super::{Figure, Question};
use crate::cell::{Answer, Case, Cell};
use crate::options::Effort;
use crate::peers::Runtime;

const BURST: u64 = 10_000;
const IN_TURN: u64 = 200;

/// See the module.
#[derive(Debug)]
pub struct SpawnBlocking;

impl Question for SpawnBlocking {
    const NAME: &'static str = "spawn_blocking";
    const ASKS: &'static str = "10 000 spawn_blocking from one task";

    fn cases(_effort: Effort) -> Vec<Case> {
        vec![Case::named("burst"), Case::named("in turn"), Case::named("in place")]
    }

    fn figures(case: &Case) -> Vec<Figure> {
        let wall = Figure::wall("ns a call");
        vec![if case.variant == "burst" { wall.goal(0.50) } else { wall }]
    }

    fn answer<R: Runtime>(cell: &Cell) -> Answer {
        if cell.case.variant == "burst" {
            return cell.repeat::<R, _, _>(BURST, || async {
                let calls: Vec<_> = (0..BURST).map(|_| R::spawn_blocking(|| ())).collect();
                for call in calls {
                    call.await;
                }
            });
        }
        if cell.case.variant == "in place" {
            // Spawned, since a thread outside has no worker that it could lend.
            return cell.repeat::<R, _, _>(IN_TURN, || async {
                let calls = R::spawn(async {
                    for _ in 0..IN_TURN {
                        R::block_in_place(|| ()).await;
                    }
                });
                calls.await;
            });
        }
        cell.repeat::<R, _, _>(IN_TURN, || async {
            for _ in 0..IN_TURN {
                R::spawn_blocking(|| ()).await;
            }
        })
    }
}
