//! How a worker queues tasks: which of them runs next, and whether another worker is called.
//!
//! Deliberately without what comes from elsewhere: that goes through the injector, or is called for by
//! the [watchdog](super::watchdog).

use std::time::Instant;

use super::idle::IdleSnapshot;
use super::local::WorkerLocal;
use crate::runtime::workers;
use crate::task::Notified;

/// What the poll under way has done to the slot.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum SlotUse {
    Nothing,
    /// The one task that it has spawned so far went in.
    Spawned,
    /// Nothing that it spawns goes in any more: it has woken a task, or spawned several, or one that was
    /// for others.
    Settled,
}

impl WorkerLocal {
    /// Queues a task that something on this thread woke.
    ///
    /// During a poll it goes to the slot and runs next: it is about what the polled task has just
    /// done, and its data is in the cache. Otherwise (a driver's wakes) it queues up.
    #[inline]
    pub(crate) fn push_woken(&self, task: Notified) {
        if !self.in_poll.get() {
            self.queue.push(task);
            return;
        }
        self.slot_use.set(SlotUse::Settled);
        self.put_into_slot(task);
        self.consider_help();
    }

    /// Queues a new task.
    ///
    /// If a poll spawns one, its task mostly awaits it: so it goes to the slot, where nothing else waits,
    /// unless tasks are so long here that another worker had better be called for one. If a poll spawns
    /// several, they queue up, and start in the order in which they were spawned.
    #[inline]
    pub(crate) fn push_spawned(&self, task: Notified) {
        match self.slot_use.get() {
            SlotUse::Settled => self.queue.push(task),
            before => self.settle_slot(before, task),
        }
        self.consider_help();
    }

    fn settle_slot(&self, before: SlotUse, task: Notified) {
        let is_free = before == SlotUse::Nothing && !self.remote().has_slot_task();
        let is_for_others = || self.scheduler.idle.glance().wants_wake() && self.is_worth_a_wake(1);
        if is_free && self.in_poll.get() && !is_for_others() {
            self.slot_use.set(SlotUse::Spawned);
            self.put_into_slot(task);
            return;
        }
        self.slot_use.set(SlotUse::Settled);
        if before == SlotUse::Spawned {
            // Unless somebody has taken it because this poll lasts.
            self.remote().take_slot().into_iter().for_each(|first| self.queue.push(first));
        }
        self.queue.push(task);
    }

    fn put_into_slot(&self, task: Notified) {
        if let Some(displaced) = self.remote().slot.put(task) {
            self.queue.push(displaced);
        }
    }

    /// Queues a task that was woken during its own poll; this wakes nobody.
    #[inline]
    pub(crate) fn push_yielded(&self, task: Notified) {
        self.queue.push(task);
    }

    /// Something was queued: wakes another worker if that is worth it, and else makes sure that
    /// the watchdog looks here soon in case the current poll does not end.
    #[inline]
    pub(super) fn consider_help(&self) {
        let idle = self.scheduler.idle.glance();
        if idle.parked() + idle.searching() == 0 {
            return;
        }
        // Between polls the first task in the queue is this worker's own next one.
        let waiting = self.queue.len() - usize::from(!self.in_poll.get() && !self.queue.is_empty());
        if idle.wants_wake() && self.is_worth_a_wake(waiting) && self.call_for_help(idle) {
            return;
        }
        if idle.searching() == 0 && self.in_poll.get() && !self.alarmed.replace(true) {
            // Nobody is on the way here.
            self.ask_for_a_look();
        }
    }

    /// Whether so many tasks take long enough to call another worker for them.
    fn is_worth_a_wake(&self, tasks: usize) -> bool {
        self.scheduler.wake_cost.allows(self.backlog.work_ns(tasks))
    }

    /// Offers others half of a queue that has been long for a while.
    pub(super) fn consider_sharing(&self, now: Instant) {
        let idle = self.scheduler.idle.glance();
        if self.backlog.lasts(self.queue.len(), now) && idle.parked() + idle.searching() > 0 {
            self.backlog.share(now);
            self.call_for_help(idle);
        }
    }

    /// Offers half of the queue to whoever comes, and wakes somebody if nobody is on the way and there is
    /// a CPU for one more. False if nobody comes.
    fn call_for_help(&self, idle: IdleSnapshot) -> bool {
        self.remote().set_shared(true);
        if !idle.wants_wake() {
            return idle.searching() > 0;
        }
        let has_cpu = self.scheduler.idle.workers() - idle.parked() < workers::cpus();
        if has_cpu {
            self.scheduler.call_one();
        }
        has_cpu
    }

    #[cold]
    fn ask_for_a_look(&self) {
        let now = Instant::now();
        self.asked.set(Some(now));
        self.remote().progress.watch();
        self.with_watchdog(|watchdog| watchdog.look_closely(now));
        if self.distrust.get() > 0 {
            // At once what the watchdog would do if this poll did not end.
            self.distrust.set(self.distrust.get() - 1);
            self.remote().open();
            self.scheduler.call_one();
        }
    }
}

#[cfg(test)]
mod tests {
    use std::future::Future;
    use std::sync::{Arc, Mutex};

    use crate::runtime::Builder;
    use crate::sync::Notify;
    use crate::task::{JoinHandle, yield_now};

    type Log = Arc<Mutex<Vec<&'static str>>>;

    /// Spawns a task that does no more than to be noted.
    fn note(log: &Log, what: &'static str) -> JoinHandle<()> {
        let log = log.clone();
        crate::spawn(async move { log.lock().unwrap().push(what) })
    }

    /// The order in which tasks have run on one worker.
    fn order<F: Future<Output = ()> + Send + 'static>(
        task: impl FnOnce(Log) -> F + Send + 'static,
    ) -> Vec<&'static str> {
        let log = Log::default();
        let runtime = Builder::new_multi_thread().worker_threads(1).build().unwrap();
        runtime.block_on(runtime.spawn(task(log.clone()))).unwrap();
        drop(runtime);
        Arc::into_inner(log).unwrap().into_inner().unwrap()
    }

    #[test]
    fn a_task_that_a_poll_spawns_alone_runs_next() {
        let order = order(|log| async move {
            let inner = log.clone();
            let parent = crate::spawn(async move {
                note(&inner, "child").await.unwrap();
                inner.lock().unwrap().push("parent");
            });
            note(&log, "queued").await.unwrap();
            parent.await.unwrap();
        });
        assert_eq!(order, ["child", "parent", "queued"]);
    }

    #[test]
    fn several_start_in_the_order_in_which_they_were_spawned() {
        let order = order(|log| async move {
            let inner = log.clone();
            let parent = crate::spawn(async move {
                let children = ["one", "two", "three"].map(|child| note(&inner, child));
                for child in children {
                    child.await.unwrap();
                }
            });
            note(&log, "queued").await.unwrap();
            parent.await.unwrap();
        });
        assert_eq!(order, ["queued", "one", "two", "three"]);
    }

    #[test]
    fn what_a_poll_wakes_runs_before_what_it_spawns() {
        let order = order(|log| async move {
            let (notify, inner) = (Arc::new(Notify::new()), log.clone());
            let waits = notify.clone();
            let waiter = crate::spawn(async move {
                waits.notified().await;
                inner.lock().unwrap().push("woken");
            });
            yield_now().await;
            let first = note(&log, "one");
            notify.notify_one();
            let second = note(&log, "two");
            for task in [waiter, first, second] {
                task.await.unwrap();
            }
        });
        assert_eq!(order, ["woken", "one", "two"]);
    }
}
