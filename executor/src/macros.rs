//! What the macros of this crate expand to calls of; not for use by hand.

use std::cell::Cell;
use std::future::{Future, IntoFuture};
use std::pin::Pin;
use std::sync::{Arc, mpsc};
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use heist_timer::silence::GivenUp;
use parking_lot::Mutex;

use crate::report;
use crate::runtime::Runtime;
use crate::task::TaskTree;

/// A future of `join!`, then its output, then nothing.
#[derive(Debug)]
pub enum MaybeDone<F: Future> {
    /// Not ready yet.
    Future(GivenUp<F>),
    /// Ready, not taken yet.
    Done(F::Output),
    /// Taken.
    Gone,
}

impl<F: Future> MaybeDone<F> {
    /// Not ready yet.
    pub fn new(future: impl IntoFuture<IntoFuture = F>) -> MaybeDone<F> {
        MaybeDone::Future(GivenUp::new(future.into_future()))
    }

    /// Polls the future if it is not ready yet; true if it is now.
    pub fn poll_done(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> bool {
        // SAFETY: the future is not moved out of its pinned place.
        let polled = match unsafe { self.as_mut().get_unchecked_mut() } {
            // SAFETY: as above; pinning it follows from `self` being pinned.
            MaybeDone::Future(future) => unsafe { Pin::new_unchecked(future) }.poll(cx),
            _ => return true,
        };
        match polled {
            Poll::Pending => false,
            Poll::Ready(output) => {
                // Drops the future where it is.
                self.set(MaybeDone::Done(output));
                true
            }
        }
    }

    /// Takes the output.
    pub fn take(self: Pin<&mut Self>) -> F::Output {
        // SAFETY: only the output is moved, which was never pinned.
        match std::mem::replace(unsafe { done(self) }, MaybeDone::Gone) {
            MaybeDone::Done(output) => output,
            _ => unreachable!("`join!` takes each output once, when all are ready"),
        }
    }
}

/// The place, if the future in it is gone.
///
/// # Safety
/// The caller moves nothing out of it but an output.
unsafe fn done<F: Future>(place: Pin<&mut MaybeDone<F>>) -> &mut MaybeDone<F> {
    assert!(!matches!(*place, MaybeDone::Future(_)), "`join!` took an output before it was there");
    // SAFETY: there is no future in the place that could be moved.
    unsafe { place.get_unchecked_mut() }
}

impl<F: Future<Output = Result<T, E>>, T, E> MaybeDone<F> {
    /// Takes the failure, if the future has failed.
    pub fn take_error(self: Pin<&mut Self>) -> Option<E> {
        if !matches!(*self, MaybeDone::Done(Err(_))) {
            return None;
        }
        self.take().err()
    }

    /// Takes the success.
    pub fn take_ok(self: Pin<&mut Self>) -> T {
        match self.take() {
            Ok(value) => value,
            Err(_) => unreachable!("`try_join!` looks for failures first"),
        }
    }
}

/// A random number below `n`, for the first branch of `select!`.
pub fn random_below(n: u32) -> u32 {
    thread_local!(static STATE: Cell<u64> = const { Cell::new(0) });
    let mut x = STATE.get();
    if x == 0 {
        // The address differs from thread to thread.
        x = STATE.with(|state| std::ptr::from_ref(state) as u64) | 1;
    }
    x ^= x << 13;
    x ^= x >> 7;
    x ^= x << 17;
    STATE.set(x);
    (((x >> 32) * u64::from(n)) >> 32) as u32
}

/// Runs a test's future; if it takes longer than `ms` by the real clock, prints where every task
/// stands and panics.
#[track_caller]
pub fn block_on_with_timeout<F: Future>(runtime: &Runtime, ms: u64, future: F) -> F::Output {
    let limit = Duration::from_millis(ms);
    let handle = runtime.handle().clone();
    let expiry = Arc::new(Mutex::new(Expiry::default()));
    let seen = expiry.clone();
    let (ended, end) = mpsc::channel::<()>();
    // On a thread of its own, which rings also when every worker is stuck.
    std::thread::spawn(move || {
        if end.recv_timeout(limit) != Err(mpsc::RecvTimeoutError::Timeout) {
            return;
        }
        let tasks: TaskTree = handle.tasks().into_iter().collect();
        report::error(format_args!(
            "the test has taken longer than {limit:?}; its tasks:\n{tasks}"
        ));
        let mut expiry = seen.lock();
        expiry.expired = true;
        expiry.waker.take().inspect(Waker::wake_by_ref);
    });
    let mut future = std::pin::pin!(future);
    let output = runtime.block_on(std::future::poll_fn(|cx| {
        if let Poll::Ready(output) = future.as_mut().poll(cx) {
            return Poll::Ready(Some(output));
        }
        let mut expiry = expiry.lock();
        if expiry.expired {
            return Poll::Ready(None);
        }
        expiry.waker = Some(cx.waker().clone());
        Poll::Pending
    }));
    drop(ended);
    match output {
        Some(output) => output,
        None => panic!("the test has taken longer than {limit:?}"),
    }
}

/// Whether the time of a test is over, and whom to tell.
#[derive(Default)]
struct Expiry {
    expired: bool,
    waker: Option<Waker>,
}

/// Pins a value to the stack, as tokio's macro of this name does.
///
/// # Examples
/// ```
/// # heist::runtime::Runtime::new().unwrap().block_on(async {
/// let future = async { 7 };
/// heist::pin!(future);
/// assert_eq!(future.await, 7);
/// # });
/// ```
#[macro_export]
macro_rules! pin {
    ($($name:ident),* $(,)?) => { $(
        let mut $name = ::core::pin::pin!($name);
    )* };
    ($(let $name:ident = $value:expr;)*) => { $(
        let mut $name = ::core::pin::pin!($value);
    )* };
}
