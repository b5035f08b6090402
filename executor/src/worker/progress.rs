//! How far a worker has come in its polls, for those who look after it.
//!
//! Its own thread counts; the watchdog, and busy workers in its stead, compare with what they saw
//! last. All of it is relaxed: what follows from a stale answer is a needless look or a late one, but
//! for two hand-overs whose fences are elsewhere: [`Progress::watch`], and the return of tasks to
//! their [`LiveSet`](crate::task::live_set). Deliberately without any conclusion:
//! see [`rounds`](super::rounds).

use crate::shim::atomic::{AtomicU64, Ordering, fence};

/// See the module's documentation.
#[derive(Debug)]
pub struct Progress {
    /// Odd while the worker polls a task; grows by two a poll.
    sequence: AtomicU64,
    /// The sequence at which the worker last asked for a close look.
    watched: AtomicU64,
    /// The sequence at which somebody looked last.
    seen: AtomicU64,
}

/// What has happened since somebody looked last.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Since {
    pub(crate) polls: u64,
    pub(crate) in_poll: bool,
    /// It is in one and the same poll, or between two, where the system has taken its core away; or in
    /// a poll for which it asked for a close look.
    pub(crate) is_stuck: bool,
}

impl Progress {
    /// Of a worker that has not polled yet.
    pub fn new() -> Progress {
        Progress {
            sequence: AtomicU64::new(0),
            watched: AtomicU64::new(0),
            seen: AtomicU64::new(0),
        }
    }

    /// The worker has come so far.
    #[inline]
    pub fn advance(&self, sequence: u64) {
        // Ordering: Relaxed; see the module's documentation.
        self.sequence.store(sequence, Ordering::Relaxed);
    }

    /// How often the worker has begun a poll or ended one.
    pub(crate) fn sequence(&self) -> u64 {
        self.sequence.load(Ordering::Relaxed)
    }

    /// Whether the worker polls a task; it will come to its queues, or park, only after that.
    pub fn is_in_poll(&self) -> bool {
        self.sequence() % 2 == 1
    }

    /// The worker is about to ask the watchdog for a close look at the poll that is going on.
    pub fn watch(&self) {
        self.watched.store(self.sequence(), Ordering::Relaxed);
        // Ordering: pairs with the fence in `Alarm::reset`: either who puts the alarm off sees that
        // this worker is watched, and sets it for a near time again, or the worker sees the late
        // time, and does it itself.
        fence(Ordering::SeqCst);
    }

    /// Whether the worker has asked for a close look at the poll that is going on.
    pub fn is_watched(&self) -> bool {
        let sequence = self.sequence();
        sequence % 2 == 1 && sequence == self.watched.load(Ordering::Relaxed)
    }

    /// Somebody looks.
    pub(crate) fn look(&self) -> Since {
        let sequence = self.sequence();
        let seen = self.seen.swap(sequence, Ordering::Relaxed);
        Since {
            polls: sequence.wrapping_sub(seen) / 2,
            in_poll: sequence % 2 == 1,
            is_stuck: sequence == seen || self.is_watched(),
        }
    }
}

#[cfg(all(test, not(heist_loom)))]
mod tests {
    use super::*;

    #[test]
    fn a_look_tells_what_has_happened_since_the_one_before() {
        let progress = Progress::new();
        progress.advance(5);
        assert_eq!(progress.look(), Since { polls: 2, in_poll: true, is_stuck: false });
        assert_eq!(progress.look(), Since { polls: 0, in_poll: true, is_stuck: true });
        progress.advance(6);
        assert_eq!(progress.look(), Since { polls: 0, in_poll: false, is_stuck: false });
        assert_eq!(progress.look(), Since { polls: 0, in_poll: false, is_stuck: true });
    }

    #[test]
    fn a_poll_is_watched_until_it_ends_and_stuck_at_the_first_look() {
        let progress = Progress::new();
        assert!(!progress.is_watched(), "not in a poll");
        progress.advance(1);
        assert!(!progress.is_watched());
        progress.watch();
        assert!(progress.is_watched());
        assert!(progress.look().is_stuck);
        progress.advance(2);
        assert!(!progress.is_watched());
        progress.advance(3);
        assert!(!progress.is_watched());
        assert!(!progress.look().is_stuck);
    }
}
