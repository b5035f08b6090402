//! The table of the task word: every state that can occur against every edge, compared with the
//! code. A change of one without the other fails here.

use super::*;

const R: usize = RUNNING;
const C: usize = COMPLETE;
const N: usize = NOTIFIED;
const X: usize = CANCELLED;
const J: usize = JOIN_INTEREST;
const W: usize = JOIN_WAKER;
const REFS: usize = 2 * REFERENCE;

fn word(bits: usize) -> Snapshot {
    Snapshot(bits | REFS)
}

/// All combinations of the life bits that can occur, each with every combination of join bits.
fn occurring(life: &[usize]) -> Vec<usize> {
    let joins = [0, J, J | W];
    life.iter().flat_map(|l| joins.map(|j| l | j)).collect()
}

const IDLE: [usize; 1] = [0];
const QUEUED: [usize; 2] = [N, N | X];
const ON_WORKER: [usize; 4] = [R, R | N, R | X, R | N | X];
const DONE: [usize; 4] = [C, C | N, C | X, C | N | X];

#[test]
fn start_takes_the_future() {
    for bits in occurring(&QUEUED) {
        let (next, duty) = word(bits).start();
        assert_eq!(next, word(bits & !N | R));
        assert_eq!(duty, if bits & X != 0 { Start::Cancel } else { Start::Poll });
        // The unconditional form used on the atomic word is the same edge.
        assert_eq!(next.0, word(bits).0 ^ (R | N));
    }
    for bits in occurring(&ON_WORKER) {
        let (next, duty) = word(bits).start();
        assert_eq!(next, word(bits & !N));
        assert_eq!(duty, if bits & X != 0 { Start::Cancel } else { Start::Poll });
    }
}

#[test]
fn a_task_that_woke_itself_starts_again_from_running() {
    let state = State::new();
    assert_eq!(state.start(), Start::Poll);
    assert_eq!(state.start(), Start::Poll, "queued again without an edge");
    assert_eq!(state.wake_by_ref(), Wake::Nothing);
    assert_eq!(state.start(), Start::Poll);
    assert!(!state.load().is_notified(), "the poll that follows answers the wake");
    assert_eq!(state.abort(), Wake::Nothing);
    assert_eq!(state.claim(), Claim::Elsewhere);
    assert_eq!(state.start(), Start::Cancel);
    assert_eq!(state.load().references(), 3);
}

#[test]
fn pause_gives_the_future_back() {
    for bits in occurring(&ON_WORKER) {
        let (next, duty) = word(bits).pause();
        if bits & X != 0 {
            assert_eq!((next, duty), (word(bits), Pause::Cancel));
        } else if bits & N != 0 {
            assert_eq!((next, duty), (word(bits & !R | N), Pause::Requeue));
        } else {
            let given_up = Snapshot(word(bits & !R).0 - REFERENCE);
            assert_eq!((next, duty), (given_up, Pause::Idle));
        }
    }
}

#[test]
fn wake_by_ref_queues_only_an_idle_task() {
    for bits in occurring(&IDLE) {
        let queued = Snapshot(word(bits | N).0 + REFERENCE);
        assert_eq!(word(bits).wake_by_ref(), (queued, Wake::Submit));
    }
    for bits in occurring(&QUEUED) {
        assert_eq!(word(bits).wake_by_ref(), (word(bits), Wake::Nothing));
    }
    for bits in occurring(&ON_WORKER) {
        assert_eq!(word(bits).wake_by_ref(), (word(bits | N), Wake::Nothing));
    }
    for bits in occurring(&DONE) {
        assert_eq!(word(bits).wake_by_ref(), (word(bits), Wake::Nothing));
    }
}

#[test]
fn wake_by_value_passes_its_reference_on_or_gives_it_up() {
    for bits in occurring(&IDLE) {
        assert_eq!(word(bits).wake_by_value(), (word(bits | N), Wake::Submit));
    }
    for bits in occurring(&[&QUEUED[..], &ON_WORKER[..]].concat()) {
        let next = Snapshot(word(bits | N).0 - REFERENCE);
        assert_eq!(word(bits).wake_by_value(), (next, Wake::Nothing));
    }
    for bits in occurring(&DONE) {
        let next = Snapshot(word(bits).0 - REFERENCE);
        assert_eq!(word(bits).wake_by_value(), (next, Wake::Nothing));
        let last = Snapshot(bits | REFERENCE);
        assert_eq!(last.wake_by_value(), (Snapshot(bits), Wake::Free));
    }
}

#[test]
fn abort_queues_an_idle_task_and_marks_the_others() {
    for bits in occurring(&IDLE) {
        let queued = Snapshot(word(bits | N | X).0 + REFERENCE);
        assert_eq!(word(bits).abort(), (queued, Wake::Submit));
    }
    for bits in occurring(&[&QUEUED[..], &ON_WORKER[..]].concat()) {
        assert_eq!(word(bits).abort(), (word(bits | X), Wake::Nothing));
    }
    for bits in occurring(&DONE) {
        assert_eq!(word(bits).abort(), (word(bits), Wake::Nothing));
    }
}

#[test]
fn claim_takes_only_an_idle_task() {
    for bits in occurring(&IDLE) {
        assert_eq!(word(bits).claim(), (word(bits | R | X), Claim::Claimed));
    }
    for bits in occurring(&[&QUEUED[..], &ON_WORKER[..]].concat()) {
        assert_eq!(word(bits).claim(), (word(bits | X), Claim::Elsewhere));
    }
    for bits in occurring(&DONE) {
        assert_eq!(word(bits).claim(), (word(bits), Claim::Complete));
    }
}

#[test]
fn the_join_waker_changes_hands_only_before_completion() {
    for life in [&IDLE[..], &QUEUED, &ON_WORKER, &DONE].concat() {
        let complete = life & C != 0;
        let set = word(life | J).set_join_waker();
        assert_eq!(set, (word(if complete { life | J } else { life | J | W }), !complete));
        let unset = word(life | J | W).unset_join_waker();
        assert_eq!(unset, (word(if complete { life | J | W } else { life | J }), !complete));
    }
}

#[test]
fn leaving_tells_the_handle_what_is_its_own() {
    for life in [&IDLE[..], &QUEUED, &ON_WORKER].concat() {
        for waker in [0, W] {
            let (next, duty) = word(life | J | waker).leave();
            assert_eq!(next, word(life));
            assert_eq!(duty, Leave { drop_output: false, drop_waker: true });
        }
    }
    for life in DONE {
        let (next, duty) = word(life | J | W).leave();
        assert_eq!(next, word(life | W));
        assert_eq!(duty, Leave { drop_output: true, drop_waker: false });
        let (next, duty) = word(life | J).leave();
        assert_eq!(next, word(life));
        assert_eq!(duty, Leave { drop_output: true, drop_waker: true });
    }
}

#[test]
fn a_task_begins_with_three_references_and_one_notification() {
    let state = State::new();
    let first = state.load();
    assert_eq!(first.references(), 3);
    assert!(first.is_notified() && first.has_join_interest() && !first.is_running());
    assert_eq!(state.start(), Start::Poll);
    let done = state.complete();
    assert!(done.is_complete() && !done.is_running() && done.has_join_interest());
    assert!(!state.release(2));
    assert!(state.release(1));
}
