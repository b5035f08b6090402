//! How much work there is in a worker's queue, by the time that it will take.
//!
//! A wake and a steal cost both cores several microseconds, and each task that changes cores
//! drags its cache lines along, 165 ns apiece on a two-core virtual machine. So the worker times
//! some of its polls, only while there is somebody to wake, and asks for help when what is queued
//! would take it longer than the help costs (see [`wake_cost`](super::wake_cost)). Tasks whose length
//! it cannot know yet, because the poll before them has not ended, are the watchdog's.

use std::cell::Cell;
use std::time::{Duration, Instant};

/// Polls shorter than this are cheaper here than anywhere else: moving a task costs as much.
const SMALL_POLL_NS: u64 = 500;

/// So many polls go untimed after the first one of a stretch, which is timed ...
const FIRST_GAP: u32 = 4;

/// ... and at most this many, as the stretch goes on.
const LONGEST_GAP: u32 = 64;

/// Times polls and judges a queue; see the module's documentation. One a worker, used by it alone.
#[derive(Debug)]
pub(crate) struct Backlog {
    /// Typical length of a poll; zero while unknown.
    poll_ns: Cell<u64>,
    /// Polls until the next timed one, and the gap after that.
    countdown: Cell<u32>,
    gap: Cell<u32>,
}

impl Backlog {
    pub(crate) fn new() -> Backlog {
        Backlog { poll_ns: Cell::new(0), countdown: Cell::new(0), gap: Cell::new(FIRST_GAP) }
    }

    /// A new stretch of work begins: what was learnt about the last one may be wrong.
    pub(crate) fn begin_stretch(&self) {
        self.countdown.set(0);
        self.gap.set(FIRST_GAP);
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
}
