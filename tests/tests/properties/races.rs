//! `select!` and `timeout`: whoever loses is dropped, and never before the winner is known.

use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::task::{Context, Waker};
use std::time::Duration;

use heist::time::{Instant, sleep, timeout};

use crate::seeds::{Chance, for_seeds};

#[derive(Clone, Default)]
struct Alive(Arc<AtomicUsize>);

struct Life(Alive);

impl Alive {
    fn begin(&self) -> Life {
        self.0.fetch_add(1, Ordering::Relaxed);
        Life(self.clone())
    }

    fn count(&self) -> usize {
        self.0.load(Ordering::Relaxed)
    }

    /// Lasts so many milliseconds, and then counts as alive no more.
    async fn last(self, millis: u64) -> u64 {
        let _life = self.begin();
        sleep(Duration::from_millis(millis)).await;
        millis
    }
}

impl Drop for Life {
    fn drop(&mut self) {
        self.0.0.fetch_sub(1, Ordering::Relaxed);
    }
}

/// Tries a property on a runtime with the paused clock.
pub(crate) fn for_paused_seeds<F: Future<Output = ()>>(
    count: u64,
    property: impl Fn(Arc<Chance>) -> F,
) {
    let runtime = heist::runtime::Builder::new_current_thread()
        .start_paused(true)
        .on_unhandled_failure(|_| ())
        .build()
        .expect("cannot start a runtime");
    for_seeds(count, |chance| runtime.block_on(property(Arc::new(chance.fork()))));
}

#[test]
fn the_shortest_wins_and_the_others_are_dropped() {
    for_paused_seeds(1500, async |chance| {
        let alive = Alive::default();
        let start = Instant::now();
        let [a, b, c] = [(); 3].map(|()| chance.between(0, 5) as u64);
        let enabled = chance.one_in(2);
        let (winner, lasted) = heist::select! {
            lasted = alive.clone().last(a) => ("a", lasted),
            lasted = alive.clone().last(b) => ("b", lasted),
            lasted = alive.clone().last(c), if enabled => {
                assert_eq!(alive.count(), 0, "the losers are gone before the winner's part");
                ("c", lasted)
            }
        };
        let shortest = if enabled { a.min(b).min(c) } else { a.min(b) };
        assert_eq!((alive.count(), lasted), (0, shortest), "{winner} of {a}, {b}, {c} ({enabled})");
        assert_eq!(start.elapsed(), Duration::from_millis(shortest));
    });
}

#[test]
fn a_loser_that_is_borrowed_goes_on() {
    for_paused_seeds(1000, async |chance| {
        let alive = Alive::default();
        let (long, step) = (chance.between(1, 20) as u64, chance.between(1, 5) as u64);
        let start = Instant::now();
        let mut rounds = 0;
        {
            let mut goal = pin!(alive.clone().last(long));
            loop {
                heist::select! {
                    biased;
                    _ = &mut goal => break,
                    _ = sleep(Duration::from_millis(step)) => rounds += 1,
                }
                assert_eq!(alive.count(), 1);
            }
        }
        assert_eq!((alive.count(), rounds), (0, (long - 1) / step));
        assert_eq!(start.elapsed(), Duration::from_millis(long));
    });
}

#[test]
fn a_timeout_drops_what_is_late_and_nothing_else() {
    for_paused_seeds(1500, async |chance| {
        let alive = Alive::default();
        let start = Instant::now();
        let (limit, outer) = (chance.between(0, 6) as u64, chance.between(0, 6) as u64);
        let lasts = chance.between(0, 6) as u64;
        let inner = timeout(Duration::from_millis(limit), alive.clone().last(lasts));
        let done = timeout(Duration::from_millis(outer), inner).await;
        assert_eq!(alive.count(), 0);
        // Who is ready in time, or at the same moment, has made it.
        let ends = lasts.min(limit);
        assert_eq!(done.is_ok(), ends <= outer, "{lasts}, {limit}, {outer}");
        if let Ok(done) = done {
            assert_eq!(done.is_ok(), lasts <= limit, "{lasts}, {limit}, {outer}");
        }
        assert_eq!(start.elapsed(), Duration::from_millis(ends.min(outer)));
    });
}

#[test]
fn a_race_that_is_dropped_drops_all() {
    for_paused_seeds(500, async |chance| {
        let alive = Alive::default();
        let mut race = Box::pin(async {
            heist::select! {
                _ = alive.clone().last(5) => {}
                _ = timeout(Duration::from_millis(7), alive.clone().last(9)) => {}
                _ = alive.clone().last(6) => {}
            }
        });
        for _ in 0..chance.below(4) {
            let mut context = Context::from_waker(Waker::noop());
            assert!(race.as_mut().poll(&mut context).is_pending());
            assert_eq!(alive.count(), 3);
        }
        drop(race);
        assert_eq!(alive.count(), 0);
    });
}
