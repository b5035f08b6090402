//! What the tests of this module poll by hand with.

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::task::{Context, Poll, Wake, Waker};

/// Counts how often it was woken.
#[derive(Default)]
pub(super) struct Count(AtomicUsize);

impl Wake for Count {
    fn wake(self: Arc<Count>) {
        self.0.fetch_add(1, Ordering::SeqCst);
    }
}

impl Count {
    /// How often it was woken since the start.
    pub(super) fn get(&self) -> usize {
        self.0.load(Ordering::SeqCst)
    }
}

/// A waker and its count.
pub(super) fn waker() -> (Waker, Arc<Count>) {
    let count = Arc::<Count>::default();
    (Waker::from(count.clone()), count)
}

/// A boxed future and what happened to its waker.
pub(super) struct Polled<'a, T> {
    future: Pin<Box<dyn Future<Output = T> + 'a>>,
    wakes: Arc<Count>,
}

impl<'a, T> Polled<'a, T> {
    /// Not polled yet.
    pub(super) fn new(future: impl Future<Output = T> + 'a) -> Polled<'a, T> {
        Polled { future: Box::pin(future), wakes: Arc::default() }
    }

    pub(super) fn poll(&mut self) -> Poll<T> {
        let waker = Waker::from(self.wakes.clone());
        self.future.as_mut().poll(&mut Context::from_waker(&waker))
    }

    /// How often it was woken since the start.
    pub(super) fn wakes(&self) -> usize {
        self.wakes.get()
    }

    #[track_caller]
    pub(super) fn assert_pending(&mut self) {
        assert!(self.poll().is_pending(), "ready too early");
    }

    #[track_caller]
    pub(super) fn assert_ready(&mut self) -> T {
        match self.poll() {
            Poll::Ready(output) => output,
            Poll::Pending => panic!("still pending"),
        }
    }
}

/// A future that was polled once and is pending.
#[track_caller]
pub(super) fn waiting<'a, T>(future: impl Future<Output = T> + 'a) -> Polled<'a, T> {
    let mut polled = Polled::new(future);
    polled.assert_pending();
    polled
}

/// The output of a future that is ready at its first poll.
#[track_caller]
pub(super) fn ready<T>(future: impl Future<Output = T>) -> T {
    Polled::new(future).assert_ready()
}
