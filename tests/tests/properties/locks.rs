//! Locks, permits and meetings: whoever gives up waiting, or is dropped, takes nothing with him.

use std::cell::Cell;
use std::sync::Arc;

use heist::sync::{Barrier, Mutex, RwLock, RwLockWriteGuard, Semaphore};

use crate::seeds::{Chance, for_seeds};
use crate::stage::{Stage, patiently, pause};

/// Counts who is inside, also if he is dropped there.
struct Inside<'a>(&'a Cell<usize>, usize);

impl<'a> Inside<'a> {
    fn enter(count: &'a Cell<usize>, weight: usize) -> Inside<'a> {
        count.set(count.get() + weight);
        Inside(count, weight)
    }
}

impl Drop for Inside<'_> {
    fn drop(&mut self) {
        self.0.set(self.0.get() - self.1);
    }
}

/// Adds a few actors, some of them mortal, who each do the same a few times.
fn crowd<'a, F>(stage: &mut Stage<'a>, chance: &'a Chance, once: impl Fn() -> F + Copy + 'a)
where
    F: Future<Output = ()> + 'a,
{
    for _ in 0..chance.between(2, 7) {
        let part = async move {
            for _ in 0..chance.between(1, 4) {
                once().await;
                pause(chance).await;
            }
        };
        if chance.one_in(3) { stage.add(part) } else { stage.add_mortal(part) }
    }
}

#[test]
fn a_mutex_has_one_holder_and_is_free_in_the_end() {
    for_seeds(2000, |chance| {
        let (mutex, inside) = (Arc::new(Mutex::new(())), Cell::new(0));
        let mut stage = Stage::new(chance);
        let alone = async || {
            assert_eq!(inside.get(), 0, "two hold the lock");
            let _inside = Inside::enter(&inside, 1);
            pause(chance).await;
        };
        let once = async || match chance.below(3) {
            0 => {
                if let Some(_guard) = patiently(chance, mutex.lock()).await {
                    alone().await;
                }
            }
            1 => {
                if let Some(_guard) = patiently(chance, mutex.clone().lock_owned()).await {
                    alone().await;
                }
            }
            _ => {
                if let Ok(_guard) = mutex.try_lock() {
                    alone().await;
                }
            }
        };
        crowd(&mut stage, chance, once);
        assert_eq!(stage.play(), 0, "somebody waits for a free lock");
        assert!(mutex.try_lock().is_ok());
    });
}

#[test]
fn a_writer_is_alone_readers_are_as_many_as_allowed_and_all_leave() {
    for_seeds(2000, |chance| {
        const WRITER: usize = 1000;
        let most = chance.between(1, 4);
        let lock = RwLock::with_max_readers((), most as u32);
        let inside = Cell::new(0);
        let mut stage = Stage::new(chance);
        let read = async || {
            let _inside = Inside::enter(&inside, 1);
            assert!(inside.get() <= most, "{} readers", inside.get());
            pause(chance).await;
        };
        let once = async || match chance.below(4) {
            0 | 1 => {
                if let Some(_guard) = patiently(chance, lock.read()).await {
                    read().await;
                }
            }
            2 => {
                if let Ok(_guard) = lock.try_read() {
                    read().await;
                }
            }
            _ => {
                let Some(guard) = patiently(chance, lock.write()).await else { return };
                assert_eq!(inside.get(), 0, "the writer is not alone");
                let writes = Inside::enter(&inside, WRITER);
                pause(chance).await;
                drop(writes);
                if chance.one_in(2) {
                    let _guard = RwLockWriteGuard::downgrade(guard);
                    read().await;
                }
            }
        };
        crowd(&mut stage, chance, once);
        assert_eq!(stage.play(), 0, "somebody waits for a free lock");
        assert!(lock.try_write().is_ok());
    });
}

#[test]
fn a_semaphore_has_all_its_permits_in_the_end() {
    for_seeds(2000, |chance| {
        let total = chance.between(1, 5);
        let semaphore = Arc::new(Semaphore::new(total));
        let inside = Cell::new(0);
        let mut stage = Stage::new(chance);
        let once = async || {
            let count = chance.between(1, total);
            if chance.one_in(2) {
                let all = semaphore.clone().acquire_many_owned(count as u32);
                let Some(Ok(permit)) = patiently(chance, all).await else { return };
                let _inside = Inside::enter(&inside, count);
                assert!(inside.get() <= total);
                pause(chance).await;
                drop(permit);
                return;
            }
            let all = semaphore.acquire_many(count as u32);
            let Some(Ok(mut permit)) = patiently(chance, all).await else { return };
            let inside_now = Inside::enter(&inside, count);
            assert!(inside.get() <= total);
            pause(chance).await;
            drop(inside_now);
            // In parts, in another order, and by way of the pool.
            let part = permit.split(chance.between(0, count)).expect("it has as many");
            pause(chance).await;
            if chance.one_in(3) {
                permit.merge(part);
                let count = permit.num_permits();
                permit.forget();
                semaphore.add_permits(count);
            }
        };
        crowd(&mut stage, chance, once);
        assert_eq!(stage.play(), 0, "somebody waits for permits that are there");
        assert_eq!(semaphore.available_permits(), total);
    });
}

#[test]
fn a_barrier_lets_go_whole_parties_with_one_leader_each() {
    for_seeds(2000, |chance| {
        let parties = chance.between(1, 4);
        let barrier = Barrier::new(parties);
        let [through, leaders, gone] = [const { Cell::new(0) }; 3];
        let add_one = |count: &Cell<usize>| count.set(count.get() + 1);
        let mut stage = Stage::new(chance);
        for _ in 0..chance.between(2, 7) {
            stage.add(async {
                for _ in 0..chance.between(1, 4) {
                    pause(chance).await;
                    match patiently(chance, barrier.wait_or_broken()).await {
                        Some(passed) => {
                            let passed = passed.expect("nobody breaks it");
                            add_one(&through);
                            leaders.set(leaders.get() + usize::from(passed.is_leader()));
                        }
                        None => add_one(&gone),
                    }
                }
            });
        }
        let waiting = stage.play();
        assert!(waiting < parties, "{waiting} wait for a party of {parties}");
        // Of each party all came through, but for those who gave up when they were let go.
        let came = leaders.get() * parties;
        assert!((came.saturating_sub(gone.get())..=came).contains(&through.get()));
        assert_eq!(barrier.waiting(), 0, "the stage has dropped those who waited");
    });
}
