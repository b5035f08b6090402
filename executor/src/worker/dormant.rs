//! Workers whose threads have not been started yet.
//!
//! A runtime has as many workers as it was told, but a thread costs memory, and starting one more
//! than all else that building a runtime takes. So a runtime is built with one thread; each of the
//! others is started when its worker is chosen for the first time, because there is work for it.
//! Until then it is parked as any other ([`Idle::dormant`](super::idle::Idle::dormant)), at the
//! bottom of the stack. Deliberately without a way back: a thread that has been started stays until
//! the runtime ends.

use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use parking_lot::Mutex;

use super::{WorkerLocal, life};
use crate::runtime::threads;

/// See the module's documentation.
#[derive(Default)]
pub(crate) struct Dormant {
    left: AtomicUsize,
    workers: Mutex<Vec<Option<Arc<WorkerLocal>>>>,
}

impl Dormant {
    /// Takes in all workers of a new runtime, in their order.
    pub(crate) fn fill(&self, workers: Vec<Arc<WorkerLocal>>) {
        // Ordering: Relaxed here and below; the runtime is being built, or somebody looks at a
        // worker that has long been started. Who was chosen in between is found under the lock.
        self.left.store(workers.len(), Ordering::Relaxed);
        *self.workers.lock() = workers.into_iter().map(Some).collect();
    }

    /// Takes a worker out, if it is dormant.
    #[inline]
    pub(crate) fn take(&self, worker: usize) -> Option<Arc<WorkerLocal>> {
        if self.left.load(Ordering::Relaxed) == 0 {
            return None;
        }
        let taken = self.workers.lock().get_mut(worker)?.take()?;
        self.left.fetch_sub(1, Ordering::Relaxed);
        Some(taken)
    }

    fn put_back(&self, worker: Arc<WorkerLocal>) {
        let mut workers = self.workers.lock();
        let index = worker.index;
        workers[index] = Some(worker);
        self.left.fetch_add(1, Ordering::Relaxed);
    }

    /// Takes out all, since the runtime ends.
    pub(crate) fn take_all(&self) -> Vec<Arc<WorkerLocal>> {
        self.left.store(0, Ordering::Relaxed);
        self.workers.lock().drain(..).flatten().collect()
    }
}

/// Starts the thread of a worker that was dormant and has been chosen. On failure it is dormant
/// again.
pub(crate) fn start(worker: Arc<WorkerLocal>) -> io::Result<()> {
    let scheduler = worker.scheduler.clone();
    let name = format!("heist-worker-{}", worker.index);
    // Chosen, as one that comes out of its sleep.
    worker.searching.set(true);
    let starting = worker.clone();
    threads::start(&scheduler, &name, move || life::run(starting)).inspect_err(|_| {
        worker.searching.set(false);
        let index = worker.index;
        scheduler.dormant.put_back(worker);
        scheduler.idle.give_up_dormant(index);
    })
}
