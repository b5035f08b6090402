use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use super::*;
use crate::sync::testing::{ready, waiting};

#[test]
fn readers_share_and_do_not_overtake_a_writer() {
    let lock = RwLock::new(1);
    let first = ready(lock.read());
    let second = ready(lock.read());
    let mut writer = waiting(lock.write());
    let mut late = waiting(lock.read());
    let mut later = waiting(lock.read());
    assert!(lock.try_read().is_err());
    drop(first);
    writer.assert_pending();
    drop(second);
    assert_eq!((writer.wakes(), late.wakes()), (1, 0));
    let mut guard = writer.assert_ready();
    *guard += 1;
    drop(guard);
    assert_eq!((late.wakes(), later.wakes()), (1, 1));
    assert_eq!(*late.assert_ready() + *later.assert_ready(), 4);
    assert!(lock.try_write().is_ok());
}

#[test]
fn a_dropped_wait_lets_others_in() {
    let lock = RwLock::new(());
    let reader = ready(lock.read());
    let writer = waiting(lock.write());
    let mut behind = waiting(lock.read());
    drop(writer);
    assert_eq!(behind.wakes(), 1);
    drop(behind.assert_ready());

    let writer = waiting(lock.write());
    let mut next = waiting(lock.write());
    drop(reader);
    assert_eq!(writer.wakes(), 1);
    drop(writer);
    drop(next.assert_ready());
}

#[test]
fn there_may_be_a_limit_on_readers() {
    let lock = RwLock::with_max_readers((), 2);
    let first = lock.try_read().unwrap();
    let _second = lock.try_read().unwrap();
    let mut third = waiting(lock.read());
    drop(first);
    drop(third.assert_ready());
}

#[test]
fn guards_narrow_and_downgrade() {
    let lock = Arc::new(RwLock::new((1, Some(2))));
    let mut part = RwLockWriteGuard::map(ready(lock.write()), |pair| &mut pair.0);
    *part += 10;
    assert!(lock.try_read().is_err());
    drop(part);
    let read = ready(lock.write()).downgrade();
    assert_eq!(read.0, 11);
    let also = RwLockReadGuard::map(lock.try_read().unwrap(), |pair| &pair.1);
    assert_eq!(*also, Some(2));
    assert!(lock.try_write().is_err());
    drop((read, also));

    let write = lock.try_write().unwrap();
    let write = RwLockWriteGuard::try_downgrade_map(write, |_| None::<&i32>).unwrap_err();
    assert!(lock.try_read().is_err(), "still exclusive");
    let part = RwLockWriteGuard::try_downgrade_map(write, |pair| Some(&pair.0)).unwrap();
    assert_eq!(*part + lock.try_read().unwrap().0, 22);
    drop(part);

    let owned = ready(lock.clone().write_owned());
    let mut owned = OwnedRwLockWriteGuard::try_map(owned, |pair| pair.1.as_mut()).unwrap();
    *owned = 3;
    drop(owned);
    let owned = ready(lock.clone().write_owned()).downgrade();
    let part = OwnedRwLockReadGuard::map(owned, |pair| &pair.1);
    assert_eq!(*part, Some(3));
    assert_eq!(Arc::strong_count(&lock), 2);
    drop(part);
    assert_eq!(Arc::strong_count(&lock), 1);
    assert!(lock.try_write().is_ok());
}

#[test]
fn threads_exclude_each_other() {
    let lock = Arc::new(RwLock::new(0));
    let inside = Arc::new(AtomicUsize::new(0));
    let threads: Vec<_> = (0..4)
        .map(|n| {
            let (lock, inside) = (lock.clone(), inside.clone());
            std::thread::spawn(move || {
                for _ in 0..2_000 {
                    if n % 2 == 0 {
                        let mut guard = lock.blocking_write();
                        assert_eq!(inside.swap(1, Ordering::Relaxed), 0);
                        *guard += 1;
                        inside.store(0, Ordering::Relaxed);
                    } else {
                        let _guard = lock.blocking_read();
                        assert_eq!(inside.load(Ordering::Relaxed), 0);
                    }
                }
            })
        })
        .collect();
    threads.into_iter().for_each(|thread| thread.join().unwrap());
    assert_eq!(*lock.blocking_read(), 4_000);
}
