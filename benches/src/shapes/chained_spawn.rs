//! What does it cost when each task ends by spawning the next?
//!
//! A chain of 10 000 tasks, none of which is joined; the last one says that it is the last.

use std::sync::Arc;

use super::{Figure, Question};
use crate::cell::{Answer, Case, Cell};
use crate::neutral::Bell;
use crate::peers::Runtime;

const LINKS: u64 = 10_000;

/// See the module.
#[derive(Debug)]
pub struct ChainedSpawn;

impl Question for ChainedSpawn {
    const NAME: &'static str = "chained_spawn";
    const ASKS: &'static str = "a chain of 10 000 tasks, each spawning the next";

    fn figures(_case: &Case) -> Vec<Figure> {
        vec![Figure::wall("ns a task").goal(0.30)]
    }

    fn answer<R: Runtime>(cell: &Cell) -> Answer {
        cell.repeat::<R, _, _>(LINKS, || async {
            let end = Arc::new(Bell::default());
            link::<R>(LINKS, end.clone());
            end.heard().await;
        })
    }
}

fn link<R: Runtime>(left: u64, end: Arc<Bell>) {
    if left == 0 {
        return end.ring();
    }
    R::detach(R::spawn(async move { link::<R>(left - 1, end) }));
}
