//! Giving way to other tasks.

use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll};

use crate::leaf::{self, Made, Operation};

static YIELD: Operation = Operation::new("yield_now");

/// A future that is pending once; see [`yield_now`].
#[derive(Debug)]
#[must_use = "futures do nothing unless awaited"]
pub struct YieldNow {
    yielded: bool,
    made: Made,
}

/// Lets the other ready tasks of this worker run first.
///
/// The task goes to the back of its worker's queue; no other worker is woken for it. About ten
/// nanoseconds if nothing else is ready.
///
/// # Cancel safety
/// Cancel safe.
///
/// # Examples
/// ```
/// # heist::runtime::Runtime::new().unwrap().block_on(async {
/// heist::task::yield_now().await;
/// # });
/// ```
#[track_caller]
pub fn yield_now() -> YieldNow {
    YieldNow { yielded: false, made: Made::here(&YIELD) }
}

impl Future for YieldNow {
    type Output = ();

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        self.made.set_polled();
        if self.yielded {
            return Poll::Ready(());
        }
        self.yielded = true;
        leaf::waiting(&YIELD, self.made.at);
        cx.waker().wake_by_ref();
        Poll::Pending
    }
}
