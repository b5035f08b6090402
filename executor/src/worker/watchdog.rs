//! The watchdog: sees to it that a task which does not give its worker back harms no other.
//!
//! It sleeps while nobody needs it. Its alarm is set, by workers and without waking it, whenever
//! some workers are busy and others are parked: by the one that wakes up, and by the one that parks
//! first. It is set for an earlier time when a poll has queued something that nobody else knows
//! of, unless that costs too much here (see [`alarm_cost`](super::alarm_cost)). A worker that goes
//! idle as the last one puts it off until after the next timer. One that is busy and sees between two
//! polls that it is about to ring stands in: it looks after the others itself, takes over what lies with
//! one that is stuck if nobody is parked who could, and puts the alarm off. So in
//! the ordinary case the watchdog never runs at all. When it rings, it
//!
//! * opens the slot and the queue of a worker that has not moved: it is inside one and the same poll
//!   still, or its core has been taken away; and wakes another worker to take what lies there;
//! * fires timers that are overdue because their owner is inside a poll;
//! * sends a parked worker into the reactor if nobody has been there since the alarm was set;
//!
//! and comes back after a while as long as any worker is busy; that is in [`rounds`](super::rounds).
//! Deliberately without a way to interrupt a poll: there is none.
//!
//! **Nobody is busy beside a parked worker unwatched.** The race is between a worker that wakes up
//! and one that puts the alarm off because it parks as the last, or the watchdog that finds everybody
//! parked and does not come back:
//!
//! * waking up: 1. `Idle::rouse`; 2. fence; 3. set the alarm unless it is set;
//! * putting off: 1. reset it (or let it ring); 2. fence; 3. look at the idle word, and set it
//!   again if somebody is up.
//!
//! If the fence of the one who wakes up comes first, the other sees it awake. If it comes second,
//! the one who wakes up sees that the alarm is silent, or set for too late.

use std::sync::atomic::{AtomicU32, AtomicU64};
use std::time::{Duration, Instant};

use super::alarm::Alarm;
use super::alarm_cost::AlarmCost;
use super::idle::{Idle, IdleSnapshot};
use crate::shim::atomic::{AtomicBool, Ordering};
use crate::shim::time_since;

/// After this time an unattended reactor is given to a parked worker, and a poll that is still
/// going on has its queue opened.
const PERIOD: Duration = Duration::from_micros(500);

/// The same where near times are dear: still soon enough for timers to be no more than 3 ms late.
const LONG_PERIOD: Duration = Duration::from_millis(1);

/// At most this long after a worker wakes up beside parked ones, the alarm rings: an alarm that was put
/// off until after the next timer serves the one who wakes for that, and the next but one.
const LATEST: Duration = Duration::from_micros(1700);

/// So many times in a row the alarm is silenced after it has rung for nothing, where near times are dear.
const SILENCED_AFTER_VAIN: u32 = 16;

/// After this time a poll that has queued something is looked at for the first time.
pub(super) const CLOSE_LOOK: Duration = Duration::from_micros(50);

/// See the module's documentation.
pub struct Watchdog {
    alarm: Alarm,
    start: Instant,
    cost: AlarmCost,
    /// When somebody went round last, in nanoseconds since `start`.
    round: AtomicU64,
    /// Whether it rang a moment ago, and will soon do so again, to see whether those have moved who
    /// might be stuck.
    pursues: AtomicBool,
    /// So many times more it is worth silencing, although near times are dear.
    silenced: AtomicU32,
    /// Whether a busy worker is to take over what lies with one that is stuck.
    wants_relief: AtomicBool,
    /// Whether somebody listens to the alarm.
    has_thread: AtomicBool,
}

impl Watchdog {
    /// One that nobody needs yet.
    pub fn new() -> std::io::Result<Watchdog> {
        Ok(Watchdog {
            alarm: Alarm::new()?,
            start: Instant::now(),
            cost: AlarmCost::new(),
            round: AtomicU64::new(0),
            pursues: AtomicBool::new(false),
            silenced: AtomicU32::new(0),
            wants_relief: AtomicBool::new(false),
            has_thread: AtomicBool::new(false),
        })
    }

    /// A worker has announced that it parks, which made the idle word `word`. `next` is when the next
    /// timer is due.
    pub fn worker_parks(&self, idle: &Idle, word: IdleSnapshot, next: Option<Instant>) {
        if word.parked() < idle.workers() {
            self.look_soon();
            return;
        }
        self.all_idle(next);
        if !idle.all_parked() {
            self.look_soon();
        }
    }

    /// A worker is awake again.
    pub fn worker_wakes(&self, idle: &Idle) {
        if idle.glance().parked() > 0 {
            self.look_soon();
        }
    }

    /// Waits for the alarm. Called by the watchdog's thread alone, as `come_back`.
    pub fn wait(&self) {
        self.alarm.wait();
    }

    /// Sees to it that the watchdog comes back in `period`, unless every worker is parked.
    pub fn come_back(&self, idle: &Idle, now: Instant, period: Duration) -> bool {
        let busy = !idle.all_parked();
        // Ordering: Relaxed, here and below; who stands in although it is set makes a look late by a
        // period, and a ring more or less does no harm.
        self.pursues.store(busy && period < self.period(), Ordering::Relaxed);
        if busy {
            self.set(now, period);
        } else {
            self.silenced.store(SILENCED_AFTER_VAIN, Ordering::Relaxed);
        }
        busy
    }

    /// Whether the alarm is set and nobody listens to it yet: true once, to the one who then starts
    /// the watchdog's thread.
    #[inline]
    pub fn wants_thread(&self) -> bool {
        // Ordering: Relaxed; of all who claim the thread, and the end, one is the first.
        !self.has_thread.load(Ordering::Relaxed)
            && self.looks_at().is_some()
            && !self.has_thread.swap(true, Ordering::Relaxed)
    }

    /// When the watchdog will look at the workers next.
    pub fn looks_at(&self) -> Option<Instant> {
        self.alarm.rings_at()
    }

    /// After this time, if nothing is wrong, the workers are looked at again.
    pub(super) fn period(&self) -> Duration {
        if self.cost.is_dear() { LONG_PERIOD } else { PERIOD }
    }

    /// Some workers are busy from now on, and others parked.
    #[inline]
    fn look_soon(&self) {
        let now = Instant::now();
        if self.looks_at().is_none_or(|at| at > now + LATEST) {
            self.set(now, self.period());
        }
    }

    /// A poll under way has queued something.
    pub fn look_closely(&self, now: Instant) {
        if self.cost.is_dear() {
            self.cost.refused();
            self.set(now, LONG_PERIOD);
        } else {
            self.set(now, if self.cost.is_affordable(now) { CLOSE_LOOK } else { PERIOD });
        }
    }

    fn set(&self, now: Instant, after: Duration) {
        if self.alarm.set(now, after) {
            self.cost.paid(after, time_since(now));
        }
    }

    /// A busy worker is between two polls. If the alarm is about to ring, it stands in for the
    /// watchdog, which costs less than the wake of a thread, on a core that somebody else needs: the
    /// alarm is put off. And if the last round was some time ago, the caller must make the next, also
    /// when no alarm is set because all workers are busy; returns the time between the two. A poll that
    /// was promised a close look gets it from the watchdog, unless that does not come.
    pub fn stand_in(&self, now: Instant, is_anyone_watched: impl Fn() -> bool) -> Option<Duration> {
        let period = self.period();
        let rings_soon = self.alarm.rings_between(now, now + period / 4);
        let since = self.since_round(now);
        if !rings_soon && since < period / 2 {
            return None;
        }
        let is_watchdogs = self.pursues.load(Ordering::Relaxed) || is_anyone_watched();
        if rings_soon && !is_watchdogs {
            self.alarm.reset(now, Some(period));
            self.cost.paid(period, time_since(now));
            if is_anyone_watched() {
                self.look_closely(now);
                return None;
            }
        }
        if is_watchdogs && since < period * 2 { None } else { self.claim_round(now) }
    }

    /// As `begin_round`, for one of several who come at the same time, if the last round is half a
    /// period ago.
    fn claim_round(&self, now: Instant) -> Option<Duration> {
        let ago = self.period() / 2;
        // Ordering: Relaxed, as in `begin_round`.
        let last = self.round.load(Ordering::Relaxed);
        let now = self.nanos(now);
        let since = Duration::from_nanos(now.saturating_sub(last));
        let claim = || self.round.compare_exchange(last, now, Ordering::Relaxed, Ordering::Relaxed);
        (since >= ago && claim().is_ok()).then_some(since)
    }

    fn since_round(&self, now: Instant) -> Duration {
        // Ordering: Relaxed, as in `begin_round`.
        Duration::from_nanos(self.nanos(now).saturating_sub(self.round.load(Ordering::Relaxed)))
    }

    /// Somebody goes round. Returns the time since the last one did.
    pub(super) fn begin_round(&self, now: Instant) -> Duration {
        let now = self.nanos(now);
        // Ordering: Relaxed; two who go round at the same time only look twice.
        Duration::from_nanos(now.saturating_sub(self.round.swap(now, Ordering::Relaxed)))
    }

    /// A worker is stuck, its queue is open, and nobody is parked.
    pub(super) fn call_for_relief(&self) {
        // Ordering: Relaxed, here and below; the next round calls again if nobody has answered.
        self.wants_relief.store(true, Ordering::Relaxed);
    }

    /// Whether somebody has called; true to one who then looks for what is open.
    pub(super) fn answer_for_relief(&self) -> bool {
        self.wants_relief.load(Ordering::Relaxed)
            && self.wants_relief.swap(false, Ordering::Relaxed)
    }

    fn nanos(&self, at: Instant) -> u64 {
        at.saturating_duration_since(self.start).as_nanos() as u64
    }

    /// Shutdown begins: the watchdog ends, or will never have a thread.
    pub fn end(&self) {
        // Ordering: Relaxed; pairs with the swap in `wants_thread`. Whoever claimed the thread before
        // this starts one that the alarm ends at once, and nobody claims it afterwards.
        if self.has_thread.swap(true, Ordering::Relaxed) {
            self.alarm.ring_for_ever();
        }
    }

    /// Every worker was parked a moment ago: there is nothing to watch until `next`, when a timer is
    /// due. The alarm is put off until shortly after that, which spares the worker that wakes for
    /// it from setting it: a ticker of a millisecond costs one setting in two ticks. The caller
    /// must look again.
    pub fn all_idle(&self, next: Option<Instant>) {
        let serves = match (self.looks_at(), next) {
            (None, None) => true,
            (Some(at), Some(next)) => at >= next + PERIOD && at <= next + LATEST,
            _ => false,
        };
        if serves {
            return;
        }
        let now = Instant::now();
        let worth = next.is_some() || !self.cost.is_dear() || self.would_ring_in_vain();
        if worth && self.cost.is_affordable(now) {
            let after = next.map(|at| at.saturating_duration_since(now) + LATEST);
            self.alarm.reset(now, after);
            self.cost.paid(after.unwrap_or(Duration::MAX), time_since(now));
        }
    }

    /// An alarm left as it is rings once for nothing, or serves whoever wakes up before. Where near times
    /// are dear the latter is cheaper than to silence it, and to set it again; and what happened
    /// last will happen again.
    fn would_ring_in_vain(&self) -> bool {
        // Ordering: Relaxed, as in `come_back`.
        let left = self.silenced.load(Ordering::Relaxed);
        if left > 0 {
            self.silenced.store(left - 1, Ordering::Relaxed);
        }
        left > 0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_alarm_that_has_rung_in_vain_would_do_so_again_for_a_while() {
        let watchdog = Watchdog::new().unwrap();
        assert!(!watchdog.would_ring_in_vain(), "nothing is known yet");
        let nobody_is_up = Idle::dormant(2);
        assert!(!watchdog.come_back(&nobody_is_up, Instant::now(), PERIOD));
        let vain = (0..100).take_while(|_| watchdog.would_ring_in_vain()).count();
        assert_eq!(vain, SILENCED_AFTER_VAIN as usize);
    }

    #[test]
    fn without_an_alarm_one_busy_worker_goes_round_in_a_period() {
        let watchdog = Watchdog::new().unwrap();
        let late = watchdog.start + 2 * LONG_PERIOD;
        assert_eq!(watchdog.stand_in(late, || false), Some(2 * LONG_PERIOD));
        assert_eq!(watchdog.stand_in(late, || false), None, "another has gone");
        let later = late + LONG_PERIOD;
        assert_eq!(watchdog.stand_in(later, || false), Some(LONG_PERIOD));
        assert_eq!(watchdog.looks_at(), None, "nor is one set for it");
    }

    #[test]
    fn a_poll_that_is_watched_is_the_watchdogs_unless_that_does_not_come() {
        let watchdog = Watchdog::new().unwrap();
        let soon = watchdog.start + watchdog.period();
        assert_eq!(watchdog.stand_in(soon, || true), None);
        assert!(watchdog.stand_in(soon, || false).is_some());
        let late = soon + 2 * watchdog.period();
        assert!(watchdog.stand_in(late, || true).is_some());
    }

    /// Whether somebody listens, with and without an alarm that is set, against those who claim the thread
    /// and the end.
    #[test]
    fn the_table_of_the_watchdogs_thread() {
        const HOUR: Duration = Duration::from_secs(3600);
        for (has_thread, is_set) in [(false, false), (false, true), (true, false), (true, true)] {
            let watchdog = || {
                let watchdog = Watchdog::new().unwrap();
                watchdog.has_thread.store(has_thread, Ordering::Relaxed);
                if is_set {
                    watchdog.alarm.set(watchdog.start, HOUR);
                }
                watchdog
            };
            let claimed = watchdog();
            let claims = !has_thread && is_set;
            assert_eq!(claimed.wants_thread(), claims);
            assert!(!claimed.wants_thread(), "one is enough");
            assert_eq!(claimed.has_thread.load(Ordering::Relaxed), has_thread || claims);
            let ended = watchdog();
            ended.end();
            assert!(!ended.wants_thread(), "none is started behind the end");
            let rings = ended.looks_at().is_some_and(|at| at < ended.start + HOUR / 2);
            assert_eq!(rings, has_thread, "a thread is told, and only that");
        }
    }
}
