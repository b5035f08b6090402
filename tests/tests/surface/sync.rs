//! Locks, signals, channels and queues.

use heist::sync::{
    self, Barrier, Condvar, Event, Mutex, Notify, OnceCell, Queue, RwLock, Semaphore, broadcast,
    mpsc, oneshot, watch,
};
use std::sync::Arc;
use std::time::Duration;

#[heist::test]
async fn event() {
    let event = Arc::new(Event::new());
    let own = event.clone();
    let waiter = heist::spawn(async move { own.wait().await });
    assert!(!event.is_set());
    event.set();
    waiter.await.unwrap();
    event.clear();
}

#[heist::test]
async fn condvar_with_mutex() {
    let pair = Arc::new((Mutex::new(false), Condvar::new()));
    let own = pair.clone();
    let waiter = heist::spawn(async move {
        let (ready, changed) = &*own;
        let mut guard = ready.lock().await;
        while !*guard {
            guard = changed.wait(guard).await;
        }
        drop(changed.wait_while(guard, |ready| !*ready).await);
    });
    *pair.0.lock().await = true;
    pair.1.notify_one();
    pair.1.notify_all();
    waiter.await.unwrap();
}

#[heist::test]
async fn barrier() {
    let barrier = Arc::new(Barrier::new(2));
    let own = barrier.clone();
    let other = heist::spawn(async move { own.wait().await.is_leader() });
    let here = barrier.wait().await.is_leader();
    assert!(here != other.await.unwrap());
    barrier.reset();
    barrier.abort();
}

#[heist::test]
async fn queues_in_three_orders() {
    let fifo: Queue<i32> = Queue::new(2);
    fifo.put(1).await.unwrap();
    fifo.try_put(2).unwrap();
    assert!(fifo.try_put(3).is_err());
    assert_eq!((fifo.get().await.unwrap(), fifo.try_get().unwrap()), (1, 2));
    fifo.task_done();
    fifo.task_done();
    fifo.join().await;
    let lifo = sync::Queue::<i32>::lifo(2);
    let priority = sync::Queue::<i32>::priority(2);
    for item in [1, 2] {
        lifo.put(item).await.unwrap();
        priority.put(item).await.unwrap();
    }
    assert_eq!(lifo.get().await.unwrap(), 2);
    assert_eq!(priority.get().await.unwrap(), 1);
    assert_eq!((lifo.len(), lifo.is_empty(), lifo.is_full()), (1, false, false));
    lifo.shutdown(false);
    priority.shutdown(true);
    assert!(lifo.get().await.is_ok());
    assert!(lifo.get().await.is_err());
    assert!(priority.get().await.is_err());
}

#[heist::test]
async fn locks() {
    let mutex = Arc::new(Mutex::new(1));
    *mutex.clone().lock_owned().await += 1;
    assert_eq!(*mutex.try_lock().unwrap(), 2);
    let lock = RwLock::new(1);
    *lock.write().await += 1;
    assert_eq!(*lock.read().await, 2);
    let permits = Arc::new(Semaphore::new(2));
    let permit = permits.clone().acquire_owned().await.unwrap();
    assert_eq!(permits.available_permits(), 1);
    drop((permit, permits.acquire_many(1).await.unwrap()));
    let notify = Notify::new();
    notify.notify_one();
    notify.notified().await;
    static CELL: OnceCell<i32> = OnceCell::const_new();
    assert_eq!(*CELL.get_or_init(|| async { 3 }).await, 3);
}

#[heist::test]
async fn channels() {
    let (tx, rx) = oneshot::channel();
    tx.send(1).unwrap();
    assert_eq!(rx.await, Ok(1));
    let (tx, mut rx) = mpsc::channel(1);
    tx.send(1).await.unwrap();
    assert_eq!(rx.recv().await, Some(1));
    let (tx, mut rx) = mpsc::unbounded_channel();
    tx.send(1).unwrap();
    drop(tx);
    assert_eq!((rx.recv().await, rx.recv().await), (Some(1), None));
    let (tx, mut rx) = broadcast::channel(2);
    tx.send(1).unwrap();
    assert_eq!(rx.recv().await, Ok(1));
    let (tx, mut rx) = watch::channel(1);
    tx.send(2).unwrap();
    rx.changed().await.unwrap();
    assert_eq!(*rx.borrow_and_update(), 2);
    assert!(rx.wait_for(|n| *n == 2).await.is_ok());
    drop(rx);
    heist::time::timeout(Duration::from_secs(60), tx.closed()).await.unwrap();
}
