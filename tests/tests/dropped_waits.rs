//! Cancel safety of `sync`, method by method: a wait that is dropped, in line or when it has been served
//! already, takes nothing along, and whoever comes next gets it.
//!
//! Polled by hand, so that each is dropped exactly where it is to be. Drawn orders of many waits are in
//! `properties`, threads in `loom-tests`.

use std::future::{Future, pending};
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use heist::sync::{
    Barrier, Condvar, Event, Mutex, Notify, OnceCell, Queue, RwLock, Semaphore, SetOnce, broadcast,
    mpsc, oneshot, watch,
};

/// A future that has been polled once, and waits.
#[track_caller]
fn waiting<F: Future>(future: F) -> Pin<Box<F>> {
    let mut future = Box::pin(future);
    let polled = future.as_mut().poll(&mut Context::from_waker(Waker::noop()));
    assert!(polled.is_pending(), "there is nothing to wait for");
    future
}

/// What a future gives, that has no reason to wait any more.
#[track_caller]
fn ready<F: Future>(future: F) -> F::Output {
    let mut future = Box::pin(future);
    match future.as_mut().poll(&mut Context::from_waker(Waker::noop())) {
        Poll::Ready(output) => output,
        Poll::Pending => panic!("it waits for what somebody has taken along"),
    }
}

/// Something is held, and given back. First the one in front has gone before that, and then after.
macro_rules! passes_on {
    ($($held:expr => $wait:expr;)*) => { $(
        let held = $held;
        let (gone, next) = (waiting($wait), waiting($wait));
        drop(gone);
        drop(held);
        let _ = ready(next);

        let held = $held;
        let (served, next) = (waiting($wait), waiting($wait));
        drop(held);
        drop(served);
        let _ = ready(next);
    )* };
}

/// Something is sent, first after the one who waits for it has gone, and then before.
macro_rules! keeps {
    ($($send:expr => $wait:expr, $got:expr;)*) => { $(
        drop(waiting($wait));
        $send;
        assert_eq!(ready($wait), $got);

        let served = waiting($wait);
        $send;
        drop(served);
        assert_eq!(ready($wait), $got);
    )* };
}

#[test]
fn locks_and_permits_pass_to_the_next() {
    let mutex = Arc::new(Mutex::new(()));
    let lock = Arc::new(RwLock::new(()));
    let semaphore = Arc::new(Semaphore::new(2));
    passes_on! {
        mutex.try_lock().unwrap() => mutex.lock();
        mutex.try_lock().unwrap() => mutex.clone().lock_owned();
        lock.try_write().unwrap() => lock.read();
        lock.try_write().unwrap() => lock.clone().read_owned();
        lock.try_read().unwrap() => lock.write();
        lock.try_read().unwrap() => lock.clone().write_owned();
        semaphore.try_acquire_many(2).unwrap() => semaphore.acquire();
        semaphore.try_acquire_many(2).unwrap() => semaphore.acquire_many(2);
        semaphore.try_acquire().unwrap() => semaphore.acquire_many(2);
        semaphore.try_acquire_many(2).unwrap() => semaphore.clone().acquire_owned();
        semaphore.try_acquire_many(2).unwrap() => semaphore.clone().acquire_many_owned(2);
    }
    assert!(mutex.try_lock().is_ok() && lock.try_write().is_ok());
    assert_eq!(semaphore.available_permits(), 2);
    assert_eq!((Arc::strong_count(&mutex), Arc::strong_count(&lock)), (1, 1));

    // A writer that goes lets the readers behind it pass.
    let reads = lock.try_read().unwrap();
    let (writer, reader) = (waiting(lock.write()), waiting(lock.read()));
    drop(writer);
    drop((ready(reader), reads));
}

#[test]
fn room_passes_to_the_next_and_what_waits_for_it_is_not_sent() {
    let (sender, mut receiver) = mpsc::channel(2);
    let both = || sender.try_reserve_many(2).unwrap().collect::<Vec<_>>();
    passes_on! {
        both() => sender.reserve();
        both() => sender.reserve_many(2);
        both() => sender.clone().reserve_owned();
    }
    assert_eq!((sender.capacity(), sender.strong_count()), (2, 1));

    // What the one sends that goes is never sent.
    let runtime = heist::runtime::Builder::new_current_thread().build().unwrap();
    let _entered = runtime.enter();
    let hour = Duration::from_secs(3600);
    for gone_first in [true, false] {
        let held = both();
        let (gone, gone_too) = (waiting(sender.send(1)), waiting(sender.send_timeout(2, hour)));
        let (next, last) = (waiting(sender.send(3)), waiting(sender.send_timeout(4, hour)));
        if gone_first {
            drop((gone, gone_too));
            drop(held);
        } else {
            drop(held);
            drop((gone, gone_too));
        }
        ready(next).unwrap();
        ready(last).unwrap();
        assert_eq!((receiver.try_recv(), receiver.try_recv()), (Ok(3), Ok(4)));
        assert!(receiver.try_recv().is_err());
    }

    let queue = Queue::new(1);
    for gone_first in [true, false] {
        queue.try_put(0).unwrap();
        let (gone, next) = (waiting(queue.put(1)), waiting(queue.put(2)));
        if gone_first {
            drop(gone);
            assert_eq!(ready(queue.get()), Ok(0));
        } else {
            assert_eq!(ready(queue.get()), Ok(0));
            drop(gone);
        }
        ready(next).unwrap();
        assert_eq!((ready(queue.get()), queue.try_get().ok()), (Ok(2), None));
    }
}

#[test]
fn messages_and_values_stay_where_they_are() {
    let (sender, mut receiver) = mpsc::channel(4);
    let (unbounded, mut from_unbounded) = mpsc::unbounded_channel();
    let (caster, mut listener) = broadcast::channel(4);
    let (setter, mut watcher) = watch::channel(0);
    let queue = Queue::new(4);
    let (mut many, mut more) = (Vec::new(), Vec::new());
    keeps! {
        sender.try_send(1).unwrap() => receiver.recv(), Some(1);
        sender.try_send(1).unwrap() => receiver.recv_many(&mut many, 4), 1;
        unbounded.send(1).unwrap() => from_unbounded.recv(), Some(1);
        unbounded.send(1).unwrap() => from_unbounded.recv_many(&mut more, 4), 1;
        caster.send(1).unwrap() => listener.recv(), Ok(1);
        setter.send(1).unwrap() => watcher.changed(), Ok(());
        queue.try_put(1).unwrap() => queue.get(), Ok(1);
    }
    assert_eq!((many, more), (vec![1, 1], vec![1, 1]), "each once");
    let served = waiting(watcher.wait_for(|n| *n == 2));
    setter.send(2).unwrap();
    drop(served);
    assert_eq!(*ready(watcher.wait_for(|n| *n == 2)).unwrap(), 2);

    // Several wait for one queue: the next gets what the one in front was to have.
    let (served, next) = (waiting(queue.get()), waiting(queue.get()));
    queue.try_put(5).unwrap();
    drop(served);
    assert_eq!(ready(next), Ok(5));

    for sent_first in [true, false] {
        let (sender, mut receiver) = oneshot::channel();
        let wait = waiting(&mut receiver);
        if sent_first {
            sender.send(1).unwrap();
            drop(wait);
        } else {
            drop(wait);
            sender.send(1).unwrap();
        }
        assert_eq!(ready(&mut receiver), Ok(1));
    }
}

#[test]
fn notifications_reach_the_next_and_signals_all() {
    let notify = Arc::new(Notify::new());
    passes_on! {
        Notifies(&notify) => notify.notified();
        Notifies(&notify) => notify.clone().notified_owned();
    }
    let _left = waiting(notify.notified());

    let (mutex, condition) = (Mutex::new(false), Condvar::new());
    for gone_first in [true, false] {
        let lock = || ready(mutex.lock());
        let gone = waiting(condition.wait(lock()));
        let next = waiting(condition.wait_while(lock(), |done| !*done));
        let until_done = || *lock() = true;
        if gone_first {
            drop(gone);
            until_done();
            condition.notify_one();
        } else {
            until_done();
            condition.notify_one();
            drop(gone);
        }
        *ready(next) = false;
        // One that goes when it has its lock leaves it open.
        let held = lock();
        let gone = waiting(condition.wait(held));
        condition.notify_all();
        drop(gone);
        drop(lock());
    }

    let event = Event::new();
    let once = SetOnce::new();
    let (gone, stays) = (waiting(event.wait()), waiting(event.wait()));
    drop(gone);
    event.set();
    ready(stays);
    ready(event.wait());
    let (gone, stays) = (waiting(once.wait()), waiting(once.wait()));
    drop(gone);
    once.set(1).unwrap();
    assert_eq!((ready(stays), ready(once.wait())), (&1, &1));
}

/// Notifies one when it is dropped.
struct Notifies<'a>(&'a Notify);

impl Drop for Notifies<'_> {
    fn drop(&mut self) {
        self.0.notify_one();
    }
}

#[test]
fn who_has_gone_is_not_counted() {
    let barrier = Barrier::new(2);
    drop(waiting(barrier.wait()));
    drop(waiting(barrier.wait_or_broken()));
    let first = waiting(barrier.wait());
    assert!(ready(barrier.wait()).is_leader());
    ready(first);

    let cell = OnceCell::new();
    let (gone, next) =
        (waiting(cell.get_or_init(pending::<u8>)), waiting(cell.get_or_init(async || 2)));
    drop(gone);
    assert_eq!(ready(next), &2);
    let cell = OnceCell::new();
    let making = waiting(cell.get_or_try_init(pending::<Result<u8, ()>>));
    let (gone, next) = (
        waiting(cell.get_or_try_init(async || Ok::<_, ()>(1))),
        waiting(cell.get_or_try_init(async || Ok::<_, ()>(2))),
    );
    drop(making);
    drop(gone);
    assert_eq!(ready(next), Ok(&2));
}

#[test]
fn an_end_is_seen_by_who_asks_again() {
    let (sender, receiver) = mpsc::channel::<u8>(1);
    let (unbounded, from_unbounded) = mpsc::unbounded_channel::<u8>();
    let (caster, listener) = broadcast::channel::<u8>(1);
    let (setter, watcher) = watch::channel(0);
    let (mut single, only) = oneshot::channel::<u8>();
    let queue = Queue::new(1);
    queue.try_put(1).unwrap();
    drop(waiting(sender.closed()));
    drop(waiting(unbounded.closed()));
    drop(waiting(caster.closed()));
    drop(waiting(setter.closed()));
    drop(waiting(single.closed()));
    drop(waiting(queue.join()));
    drop((receiver, from_unbounded, listener, watcher, only));
    ready(sender.closed());
    ready(unbounded.closed());
    ready(caster.closed());
    ready(setter.closed());
    ready(single.closed());
    ready(queue.get()).unwrap();
    drop(waiting(queue.join()));
    queue.task_done();
    ready(queue.join());
}
