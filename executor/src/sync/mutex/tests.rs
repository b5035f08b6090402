use std::sync::Arc;

use super::*;
use crate::sync::testing::{ready, waiting};

#[test]
fn the_lock_goes_round_in_order() {
    let mutex = Mutex::new(String::new());
    let mut guard = ready(mutex.lock());
    let mut first = waiting(mutex.lock());
    let mut second = waiting(mutex.lock());
    guard.push('0');
    drop(guard);
    assert_eq!((first.wakes(), second.wakes()), (1, 0));
    assert!(mutex.try_lock().is_err(), "it belongs to the first in line already");
    second.assert_pending();
    first.assert_ready().push('1');
    second.assert_ready().push('2');
    drop((first, second));
    assert_eq!(mutex.into_inner(), "012");
}

#[test]
fn a_dropped_wait_passes_the_lock_on() {
    let mutex = Mutex::new(());
    let guard = ready(mutex.lock());
    let in_line = waiting(mutex.lock());
    let served = waiting(mutex.lock());
    let mut last = waiting(mutex.lock());
    drop(in_line);
    drop(guard);
    assert_eq!((served.wakes(), last.wakes()), (1, 0));
    drop(served);
    drop(last.assert_ready());
    assert!(mutex.try_lock().is_ok());
}

#[test]
fn debug_output_names_the_line_that_holds_it() {
    let mutex = Arc::new(Mutex::new(7));
    assert_eq!(format!("{mutex:?}"), "Mutex { data: 7 }");
    let guard = ready(mutex.lock());
    let here = format!("{}:{}:", file!(), line!() - 1);
    let mut next = waiting(mutex.clone().lock_owned());
    let there = format!("{}:{}:", file!(), line!() - 1);
    assert!(format!("{mutex:?}").contains(&here), "{mutex:?}");
    drop(guard);
    assert!(format!("{mutex:?}").contains(&there), "{mutex:?}");
    assert_eq!(*next.assert_ready(), 7);
}

#[test]
fn guards_narrow_to_parts() {
    let mutex = Mutex::new((1, Some(2)));
    *MutexGuard::map(ready(mutex.lock()), |pair| &mut pair.0) += 10;
    let part = MutexGuard::try_map(ready(mutex.lock()), |pair| pair.1.as_mut());
    let mut part = part.unwrap();
    *part += 10;
    assert!(mutex.try_lock().is_err());
    drop(part);
    let mut whole = mutex.try_lock().unwrap();
    whole.1 = None;
    let whole = MutexGuard::try_map(whole, |pair| pair.1.as_mut()).unwrap_err();
    assert_eq!(*whole, (11, None));
    drop(whole);

    let mutex = Arc::new(mutex);
    let owned = OwnedMutexGuard::map(ready(mutex.clone().lock_owned()), |pair| &mut pair.1);
    let mut owned = OwnedMappedMutexGuard::try_map(owned, |part| Some(part.insert(3))).unwrap();
    *owned += 1;
    assert!(mutex.try_lock().is_err());
    drop(owned);
    assert_eq!(Arc::into_inner(mutex).unwrap().into_inner(), (11, Some(4)));
}

#[test]
fn threads_and_unsized_values() {
    let mutex: Arc<Mutex<[u32]>> = Arc::new(Mutex::new([0, 0]));
    let guard = mutex.blocking_lock();
    let other = std::thread::spawn({
        let mutex = mutex.clone();
        move || mutex.blocking_lock_owned()[1] += 1
    });
    drop(guard);
    other.join().unwrap();
    assert_eq!(*mutex.clone().try_lock_owned().unwrap(), [0, 1]);
}

#[test]
fn blocking_inside_async_code_is_refused() {
    let runtime = crate::runtime::Builder::new_current_thread().build().unwrap();
    let mutex = Mutex::new(());
    runtime.block_on(async {
        let refused = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| {
            drop(mutex.blocking_lock());
        }));
        assert!(refused.is_err());
    });
}
