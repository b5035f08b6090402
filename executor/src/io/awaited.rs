//! [`Awaited`]: what the methods of readers and writers return, of which debug mode reports that it was
//! never awaited.
//!
//! Deliberately around futures that others have written, too: those of `futures-lite` do not know where
//! they were made.

use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll};

use crate::leaf::{self, Made, Operation};

/// A future of a reader or writer. It adds a report in
/// [debug mode](crate::runtime::Builder::debug), if it is dropped without having been polled; and its
/// task is shown waiting in it, if the reader or writer is none of ours and says nothing itself.
#[derive(Debug)]
#[must_use = "futures do nothing unless awaited"]
pub struct Awaited<F> {
    future: F,
    made: Made,
}

impl<F> Awaited<F> {
    #[inline]
    #[track_caller]
    pub(super) fn new(operation: &'static Operation, future: F) -> Awaited<F> {
        Awaited { future, made: Made::here(operation) }
    }
}

impl<F: Future + Unpin> Future for Awaited<F> {
    type Output = F::Output;

    #[inline]
    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<F::Output> {
        self.made.set_polled();
        let polled = Pin::new(&mut self.future).poll(cx);
        if polled.is_pending() {
            leaf::waiting_at_least(self.made.operation, self.made.at);
        }
        polled
    }
}
