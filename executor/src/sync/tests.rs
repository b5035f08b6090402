//! What holds of all primitives alike.

use std::sync::Arc;

use super::*;

fn is_send_and_sync<T: Send + Sync>(_: T) {}
fn is_send<T: Send>(_: T) {}

/// As in tokio, so that tasks which wait may move between workers. Nothing is polled.
#[test]
fn waits_guards_and_ends_may_be_sent() {
    let mutex = Arc::new(Mutex::new(String::new()));
    is_send_and_sync(mutex.lock());
    is_send(mutex.clone().lock_owned());
    let guard = mutex.clone().try_lock_owned().unwrap();
    is_send_and_sync(OwnedMutexGuard::map(guard, |value| value.as_mut_str()));
    let guard = mutex.try_lock().unwrap();
    is_send_and_sync(Condvar::new().wait(guard));
    is_send_and_sync(MutexGuard::map(mutex.try_lock().unwrap(), |value| value.as_mut_str()));

    let lock = Arc::new(RwLock::new(String::new()));
    is_send_and_sync((lock.read(), lock.write()));
    is_send((lock.clone().read_owned(), lock.clone().write_owned()));
    is_send_and_sync(lock.try_read().unwrap());
    is_send_and_sync(lock.try_write().unwrap().downgrade());
    is_send_and_sync(RwLockWriteGuard::into_mapped(lock.try_write().unwrap()));
    is_send_and_sync(lock.clone().try_write_owned().unwrap().downgrade());
    is_send_and_sync(OwnedRwLockWriteGuard::into_mapped(lock.clone().try_write_owned().unwrap()));

    let semaphore = Arc::new(Semaphore::new(3));
    is_send_and_sync(semaphore.acquire());
    is_send_and_sync(semaphore.clone().acquire_owned());
    let notify = Arc::new(Notify::new());
    is_send_and_sync((notify.notified(), notify.clone().notified_owned()));
    is_send_and_sync((Event::new().wait(), Barrier::new(2).wait()));
    is_send_and_sync(SetOnce::<String>::new().wait());
    is_send(OnceCell::new().get_or_init(async || String::new()));
    let queue = Queue::new(1);
    is_send_and_sync((queue.put(String::new()), queue.get(), queue.join()));

    let (sender, mut receiver) = oneshot::channel::<String>();
    is_send_and_sync(&mut receiver);
    is_send_and_sync((sender, receiver));
    let (sender, mut receiver) = mpsc::channel::<String>(1);
    is_send_and_sync((sender.send(String::new()), sender.reserve(), sender.closed()));
    is_send_and_sync(receiver.recv());
    is_send_and_sync((sender.clone().reserve_owned(), sender.try_reserve(), receiver));
    let (sender, mut receiver) = broadcast::channel::<String>(1);
    is_send_and_sync(receiver.recv());
    is_send_and_sync((sender, receiver));
    let (sender, mut receiver) = watch::channel(String::new());
    is_send_and_sync(receiver.changed());
    is_send(receiver.wait_for(|_| true));
    is_send_and_sync((sender.closed(), receiver));
}
