//! Running a model, and running one that must fail.

use std::process::Command;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

/// Set for the process in which a broken twin runs.
const BROKEN: &str = "HEIST_LOOM_BROKEN";

/// How many preemptions every model's bound is raised by: `cargo loom-deep` sets it.
const DEEPER: &str = "HEIST_LOOM_DEEPER";

/// Explores all interleavings of `f` with at most `preemptions` preemptions, and checks that there
/// was more than one: else the shim has given the code real atomics, and the model shows nothing.
///
/// # Panics
/// If an interleaving fails, and if `HEIST_LOOM_DEEPER` is set and no number.
#[track_caller]
pub fn model(preemptions: usize, f: impl Fn() + Sync + Send + 'static) {
    let deeper = std::env::var(DEEPER).map(|text| text.parse::<usize>());
    let deeper = deeper.unwrap_or(Ok(0)).expect("HEIST_LOOM_DEEPER is a number");
    let preemptions = preemptions + deeper;
    let explored = explore(preemptions, f);
    assert!(explored > 1, "the model has one interleaving only");
    eprintln!("{explored} interleavings with at most {preemptions} preemptions");
}

fn explore(preemptions: usize, f: impl Fn() + Sync + Send + 'static) -> usize {
    let mut builder = loom::model::Builder::new();
    builder.preemption_bound.get_or_insert(preemptions);
    builder.max_branches = 50_000;
    // Limits at which loom would stop and call it a success.
    builder.max_permutations = None;
    builder.max_duration = None;
    let explored = Arc::new(AtomicUsize::new(0));
    let count = explored.clone();
    builder.check(move || {
        count.fetch_add(1, Ordering::Relaxed);
        f();
    });
    explored.load(Ordering::Relaxed)
}

/// Runs `f` as a model that must fail, with `expected` in its message. It runs in a process of its
/// own, because loom aborts the process at some failures.
///
/// # Panics
/// If the model passes, or fails in another way.
#[track_caller]
pub fn must_fail(this_test: &str, expected: &str, f: impl Fn() + Sync + Send + 'static) {
    if std::env::var(BROKEN).is_ok_and(|test| test == this_test) {
        explore(3, f);
        return;
    }
    let output = Command::new(std::env::current_exe().expect("a test binary has a path"))
        .args([this_test, "--exact", "--nocapture", "--test-threads=1"])
        .env(BROKEN, this_test)
        .output()
        .expect("cannot start the test binary");
    let text = String::from_utf8_lossy(&output.stdout) + String::from_utf8_lossy(&output.stderr);
    assert!(!output.status.success(), "the broken twin passed: the model does not see the bug");
    assert!(text.contains(expected), "the broken twin failed, but not with {expected:?}:\n{text}");
}
