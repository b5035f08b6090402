use std::sync::Arc;

use super::*;
use crate::sync::testing::{ready, waiting};

fn drain<T, O: Order<T>>(queue: &Queue<T, O>) -> Vec<T> {
    std::iter::from_fn(|| queue.try_get().ok()).collect()
}

#[test]
fn items_leave_in_the_order_of_the_queue() {
    let (fifo, lifo, priority) = (Queue::new(4), Queue::lifo(4), Queue::priority(4));
    for n in [(2, 'a'), (3, 'b'), (1, 'c'), (2, 'd')] {
        fifo.try_put(n).unwrap();
        lifo.try_put(n).unwrap();
        priority.try_put(n).unwrap();
    }
    assert_eq!(drain(&fifo), [(2, 'a'), (3, 'b'), (1, 'c'), (2, 'd')]);
    assert_eq!(drain(&lifo), [(2, 'd'), (1, 'c'), (3, 'b'), (2, 'a')]);
    assert_eq!(drain(&priority), [(1, 'c'), (2, 'a'), (2, 'd'), (3, 'b')]);
}

#[test]
fn equal_items_leave_a_priority_queue_in_the_order_of_arrival() {
    /// Compared by the number alone.
    #[derive(Debug)]
    struct Job(u8, &'static str);
    impl PartialEq for Job {
        fn eq(&self, other: &Job) -> bool {
            self.0 == other.0
        }
    }
    impl Eq for Job {}
    impl PartialOrd for Job {
        fn partial_cmp(&self, other: &Job) -> Option<std::cmp::Ordering> {
            Some(self.cmp(other))
        }
    }
    impl Ord for Job {
        fn cmp(&self, other: &Job) -> std::cmp::Ordering {
            self.0.cmp(&other.0)
        }
    }
    let queue = Queue::priority(9);
    for job in [Job(1, "a"), Job(0, "b"), Job(1, "c"), Job(1, "d")] {
        queue.try_put(job).unwrap();
    }
    let names: Vec<_> = drain(&queue).into_iter().map(|job| job.1).collect();
    assert_eq!(names, ["b", "a", "c", "d"]);
}

#[test]
fn both_sides_wait_in_order_and_lose_nothing() {
    let queue = Queue::new(1);
    ready(queue.put(1)).unwrap();
    assert!(queue.is_full());
    assert_eq!(queue.try_put(9), Err(TryPutError::Full(9)));
    let gone = waiting(queue.put(8));
    let mut second = waiting(queue.put(2));
    drop(gone);
    assert_eq!(ready(queue.get()), Ok(1));
    second.assert_ready().unwrap();
    assert_eq!(queue.try_get(), Ok(2));

    let served = waiting(queue.get());
    let mut next = waiting(queue.get());
    queue.try_put(3).unwrap();
    assert_eq!(queue.try_get(), Err(TryGetError::Empty), "it belongs to the first in line");
    assert_eq!((served.wakes(), next.wakes()), (1, 0));
    drop(served);
    assert_eq!(next.assert_ready(), Ok(3));
}

#[test]
fn the_end_of_the_work_is_waited_for() {
    let queue = Queue::unbounded();
    ready(queue.join());
    queue.try_put('a').unwrap();
    queue.try_put('b').unwrap();
    let mut join = waiting(queue.join());
    drain(&queue);
    queue.task_done();
    join.assert_pending();
    queue.task_done();
    queue.try_put('c').unwrap();
    join.assert_ready();
    waiting(queue.join());
    queue.task_done();
    let queue = std::panic::AssertUnwindSafe(&queue);
    assert!(std::panic::catch_unwind(|| queue.task_done()).is_err());
}

#[test]
fn a_shutdown_refuses_items_and_gives_out_the_rest() {
    let queue = Queue::new(2);
    queue.try_put(1).unwrap();
    queue.try_put(2).unwrap();
    let mut refused = waiting(queue.put(3));
    queue.shutdown(false);
    assert_eq!(refused.assert_ready(), Err(PutError(3)));
    assert_eq!(queue.try_put(4), Err(TryPutError::Shutdown(4)));
    assert_eq!(ready(queue.get()), Ok(1));
    assert_eq!(ready(queue.get()), Ok(2));
    assert_eq!(ready(queue.get()), Err(GetError(())));
    assert_eq!(queue.try_get(), Err(TryGetError::Shutdown));

    let queue = Queue::<u8>::new(2);
    let mut hungry = waiting(queue.get());
    queue.shutdown(false);
    assert_eq!(hungry.assert_ready(), Err(GetError(())));
}

#[test]
fn an_immediate_shutdown_drops_the_rest_as_done() {
    let queue = Queue::new(2);
    let value = Arc::new(());
    queue.try_put(value.clone()).unwrap();
    queue.try_put(value.clone()).unwrap();
    let got = queue.try_get().unwrap();
    let mut join = waiting(queue.join());
    queue.shutdown(true);
    drop(got);
    assert_eq!(Arc::strong_count(&value), 1);
    assert!(queue.is_shutdown() && queue.is_empty());
    join.assert_pending();
    queue.task_done();
    join.assert_ready();
}
