//! Scopes: nothing is alive after one, however it ends; clean-ups have run, and every failure is in its
//! error.

use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::pin::pin;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::task::Poll;
use std::time::Duration;

use heist::task::{self, FailureKind, GroupError, TaskGroup, with_cleanup, yield_now};
use heist::time::{Instant, sleep};

use crate::races::for_paused_seeds;
use crate::seeds::Chance;

type Group = TaskGroup<usize>;
type Told = Result<(), usize>;

/// What the tasks of a scope have in common.
#[derive(Clone)]
struct Play {
    chance: Arc<Chance>,
    alive: Arc<AtomicUsize>,
    spawned: Arc<AtomicUsize>,
    /// How many clean-ups are still to run.
    owed: Arc<AtomicUsize>,
    /// The numbers of those who have failed, noted before they do.
    failed: Arc<Mutex<Vec<usize>>>,
}

struct Life(Arc<AtomicUsize>);

impl Drop for Life {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}

impl Play {
    fn new(chance: Arc<Chance>) -> Play {
        Play {
            chance,
            alive: Arc::default(),
            spawned: Arc::default(),
            owed: Arc::default(),
            failed: Arc::default(),
        }
    }

    fn begin(&self) -> Life {
        self.alive.fetch_add(1, Ordering::Relaxed);
        Life(self.alive.clone())
    }

    async fn dawdle(&self) {
        for _ in 0..self.chance.below(3) {
            yield_now().await;
        }
        if self.chance.one_in(2) {
            sleep(Duration::from_millis(self.chance.below(20) as u64)).await;
        }
    }

    /// Spawns a child, now and then one with children of its own.
    fn spawn(&self, group: &Group) {
        let number = self.spawned.fetch_add(1, Ordering::Relaxed);
        if number >= 40 {
            return;
        }
        // From here on, also if the future is dropped unrun.
        let (play, within, life) = (self.clone(), group.clone(), self.begin());
        drop(group.spawn(async move {
            let _life = life;
            play.child(&within, number).await
        }));
    }

    async fn child(&self, group: &Group, number: usize) -> Told {
        self.dawdle().await;
        for _ in 0..self.chance.below(3) {
            self.spawn(group);
        }
        self.dawdle().await;
        match self.chance.below(24) {
            0 => self.fail(number),
            1 => self.panic(number),
            2 => {
                group.cancel_because("a child says so");
                Ok(())
            }
            3 | 4 => std::future::pending().await,
            5 | 6 => self.wait_and_clean_up(number).await,
            7 => {
                task::shield(self.dawdle()).await;
                self.fail(number)
            }
            8 | 9 => self.nested().await,
            _ => Ok(()),
        }
    }

    /// Waits until it is cancelled, cleans up, and may panic meanwhile.
    async fn wait_and_clean_up(&self, number: usize) -> Told {
        let (play, life) = (self.clone(), self.begin());
        self.owed.fetch_add(1, Ordering::Relaxed);
        let waits = with_cleanup(std::future::pending::<Told>(), async move |_| {
            play.dawdle().await;
            drop(life);
            play.owed.fetch_sub(1, Ordering::Relaxed);
            if play.chance.one_in(4) {
                play.panic(number)
            }
        });
        waits.await
    }

    /// A scope within a child; its failures are its own.
    async fn nested(&self) -> Told {
        let own = Play { failed: Arc::default(), ..self.clone() };
        let _ = heist::scope(async |group: Group| {
            let _life = own.begin();
            own.spawn(&group);
            own.dawdle().await;
            Ok(())
        })
        .await;
        Ok(())
    }

    fn fail(&self, number: usize) -> Told {
        self.failed.lock().unwrap().push(number);
        Err(number)
    }

    /// A panic that the hook says nothing about.
    fn panic(&self, number: usize) -> ! {
        self.failed.lock().unwrap().push(number);
        resume_unwind(Box::new(number))
    }

    async fn body(&self, group: Group, number: usize) -> Told {
        let _life = self.begin();
        if self.chance.one_in(3) {
            group
                .set_deadline(Instant::now() + Duration::from_millis(self.chance.below(40) as u64));
        }
        for _ in 0..self.chance.between(0, 5) {
            self.spawn(&group);
            if self.chance.one_in(3) {
                self.dawdle().await;
            }
        }
        self.dawdle().await;
        match self.chance.below(8) {
            0 => self.fail(number),
            1 => self.panic(number),
            2 if self.chance.one_in(2) => std::future::pending().await,
            2 => self.wait_and_clean_up(number).await,
            3 => {
                group.cancel_because("the body says so");
                Ok(())
            }
            _ => {
                if self.chance.one_in(2) {
                    // So that nobody who waits for ever keeps the scope for ever.
                    group.set_deadline(Instant::now() + Duration::from_millis(50));
                }
                Ok(())
            }
        }
    }

    /// The scope; a cut is certain in the end.
    async fn scope(&self) -> Result<(), GroupError<usize>> {
        let number = self.spawned.fetch_add(1, Ordering::Relaxed);
        heist::scope(async |group: Group| {
            let last = group.clone();
            let ends = self.begin();
            drop(group.spawn(async move {
                let _ends = ends;
                sleep(Duration::from_millis(200)).await;
                last.cancel_because("it has lasted long enough");
            }));
            self.body(group, number).await
        })
        .await
    }

    fn assert_nothing_alive(&self) {
        assert_eq!(self.alive.load(Ordering::Relaxed), 0, "something outlives its scope");
        let own = task::try_id();
        let others = task::all().into_iter().filter(|info| Some(info.id()) != own);
        assert_eq!(others.count(), 0, "a task outlives its scope");
    }

    fn assert_cleaned_up(&self) {
        self.assert_nothing_alive();
        assert_eq!(self.owed.load(Ordering::Relaxed), 0, "a clean-up has not run");
    }
}

/// The numbers of those whose failures an error has kept.
fn kept(error: GroupError<usize>) -> Vec<usize> {
    let number = |kind| match kind {
        FailureKind::Error(number) => number,
        FailureKind::Panic(error) => *error.into_panic().downcast().expect("a number"),
    };
    error.into_iter().map(|failure| number(failure.into_kind())).collect()
}

/// Polls a future to its end, and catches its panic.
async fn caught<T>(future: impl Future<Output = T>) -> std::thread::Result<T> {
    let mut future = pin!(future);
    std::future::poll_fn(|cx| match catch_unwind(AssertUnwindSafe(|| future.as_mut().poll(cx))) {
        Ok(polled) => polled.map(Ok),
        Err(panic) => Poll::Ready(Err(panic)),
    })
    .await
}

#[test]
fn nothing_is_alive_after_a_scope_and_no_failure_is_lost() {
    for_paused_seeds(1500, async |chance| {
        let play = Play::new(chance);
        let ended = caught(play.scope()).await;
        play.assert_cleaned_up();
        let mut failed = play.failed.lock().unwrap().clone();
        match ended {
            Ok(Ok(())) => assert!(failed.is_empty(), "{failed:?} have failed, and all was well"),
            Ok(Err(error)) => {
                let mut kept = kept(error);
                kept.sort_unstable();
                failed.sort_unstable();
                assert_eq!(kept, failed);
            }
            Err(panic) => {
                // It is the body's, numbered first.
                assert_eq!(panic.downcast_ref::<usize>(), Some(&0));
                assert!(failed.contains(&0));
            }
        }
    });
}

#[test]
fn nothing_is_alive_after_a_task_that_is_cancelled_in_a_scope() {
    for_paused_seeds(1000, async |chance| {
        let play = Play::new(chance);
        let (within, life) = (play.clone(), play.begin());
        let task = heist::spawn(async move {
            let _life = life;
            within.dawdle().await;
            // What it ends with is tried above.
            let _ = caught(within.scope()).await;
        });
        play.dawdle().await;
        play.dawdle().await;
        task.cancel("it is time");
        let _ = task.await;
        play.assert_cleaned_up();
    });
}

#[test]
fn what_was_in_a_scope_that_is_dropped_ends_without_it() {
    for_paused_seeds(1000, async |chance| {
        let play = Play::new(chance);
        let limit = Duration::from_millis(play.chance.below(40) as u64);
        let _ = caught(heist::time::timeout(limit, play.scope())).await;
        // Nobody waits for those, and some of them clean up or are shielded.
        sleep(Duration::from_secs(1)).await;
        play.assert_nothing_alive();
    });
}
