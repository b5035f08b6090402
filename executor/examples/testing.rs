//! Code that waits, tested without waiting.
//!
//! ```text
//! cargo test --example testing
//! ```
//!
//! A test with `start_paused` has a clock that stands still while any task has something to do, and
//! then jumps to the next timer. So a test of an hour takes no time, and what it measures is exact.
//! Python's tests patch `asyncio.sleep` for that, or wait.

use std::time::Duration;

use heist::runtime::Builder;
use heist::time::{Instant, sleep};

/// Tries up to so many times, and waits a second after the first failure, two after the second, and
/// so on: four, eight, but never more than a minute.
async fn retry<T, E>(
    attempts: u32,
    mut operation: impl AsyncFnMut() -> Result<T, E>,
) -> Result<T, E> {
    let mut pause = Duration::from_secs(1);
    for _ in 1..attempts {
        match operation().await {
            Ok(value) => return Ok(value),
            Err(_) => sleep(pause).await,
        }
        pause = Duration::from_secs(60).min(2 * pause);
    }
    operation().await
}

/// The same without a test: a runtime whose clock is paused from the start.
fn main() {
    let real = std::time::Instant::now();
    let runtime = Builder::new_multi_thread().start_paused(true).build();
    runtime.expect("the system has threads for it").block_on(async {
        let start = Instant::now();
        let outcome = retry(66, async || Err::<(), _>("no luck")).await;
        println!("{outcome:?} after {} s", start.elapsed().as_secs());
    });
    eprintln!("all took {:.3} s", real.elapsed().as_secs_f64());
}

#[cfg(test)]
mod tests {
    use super::*;

    #[heist::test(start_paused = true)]
    async fn an_hour_of_sleeps_takes_no_time() {
        let (start, real) = (Instant::now(), std::time::Instant::now());
        for _ in 0..60 {
            sleep(Duration::from_secs(60)).await;
        }
        assert_eq!(start.elapsed(), Duration::from_secs(3600));
        assert!(real.elapsed() < Duration::from_secs(60));
    }

    // With workers, the clock jumps when all of them have nothing to do. A test that hangs tells
    // after its time-out what every task waits for, and where.
    #[heist::test(start_paused = true, worker_threads = 2, timeout = "60s")]
    async fn a_thousand_tasks_sleep_to_the_second() {
        let start = Instant::now();
        let sleeps = heist::gather((0..1000).map(|n| async move {
            sleep(Duration::from_secs(n)).await;
            start.elapsed()
        }));
        assert!(sleeps.await.into_iter().eq((0..1000).map(Duration::from_secs)));
    }

    #[heist::test(start_paused = true)]
    async fn a_retry_waits_longer_after_each_failure() {
        let (start, mut times) = (Instant::now(), Vec::new());
        let outcome = retry(4, async || {
            times.push(start.elapsed().as_secs());
            if times.len() < 4 { Err("no luck") } else { Ok("at last") }
        });
        assert_eq!(outcome.await, Ok("at last"));
        assert_eq!(times, [0, 1, 3, 7]);
    }
}
