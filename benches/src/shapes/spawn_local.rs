//! What does it cost to spawn an empty task from a task, and to join it?
//!
//! 10 000 are spawned in one go and then joined in order. The limit is a ring of boxed futures on
//! one thread.

use super::{Figure, Question};
use crate::cell::{Answer, Case, Cell};
use crate::peers::{Contestant, Runtime};
use crate::probes;

const TASKS: u64 = 10_000;

/// See the module.
#[derive(Debug)]
pub struct SpawnLocal;

impl Question for SpawnLocal {
    const NAME: &'static str = "spawn_local";
    const ASKS: &'static str = "10 000 empty tasks spawned from a task and joined";

    fn figures(_case: &Case) -> Vec<Figure> {
        vec![Figure::wall("ns a task").goal(0.40)]
    }

    fn limits(_case: &Case) -> Vec<Contestant> {
        vec![probes::limit("bare ring", |cell| probes::ring::spawn(cell, TASKS))]
    }

    fn answer<R: Runtime>(cell: &Cell) -> Answer {
        cell.repeat::<R, _, _>(TASKS, || spawn_and_join::<R>(TASKS))
    }
}

/// Spawns so many empty tasks and joins them.
pub async fn spawn_and_join<R: Runtime>(tasks: u64) {
    let tasks: Vec<_> = (0..tasks).map(|_| R::spawn(async {})).collect();
    for task in tasks {
        task.await;
    }
}
