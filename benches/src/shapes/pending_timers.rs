//! Not a shape: many timers that wait, for shapes that ask what others cost beside them.

use std::future::{Future, pending, poll_fn};
use std::pin::Pin;
use std::task::Poll;
use std::time::Duration;

use crate::neutral::yield_once;
use crate::peers::Runtime;
use crate::stats::Random;

/// Sleeps that one task holds.
const A_TASK: usize = 1_000;
/// Sleeps polled before a yield: runtimes with a co-operative budget would let further ones be
/// pending without registering them.
const A_POLL: usize = 64;

/// Returns once so many sleeps, of one to two hours, are pending; they stay so until the runtime
/// ends.
pub async fn hold<R: Runtime>(timers: usize) {
    let (ready, all_ready) = async_channel::unbounded::<()>();
    for first in (0..timers).step_by(A_TASK) {
        let ready = ready.clone();
        R::detach(R::spawn(async move {
            let _sleeps = register::<R>(first as u64, A_TASK.min(timers - first)).await;
            drop(ready);
            pending::<()>().await;
        }));
    }
    drop(ready);
    // Nothing is ever sent: an error says that all have dropped their senders.
    let _ = all_ready.recv().await;
}

type Sleep = Pin<Box<dyn Future<Output = ()> + Send>>;

async fn register<R: Runtime>(seed: u64, timers: usize) -> Vec<Sleep> {
    let mut random = Random::new(seed);
    let mut sleep = || -> Sleep {
        let time = Duration::from_secs(3600) + Duration::from_millis(random.below(3_600_000));
        Box::pin(R::sleep(time))
    };
    let mut sleeps: Vec<Sleep> = (0..timers).map(|_| sleep()).collect();
    for some in sleeps.chunks_mut(A_POLL) {
        poll_fn(|cx| {
            let late = some.iter_mut().any(|sleep| sleep.as_mut().poll(cx).is_ready());
            assert!(!late, "an hour is long");
            Poll::Ready(())
        })
        .await;
        yield_once().await;
    }
    sleeps
}
