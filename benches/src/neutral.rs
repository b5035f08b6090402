//! Parts that shapes are built of and that belong to no runtime: the same for all contestants.

use std::future::Future;
use std::pin::Pin;
use std::sync::Mutex;
use std::sync::OnceLock;
use std::sync::atomic::{AtomicU64, Ordering};
use std::task::{Context, Poll, Waker};
use std::time::Instant;

/// Is pending once, and asks at once to be polled again: a yield in the most general form.
#[must_use]
pub fn yield_once() -> YieldOnce {
    YieldOnce { yielded: false }
}

/// See [`yield_once`].
#[derive(Debug)]
pub struct YieldOnce {
    yielded: bool,
}

impl Future for YieldOnce {
    type Output = ();

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        if self.yielded {
            return Poll::Ready(());
        }
        self.yielded = true;
        cx.waker().wake_by_ref();
        Poll::Pending
    }
}

/// Nanoseconds since this was first asked in this process; never zero.
pub fn now_ns() -> u64 {
    static START: OnceLock<Instant> = OnceLock::new();
    let start = *START.get_or_init(Instant::now);
    start.elapsed().as_nanos() as u64 + 1
}

/// Rung by one side, waited for by one task, which learns how long ago it was rung.
#[derive(Debug, Default)]
pub struct Bell {
    /// When it was rung ([`now_ns`]); zero while it was not.
    rung_at: AtomicU64,
    waiter: Mutex<Option<Waker>>,
}

impl Bell {
    /// Wakes the waiting task, or lets the next wait return at once.
    pub fn ring(&self) {
        // Ordering: Release, read by the Acquire in `poll_heard`. The lock closes the race: a
        // waiter that stored its waker before we locked is woken, one after us sees the time.
        self.rung_at.store(now_ns(), Ordering::Release);
        let waiter = self.waiter.lock().expect("no one panics with the lock").take();
        if let Some(waker) = waiter {
            waker.wake();
        }
    }

    /// Waits to be rung; how many nanoseconds it took from the ring to here.
    pub async fn heard(&self) -> u64 {
        std::future::poll_fn(|cx| self.poll_heard(cx)).await
    }

    fn poll_heard(&self, cx: &mut Context<'_>) -> Poll<u64> {
        if let Some(delay) = self.take() {
            return Poll::Ready(delay);
        }
        let mut waiter = self.waiter.lock().expect("no one panics with the lock");
        if !waiter.as_ref().is_some_and(|waker| waker.will_wake(cx.waker())) {
            *waiter = Some(cx.waker().clone());
        }
        drop(waiter);
        self.take().map_or(Poll::Pending, Poll::Ready)
    }

    fn take(&self) -> Option<u64> {
        match self.rung_at.swap(0, Ordering::Acquire) {
            0 => None,
            rung_at => Some(now_ns().saturating_sub(rung_at)),
        }
    }
}

/// Computes for about so many nanoseconds (a fixed number of steps: preemption does not shorten
/// the work). The result must be used, so that the work is not optimised away.
#[must_use]
pub fn compute(steps: u64) -> u64 {
    let mut value = steps | 1;
    for _ in 0..steps {
        value ^= value << 13;
        value ^= value >> 7;
        value ^= value << 17;
    }
    value
}

/// Computes until so much time has passed.
pub fn compute_for(time: std::time::Duration) {
    let start = Instant::now();
    while start.elapsed() < time {
        std::hint::black_box(compute(200));
    }
}

/// Waits without giving the CPU up: for pauses shorter than what a sleeping thread overshoots by.
pub fn pause(time: std::time::Duration) {
    if time >= std::time::Duration::from_micros(100) {
        std::thread::sleep(time);
    } else {
        let start = Instant::now();
        while start.elapsed() < time {
            std::hint::spin_loop();
        }
    }
}
