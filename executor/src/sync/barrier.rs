//! A place where tasks wait for each other.

use std::error::Error;
use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use pin_project_lite::pin_project;

use super::pending;
use super::wait_list::{Protocol, Wait, WaitList};
use crate::leaf::{self, Made, Operation};

static WAIT: Operation = Operation::new("Barrier::wait");

struct Meeting {
    parties: usize,
    broken: bool,
}

impl Protocol for Meeting {
    type Request = ();
    type Grant = Result<(), BrokenBarrier>;
}

/// Lets tasks go on once a given number of them has come; again and again.
///
/// Differs from tokio: a wait that is dropped no longer counts as having come, and there are
/// [`reset`](Barrier::reset) and [`abort`](Barrier::abort) for those that wait for somebody who
/// will not come.
///
/// # Examples
/// ```
/// # heist::runtime::Runtime::new().unwrap().block_on(async {
/// use std::sync::Arc;
///
/// use heist::sync::Barrier;
///
/// let barrier = Arc::new(Barrier::new(2));
/// let other = heist::spawn({
///     let barrier = barrier.clone();
///     async move { barrier.wait().await.is_leader() }
/// });
/// let this_leads = barrier.wait().await.is_leader();
/// assert_ne!(this_leads, other.await.unwrap());
/// # });
/// ```
#[derive(Debug)]
pub struct Barrier {
    line: WaitList<Meeting>,
}

impl Barrier {
    /// Makes a barrier for `n` tasks; zero counts as one.
    pub const fn new(n: usize) -> Barrier {
        let parties = if n == 0 { 1 } else { n };
        Barrier { line: WaitList::new(Meeting { parties, broken: false }) }
    }

    /// Waits for the others. The last one to come does not wait, and is the leader.
    ///
    /// # Panics
    /// If the barrier is broken, before or meanwhile; see
    /// [`wait_or_broken`](Barrier::wait_or_broken).
    ///
    /// # Cancel safety
    /// A wait that is dropped no longer counts.
    #[track_caller]
    pub fn wait(&self) -> impl Future<Output = BarrierWaitResult> {
        let wait = self.wait_or_broken();
        async move {
            let at = wait.made.at;
            match wait.await {
                Ok(result) => result,
                Err(BrokenBarrier(())) => panic!("the barrier waited for at {at} is broken"),
            }
        }
    }

    /// Waits for the others, or until the barrier is broken.
    ///
    /// # Errors
    /// If it was aborted before or meanwhile, or reset meanwhile.
    ///
    /// # Cancel safety
    /// A wait that is dropped no longer counts.
    #[track_caller]
    pub fn wait_or_broken(&self) -> BarrierWait<'_> {
        let wait = Wait::new(&self.line, ());
        BarrierWait { wait, made: Made::here(&WAIT) }
    }

    /// Sends those away that wait now, with [`BrokenBarrier`]; the barrier is as new.
    pub fn reset(&self) {
        self.send_away(false);
    }

    /// Breaks the barrier: sends those away that wait now or come later, until it is
    /// [`reset`](Barrier::reset).
    pub fn abort(&self) {
        self.send_away(true);
    }

    fn send_away(&self, broken: bool) {
        let mut line = self.line.lock();
        line.state.broken = broken;
        let wakers = line.grant_all(Err(BrokenBarrier(())));
        drop(line);
        wakers.wake();
    }

    /// Whether the barrier was aborted and not reset since.
    pub fn is_broken(&self) -> bool {
        self.line.lock().state.broken
    }

    /// How many wait now.
    pub fn waiting(&self) -> usize {
        self.line.lock().len()
    }

    /// For how many tasks the barrier is.
    pub fn parties(&self) -> usize {
        self.line.lock().state.parties
    }
}

pin_project! {
    /// Waits for the others; see [`Barrier::wait_or_broken`].
    #[derive(Debug)]
    #[must_use = "futures do nothing unless awaited"]
    pub struct BarrierWait<'a> {
        #[pin]
        wait: Wait<'a, Meeting>,
        made: Made,
    }
}

impl Future for BarrierWait<'_> {
    type Output = Result<BarrierWaitResult, BrokenBarrier>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let this = self.project();
        this.made.set_polled();
        ready!(leaf::proceed(cx));
        let mut turn = this.wait.lock();
        if let Some(grant) = turn.take_grant() {
            return Poll::Ready(grant.map(|()| BarrierWaitResult(false)));
        }
        if !turn.is_in_line() {
            if turn.state.broken {
                return Poll::Ready(Err(BrokenBarrier(())));
            }
            if turn.len() + 1 == turn.state.parties {
                let wakers = turn.grant_all(Ok(()));
                drop(turn);
                wakers.wake();
                return Poll::Ready(Ok(BarrierWaitResult(true)));
            }
        }
        turn.wait(Some(cx.waker()));
        pending(this.made.operation, this.made.at)
    }
}

/// What a wait at a [`Barrier`] has come to.
#[derive(Clone, Debug)]
pub struct BarrierWaitResult(bool);

impl BarrierWaitResult {
    /// Whether this is the one of the tasks that came last.
    pub fn is_leader(&self) -> bool {
        self.0
    }
}

/// A [`Barrier`] was reset or aborted, so not everybody has come.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BrokenBarrier(());

impl fmt::Display for BrokenBarrier {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the barrier is broken")
    }
}

impl Error for BrokenBarrier {}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sync::testing::{ready, waiting};

    #[test]
    fn the_last_one_leads_again_and_again() {
        let barrier = Barrier::new(3);
        for _ in 0..2 {
            let mut first = waiting(barrier.wait());
            let mut second = waiting(barrier.wait());
            assert_eq!((barrier.waiting(), barrier.parties()), (2, 3));
            assert!(ready(barrier.wait()).is_leader());
            assert_eq!((first.wakes(), second.wakes()), (1, 1));
            assert!(!first.assert_ready().is_leader());
            assert!(!second.assert_ready().is_leader());
        }
        assert!(ready(Barrier::new(0).wait()).is_leader());
    }

    #[test]
    fn a_dropped_wait_does_not_count() {
        let barrier = Barrier::new(2);
        drop(waiting(barrier.wait()));
        let mut first = waiting(barrier.wait());
        ready(barrier.wait());
        first.assert_ready();
    }

    #[test]
    fn a_reset_sends_away_who_is_there_and_an_abort_who_comes_as_well() {
        let barrier = Barrier::new(2);
        let mut early = waiting(barrier.wait_or_broken());
        barrier.reset();
        assert_eq!(early.assert_ready().unwrap_err(), BrokenBarrier(()));
        let mut early = waiting(barrier.wait_or_broken());
        barrier.abort();
        assert!(early.assert_ready().is_err());
        assert!(barrier.is_broken());
        assert!(ready(barrier.wait_or_broken()).is_err());
        barrier.reset();
        let mut first = waiting(barrier.wait_or_broken());
        assert!(ready(barrier.wait()).is_leader());
        assert!(first.assert_ready().is_ok());
    }

    #[test]
    fn a_plain_wait_panics_at_a_broken_barrier() {
        let barrier = Barrier::new(2);
        barrier.abort();
        let panicked = std::panic::catch_unwind(|| ready(barrier.wait()));
        let message = *panicked.unwrap_err().downcast::<String>().unwrap();
        assert!(message.contains(file!()), "{message}");
    }
}
