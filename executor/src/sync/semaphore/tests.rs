use std::sync::Arc;

use super::*;
use crate::sync::testing::{ready, waiting};

#[test]
fn requests_are_served_in_order_whatever_they_ask_for() {
    let semaphore = Semaphore::new(3);
    let held = ready(semaphore.acquire_many(2)).unwrap();
    let mut many = waiting(semaphore.acquire_many(3));
    let mut few = waiting(semaphore.acquire());
    assert_eq!(semaphore.try_acquire().unwrap_err(), TryAcquireError::NoPermits);
    assert_eq!(semaphore.available_permits(), 0, "what is free belongs to the first in line");
    drop(held);
    assert_eq!((many.wakes(), few.wakes()), (1, 0));
    few.assert_pending();
    let many = many.assert_ready().unwrap();
    assert_eq!(many.num_permits(), 3);
    drop(many);
    few.assert_ready().unwrap().forget();
    assert_eq!(semaphore.available_permits(), 2);
}

#[test]
fn a_dropped_wait_loses_no_permit_and_lets_others_pass() {
    let semaphore = Semaphore::new(2);
    let held = ready(semaphore.acquire()).unwrap();
    let many = waiting(semaphore.acquire_many(2));
    let mut few = waiting(semaphore.acquire());
    // It held up the line with its large request.
    drop(many);
    assert_eq!(few.wakes(), 1);
    let few = few.assert_ready().unwrap();

    let served = waiting(semaphore.acquire_many(2));
    let mut next = waiting(semaphore.acquire_many(2));
    drop((held, few));
    assert_eq!((served.wakes(), next.wakes()), (1, 0));
    drop(served);
    assert_eq!(next.wakes(), 1);
    drop(next.assert_ready());
    assert_eq!(semaphore.available_permits(), 2);
}

#[test]
fn closing_ends_every_wait() {
    let semaphore = Semaphore::new(1);
    let held = ready(semaphore.acquire()).unwrap();
    let mut first = waiting(semaphore.acquire());
    let second = waiting(semaphore.acquire());
    semaphore.close();
    assert!(semaphore.is_closed());
    assert_eq!((first.wakes(), second.wakes()), (1, 1));
    assert!(first.assert_ready().is_err());
    drop(second);
    drop(held);
    assert_eq!(semaphore.available_permits(), 1);
    assert_eq!(semaphore.try_acquire().unwrap_err(), TryAcquireError::Closed);
    assert!(ready(semaphore.acquire()).is_err());
}

#[test]
fn permits_split_and_merge() {
    let semaphore = Arc::new(Semaphore::const_new(5));
    let mut all = semaphore.try_acquire_many(5).unwrap();
    let two = all.split(2).unwrap();
    assert!(all.split(4).is_none());
    assert_eq!((all.num_permits(), two.num_permits()), (3, 2));
    all.merge(two);
    drop(all);
    let mut owned = semaphore.clone().try_acquire_many_owned(4).unwrap();
    let one = owned.split(1).unwrap();
    owned.merge(one);
    assert_eq!(semaphore.available_permits(), 1);
    assert_eq!(semaphore.forget_permits(7), 1);
    drop(owned);
    semaphore.add_permits(1);
    assert_eq!(semaphore.available_permits(), 5);
}

#[test]
fn threads_wait_as_well() {
    let semaphore = Arc::new(Semaphore::new(0));
    let waiter = std::thread::spawn({
        let semaphore = semaphore.clone();
        move || semaphore.blocking_acquire_many_owned(2).unwrap().num_permits()
    });
    semaphore.add_permits(1);
    semaphore.add_permits(1);
    assert_eq!(waiter.join().unwrap(), 2);
    assert_eq!(semaphore.blocking_acquire_many(2).unwrap().num_permits(), 2);
}

#[test]
fn too_many_permits_are_refused() {
    let semaphore = Semaphore::new(Semaphore::MAX_PERMITS);
    let refused = std::panic::catch_unwind(|| semaphore.add_permits(1));
    assert!(refused.is_err());
    assert_eq!(semaphore.available_permits(), Semaphore::MAX_PERMITS);
}
