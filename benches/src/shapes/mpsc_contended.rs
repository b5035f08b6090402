//! What does a message cost with four producers and one consumer?
//!
//! Over the same bounded channel (async-channel, 1 000 places) for all contestants, so that only the
//! waking and scheduling differ.

use super::{Figure, Question};
use crate::cell::{Answer, Case, Cell};
use crate::peers::{Channels, Neutral, Runtime};

const PRODUCERS: u64 = 4;
const MESSAGES: u64 = 10_000;
const CAPACITY: usize = 1_000;

/// See the module.
#[derive(Debug)]
pub struct MpscContended;

impl Question for MpscContended {
    const NAME: &'static str = "mpsc_contended";
    const ASKS: &'static str = "4 producers, 1 consumer, the same channel for all";

    fn figures(_case: &Case) -> Vec<Figure> {
        vec![Figure::wall("ns a message").goal(0.85)]
    }

    fn answer<R: Runtime>(cell: &Cell) -> Answer {
        cell.repeat::<R, _, _>(PRODUCERS * MESSAGES, funnel::<R>)
    }
}

async fn funnel<R: Runtime>() {
    let (send, mut receive) = Neutral::bounded(CAPACITY);
    for _ in 0..PRODUCERS {
        let send = send.clone();
        R::detach(R::spawn(async move {
            for number in 0..MESSAGES {
                Neutral::send(&send, number).await;
            }
        }));
    }
    drop(send);
    let mut sum = 0;
    let consumer = R::spawn(async move {
        while let Some(number) = Neutral::receive(&mut receive).await {
            sum += number;
        }
        sum
    });
    assert_eq!(consumer.await, PRODUCERS * MESSAGES * (MESSAGES - 1) / 2);
}
