//! What does a short conversation between two tasks cost?
//!
//! 1 000 tasks at once each spawn a partner, send it a message and wait for its answer; an operation
//! is one such conversation: two spawns, two messages. `native` uses each runtime's own oneshot
//! channel, `neutral` the same channel for all.

use super::{Figure, Question};
use crate::cell::{Answer, Case, Cell};
use crate::options::Effort;
use crate::peers::{Channels, Neutral, Runtime};

const PAIRS: u64 = 1_000;

/// See the module.
#[derive(Debug)]
pub struct OneshotPairs;

impl Question for OneshotPairs {
    const NAME: &'static str = "oneshot_pairs";
    const ASKS: &'static str = "1 000 tasks each spawning a partner and exchanging oneshots";

    fn cases(_effort: Effort) -> Vec<Case> {
        vec![Case::named("native"), Case::named("neutral")]
    }

    fn figures(_case: &Case) -> Vec<Figure> {
        vec![Figure::wall("ns a pair").goal(0.60)]
    }

    fn answer<R: Runtime>(cell: &Cell) -> Answer {
        if cell.case.variant == "native" {
            cell.repeat::<R, _, _>(PAIRS, pairs::<R, R::Native>)
        } else {
            cell.repeat::<R, _, _>(PAIRS, pairs::<R, Neutral>)
        }
    }
}

async fn pairs<R: Runtime, C: Channels>() {
    let pair = |number| {
        R::spawn(async move {
            let (ask, asked) = C::oneshot::<u64>();
            let (reply, replied) = C::oneshot::<u64>();
            let partner = R::spawn(async move { reply(asked.await + 1) });
            ask(number);
            assert_eq!(replied.await, number + 1);
            partner.await;
        })
    };
    for task in (0..PAIRS).map(pair).collect::<Vec<_>>() {
        task.await;
    }
}
