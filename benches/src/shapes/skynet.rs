//! What does a task cost in a tree that grows and folds up again?
//!
//! The skynet benchmark: a task spawns ten children, each of them ten, five levels deep, 111 111
//! tasks in all; leaves return their number, the others the sum of their children's.

use super::{Figure, Question};
use crate::cell::{Answer, Case, Cell};
use crate::peers::Runtime;

const LEAVES: u64 = 100_000;
const TASKS: u64 = 111_111;

/// See the module.
#[derive(Debug)]
pub struct Skynet;

impl Question for Skynet {
    const NAME: &'static str = "skynet";
    const ASKS: &'static str = "ten children each, 111 111 tasks";

    fn figures(_case: &Case) -> Vec<Figure> {
        vec![Figure::wall("ns a task").goal(0.50)]
    }

    fn answer<R: Runtime>(cell: &Cell) -> Answer {
        cell.repeat::<R, _, _>(TASKS, || async {
            assert_eq!(grow::<R>(0, LEAVES).await, LEAVES * (LEAVES - 1) / 2);
        })
    }
}

fn grow<R: Runtime>(first: u64, leaves: u64) -> R::Task<u64> {
    R::spawn(async move {
        if leaves == 1 {
            return first;
        }
        let share = leaves / 10;
        let children: Vec<_> = (0..10).map(|n| grow::<R>(first + n * share, share)).collect();
        let mut sum = 0;
        for child in children {
            sum += child.await;
        }
        sum
    })
}
