//! The watchdog: sees to it that a task which does not give its worker back harms no other.
//!
//! It sleeps while nobody needs it. Its alarm is set, by workers and without waking it, whenever
//! some workers are busy and others are parked: by the one that wakes up, and by the one that parks
//! first. It is set for an earlier time when a poll has queued something that nobody else knows
//! of. A worker that goes idle as the last one puts it off until after the next timer. So in the ordinary case, when work comes
//! in short bursts, the watchdog never runs at all. When it rings, it
//!
//! * opens the slot and the queue of a worker that is inside one and the same poll still, and wakes
//!   another worker to take what lies there;
//! * fires timers that are overdue because their owner is inside a poll;
//! * sends a parked worker into the reactor if nobody has been there since the alarm was set;
//!
//! and comes back after a while as long as any worker is busy. Deliberately without a way to
//! interrupt a poll: there is none.

use std::sync::atomic::{AtomicU32, AtomicU64, Ordering};
use std::time::{Duration, Instant};

use super::alarm::Alarm;
use super::backlog::is_worth_a_steal;
use super::scheduler::Scheduler;

/// After this time an unattended reactor is given to a parked worker, and a poll that is still
/// going on has its queue opened.
const PERIOD: Duration = Duration::from_millis(1);

/// At most this long after a worker wakes up beside parked ones, the alarm rings.
const GRACE: Duration = Duration::from_micros(1500);

/// After this time a poll that has queued something is looked at for the first time.
const CLOSE_LOOK: Duration = Duration::from_micros(100);

/// So late a timer is fired for its owner.
const OVERDUE: Duration = Duration::from_micros(250);

/// In a millisecond the alarm is set for a close look, and silenced, at most so many times. Beyond
/// that the workers come and go so quickly that one ring a millisecond is cheaper than all the
/// setting.
const SETTINGS_MAX: u32 = 4;

/// See the module's documentation.
pub(crate) struct Watchdog {
    alarm: Alarm,
    start: Instant,
    /// The millisecond that `settings` counts in.
    window: AtomicU64,
    settings: AtomicU32,
}

impl Watchdog {
    pub(crate) fn new() -> std::io::Result<Watchdog> {
        Ok(Watchdog {
            alarm: Alarm::new()?,
            start: Instant::now(),
            window: AtomicU64::new(0),
            settings: AtomicU32::new(0),
        })
    }

    /// Some workers are busy from now on, and others parked.
    #[inline]
    pub(super) fn look_soon(&self) {
        let now = Instant::now();
        if self.alarm.rings_at().is_none_or(|at| at > now + GRACE) {
            self.count_setting(now);
            self.alarm.set(now, PERIOD);
        }
    }

    /// A poll under way has queued something.
    pub(super) fn look_closely(&self) {
        let now = Instant::now();
        let after = if self.count_setting(now) { CLOSE_LOOK } else { PERIOD };
        self.alarm.set(now, after);
    }

    /// Shutdown begins: the watchdog ends.
    pub(super) fn end(&self) {
        self.alarm.ring_for_ever();
    }

    /// Every worker is parked: there is nothing to watch until `next`, when a timer is due. The alarm
    /// is set for shortly after that, if it is not already, which spares the worker that wakes
    /// for it from setting it; a ticker of a millisecond so costs one setting in two ticks.
    pub(super) fn all_idle(&self, next: Option<Instant>) {
        let set = self.alarm.rings_at();
        let serves = match (set, next) {
            (None, None) => true,
            (Some(at), Some(next)) => at >= next + GRACE / 3 && at <= next + GRACE,
            _ => false,
        };
        if serves {
            return;
        }
        let now = Instant::now();
        // An alarm left as it is rings once for nothing, or is set by the one who wakes.
        if self.count_setting(now) {
            self.alarm.reset(now, next.map(|at| at.saturating_duration_since(now) + GRACE));
        }
    }

    /// Counts a setting of the alarm; false if there have been many in this millisecond.
    fn count_setting(&self, now: Instant) -> bool {
        // Ordering: Relaxed throughout; a count that is off by a few only moves the limit.
        let window = now.duration_since(self.start).as_millis() as u64;
        if self.window.swap(window, Ordering::Relaxed) != window {
            self.settings.store(0, Ordering::Relaxed);
        }
        self.settings.fetch_add(1, Ordering::Relaxed) < SETTINGS_MAX
    }
}

/// What the watchdog saw of a worker last time.
#[derive(Clone, Copy, Default)]
struct Seen {
    sequence: u64,
}

/// The watchdog's thread.
pub(crate) fn run(scheduler: &Scheduler) {
    let Some(watchdog) = &scheduler.watchdog else { return };
    let mut seen = vec![Seen::default(); scheduler.remotes.len()];
    let mut turns = scheduler.seat.turns();
    let mut period = CLOSE_LOOK;
    let mut last = Instant::now();
    loop {
        watchdog.alarm.wait();
        if scheduler.is_closing() {
            return;
        }
        let now = Instant::now();
        let passed = now.duration_since(last);
        last = now;
        for (worker, seen) in seen.iter_mut().enumerate() {
            look_at_worker(scheduler, worker, seen, passed);
        }
        if scheduler.seat.holder().is_none() && scheduler.seat.turns() == turns {
            // It finds nothing to do, parks again, and takes the seat.
            scheduler.rouse_one();
        }
        turns = scheduler.seat.turns();
        if scheduler.idle.all_parked() {
            period = CLOSE_LOOK;
        } else {
            period = (period * 2).min(PERIOD);
            watchdog.alarm.set(now, period);
        }
    }
}

fn look_at_worker(scheduler: &Scheduler, worker: usize, seen: &mut Seen, passed: Duration) {
    let remote = &scheduler.remotes[worker];
    let sequence = remote.sequence();
    let in_poll = sequence % 2 == 1;
    let same_poll = in_poll && (sequence == seen.sequence || sequence == remote.watched());
    let polls = sequence.wrapping_sub(seen.sequence) / 2;
    seen.sequence = sequence;
    let queued = remote.stealer.len();
    if same_poll && (queued > 0 || remote.has_slot_task()) {
        remote.set_stuck();
        scheduler.wake_one();
    } else if in_poll && queued > 0 && polls > 0 {
        // It works through its queue; help if its polls are of a length that is worth moving.
        let poll_ns = passed.as_nanos() as u64 / polls;
        if is_worth_a_steal(poll_ns) && is_worth_a_steal(remote.poll_ns()) {
            scheduler.wake_one();
        }
    }
    if let Some(deadline) = scheduler.timers.next_deadline(worker) {
        let now = scheduler.timers.clock().now();
        if deadline + OVERDUE <= now {
            scheduler.timers.advance(worker, now);
        }
    }
}
