//! Holding the current runtime's clock still, for tests.
//!
//! While the clock is paused, time passes only when [`advance`] says so or when every worker of the
//! runtime is parked, no `block_on` is running, and nothing blocks, in place or on a thread of a pool:
//! then it jumps to the next timer. What the kernel has at hand comes first, but I/O that has not
//! arrived does not keep the clock from jumping; so tests with sockets of other processes should not
//! rely on time-outs of a paused clock.

use std::future::{Future, poll_fn};
use std::sync::Arc;
use std::task::Poll;
use std::time::Duration;

use crate::context;
use crate::host::{Made, Operation};
use crate::timers::Timers;

static ADVANCE: Operation = Operation::new("advance");

#[track_caller]
fn current() -> Arc<Timers> {
    match context::timers() {
        Some(timers) => timers,
        None => panic!(
            "there is no Heist timer here: the clock can be paused, resumed and advanced only \
             inside a runtime"
        ),
    }
}

/// Stops the clock of the current runtime. Works on both flavours (tokio's only on the
/// current-thread one).
///
/// From then on time passes only when [`advance`] says so, or when every worker of the runtime is
/// parked, no `block_on` is running, and nothing blocks, in place or on a thread of a pool: then the
/// clock jumps to the next timer. What the kernel has at hand comes first: a byte that a task has
/// written to a pipe or a Unix socket is read before any time-out around the reading passes. I/O that
/// has not arrived does not keep the clock from jumping, so a time-out around an operation on any
/// other socket may pass at once (on a loaded machine the kernel takes its time with TCP on loopback,
/// too); tests with those should leave the clock alone.
///
/// An example is at the head of `heist::time`.
///
/// # Panics
/// Outside a runtime, and if the clock stands still already.
#[track_caller]
pub fn pause() {
    let timers = current();
    assert!(timers.clock().pause(), "the clock is paused already");
    timers.rouse_parked();
}

/// Lets the clock of the current runtime go again, from the time that it shows.
///
/// # Panics
/// Outside a runtime, and if the clock is going.
#[track_caller]
pub fn resume() {
    let timers = current();
    assert!(timers.clock().resume(), "the clock is not paused");
    timers.rouse_parked();
}

/// Moves the paused clock of the current runtime on, fires what is due, and yields a few times, so
/// that woken tasks can run.
///
/// # Panics
/// Awaiting it outside a runtime, if the clock is going, and if the time that it leads to cannot be
/// represented.
///
/// # Cancel safety
/// Cancel safe: the first poll has moved the clock, and only yields are left out.
#[track_caller]
pub fn advance(duration: Duration) -> impl Future<Output = ()> + Send {
    let made = Made::here(&ADVANCE);
    async move {
        let at = made.begin();
        let Some(timers) = context::timers() else {
            panic!("there is no Heist timer here: `advance` at {at} must be awaited in a runtime");
        };
        assert!(
            timers.clock().now().checked_add(duration).is_some(),
            "`advance` at {at} leads to a time that cannot be represented: {duration:?} from now"
        );
        assert!(timers.clock().advance(duration), "`advance` at {at} needs a paused clock");
        let now = timers.clock().now();
        for owner in 0..timers.owners() {
            timers.advance(owner, now);
        }
        for _ in 0..YIELDS {
            yield_once().await;
        }
    }
}

/// Enough for a task that is woken, wakes another, and so on for a few steps.
const YIELDS: usize = 4;

async fn yield_once() {
    let mut yielded = false;
    poll_fn(|cx| {
        if std::mem::replace(&mut yielded, true) {
            return Poll::Ready(());
        }
        cx.waker().wake_by_ref();
        Poll::Pending
    })
    .await;
}
