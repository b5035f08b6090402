//! Three producers put five items each into a queue, and two consumers work them off. Takes 0.8 s.
//!
//! `sync::Queue` is `asyncio.Queue`: `task_done` says that an item has been dealt with, and `join`
//! waits until that is so of all. The consumers have no end of their own, so they are cancelled, as
//! in asyncio; `queue.shutdown(false)` would end them, too: then `get` fails once the queue is empty.

mod gallery;

use std::sync::Arc;

use gallery::{Stopwatch, seconds};
use heist::sync::Queue;
use heist::time::sleep;

#[heist::main]
async fn main() {
    let _stopwatch = Stopwatch::start();
    // At most four items wait at a time; producers wait for room.
    let queue = Arc::new(Queue::new(4));
    let consumers: Vec<_> = (0..2).map(|_| heist::spawn(consume(queue.clone()))).collect();
    heist::gather((0..3).map(|n| produce(5 * n, queue.clone()))).await;
    println!("Everything is produced");
    queue.join().await;
    println!("Everything is consumed");
    for consumer in consumers {
        consumer.abort();
        // Awaited, so that nothing of it is left.
        assert!(consumer.await.is_err_and(|error| error.is_cancelled()));
    }
    // The queue was shared by two consumers, who are gone.
    println!("The queue is ours again: {}", Arc::into_inner(queue).is_some());
}

async fn produce(start: u32, queue: Arc<Queue<u32>>) {
    for n in start..start + 5 {
        queue.put(n).await.expect("nobody shuts the queue down");
    }
}

async fn consume(queue: Arc<Queue<u32>>) {
    while let Ok(n) = queue.get().await {
        sleep(seconds(0.1)).await;
        println!("Consumed {n}");
        queue.task_done();
    }
}
