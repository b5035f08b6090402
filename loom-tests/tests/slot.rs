//! The slot of a worker that is stuck: its task is rescued by others. `worker/slot.rs`.
//!
//! Property: each task that goes through the slot is run once, by its owner or by a thief, with
//! what was written before it was put there. Threads: the owner, one or two thieves. Bound: 3
//! preemptions. It would catch a task that two take, one that a thief runs before its future is
//! there to be seen, and one that is displaced and then belongs to nobody.
#![cfg(heist_loom)]

use heist::model::Tasks;
use heist_loom_tests::{model, must_fail};
use loom::cell::UnsafeCell;
use loom::sync::Arc;
use loom::sync::atomic::{AtomicUsize, Ordering};

/// What a task reads although another thread wrote it: loom checks that the slot orders the two.
struct Letter(UnsafeCell<u32>);

// SAFETY: written before the task is put into the slot, read by whoever runs the task.
unsafe impl Sync for Letter {}
// SAFETY: as above.
unsafe impl Send for Letter {}

fn spawn_reader(tasks: &Tasks, read: &Arc<AtomicUsize>) {
    let letter = Letter(UnsafeCell::new(0));
    // SAFETY: nobody else has it yet.
    letter.0.with_mut(|text| unsafe { *text = 7 });
    let read = read.clone();
    let future = async move {
        let letter = letter;
        // SAFETY: the writer is done, if the slot does its part.
        assert_eq!(letter.0.with(|text| unsafe { *text }), 7);
        read.fetch_add(1, Ordering::Relaxed);
    };
    drop(tasks.spawn(future));
}

fn owner_and_thieves(thieves: usize, keep_displaced: bool) {
    let tasks = Arc::new(Tasks::default());
    let read = Arc::new(AtomicUsize::new(0));
    let thieves: Vec<_> = (0..thieves)
        .map(|_| {
            let tasks = tasks.clone();
            loom::thread::spawn(move || tasks.run_slot())
        })
        .collect();
    for _ in 0..2 {
        spawn_reader(&tasks, &read);
        tasks.move_to_slot(keep_displaced);
    }
    // The owner's poll has ended: slot first, then the queue.
    while tasks.run_slot() || tasks.run_one() {}
    for thief in thieves {
        thief.join().unwrap();
    }
    assert_eq!(read.load(Ordering::Relaxed), 2, "a task is lost");
    assert_eq!((tasks.alive(), tasks.freed()), (0, 2));
}

#[test]
fn a_task_in_the_slot_is_run_once() {
    model(3, || owner_and_thieves(1, true));
}

#[test]
fn two_thieves_do_not_run_it_twice() {
    model(3, || owner_and_thieves(2, true));
}

#[test]
fn broken_a_displaced_task_that_is_not_queued_is_lost() {
    let test = "broken_a_displaced_task_that_is_not_queued_is_lost";
    must_fail(test, "a task is lost", || owner_and_thieves(1, false));
}
