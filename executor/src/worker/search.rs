//! Where a worker's next task comes from.
//!
//! The order: slot, own queue, injector, other workers' queues, and last of all the slot of a
//! worker that is stuck. Every few microseconds a busy worker looks around and the injector comes
//! first, and every few looks it sees to timers and I/O, so that none of these starves behind a busy
//! queue.

use std::time::{Duration, Instant};

use super::backlog::is_worth_a_steal;
use super::local::{WorkerLocal, WorkerRemote};
use super::rounds;
use crate::task::Notified;

/// How many tasks in a row may come from the slot: two tasks that wake each other, or a chain of
/// tasks that each spawn the next, would otherwise never let the queue have its turn.
const SLOT_STREAK_MAX: u32 = 3;

/// How long a busy worker stays with its own queue before it looks into the injector.
const LOOK_AFTER: Duration = Duration::from_micros(5);

/// At most this many tasks run between two looks: if they become long all at once, those that follow
/// are late by so many of them, and timers by `LOOKS_PER_CLOCK` times as many.
const LOOK_INTERVAL_MAX: u32 = 16;

/// Every so many looks a busy worker also reads the clock, which costs some 20 ns, and looks after
/// its timers and the reactor ...
const LOOKS_PER_CLOCK: u32 = 4;

/// ... and each time if that would be further apart.
const CLOCK_AFTER: Duration = Duration::from_micros(50);

/// How long a busy worker leaves the reactor alone, if nobody else looks after it.
const REACTOR_INTERVAL: Duration = Duration::from_micros(100);

/// At most this many tasks change queues at a time.
const BATCH_MAX: usize = 128;

/// In so many batches half of a queue that is shared changes hands; of a longer one it is less.
const SHARE_STEALS: usize = 8;

/// So often a busy worker halves the queue of one that is stuck before it goes on with its own.
const RELIEF_STEALS: usize = 8;

impl WorkerLocal {
    /// The next task to run; `None` if there is none anywhere that is worth having.
    #[inline]
    pub(crate) fn next_task(&self) -> Option<Notified> {
        let task = self.find_task()?;
        if self.searching.replace(false) {
            self.end_search();
        }
        Some(task)
    }

    #[inline]
    fn find_task(&self) -> Option<Notified> {
        match self.until_look.get() {
            0 => {
                if let Some(task) = self.look_around() {
                    return Some(task);
                }
            }
            tasks => self.until_look.set(tasks - 1),
        }
        if self.slot_streak.get() < SLOT_STREAK_MAX {
            if let Some(task) = self.remote().take_slot() {
                self.slot_streak.set(self.slot_streak.get() + 1);
                return Some(task);
            }
        }
        self.slot_streak.set(0);
        if let Some(task) = self.queue.pop() {
            return Some(task);
        }
        self.remote().take_slot().or_else(|| self.search())
    }

    /// A busy worker's look at the injector, whose task comes first then, and now and then at the
    /// clock.
    #[cold]
    fn look_around(&self) -> Option<Notified> {
        match self.looks_to_clock.get() {
            0 => self.look_at_clock(),
            looks => self.looks_to_clock.set(looks - 1),
        }
        self.until_look.set(self.look_interval.get() - 1);
        let injector = &self.scheduler.injector;
        if injector.is_empty() { None } else { injector.pop() }
    }

    /// Sees to timers that are due, and to I/O if nobody sits in the reactor.
    fn look_at_clock(&self) {
        let scheduler = &*self.scheduler;
        let now = Instant::now();
        match self.last_look.replace(Some(now)) {
            Some(last) => self.tune_looks(now.duration_since(last)),
            None => self.looks_to_clock.set(self.looks_per_clock.get() - 1),
        }
        scheduler.timers.fire_due(self.index);
        self.consider_sharing(now);
        rounds::stand_in(self, now);
        let last_turn = self.last_turn.get().unwrap_or(now);
        self.last_turn.set(Some(last_turn));
        if now.duration_since(last_turn) >= REACTOR_INTERVAL {
            self.last_turn.set(Some(now));
            if scheduler.seat.try_take(self.index) {
                self.turn_reactor(Some(Duration::ZERO));
                scheduler.seat.give_up();
            }
        }
    }

    /// Chooses after how many tasks to look around again, so that it will be after `LOOK_AFTER`, and
    /// after how many looks to read the clock, from the time since it was read last.
    fn tune_looks(&self, took: Duration) {
        let looks = self.looks_per_clock.get();
        let took = took.as_nanos().max(1) as u64;
        let interval = u64::from(self.look_interval.get());
        // No more than twice as long as before: the tasks to come may be slower than these were.
        let tuned = LOOK_AFTER.as_nanos() as u64 * interval * u64::from(looks) / took;
        let tuned = tuned.min(interval * 2).clamp(1, LOOK_INTERVAL_MAX.into());
        self.look_interval.set(tuned as u32);
        let far = took * u64::from(LOOKS_PER_CLOCK / looks) > CLOCK_AFTER.as_nanos() as u64;
        let looks = if far { 1 } else { LOOKS_PER_CLOCK };
        self.looks_per_clock.set(looks);
        self.looks_to_clock.set(looks - 1);
    }

    /// Looks for the tasks of others.
    fn search(&self) -> Option<Notified> {
        if let Some(task) = self.pop_injector() {
            return Some(task);
        }
        if self.scheduler.remotes.len() == 1 {
            return None;
        }
        if !self.searching.get() {
            if !self.scheduler.idle.begin_search() {
                return None;
            }
            self.searching.set(true);
        }
        // A searcher that finds nothing stays one until it parks, which takes it back.
        self.steal(false).or_else(|| self.pop_injector()).or_else(|| self.steal(true))
    }

    /// A share of the injector, so that many workers woken for it all get some.
    fn pop_injector(&self) -> Option<Notified> {
        let injector = &self.scheduler.injector;
        if injector.is_empty() {
            return None;
        }
        let share = injector.len() / self.scheduler.remotes.len() + 1;
        injector.pop_batch(&self.queue, share.min(BATCH_MAX))
    }

    /// Steals half of somebody's queue or, as the last resort, what lies in the slot of a worker
    /// that is stuck.
    fn steal(&self, last_resort: bool) -> Option<Notified> {
        let remotes = &self.scheduler.remotes;
        let start = self.random_below(remotes.len());
        for offset in 0..remotes.len() {
            let victim = &remotes[(start + offset) % remotes.len()];
            if std::ptr::eq(&**victim, self.remote()) {
                continue;
            }
            if last_resort {
                if victim.is_open() {
                    if let Some(task) = self.steal_slot(victim) {
                        return Some(task);
                    }
                }
                continue;
            }
            let queued = victim.stealer.len();
            if queued == 0 {
                continue;
            }
            if victim.is_shared() {
                victim.set_shared(false);
                if let Some(task) = self.take_share(victim) {
                    return Some(task);
                }
            }
            if !(victim.is_open() || is_worth_a_steal(victim.poll_ns())) {
                continue;
            }
            let limit = (queued / 2).clamp(1, BATCH_MAX);
            if let Some(task) = self.steal_half(victim, limit) {
                return Some(task);
            }
        }
        None
    }

    /// Moves up to half of another's queue here, at most `limit` tasks, and takes the first of them.
    fn steal_half(&self, victim: &WorkerRemote, limit: usize) -> Option<Notified> {
        let before = self.queue.len();
        let task = victim.stealer.steal_half(&self.queue, limit)?;
        // Others may have stolen from here meanwhile; a hint will do.
        self.count_steal(self.queue.len().saturating_sub(before) + 1);
        Some(task)
    }

    fn steal_slot(&self, victim: &WorkerRemote) -> Option<Notified> {
        victim.take_slot().inspect(|_| self.count_steal(1))
    }

    fn count_steal(&self, tasks: usize) {
        let counters = &self.remote().counters;
        counters.steals.add(1);
        counters.stolen_tasks.add(tasks as u64);
    }

    /// Takes half of a queue that its owner shares, however long it is.
    fn take_share(&self, victim: &WorkerRemote) -> Option<Notified> {
        for _ in 0..SHARE_STEALS {
            let surplus = victim.stealer.len().saturating_sub(self.queue.len());
            if surplus < 2 {
                break;
            }
            let Some(task) = self.steal_half(victim, (surplus / 2).min(BATCH_MAX)) else { break };
            self.queue.push(task);
        }
        self.queue.pop()
    }

    /// Takes over what waits behind a poll that lasts.
    pub(super) fn relieve(&self, victim: &WorkerRemote) {
        for _ in 0..RELIEF_STEALS {
            let task = self.steal_half(victim, BATCH_MAX).or_else(|| self.steal_slot(victim));
            let Some(task) = task else { return };
            self.queue.push(task);
        }
    }

    /// The worker has found work, wherever it was. If it was the last searcher, others may rely on
    /// it: it wakes one more if there is more to find.
    #[cold]
    fn end_search(&self) {
        if self.scheduler.idle.end_search() && !self.scheduler.injector.is_empty() {
            self.scheduler.call_one();
        }
    }
}
