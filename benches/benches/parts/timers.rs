//! The timing wheel beside so many other timers: filing, cancelling, resetting, and firing. Through the
//! sleeps that own its entries, with the lock of the wheel, which nobody else wants.

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Waker};
use std::time::Duration;

use criterion::{BenchmarkId, Criterion, SamplingMode, Throughput};
use heist_timer::context::{self, TimerGuard};
use heist_timer::{Clock, Instant, Sleep, Timers};

/// How many timers are pending besides.
const PENDING: [u64; 3] = [100, 10_000, 1_000_000];

/// The others are due within this time, evenly spread; so those that are measured lie among them.
const SPAN: Duration = Duration::from_secs(60);

/// Timers whose clock stands still, with some pending.
struct Pending {
    timers: Arc<Timers>,
    now: Instant,
    _others: Vec<Pin<Box<Sleep>>>,
    _current: TimerGuard,
}

impl Pending {
    fn new(others: u64) -> Pending {
        let timers = Timers::new(Clock::paused(), 1, Box::new(|_| ()));
        let current = context::enter(&timers, 0);
        let now = timers.clock().now();
        let others = (1..=others).map(|n| file(now + SPAN.mul_f64(n as f64 / others as f64)));
        Pending { now, _others: others.collect(), timers, _current: current }
    }

    /// Times of all sizes up to the span, one after the other.
    fn deadlines(&self) -> impl FnMut() -> Instant + use<> {
        let (now, mut n) = (self.now, 0_u64);
        move || {
            n = n.wrapping_add(0x9E37_79B9_7F4A_7C15);
            now + SPAN.mul_f64((n >> 11) as f64 / (1_u64 << 53) as f64)
        }
    }
}

/// A sleep that is pending until `deadline`.
fn file(deadline: Instant) -> Pin<Box<Sleep>> {
    let mut sleep = Box::pin(heist_timer::sleep_until(deadline));
    poll(&mut sleep);
    sleep
}

fn poll(sleep: &mut Pin<Box<Sleep>>) {
    let _ = sleep.as_mut().poll(&mut Context::from_waker(Waker::noop()));
}

pub(crate) fn measure(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("timer");
    for others in PENDING {
        let pending = Pending::new(others);
        let mut deadline = pending.deadlines();
        group.bench_function(BenchmarkId::new("insert and cancel", others), |bencher| {
            bencher.iter(|| {
                let mut sleep = std::pin::pin!(heist_timer::sleep_until(deadline()));
                let _ = sleep.as_mut().poll(&mut Context::from_waker(Waker::noop()));
            });
        });
        group.bench_function(BenchmarkId::new("reset", others), |bencher| {
            let mut sleep = file(deadline());
            bencher.iter(|| {
                sleep.as_mut().reset(deadline());
                poll(&mut sleep);
            });
        });
        // The clock goes on for good, so these come last.
        group.bench_function(BenchmarkId::new("fire", others), |bencher| {
            bencher.iter_custom(|rounds| {
                let next = || {
                    let soon = pending.timers.clock().now() + Duration::from_micros(1);
                    let sleep = file(soon);
                    pending.timers.clock().jump_to(soon);
                    (sleep, soon)
                };
                super::time_after(rounds, next, |(_, now)| {
                    pending.timers.advance(0, *now);
                })
            });
        });
    }
    group.sample_size(10).sampling_mode(SamplingMode::Flat);
    for count in PENDING {
        group.throughput(Throughput::Elements(count));
        group.bench_function(BenchmarkId::new("fire all at once", count), |bencher| {
            bencher.iter_custom(|rounds| {
                super::time_after(
                    rounds,
                    || Pending::new(count),
                    |pending| {
                        let fired = pending.timers.advance(0, pending.now + SPAN);
                        assert_eq!(fired as u64, count);
                    },
                )
            });
        });
    }
    group.finish();
}
