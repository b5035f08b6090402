//! What the watchdog does when its alarm rings: its thread, and one look at each worker.

use std::sync::Arc;
use std::time::{Duration, Instant};

use super::backlog::is_worth_a_steal;
use super::scheduler::Scheduler;
use super::watchdog::{CLOSE_LOOK, PERIOD};
use crate::report;
use crate::runtime::threads;

/// So late a timer is fired for its owner.
const OVERDUE: Duration = Duration::from_micros(250);

/// What the watchdog saw of a worker last time.
#[derive(Clone, Copy, Default)]
struct Seen {
    sequence: u64,
}

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
    let mut seen = vec![Seen::default(); scheduler.remotes.len()];
    let mut turns = scheduler.seat.turns();
    let mut period = CLOSE_LOOK;
    let mut last = Instant::now();
    loop {
        watchdog.wait();
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
        let next = (period * 2).min(PERIOD);
        period = if watchdog.come_back(&scheduler.idle, now, next) { next } else { CLOSE_LOOK };
    }
}

fn look_at_worker(scheduler: &Scheduler, worker: usize, seen: &mut Seen, passed: Duration) {
    let remote = &scheduler.remotes[worker];
    let sequence = remote.sequence();
    let in_poll = sequence % 2 == 1;
    // In one and the same poll, or between two, where the system has taken its core away.
    let unmoved = sequence == seen.sequence || (in_poll && sequence == remote.watched());
    let polls = sequence.wrapping_sub(seen.sequence) / 2;
    seen.sequence = sequence;
    let queued = remote.stealer.len();
    if unmoved && (queued > 0 || remote.has_slot_task()) {
        remote.open();
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
