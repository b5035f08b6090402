//! What timers cost, and how late they are.

use std::future::poll_fn;
use std::sync::{Arc, Mutex};
use std::task::Poll;
use std::time::{Duration, Instant};

use super::Shape;
use crate::peers::{Runtime, on};
use crate::report::Figures;

/// The value below which a share of the sorted values lies.
pub(super) fn percentile(sorted: &[f64], share: f64) -> f64 {
    sorted[((sorted.len() - 1) as f64 * share) as usize]
}

pub(super) const TIMEOUT_YIELD: Shape = Shape {
    name: "timeout_yield",
    question: "a time-out of 10 s around a yield, with 100 000 timers pending",
    unit: "ns",
    run: |peer, workers| on!(peer, timeout_yield(workers)),
};

fn timeout_yield<R: Runtime>(workers: usize) -> Figures {
    const TIMES: usize = 500_000;
    R::run(workers, async {
        let pending: Vec<_> = (0..100_000)
            .map(|n| R::spawn(R::sleep(Duration::from_secs(3600) + Duration::from_millis(n))))
            .collect();
        R::sleep(Duration::from_millis(50)).await;
        let start = Instant::now();
        for _ in 0..TIMES {
            let mut yielded = false;
            let once = poll_fn(|cx| {
                if std::mem::replace(&mut yielded, true) {
                    return Poll::Ready(());
                }
                cx.waker().wake_by_ref();
                Poll::Pending
            });
            R::timeout(Duration::from_secs(10), once).await.unwrap();
        }
        let figure = start.elapsed().as_nanos() as f64 / TIMES as f64;
        std::mem::forget(pending);
        Figures { figure, operations: 0.0, details: Vec::new() }
    })
}

pub(super) const TIMER_FIRE: Shape = Shape {
    name: "timer_fire",
    question: "100 000 sleeps spread over a second, CPU time of one (details: lateness in us)",
    unit: "ns CPU",
    run: |peer, workers| on!(peer, timer_fire(workers)),
};

fn timer_fire<R: Runtime>(workers: usize) -> Figures {
    const TIMERS: u64 = 100_000;
    let late = Arc::new(Mutex::new(Vec::with_capacity(TIMERS as usize)));
    let seen = late.clone();
    let (spent, ()) = R::run(workers, async move {
        // All are spawned and filed before the first is due.
        let start = Instant::now() + Duration::from_millis(300);
        let tasks: Vec<_> = (0..TIMERS)
            .map(|n| {
                let late = late.clone();
                R::spawn(async move {
                    let due = start + Duration::from_micros(n * 10);
                    R::sleep(due - Instant::now()).await;
                    late.lock().unwrap().push(due.elapsed().as_nanos() as f64 / 1000.0);
                })
            })
            .collect();
        R::sleep(start.saturating_duration_since(Instant::now())).await;
        let before = cpu();
        for task in tasks {
            task.await;
        }
        (cpu() - before, ())
    });
    let mut late = seen.lock().unwrap();
    late.sort_by(f64::total_cmp);
    Figures {
        figure: spent as f64 / TIMERS as f64,
        operations: 0.0,
        details: vec![
            ("late_p50_us", percentile(&late, 0.5)),
            ("late_p99_us", percentile(&late, 0.99)),
            ("late_max_us", percentile(&late, 1.0)),
        ],
    }
}

/// CPU time of this process in nanoseconds.
pub(super) fn cpu() -> u64 {
    let clock = rustix::time::clock_gettime(rustix::time::ClockId::ProcessCPUTime);
    clock.tv_sec as u64 * 1_000_000_000 + clock.tv_nsec as u64
}
