//! What a stretch of work costs this process: wall time, CPU time, context switches.

use std::mem::MaybeUninit;
use std::time::{Duration, Instant};

use crate::cell::Answer;

/// A running measurement.
#[derive(Debug)]
pub struct Meter {
    start: Instant,
    usage: Usage,
}

#[derive(Clone, Copy, Debug)]
struct Usage {
    cpu_ns: u64,
    switches: u64,
}

impl Meter {
    /// Begins to measure.
    pub fn start() -> Meter {
        let usage = Usage::now();
        Meter { start: Instant::now(), usage }
    }

    /// Wall time so far.
    pub fn elapsed(&self) -> Duration {
        self.start.elapsed()
    }

    /// What so many operations have cost.
    pub fn stop(self, operations: u64) -> Answer {
        let wall = self.start.elapsed();
        let usage = Usage::now();
        Answer {
            operations,
            wall_ns: u64::try_from(wall.as_nanos()).expect("measurements last seconds"),
            cpu_ns: usage.cpu_ns - self.usage.cpu_ns,
            switches: usage.switches - self.usage.switches,
            ..Answer::default()
        }
    }
}

impl Usage {
    /// Of all threads of the process, those that have ended included.
    fn now() -> Usage {
        let mut usage = MaybeUninit::<libc::rusage>::uninit();
        // SAFETY: `usage` is valid for writes of one `rusage`, which is what the call makes.
        let done = unsafe { libc::getrusage(libc::RUSAGE_SELF, usage.as_mut_ptr()) };
        assert_eq!(done, 0, "getrusage(RUSAGE_SELF) has no way to fail");
        // SAFETY: the call succeeded, so it has filled the structure in.
        let usage = unsafe { usage.assume_init() };
        let time = |t: libc::timeval| t.tv_sec as u64 * 1_000_000_000 + t.tv_usec as u64 * 1_000;
        Usage {
            cpu_ns: time(usage.ru_utime) + time(usage.ru_stime),
            switches: (usage.ru_nvcsw + usage.ru_nivcsw) as u64,
        }
    }
}

/// How much of the machine's time the hypervisor has given to others, and how much there was:
/// `(stolen, total)` in ticks since the machine started.
pub fn machine_ticks() -> (u64, u64) {
    let stat = std::fs::read_to_string("/proc/stat").unwrap_or_default();
    let fields: Vec<u64> = stat
        .lines()
        .next()
        .unwrap_or_default()
        .split_whitespace()
        .skip(1)
        .filter_map(|field| field.parse().ok())
        .collect();
    // user nice system idle iowait irq softirq steal; guest time is part of user time.
    let total = fields.iter().take(8).sum();
    (fields.get(7).copied().unwrap_or(0), total)
}
