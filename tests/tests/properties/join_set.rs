//! `JoinSet`: each output comes out once, whoever gives up waiting for it.

use std::collections::BTreeSet;
use std::panic::resume_unwind;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use heist::task::{AbortHandle, JoinError, JoinSet, yield_now};
use heist::time::sleep;

use crate::races::for_paused_seeds;
use crate::seeds::Chance;
use crate::stage::patiently;

/// What comes out of a task: its number, or that with which it panicked.
type Ended = Result<usize, JoinError>;

async fn dawdle(chance: &Chance) {
    for _ in 0..chance.below(3) {
        yield_now().await;
    }
    if chance.one_in(3) {
        sleep(Duration::from_millis(chance.below(4) as u64)).await;
    }
}

/// Takes note of what came out; panics if it has come out before.
fn note(ended: Ended, outputs: &mut BTreeSet<usize>, aborted: &mut usize) {
    let number = match ended {
        Ok(number) => number,
        Err(error) if error.is_panic() => {
            *error.into_panic().downcast::<usize>().expect("the number of the task")
        }
        Err(_) => return *aborted += 1,
    };
    assert!(outputs.insert(number), "task {number} came out twice");
}

#[test]
fn every_task_comes_out_of_its_set_once() {
    for_paused_seeds(1500, async |chance| {
        let total = chance.between(1, 20);
        let (mut outputs, mut aborted) = (BTreeSet::new(), 0);
        let mut set = JoinSet::new();
        let mut handles: Vec<(usize, AbortHandle)> = Vec::new();
        for number in 0..total {
            let own = chance.clone();
            let handle = set.spawn(async move {
                dawdle(&own).await;
                if own.one_in(5) {
                    resume_unwind(Box::new(number));
                }
                number
            });
            handles.push((number, handle));
            match chance.below(6) {
                0 => handles[chance.below(handles.len())].1.abort(),
                1 => yield_now().await,
                2 => {
                    if let Some(ended) = set.try_join_next() {
                        note(ended, &mut outputs, &mut aborted);
                    }
                }
                3 => {
                    if let Some(Some(ended)) = patiently(&chance, set.join_next()).await {
                        note(ended, &mut outputs, &mut aborted);
                    }
                }
                _ => {}
            }
        }
        assert_eq!(set.len() + outputs.len() + aborted, total);
        loop {
            match patiently(&chance, set.join_next()).await {
                Some(Some(ended)) => note(ended, &mut outputs, &mut aborted),
                Some(None) => break,
                None => yield_now().await,
            }
        }
        assert_eq!(outputs.len() + aborted, total);
        assert!(set.is_empty() && set.try_join_next().is_none());
    });
}

#[test]
fn tasks_of_a_set_that_is_dropped_end_and_detached_ones_do_not() {
    for_paused_seeds(500, async |chance| {
        let ended = Arc::new(AtomicUsize::new(0));
        let dropped = Arc::new(AtomicUsize::new(0));
        /// Counts itself when it is dropped.
        struct Held(Arc<AtomicUsize>);
        impl Drop for Held {
            fn drop(&mut self) {
                self.0.fetch_add(1, Ordering::Relaxed);
            }
        }
        let total = chance.between(1, 8);
        let mut set = JoinSet::new();
        for _ in 0..total {
            let (held, ended, own) = (Held(dropped.clone()), ended.clone(), chance.clone());
            set.spawn(async move {
                let _held = held;
                dawdle(&own).await;
                sleep(Duration::from_millis(20)).await;
                ended.fetch_add(1, Ordering::Relaxed);
            });
        }
        dawdle(&chance).await;
        let detach = chance.one_in(2);
        match chance.below(2) {
            _ if detach => set.detach_all(),
            0 => set.shutdown().await,
            _ => drop(set),
        }
        sleep(Duration::from_millis(50)).await;
        let expected = if detach { total } else { 0 };
        assert_eq!(
            (ended.load(Ordering::Relaxed), dropped.load(Ordering::Relaxed)),
            (expected, total)
        );
    });
}
