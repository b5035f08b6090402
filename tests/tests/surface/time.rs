//! Clocks, sleeps, timeouts, timers.

use heist::time::{
    self, Instant, Interval, MissedTickBehavior, Sleep, Timeout, TimerHandle, error::Elapsed,
};
use std::sync::mpsc;
use std::time::Duration;

#[heist::test(start_paused = true)]
async fn sleeping() {
    let start = Instant::now();
    time::sleep(Duration::from_millis(10)).await;
    time::sleep_until(start + Duration::from_millis(20)).await;
    assert_eq!(start.elapsed(), Duration::from_millis(20));
    let sleep: Sleep = time::sleep(Duration::from_secs(1));
    heist::pin!(sleep);
    sleep.as_mut().reset(Instant::now() + Duration::from_millis(5));
    assert!(!sleep.is_elapsed() && sleep.deadline() > start);
    sleep.await;
}

#[heist::test(start_paused = true)]
async fn timing_out() {
    let late: Result<(), Elapsed> =
        time::timeout(Duration::from_secs(1), std::future::pending()).await;
    assert!(late.unwrap_err().to_string().contains("elapsed"));
    let late: Timeout<_> = time::timeout_at(Instant::now(), std::future::pending::<()>());
    let io: std::io::Error = late.await.unwrap_err().into();
    assert_eq!(io.kind(), std::io::ErrorKind::TimedOut);
    assert_eq!(time::timeout(Duration::from_secs(1), async { 1 }).await, Ok(1));
}

#[heist::test(start_paused = true)]
async fn ticking() {
    let mut ticks: Interval = time::interval(Duration::from_secs(1));
    for behaviour in
        [MissedTickBehavior::Burst, MissedTickBehavior::Delay, MissedTickBehavior::Skip]
    {
        ticks.set_missed_tick_behavior(behaviour);
        let at: Instant = ticks.tick().await;
        assert!(at <= Instant::now());
    }
    assert_eq!(ticks.period(), Duration::from_secs(1));
    ticks.reset();
    let mut later =
        time::interval_at(Instant::now() + Duration::from_secs(5), Duration::from_secs(1));
    later.tick().await;
}

#[heist::test]
async fn pausing() {
    time::pause();
    time::advance(Duration::from_secs(3600)).await;
    time::resume();
}

#[heist::test(start_paused = true)]
async fn calling_later() {
    let (tx, rx) = mpsc::channel();
    let own = tx.clone();
    let timer: TimerHandle = time::after(Duration::from_secs(1), move || own.send(1).unwrap());
    let cancelled = time::after(Duration::from_secs(1), move || tx.send(2).unwrap());
    cancelled.cancel();
    time::sleep(Duration::from_secs(2)).await;
    assert_eq!(rx.try_iter().collect::<Vec<i32>>(), [1]);
    drop(timer);
}

#[test]
fn instants_are_std_instants() {
    let std = std::time::Instant::now();
    let ours: Instant = Instant::from_std(std);
    assert_eq!(ours.into_std(), std);
    let _: std::time::Instant = ours.into();
    assert_eq!(ours.checked_add(Duration::ZERO), Some(ours));
}
