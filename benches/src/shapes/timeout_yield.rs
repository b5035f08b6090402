//! What does a time-out cost that does not come to pass, beside many timers that wait?
//!
//! 100 000 sleeps of about an hour are pending; one task gives a yield ten seconds, again and again.
//! The yield is pending once, so the time-out's timer is registered and cancelled each time.

use std::time::Duration;

use super::pending_timers::hold;
use super::{Figure, Question};
use crate::cell::{Answer, Case, Cell, repeat};
use crate::neutral::yield_once;
use crate::peers::Runtime;

const PENDING: usize = 100_000;
const YIELDS: u64 = 1_000;

/// See the module.
#[derive(Debug)]
pub struct TimeoutYield;

impl Question for TimeoutYield {
    const NAME: &'static str = "timeout_yield";
    const ASKS: &'static str = "timeout of 10 s around a yield, 100 000 timers pending";

    fn figures(_case: &Case) -> Vec<Figure> {
        vec![Figure::wall("ns a time-out").goal(0.30)]
    }

    fn answer<R: Runtime>(cell: &Cell) -> Answer {
        let time = cell.time;
        cell.on_runtime::<R, _>(async move {
            hold::<R>(PENDING).await;
            repeat(time, YIELDS, || async {
                for _ in 0..YIELDS {
                    let in_time = R::timeout(Duration::from_secs(10), yield_once()).await;
                    assert_eq!(in_time, Some(()));
                }
            })
            .await
        })
    }
}
