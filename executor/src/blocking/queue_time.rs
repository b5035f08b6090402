//! How long jobs wait for a thread.
//!
//! A job carries the time of its spawn through the queue, and the thread that takes it up adds what
//! has passed to the pool's counters: two readings of the clock a job. So the figures hold whether
//! the job found a thread idle, had one started, or stood in line behind others.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use crate::task::Notified;

/// A job in the queue of a pool.
pub(super) struct Queued {
    pub(super) job: Notified,
    since: Instant,
}

impl Queued {
    pub(super) fn now(job: Notified) -> Queued {
        Queued { job, since: Instant::now() }
    }
}

/// What a pool has counted.
// Ordering: Relaxed throughout this file; for metrics.
#[derive(Debug, Default)]
pub(crate) struct QueueTime {
    jobs: AtomicU64,
    /// In nanoseconds, of which a `u64` holds those of 584 years.
    total: AtomicU64,
    longest: AtomicU64,
}

impl QueueTime {
    /// A thread takes up a job.
    pub(super) fn count(&self, queued: &Queued) {
        let waited = u64::try_from(queued.since.elapsed().as_nanos()).unwrap_or(u64::MAX);
        self.jobs.fetch_add(1, Ordering::Relaxed);
        self.total.fetch_add(waited, Ordering::Relaxed);
        self.longest.fetch_max(waited, Ordering::Relaxed);
    }

    /// Jobs that were taken up.
    pub(crate) fn jobs(&self) -> u64 {
        self.jobs.load(Ordering::Relaxed)
    }

    /// How long they waited for it, all together.
    pub(crate) fn total(&self) -> Duration {
        Duration::from_nanos(self.total.load(Ordering::Relaxed))
    }

    /// How long the one waited that waited longest.
    pub(crate) fn longest(&self) -> Duration {
        Duration::from_nanos(self.longest.load(Ordering::Relaxed))
    }
}
