//! What the watchdog does when its alarm rings, or a busy worker in its stead: its thread, and one
//! look at each worker.

use std::sync::Arc;
use std::time::{Duration, Instant};

use super::backlog::is_worth_a_steal;
use super::local::WorkerLocal;
use super::scheduler::Scheduler;
use super::watchdog::{CLOSE_LOOK, Watchdog};
use crate::report;
use crate::runtime::threads;

/// So late a timer is fired for its owner.
const OVERDUE: Duration = Duration::from_micros(250);

/// Starts the watchdog's thread.
#[cold]
pub(super) fn start(scheduler: &Arc<Scheduler>) {
    let held = scheduler.clone();
    if let Err(error) = threads::start(scheduler, "heist-watchdog", move || run(&held)) {
        report::warn(format_args!("a runtime goes on without its watchdog: {error}"));
    }
}

/// The watchdog's thread.
fn run(scheduler: &Scheduler) {
    let Some(watchdog) = &scheduler.watchdog else { return };
    let mut turns = scheduler.seat.turns();
    let mut period = CLOSE_LOOK;
    let mut last = Instant::now();
    loop {
        watchdog.wait();
        if scheduler.is_closing() {
            return;
        }
        let now = Instant::now();
        if now.duration_since(last) > period * 2 {
            // It was not called for a while. What looks wrong now is soon looked at again.
            period = CLOSE_LOOK;
        }
        last = now;
        let passed = watchdog.begin_round(now);
        for worker in 0..scheduler.remotes.len() {
            look_at_worker(scheduler, watchdog, worker, passed);
        }
        if scheduler.seat.holder().is_none() && scheduler.seat.turns() == turns {
            // It finds nothing to do, parks again, and takes the seat.
            scheduler.rouse_one();
        }
        turns = scheduler.seat.turns();
        let next = (period * 2).min(watchdog.period());
        period = if watchdog.come_back(&scheduler.idle, now, next) { next } else { CLOSE_LOOK };
    }
}

/// A busy worker between two polls looks after the others, if the watchdog would have to do it soon, and
/// takes over what lies with one that is stuck if there is nobody to wake for it: its own queue might
/// never be empty, and the wait have no end.
pub(super) fn stand_in(busy: &WorkerLocal, now: Instant) {
    let scheduler = &*busy.scheduler;
    let Some(watchdog) = &scheduler.watchdog else { return };
    let others = || (0..scheduler.remotes.len()).filter(|worker| *worker != busy.index);
    let is_anyone_watched = || scheduler.remotes.iter().any(|r| r.progress.is_watched());
    if let Some(passed) = watchdog.stand_in(now, is_anyone_watched) {
        others().for_each(|worker| look_at_worker(scheduler, watchdog, worker, passed));
    }
    if watchdog.answer_for_relief() {
        let open = others().map(|worker| &*scheduler.remotes[worker]).filter(|r| r.is_open());
        open.for_each(|remote| busy.relieve(remote));
    }
}

fn look_at_worker(scheduler: &Scheduler, watchdog: &Watchdog, worker: usize, passed: Duration) {
    let remote = &scheduler.remotes[worker];
    let since = remote.progress.look();
    let queued = remote.stealer.len();
    if since.is_stuck && (queued > 0 || remote.has_slot_task()) {
        remote.open();
        match scheduler.idle.glance().parked() {
            0 => watchdog.call_for_relief(),
            _ => scheduler.wake_one(),
        }
    } else if since.in_poll && queued > 0 && since.polls > 0 {
        // It works through its queue; help if its polls are of a length that is worth moving.
        let poll_ns = passed.as_nanos() as u64 / since.polls;
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
