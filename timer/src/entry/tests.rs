//! The table of the entry: every state against every operation on its wheel.

use std::pin::Pin;
use std::sync::Arc;
use std::task::Waker;
use std::time::Duration;

use super::*;
use crate::clock::Clock;
use crate::owned_wheel::OwnedWheel;
use crate::timers::Timers;

const STATES: [EntryState; 5] = [
    EntryState::Idle,
    EntryState::Ahead,
    EntryState::Pending,
    EntryState::Fired,
    EntryState::Closed,
];

/// An entry in a state that it came to by itself, and its wheel.
struct Case {
    timers: Arc<Timers>,
    entry: Pin<Box<Entry>>,
}

impl Case {
    fn new(state: EntryState) -> Case {
        let timers = Timers::new(Clock::paused(), 1, Box::new(|_| {}));
        let unfiled = if state == EntryState::Ahead { state } else { EntryState::Idle };
        let case = Case { timers, entry: Box::pin(Entry::new(unfiled)) };
        match state {
            EntryState::Idle | EntryState::Ahead => {}
            EntryState::Pending => case.file(),
            EntryState::Fired => {
                case.file();
                case.fire();
            }
            EntryState::Closed => {
                case.file();
                case.timers.shutdown();
            }
        }
        assert_eq!(case.entry.state(), state);
        case
    }

    fn wheel(&self) -> &Arc<OwnedWheel> {
        self.timers.wheel(0)
    }

    fn deadline(&self) -> u64 {
        self.wheel().clock().nanos_of(self.timers.clock().now()) + 1_000_000
    }

    fn file(&self) {
        // SAFETY: the entry is idle, and `drop` cancels it before it goes.
        unsafe { self.wheel().file(&self.entry, self.deadline(), Waker::noop()) };
    }

    fn fire(&self) {
        self.timers.clock().advance(Duration::from_secs(1));
        self.timers.advance(0, self.timers.clock().now());
    }

    /// The state after an operation.
    fn after<A>(self, operation: impl FnOnce(&Case) -> A) -> (A, EntryState) {
        let said = operation(&self);
        (said, self.entry.state())
    }
}

impl Drop for Case {
    fn drop(&mut self) {
        // SAFETY: it was filed in this wheel or never.
        unsafe { self.wheel().cancel(&self.entry) };
    }
}

#[test]
fn filing_is_refused_by_a_closed_wheel_alone() {
    for unfiled in [EntryState::Idle, EntryState::Ahead] {
        let (_, state) = Case::new(unfiled).after(Case::file);
        assert_eq!(state, EntryState::Pending);
        let case = Case::new(unfiled);
        case.timers.shutdown();
        let (_, state) = case.after(Case::file);
        assert_eq!(state, EntryState::Closed);
    }
}

#[test]
fn firing_and_closing_end_what_is_pending() {
    for state in STATES {
        let pending = state == EntryState::Pending;
        let (_, fired) = Case::new(state).after(Case::fire);
        assert_eq!(fired, if pending { EntryState::Fired } else { state });
        let (_, closed) = Case::new(state).after(|case| case.timers.shutdown());
        assert_eq!(closed, if pending { EntryState::Closed } else { state });
    }
}

#[test]
fn a_deadline_is_taken_while_it_is_pending_and_a_waker_changes_no_state() {
    for state in STATES {
        let pending = state == EntryState::Pending;
        // SAFETY: filed in this wheel, or never pending.
        let set = |case: &Case| unsafe { case.wheel().set_waker(&case.entry, Waker::noop()) };
        assert_eq!(Case::new(state).after(set), ((), state));
        for deadline in [1, u64::MAX] {
            // SAFETY: as above.
            let postpone = |case: &Case| unsafe { case.wheel().postpone(&case.entry, deadline) };
            assert_eq!(Case::new(state).after(postpone), (pending, state));
        }
    }
}

#[test]
fn cancelling_gives_a_pending_entry_back() {
    for state in STATES {
        // SAFETY: filed in this wheel, or never pending.
        let cancel = |case: &Case| unsafe { case.wheel().cancel(&case.entry) };
        let after = if state == EntryState::Pending { EntryState::Idle } else { state };
        assert_eq!(Case::new(state).after(cancel), ((), after));
    }
}

#[test]
fn an_earlier_deadline_counts_and_a_later_one_too() {
    let case = Case::new(EntryState::Idle);
    let now = case.deadline();
    let second = 1_000_000_000;
    // SAFETY: the entry is idle, and `drop` cancels it before it goes.
    unsafe { case.wheel().file(&case.entry, now + 10 * second, Waker::noop()) };
    for deadline in [now + 20 * second, now + second / 2] {
        // SAFETY: it was filed in this wheel.
        assert!(unsafe { case.wheel().postpone(&case.entry, deadline) });
    }
    case.fire();
    assert_eq!(case.entry.state(), EntryState::Fired);
}
