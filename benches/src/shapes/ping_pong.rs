//! What does a round trip between two tasks cost that have nothing else to do?
//!
//! One pair over two bounded channels of capacity 1: only one of the two can run at a time, so a
//! runtime that moves them apart pays a wake of the other core each way.

use super::{Figure, Question};
use crate::cell::{Answer, Case, Cell};
use crate::options::Effort;
use crate::peers::{Channels, Neutral, Runtime};

const ROUND_TRIPS: u64 = 10_000;

/// See the module.
#[derive(Debug)]
pub struct PingPong;

impl Question for PingPong {
    const NAME: &'static str = "ping_pong";
    const ASKS: &'static str = "one pair over two bounded channels, a round trip";

    fn cases(_effort: Effort) -> Vec<Case> {
        vec![Case::named("native"), Case::named("neutral")]
    }

    fn figures(_case: &Case) -> Vec<Figure> {
        vec![Figure::wall("ns a round trip").goal(0.50)]
    }

    fn answer<R: Runtime>(cell: &Cell) -> Answer {
        if cell.case.variant == "native" {
            cell.repeat::<R, _, _>(ROUND_TRIPS, || exchange::<R, R::Native>(ROUND_TRIPS))
        } else {
            cell.repeat::<R, _, _>(ROUND_TRIPS, || exchange::<R, Neutral>(ROUND_TRIPS))
        }
    }
}

/// Two tasks send a number to and fro.
pub async fn exchange<R: Runtime, C: Channels>(round_trips: u64) {
    let (ping, mut pinged) = C::bounded(1);
    let (pong, mut ponged) = C::bounded(1);
    let partner = R::spawn(async move {
        while let Some(number) = C::receive(&mut pinged).await {
            C::send(&pong, number).await;
        }
    });
    let caller = R::spawn(async move {
        for number in 0..round_trips {
            C::send(&ping, number).await;
            assert_eq!(C::receive(&mut ponged).await, Some(number));
        }
    });
    caller.await;
    partner.await;
}
