//! Locks, signals and queues: the line of `executor/src/sync/wait_list.rs` and what stands on it.
//!
//! Properties: whoever waits is served or still in line; what was granted to a future that is dropped
//! meanwhile goes to the next; the last step of one side brings its data to the other. Threads: two.
//! Bound: 3 preemptions, or 2 where four locks are taken. It would catch a look before the place in
//! line, a permit or a notification that ends with its waiter, and a waiter that is reached after its
//! end.
#![cfg(heist_loom)]

use std::future::Future;
use std::mem::{ManuallyDrop, forget};
use std::pin::Pin;
use std::sync::Arc as StdArc;
use std::task::{Context, Waker};

use heist::sync::{
    Condvar, Event, Mutex, Notify, Queue, RwLock, Semaphore, broadcast, mpsc, watch,
};
use heist_loom_tests::{model, must_fail};
use loom::cell::UnsafeCell;
use loom::future::block_on;
use loom::sync::Arc;
use loom::sync::atomic::{AtomicBool, Ordering};
use loom::thread::spawn;

/// Polls once, with nobody to wake, and finds it waiting.
fn assert_waits<F: Future + ?Sized>(future: Pin<&mut F>) {
    assert!(future.poll(&mut Context::from_waker(Waker::noop())).is_pending());
}

/// A permit comes while the first in line goes away; in the twin that one neither takes it nor goes.
fn permit_for_one_who_leaves(leaves: bool) {
    let semaphore = StdArc::new(Semaphore::new(0));
    let first = semaphore.clone();
    let mut first = ManuallyDrop::new(Box::pin(async move { first.acquire().await.map(forget) }));
    assert_waits(first.as_mut());
    let giver = semaphore.clone();
    let giver = spawn(move || giver.add_permits(1));
    if leaves {
        drop(ManuallyDrop::into_inner(first));
    }
    block_on(semaphore.acquire()).unwrap().forget();
    giver.join().unwrap();
}

#[test]
fn a_permit_outlives_the_wait_that_it_was_meant_for() {
    model(3, || permit_for_one_who_leaves(true));
}

#[test]
fn broken_a_wait_that_is_never_dropped_keeps_its_permit() {
    let test = "broken_a_wait_that_is_never_dropped_keeps_its_permit";
    must_fail(test, "deadlock", || permit_for_one_who_leaves(false));
}

/// A mutex is given up while the first in line goes away; in the twin that one neither locks nor goes.
fn lock_for_one_who_leaves(leaves: bool) {
    let mutex = StdArc::new(Mutex::new(()));
    let guard = mutex.clone().try_lock_owned().unwrap();
    let first = mutex.clone();
    let mut first = ManuallyDrop::new(Box::pin(async move { drop(first.lock().await) }));
    assert_waits(first.as_mut());
    let holder = spawn(move || drop(guard));
    if leaves {
        drop(ManuallyDrop::into_inner(first));
    }
    drop(block_on(mutex.lock()));
    holder.join().unwrap();
}

#[test]
fn a_mutex_outlives_the_wait_that_it_was_meant_for() {
    model(3, || lock_for_one_who_leaves(true));
}

#[test]
fn broken_a_wait_that_is_never_dropped_keeps_its_mutex() {
    let test = "broken_a_wait_that_is_never_dropped_keeps_its_mutex";
    must_fail(test, "deadlock", || lock_for_one_who_leaves(false));
}

#[test]
fn readers_behind_a_writer_who_leaves_are_let_in() {
    model(3, || {
        let lock = StdArc::new(RwLock::new(()));
        let reading = lock.clone().try_read_owned().unwrap();
        let mut writer = Box::pin(lock.write());
        assert_waits(writer.as_mut());
        let reader = lock.clone();
        let reader = spawn(move || drop(block_on(reader.read())));
        drop(writer);
        reader.join().unwrap();
        drop(reading);
    });
}

/// Two threads write what a mutex protects; the twin does not lock.
fn two_writers(lock: bool) {
    let shared = Arc::new((Mutex::new(()), UnsafeCell::new(0)));
    let write = move |shared: &(Mutex<()>, UnsafeCell<u32>)| {
        let _guard = lock.then(|| block_on(shared.0.lock()));
        // SAFETY: under the mutex; the twin is there to fail.
        shared.1.with_mut(|n| unsafe { *n += 1 });
    };
    let other = shared.clone();
    let other = spawn(move || write(&other));
    write(&shared);
    other.join().unwrap();
    // SAFETY: nobody else is left.
    assert_eq!(shared.1.with(|n| unsafe { *n }), 2);
}

#[test]
fn a_mutex_excludes() {
    model(3, || two_writers(true));
}

#[test]
fn broken_without_the_lock_writers_meet() {
    must_fail("broken_without_the_lock_writers_meet", "Causality violation", || two_writers(false));
}

/// One thread tells another by `tell` that data is there; whoever waits in `wait` then sees it.
fn one_tells<S: Send + Sync + 'static>(
    signal: S,
    tell: impl FnOnce(&S) + Send + 'static,
    wait: impl AsyncFnOnce(&S),
) {
    let signal = StdArc::new((signal, AtomicBool::new(false)));
    let teller = signal.clone();
    let teller = spawn(move || {
        // Ordering: Relaxed; it is the signal that must bring the data.
        teller.1.store(true, Ordering::Relaxed);
        tell(&teller.0);
    });
    block_on(wait(&signal.0));
    assert!(signal.1.load(Ordering::Relaxed), "the signal came without its data");
    teller.join().unwrap();
}

#[test]
fn an_event_that_is_set_lets_who_waits_go_on() {
    model(3, || one_tells(Event::new(), Event::set, Event::wait));
}

#[test]
fn broken_an_event_that_is_cleared_again_may_be_missed() {
    must_fail("broken_an_event_that_is_cleared_again_may_be_missed", "deadlock", || {
        let set_and_clear = |event: &Event| {
            event.set();
            event.clear();
        };
        one_tells(Event::new(), set_and_clear, Event::wait);
    });
}

#[test]
fn who_waits_already_goes_on_even_if_the_event_is_cleared_at_once() {
    model(3, || {
        let event = StdArc::new(Event::new());
        let teller = event.clone();
        let mut wait = Box::pin(event.wait());
        assert_waits(wait.as_mut());
        let teller = spawn(move || {
            teller.set();
            teller.clear();
        });
        block_on(wait);
        teller.join().unwrap();
    });
}

#[test]
fn a_notification_is_kept_for_who_comes_later() {
    model(3, || one_tells(Notify::new(), Notify::notify_one, Notify::notified));
}

#[test]
fn broken_a_notification_of_those_who_wait_is_not_kept() {
    must_fail("broken_a_notification_of_those_who_wait_is_not_kept", "deadlock", || {
        one_tells(Notify::new(), Notify::notify_waiters, Notify::notified);
    });
}

#[test]
fn a_notification_of_one_who_leaves_goes_to_the_next() {
    model(3, || {
        let notify = StdArc::new(Notify::new());
        let mut first = Box::pin(notify.notified());
        assert_waits(first.as_mut());
        let notifier = notify.clone();
        let notifier = spawn(move || notifier.notify_one());
        drop(first);
        block_on(notify.notified());
        notifier.join().unwrap();
    });
}

/// A change under the lock, or in the twin beside it, is told through a condition variable.
fn condition(change_under_lock: bool) {
    let shared = StdArc::new((Mutex::new(()), Condvar::new(), AtomicBool::new(false)));
    let changer = shared.clone();
    let changer = spawn(move || {
        let guard = change_under_lock.then(|| block_on(changer.0.lock()));
        changer.2.store(true, Ordering::Relaxed);
        drop(guard);
        changer.1.notify_one();
    });
    block_on(async {
        let guard = shared.0.lock().await;
        drop(shared.1.wait_while(guard, |()| !shared.2.load(Ordering::Relaxed)).await);
    });
    changer.join().unwrap();
}

#[test]
fn a_change_under_the_lock_is_not_missed() {
    model(2, || condition(true));
}

#[test]
fn broken_a_change_beside_the_lock_may_be_missed() {
    must_fail("broken_a_change_beside_the_lock_may_be_missed", "deadlock", || condition(false));
}

/// A notification for one comes while the first in line goes away.
fn notification_for_one_who_leaves(leaves: bool) {
    let shared = StdArc::new((Mutex::new(()), Condvar::new()));
    let wait = |shared: StdArc<(Mutex<()>, Condvar)>| {
        Box::pin(async move {
            let guard = shared.0.lock().await;
            drop(shared.1.wait(guard).await);
        })
    };
    let mut first = ManuallyDrop::new(wait(shared.clone()));
    assert_waits(first.as_mut());
    let mut second = wait(shared.clone());
    assert_waits(second.as_mut());
    let notifier = spawn(move || shared.1.notify_one());
    if leaves {
        drop(ManuallyDrop::into_inner(first));
    }
    block_on(second);
    notifier.join().unwrap();
}

#[test]
fn a_notification_outlives_the_wait_that_it_was_meant_for() {
    model(2, || notification_for_one_who_leaves(true));
}

#[test]
fn broken_a_wait_that_is_never_dropped_keeps_its_notification() {
    let test = "broken_a_wait_that_is_never_dropped_keeps_its_notification";
    must_fail(test, "deadlock", || notification_for_one_who_leaves(false));
}

/// Two items through room for one, and the wait until both are done.
fn queue(done: bool) {
    let jobs = StdArc::new(Queue::new(1));
    let consumer = jobs.clone();
    let consumer = spawn(move || {
        for expected in [1, 2] {
            assert_eq!(block_on(consumer.get()).unwrap(), expected);
            if done || expected == 1 {
                consumer.task_done();
            }
        }
    });
    for n in [1, 2] {
        block_on(jobs.put(n)).unwrap();
    }
    block_on(jobs.join());
    consumer.join().unwrap();
}

#[test]
fn a_queue_is_joined_when_all_is_done() {
    model(2, || queue(true));
}

#[test]
fn broken_an_item_that_is_not_said_to_be_done_is_waited_for() {
    let test = "broken_an_item_that_is_not_said_to_be_done_is_waited_for";
    must_fail(test, "deadlock", || queue(false));
}

#[test]
fn a_shutdown_against_put_and_get_loses_no_item() {
    model(2, || {
        let jobs = StdArc::new(Queue::new(1));
        let consumer = jobs.clone();
        let consumer = spawn(move || {
            let got = block_on(consumer.get()).is_ok();
            assert!(block_on(consumer.get()).is_err(), "it is shut down and empty");
            got
        });
        let put = block_on(jobs.put(Arc::new(()))).is_ok();
        jobs.shutdown(false);
        assert_eq!(consumer.join().unwrap(), put);
    });
}

/// Two messages through room for one, and the end; in the twin the sender stays.
fn channel(sender_leaves: bool) {
    let (sender, mut receiver) = mpsc::channel(1);
    let sending = spawn(move || {
        for n in [1, 2] {
            block_on(sender.send(Arc::new(n))).unwrap();
        }
        if !sender_leaves {
            forget(sender);
        }
    });
    let mut received = Vec::new();
    while let Some(n) = block_on(receiver.recv()) {
        received.push(*n);
    }
    assert_eq!(received, [1, 2]);
    sending.join().unwrap();
}

#[test]
fn a_channel_brings_all_messages_and_then_its_end() {
    model(2, || channel(true));
}

#[test]
fn broken_a_channel_with_a_sender_has_no_end() {
    must_fail("broken_a_channel_with_a_sender_has_no_end", "deadlock", || channel(false));
}

#[test]
fn a_receiver_that_leaves_gives_the_message_back() {
    model(2, || {
        let (sender, receiver) = mpsc::channel(1);
        sender.try_send(Arc::new(1)).unwrap();
        let leaving = spawn(move || drop(receiver));
        // It may get in before the receiver is gone; loom looks that it is dropped all the same.
        let _ = block_on(sender.send(Arc::new(2)));
        leaving.join().unwrap();
        assert!(block_on(sender.send(Arc::new(3))).is_err());
    });
}

#[test]
fn each_receiver_of_a_broadcast_sees_the_value_and_the_end() {
    model(2, || {
        let (sender, mut receiver) = broadcast::channel(2);
        let sending = spawn(move || {
            sender.send(7).unwrap();
        });
        assert_eq!(block_on(receiver.recv()), Ok(7));
        assert_eq!(block_on(receiver.recv()), Err(broadcast::error::RecvError::Closed));
        sending.join().unwrap();
    });
}

/// The last value of a `watch` and then its end; the twin does not wait for the value.
fn last_value(waits: bool) {
    let (sender, mut receiver) = watch::channel(0);
    let data = StdArc::new(AtomicBool::new(false));
    let its_data = data.clone();
    let sending = spawn(move || {
        its_data.store(true, Ordering::Relaxed);
        sender.send(1).unwrap();
        drop(sender);
    });
    if waits {
        assert_eq!(block_on(receiver.changed()), Ok(()), "the value comes before the end");
        assert!(data.load(Ordering::Relaxed), "the change came without its data");
    }
    assert_eq!(*receiver.borrow_and_update(), 1);
    if waits {
        assert!(block_on(receiver.changed()).is_err(), "the end comes after the value");
    }
    sending.join().unwrap();
}

#[test]
fn the_last_value_of_a_watch_comes_before_its_end() {
    model(3, || last_value(true));
}

#[test]
fn broken_a_value_that_is_not_waited_for_may_not_be_there() {
    let test = "broken_a_value_that_is_not_waited_for_may_not_be_there";
    must_fail(test, "assertion", || last_value(false));
}
