//! Nine jobs of a second each, three at a time. Takes 3 s.
//!
//! `sync::Semaphore` is `asyncio.Semaphore`. Permits are given in the order in which they were asked
//! for. `acquire_owned` has a permit go with a task, and `acquire_many` takes several at once.

mod gallery;

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

use gallery::{Stopwatch, seconds};
use heist::sync::Semaphore;
use heist::time::sleep;

#[heist::main]
async fn main() {
    let _stopwatch = Stopwatch::start();
    let shop = Arc::new(Shop::with_counters(3));
    heist::gather((1..=9).map(|n| shop.clone().serve(n))).await;
    println!("Never more than {} at a time", shop.most.load(Ordering::Relaxed));
}

struct Shop {
    counters: Semaphore,
    inside: AtomicU32,
    most: AtomicU32,
}

impl Shop {
    fn with_counters(n: usize) -> Shop {
        Shop { counters: Semaphore::new(n), inside: AtomicU32::new(0), most: AtomicU32::new(0) }
    }

    async fn serve(self: Arc<Shop>, n: u32) {
        // Its permit comes back when it is dropped, however this function ends.
        let _permit = self.counters.acquire().await.expect("nobody closes the semaphore");
        let inside = self.inside.fetch_add(1, Ordering::Relaxed) + 1;
        self.most.fetch_max(inside, Ordering::Relaxed);
        sleep(seconds(1)).await;
        self.inside.fetch_sub(1, Ordering::Relaxed);
        println!("Job {n} is done");
    }
}
