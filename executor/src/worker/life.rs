//! The life of a worker: the loop, one turn of it, and how it leaves its thread before its end.

use std::io;
use std::sync::Arc;
use std::sync::atomic::{Ordering, fence};
use std::time::Instant;

use super::relay::Offer;
use crate::runtime::slow_polls::TimedPoll;
use crate::runtime::{context, shutdown, threads};
use crate::task::{Notified, budget};
use crate::worker::{Scheduler, WorkerLocal};

/// The life of a worker on the current thread: until its runtime closes, or until a task takes
/// the worker away from this thread with `block_in_place`.
pub(crate) fn run(worker: Arc<WorkerLocal>) {
    {
        let _context = context::enter_worker(&worker);
        worker.begin_anew();
        worker.scheduler.settle();
        while !worker.scheduler.is_closing() {
            match worker.next_task() {
                Some(task) => {
                    if !worker.run_task(task) {
                        // Active since it gave the worker away; see there.
                        worker.scheduler.leave_standstill();
                        return;
                    }
                }
                None => worker.park(),
            }
        }
        worker.end();
    }
    let _context = context::enter(&worker.scheduler);
    shutdown::leave(worker.clone());
}

/// A worker that this thread has given away, and gets back when this is dropped if no other has
/// taken it.
pub(crate) struct GivenAway(Arc<Offer<Arc<WorkerLocal>>>);

/// Gives the worker on this thread away, if there is one. The thread counts as active until it has
/// the worker back, or else until the end of the poll that it is in.
pub(crate) fn give_away() -> Option<GivenAway> {
    let worker = context::take_worker()?;
    let scheduler = worker.scheduler.clone();
    scheduler.standstill.enter();
    Some(GivenAway(scheduler.relay.give(worker, || start_thread(&scheduler))))
}

impl Drop for GivenAway {
    fn drop(&mut self) {
        if let Some(worker) = self.0.take() {
            context::restore_worker(&worker);
            worker.scheduler.standstill.leave();
        }
    }
}

fn start_thread(scheduler: &Arc<Scheduler>) -> io::Result<()> {
    let held = scheduler.clone();
    threads::start(scheduler, "heist-worker", move || {
        held.relay.work(|| start_thread(&held), run);
    })
}

impl WorkerLocal {
    /// Polls one task. False if the worker has left this thread meanwhile.
    #[inline]
    pub(crate) fn run_task(&self, task: Notified) -> bool {
        let timed = self.scheduler.idle.glance().wants_wake() && self.backlog.wants_timing();
        let start = timed.then(Instant::now);
        let debugging = &self.scheduler.config.debugging;
        let watched = debugging.as_ref().map(|debugging| TimedPoll::begin(debugging, &task));
        budget::refill();
        self.begin_poll();
        task.run();
        if !context::is_worker(self) {
            return false;
        }
        self.end_poll();
        if let Some(poll) = watched {
            poll.end();
        }
        if let Some(start) = start {
            self.backlog.timed(start);
            self.publish_poll_time();
            if !self.queue.is_empty() {
                self.consider_help();
            }
        }
        true
    }

    /// The last acts of a worker: what it owes to others.
    pub(crate) fn end(&self) {
        if self.searching.replace(false) {
            self.scheduler.idle.end_search();
        }
        self.flush_retired();
        // Ordering: as in `Idle::park`, for tasks that come back from now on.
        fence(Ordering::SeqCst);
        self.take_back();
        budget::lift();
    }
}
