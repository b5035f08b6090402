use std::sync::Arc;

use super::*;
use crate::sync::testing::{Polled, ready, waiting};

#[test]
fn one_permit_is_kept() {
    let notify = Notify::new();
    notify.notify_one();
    notify.notify_one();
    ready(notify.notified());
    let mut second = waiting(notify.notified());
    notify.notify_one();
    assert_eq!(second.wakes(), 1);
    second.assert_ready();
    second.assert_ready();
}

#[test]
fn the_first_the_last_and_all() {
    let notify = Notify::const_new();
    let mut waits: Vec<_> = (0..4).map(|_| waiting(notify.notified())).collect();
    notify.notify_one();
    notify.notify_last();
    let wakes: Vec<_> = waits.iter().map(Polled::wakes).collect();
    assert_eq!(wakes, [1, 0, 0, 1]);
    notify.notify_waiters();
    waits.iter_mut().for_each(Polled::assert_ready);
    waiting(notify.notified());
}

#[test]
fn a_notification_that_comes_too_late_goes_on() {
    let notify = Notify::new();
    let first = waiting(notify.notified());
    let second = waiting(notify.notified());
    let third = waiting(notify.notified());
    notify.notify_one();
    drop(first);
    assert_eq!((second.wakes(), third.wakes()), (1, 0));
    drop(third);
    drop(second);
    ready(notify.notified());

    let first = waiting(notify.notified());
    let last = waiting(notify.notified());
    notify.notify_last();
    drop(last);
    assert_eq!(first.wakes(), 1);
    notify.notify_waiters();
    drop(first);
    ready(notify.notified());
    waiting(notify.notified());
}

#[test]
fn notify_waiters_counts_from_the_call_of_notified() {
    let notify = Notify::new();
    let before = notify.notified();
    notify.notify_waiters();
    ready(before);
    waiting(notify.notified());
}

#[test]
fn enabling_takes_a_place_in_line() {
    let notify = Notify::new();
    let mut first = Box::pin(notify.notified());
    assert!(!first.as_mut().enable());
    let second = waiting(notify.notified());
    notify.notify_one();
    assert_eq!(second.wakes(), 0);
    assert!(first.as_mut().enable());
    ready(first);
}

#[test]
fn an_owned_wait_keeps_what_it_waits_for() {
    let notify = Arc::new(Notify::new());
    let mut wait = waiting(notify.clone().notified_owned());
    notify.notify_one();
    assert_eq!(wait.wakes(), 1);
    wait.assert_ready();
    drop(wait);
    let late = waiting(notify.clone().notified_owned());
    notify.notify_one();
    assert_eq!(Arc::strong_count(&notify), 2);
    drop(late);
    ready(notify.notified_owned());
}
