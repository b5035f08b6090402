//! All pools of a runtime: its own, and those with names that are still in use.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Weak};

use parking_lot::Mutex;

use super::Pool;
use crate::runtime::config::Config;
use crate::task::TaskInfo;

/// See the module's documentation.
pub(crate) struct Pools {
    /// The one for everybody.
    pub(crate) own: Arc<Pool>,
    named: Mutex<Named>,
    /// Set when no queue has a job any more.
    ended: AtomicBool,
}

struct Named {
    /// A pool is kept by its [`BlockingPool`](super::BlockingPool) and by its threads.
    pools: Vec<Weak<Pool>>,
    closed: bool,
}

impl Pools {
    pub(crate) fn new(config: &Config) -> Pools {
        Pools {
            own: Arc::new(Pool::own(config)),
            named: Mutex::new(Named { pools: Vec::new(), closed: false }),
            ended: AtomicBool::new(false),
        }
    }

    /// Takes in a new pool, which is closed at once if the others are.
    pub(super) fn admit(&self, pool: &Arc<Pool>) {
        let mut named = self.named.lock();
        if named.closed {
            drop(named);
            pool.close();
            return;
        }
        named.pools.retain(|pool| pool.strong_count() > 0);
        named.pools.push(Arc::downgrade(pool));
    }

    /// No job is accepted from now on, queued ones are cancelled, idle threads end.
    pub(crate) fn close(&self) {
        self.named.lock().closed = true;
        self.all().iter().for_each(|pool| pool.close());
        // Ordering: Release, pairs with `have_ended`: a job that ends because of it leaves its
        // thread to an empty queue.
        self.ended.store(true, Ordering::Release);
    }

    /// Whether nothing begins any more; what is running may end, too.
    pub(crate) fn have_ended(&self) -> bool {
        // Ordering: Acquire, pairs with the store in `close`.
        self.ended.load(Ordering::Acquire)
    }

    /// Jobs queued or running.
    pub(crate) fn busy(&self) -> usize {
        self.all().iter().map(|pool| pool.busy()).sum()
    }

    /// What is queued or running.
    pub(crate) fn infos(&self) -> Vec<TaskInfo> {
        self.all().iter().flat_map(|pool| pool.infos()).collect()
    }

    /// The lock is not held while the pools are looked at: the last reference to one may be dropped.
    fn all(&self) -> Vec<Arc<Pool>> {
        let named = self.named.lock();
        let named = named.pools.iter().filter_map(Weak::upgrade);
        std::iter::once(self.own.clone()).chain(named).collect()
    }
}
