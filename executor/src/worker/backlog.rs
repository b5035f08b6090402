//! How much work there is in a worker's queue, by the time that it will take.
//!
//! A wake and a steal cost both cores several microseconds, and each task that changes cores
//! drags its cache lines along, 165 ns apiece on a two-core virtual machine. So the worker times
//! some of its polls, only while there is somebody to wake, and asks for help when what is queued
//! would take it longer than the help costs (see [`wake_cost`](super::wake_cost)). Tasks whose length
//! it cannot know yet, because the poll before them has not ended, are the watchdog's.
//!
//! Short polls say little about tasks that are polled again and again: each moves once, and works
//! elsewhere ever after. So a queue that has been long for a while is worth sharing, whatever its polls.

use std::cell::Cell;
use std::time::{Duration, Instant};

/// Polls shorter than this are cheaper here than anywhere else: moving a task costs as much.
const SMALL_POLL_NS: u64 = 500;

/// So many polls go untimed after the first one of a stretch, which is timed ...
const FIRST_GAP: u32 = 4;

/// ... and at most this many, as the stretch goes on.
const LONGEST_GAP: u32 = 64;

/// Fewer tasks may well be about each other, and lose more by being apart than they gain.
const LONG_QUEUE: usize = 32;

/// A queue that has been long for this time is shared, and again after twice the time ...
const FIRST_PATIENCE: Duration = Duration::from_micros(100);

/// ... and so on, up to this.
const LONGEST_PATIENCE: Duration = Duration::from_millis(10);

/// Times polls and judges a queue; see the module's documentation. One a worker, used by it alone.
#[derive(Debug)]
pub(crate) struct Backlog {
    /// Typical length of a poll; zero while unknown.
    poll_ns: Cell<u64>,
    /// Polls until the next timed one, and the gap after that.
    countdown: Cell<u32>,
    gap: Cell<u32>,
    /// Since when the queue has been long or was shared, if it is long; and how long it may be so.
    long_since: Cell<Option<Instant>>,
    patience: Cell<Duration>,
}

impl Backlog {
    pub(crate) fn new() -> Backlog {
        Backlog {
            poll_ns: Cell::new(0),
            countdown: Cell::new(0),
            gap: Cell::new(FIRST_GAP),
            long_since: Cell::new(None),
            patience: Cell::new(FIRST_PATIENCE),
        }
    }

    /// A new stretch of work begins: what was learnt about the last one may be wrong.
    pub(crate) fn begin_stretch(&self) {
        self.countdown.set(0);
        self.gap.set(FIRST_GAP);
        self.long_since.set(None);
        self.patience.set(FIRST_PATIENCE);
    }

    /// Whether the queue, in which there are so many tasks `now`, has been long for long.
    pub(crate) fn lasts(&self, queued: usize, now: Instant) -> bool {
        if queued < LONG_QUEUE {
            self.long_since.set(None);
            self.patience.set(FIRST_PATIENCE);
            return false;
        }
        let since = self.long_since.get().unwrap_or(now);
        self.long_since.set(Some(since));
        now.duration_since(since) >= self.patience.get()
    }

    /// The queue is shared `now`, and what it is then shows in a while.
    pub(crate) fn share(&self, now: Instant) {
        self.long_since.set(Some(now));
        self.patience.set((self.patience.get() * 2).min(LONGEST_PATIENCE));
    }

    /// Whether the coming poll should be timed.
    #[inline]
    pub(crate) fn wants_timing(&self) -> bool {
        let left = self.countdown.get();
        if left > 0 {
            self.countdown.set(left - 1);
            return false;
        }
        self.countdown.set(self.gap.get());
        self.gap.set((self.gap.get() * 2).min(LONGEST_GAP));
        true
    }

    /// A timed poll began at `start` and has ended.
    pub(crate) fn timed(&self, start: Instant) {
        self.note(start.elapsed());
    }

    fn note(&self, took: Duration) {
        let took = took.as_nanos() as u64;
        let before = self.poll_ns.get();
        // A quarter of the way each time: three samples outvote the past.
        self.poll_ns.set(if before == 0 { took } else { before - before / 4 + took / 4 });
    }

    /// The typical length of a poll, in nanoseconds; zero while unknown.
    pub(crate) fn poll_ns(&self) -> u64 {
        self.poll_ns.get()
    }

    /// How long `queued` tasks take, in nanoseconds, if they are worth moving at all; else zero.
    #[inline]
    pub(crate) fn work_ns(&self, queued: usize) -> u64 {
        let poll = self.poll_ns.get();
        if poll >= SMALL_POLL_NS { queued as u64 * poll } else { 0 }
    }
}

/// Whether tasks of about `poll_ns` each are worth moving to a worker that is awake anyway.
pub(crate) fn is_worth_a_steal(poll_ns: u64) -> bool {
    poll_ns == 0 || poll_ns >= SMALL_POLL_NS
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tasks_that_are_unknown_or_tiny_are_no_work_for_others() {
        let backlog = Backlog::new();
        assert_eq!(backlog.work_ns(1_000_000), 0, "unknown tasks are the watchdog's");
        backlog.note(Duration::from_micros(10));
        assert_eq!(backlog.work_ns(3), 30_000);
        for _ in 0..30 {
            backlog.note(Duration::from_nanos(50));
        }
        assert_eq!(backlog.work_ns(1_000_000), 0);
        assert!(!is_worth_a_steal(backlog.poll_ns()));
    }

    #[test]
    fn timing_thins_out_within_a_stretch() {
        let backlog = Backlog::new();
        let timed = |polls: u32| (0..polls).filter(|_| backlog.wants_timing()).count();
        assert!(backlog.wants_timing());
        assert!(timed(100) > 2);
        assert!(timed(6400) <= 100);
        backlog.begin_stretch();
        assert!(backlog.wants_timing());
    }

    #[test]
    fn a_queue_that_stays_long_lasts_and_once_it_is_shared_for_twice_as_long() {
        let backlog = Backlog::new();
        let start = Instant::now();
        let at = |patiences| start + FIRST_PATIENCE * patiences;
        assert!(!backlog.lasts(LONG_QUEUE, at(0)), "it has just become long");
        assert!(!backlog.lasts(LONG_QUEUE, at(1) - FIRST_PATIENCE / 2));
        assert!(backlog.lasts(LONG_QUEUE, at(1)) && backlog.lasts(LONG_QUEUE, at(2)));
        backlog.share(at(2));
        assert!(!backlog.lasts(LONG_QUEUE, at(3)) && backlog.lasts(LONG_QUEUE, at(4)));
        assert!(!backlog.lasts(LONG_QUEUE - 1, at(9)), "it has become short");
        assert!(!backlog.lasts(LONG_QUEUE, at(10)) && backlog.lasts(LONG_QUEUE, at(11)));
        backlog.begin_stretch();
        assert!(!backlog.lasts(LONG_QUEUE, at(20)) && backlog.lasts(LONG_QUEUE, at(21)));
    }
}
