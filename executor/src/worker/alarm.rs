//! The watchdog's alarm clock: set and silenced by workers without waking the watchdog.
//!
//! On Linux it is a timer descriptor that the watchdog reads from, so setting it is one short
//! system call and its thread sleeps on; elsewhere it is a condition variable, which wakes the
//! watchdog to learn of an earlier time. Deliberately without meaning: what to do when it rings
//! is the watchdog's business.

use std::time::{Duration, Instant};

use crate::shim::atomic::{AtomicU64, Ordering, fence};
use crate::shim::{Mutex, has_come};

/// No alarm is set.
const SILENT: u64 = u64::MAX;

/// It rings for ever: whoever listens is to end.
const FOR_EVER: u64 = 0;

/// See the module's documentation.
pub(crate) struct Alarm {
    start: Instant,
    /// When it rings, in nanoseconds since `start`; written under the lock.
    rings_at: AtomicU64,
    bell: Mutex<bell::Bell>,
    listener: bell::Listener,
}

impl Alarm {
    pub(crate) fn new() -> std::io::Result<Alarm> {
        let (bell, listener) = bell::new()?;
        Ok(Alarm {
            start: Instant::now(),
            rings_at: AtomicU64::new(SILENT),
            bell: Mutex::new(bell),
            listener,
        })
    }

    fn nanos(&self, at: Instant) -> u64 {
        (at.saturating_duration_since(self.start).as_nanos() as u64).max(FOR_EVER + 1)
    }

    /// When it will ring.
    #[inline]
    pub(crate) fn rings_at(&self) -> Option<Instant> {
        // Ordering: this fence pairs with those in `reset` and `wait`: a caller that has just
        // woken up either sees here that it is silent, or is seen awake by who silenced it.
        fence(Ordering::SeqCst);
        match self.rings_at.load(Ordering::Relaxed) {
            SILENT => None,
            at => Some(self.start + Duration::from_nanos(at)),
        }
    }

    /// Whether it rings after `from` and not after `until`. A glance, which may be out of date.
    #[inline]
    pub(crate) fn rings_between(&self, from: Instant, until: Instant) -> bool {
        // Ordering: Relaxed; a stale answer makes a worker stand in for nothing, or not.
        let at = self.rings_at.load(Ordering::Relaxed);
        at > self.nanos(from) && at <= self.nanos(until)
    }

    /// Makes it ring `after` from `now` at the latest. True if it would have rung later.
    pub(crate) fn set(&self, now: Instant, after: Duration) -> bool {
        let at = self.nanos(now + after);
        // Ordering: Relaxed; who sees an earlier time here is busy, and so the watchdog comes back
        // after it has rung.
        if self.rings_at.load(Ordering::Relaxed) <= at {
            return false;
        }
        let mut bell = self.bell.lock();
        let sooner = self.rings_at.load(Ordering::Relaxed) > at;
        if sooner {
            self.rings_at.store(at, Ordering::Relaxed);
            bell.set(after.max(Duration::from_nanos(1)));
        }
        sooner
    }

    /// Makes it ring `after` from `now`, neither earlier nor later; silences it if never.
    pub(crate) fn reset(&self, now: Instant, after: Option<Duration>) {
        let mut bell = self.bell.lock();
        // A worker that goes idle may come late: what rings for ever goes on.
        if self.rings_at.load(Ordering::Relaxed) == FOR_EVER {
            return;
        }
        let at = after.map_or(SILENT, |after| self.nanos(now + after));
        self.rings_at.store(at, Ordering::Relaxed);
        match after {
            Some(after) => bell.set(after.max(Duration::from_nanos(1))),
            None => bell.silence(),
        }
        // Ordering: pairs with the fence in `rings_at`; the caller looks at the idle word next.
        fence(Ordering::SeqCst);
    }

    /// Makes it ring at once and for ever.
    pub(crate) fn ring_for_ever(&self) {
        let mut bell = self.bell.lock();
        self.rings_at.store(FOR_EVER, Ordering::Relaxed);
        bell.set(Duration::from_nanos(1));
    }

    /// Waits until it rings, and is silent from then on. Called by the watchdog alone.
    pub(crate) fn wait(&self) {
        loop {
            self.listener.wait();
            let _bell = self.bell.lock();
            let at = self.rings_at.load(Ordering::Relaxed);
            if at == FOR_EVER {
                return;
            }
            // It may have been silenced or set anew while the bell was on its way here.
            if at != SILENT && has_come(self.start + Duration::from_nanos(at)) {
                self.rings_at.store(SILENT, Ordering::Relaxed);
                // Ordering: as in `reset`.
                fence(Ordering::SeqCst);
                return;
            }
        }
    }
}

#[cfg(all(target_os = "linux", not(heist_loom)))]
mod bell {
    use std::io;
    use std::os::fd::OwnedFd;
    use std::sync::Arc;
    use std::time::Duration;

    use rustix::time::{
        Itimerspec, TimerfdClockId, TimerfdFlags, TimerfdTimerFlags, Timespec, timerfd_create,
        timerfd_settime,
    };

    const NEVER: Timespec = Timespec { tv_sec: 0, tv_nsec: 0 };

    pub(super) struct Bell(Arc<OwnedFd>);

    pub(super) struct Listener(Arc<OwnedFd>);

    pub(super) fn new() -> io::Result<(Bell, Listener)> {
        let timer = timerfd_create(TimerfdClockId::Monotonic, TimerfdFlags::CLOEXEC)?;
        let timer = Arc::new(timer);
        Ok((Bell(timer.clone()), Listener(timer)))
    }

    impl Bell {
        pub(super) fn set(&mut self, after: Duration) {
            self.arm(Timespec { tv_sec: after.as_secs() as _, tv_nsec: after.subsec_nanos() as _ });
        }

        pub(super) fn silence(&mut self) {
            self.arm(NEVER);
        }

        fn arm(&self, value: Timespec) {
            let once = Itimerspec { it_interval: NEVER, it_value: value };
            timerfd_settime(&self.0, TimerfdTimerFlags::empty(), &once)
                .expect("a timer descriptor of our own takes any valid time");
        }
    }

    impl Listener {
        pub(super) fn wait(&self) {
            let mut expirations = [0; 8];
            // EINTR: the caller looks at the time and comes back.
            let _ = rustix::io::read(&self.0, &mut expirations);
        }
    }
}

#[cfg(any(not(target_os = "linux"), heist_loom))]
mod bell {
    use std::io;
    use std::sync::Arc;
    use std::time::{Duration, Instant};

    use crate::shim::{Condvar, Mutex, has_come};

    type Rope = Arc<(Mutex<Option<Instant>>, Condvar)>;

    pub(super) struct Bell(Rope);

    pub(super) struct Listener(Rope);

    pub(super) fn new() -> io::Result<(Bell, Listener)> {
        let rope = Rope::new((Mutex::new(None), Condvar::new()));
        Ok((Bell(rope.clone()), Listener(rope)))
    }

    impl Bell {
        pub(super) fn set(&mut self, after: Duration) {
            *self.0.0.lock() = Some(Instant::now() + after);
            self.0.1.notify_one();
        }

        pub(super) fn silence(&mut self) {
            *self.0.0.lock() = None;
        }
    }

    impl Listener {
        pub(super) fn wait(&self) {
            let mut at = self.0.0.lock();
            loop {
                match *at {
                    None => self.0.1.wait(&mut at),
                    Some(time) if has_come(time) => break,
                    Some(time) => {
                        self.0.1.wait_until(&mut at, time);
                    }
                }
            }
            *at = None;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const HOUR: Duration = Duration::from_secs(3600);

    /// One edge from each state; when it rings afterwards.
    fn edge(from: u64, edge: impl Fn(&Alarm)) -> u64 {
        let alarm = Alarm::new().unwrap();
        alarm.rings_at.store(from, Ordering::Relaxed);
        edge(&alarm);
        let rings_at = alarm.rings_at.load(Ordering::Relaxed);
        assert_eq!(alarm.rings_at().is_none(), rings_at == SILENT);
        rings_at
    }

    #[test]
    fn the_table_of_the_alarms_word() {
        let hour = HOUR.as_nanos() as u64;
        let set = |alarm: &Alarm| {
            let rang_later = alarm.rings_at.load(Ordering::Relaxed) > hour;
            assert_eq!(alarm.set(alarm.start, HOUR), rang_later);
        };
        assert_eq!(edge(SILENT, set), hour);
        assert_eq!(edge(hour + 1, set), hour, "an earlier time counts");
        assert_eq!(edge(hour - 1, set), hour - 1, "a later one does not");
        assert_eq!(edge(FOR_EVER, set), FOR_EVER);
        for from in [SILENT, hour - 1, hour + 1] {
            let put_off = |alarm: &Alarm| alarm.reset(alarm.start, Some(HOUR));
            assert_eq!(edge(from, put_off), hour);
            assert_eq!(edge(from, |alarm| alarm.reset(alarm.start, None)), SILENT);
            assert_eq!(edge(from, Alarm::ring_for_ever), FOR_EVER);
        }
        for after in [Some(HOUR), None] {
            assert_eq!(edge(FOR_EVER, |alarm| alarm.reset(alarm.start, after)), FOR_EVER);
        }
        // Set for the first moment of all, it is not for ever.
        let at_once = |alarm: &Alarm| assert!(alarm.set(alarm.start, Duration::ZERO));
        assert_eq!(edge(SILENT, at_once), FOR_EVER + 1);
    }

    #[test]
    fn it_is_about_to_ring_between_two_times_and_neither_when_silent_nor_for_ever() {
        for (rings_at, expected) in [
            (SILENT, false),
            (FOR_EVER, false),
            (HOUR.as_nanos() as u64, false),
            (HOUR.as_nanos() as u64 + 1, true),
            (2 * HOUR.as_nanos() as u64, true),
            (2 * HOUR.as_nanos() as u64 + 1, false),
        ] {
            edge(rings_at, |alarm| {
                let from = alarm.start + HOUR;
                assert_eq!(alarm.rings_between(from, from + HOUR), expected, "{rings_at}");
            });
        }
    }

    #[test]
    fn it_rings_at_the_earliest_time_set_and_not_before() {
        let alarm = Alarm::new().unwrap();
        let now = Instant::now();
        alarm.set(now, Duration::from_secs(3600));
        alarm.set(now, Duration::from_millis(2));
        assert!(alarm.rings_at().is_some());
        alarm.wait();
        assert!(now.elapsed() >= Duration::from_millis(2));
        assert!(alarm.rings_at().is_none());
    }

    #[test]
    fn what_rings_for_ever_is_not_silenced() {
        let alarm = Alarm::new().unwrap();
        alarm.ring_for_ever();
        alarm.reset(Instant::now(), None);
        alarm.set(Instant::now(), Duration::from_secs(3600));
        alarm.wait();
        assert!(alarm.rings_at().is_some());
    }

    #[test]
    fn it_can_be_silenced_and_set_again() {
        let alarm = Alarm::new().unwrap();
        let now = Instant::now();
        alarm.set(now, Duration::from_secs(3600));
        alarm.reset(Instant::now(), None);
        assert!(alarm.rings_at().is_none());
        alarm.set(Instant::now(), Duration::from_millis(1));
        alarm.wait();
        assert!(now.elapsed() >= Duration::from_millis(1));
    }
}
