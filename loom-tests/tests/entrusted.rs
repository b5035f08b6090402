//! Deadlines that sleeping owners leave to the driver: `timer/src/entrusted.rs`.
//!
//! Property: an owner that sleeps without a deadline of its own, relying on the driver, is right: the
//! driver wakes by then. Threads: an owner that parks, and the driver that wakes and sleeps. Bound: 3
//! preemptions. It would catch an owner that looks whether the driver wakes in time before it has
//! said what it needs: its timers would fire whenever something else wakes the driver.
#![cfg(heist_loom)]

use heist_loom_tests::{model, must_fail};
use heist_timer::model::Entrusted;
use loom::sync::Arc;

/// Owner 1 parks while owner 0, the driver, wakes up and goes to sleep again for longer.
fn park_beside_a_driver(entrust: fn(&Entrusted, usize, u64) -> bool) {
    let entrusted = Arc::new(Entrusted::new(2));
    let parking = entrusted.clone();
    let parking = loom::thread::spawn(move || entrust(&parking, 1, 700));
    let _ = entrusted.drive(500);
    entrusted.end_drive();
    let until = entrusted.drive(900);
    let relies = parking.join().unwrap();
    assert!(!relies || until <= 700, "an owner oversleeps");
}

#[test]
fn who_relies_on_the_driver_is_right() {
    model(3, || park_beside_a_driver(Entrusted::entrust));
}

#[test]
fn broken_who_looks_before_speaking_oversleeps() {
    let look_first = |entrusted: &Entrusted, owner: usize, deadline: u64| {
        let relies = entrusted.wakes_by(deadline);
        entrusted.change(owner, if relies { deadline } else { u64::MAX });
        relies
    };
    must_fail("broken_who_looks_before_speaking_oversleeps", "an owner oversleeps", move || {
        park_beside_a_driver(look_first);
    });
}
