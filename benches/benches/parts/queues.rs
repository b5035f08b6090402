//! The queues of ready tasks: a worker's own, a thief's share of it, the injector. What they hold here is
//! as large as what they hold there, a pointer.

use criterion::{BenchmarkId, Criterion, Throughput};
use heist::__private::{Injector, LocalQueue};

/// So many items a batch; the largest that a worker takes at once is 128.
const BATCHES: [u64; 3] = [1, 16, 128];

pub(crate) fn measure(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("queue");
    let queue = LocalQueue::new();
    group.bench_function("push and pop", |bencher| {
        bencher.iter(|| {
            queue.push(7_usize);
            queue.pop()
        });
    });
    let injector = Injector::new();
    group.bench_function("injector: push and pop", |bencher| {
        bencher.iter(|| {
            injector.push(7_usize);
            injector.pop()
        });
    });
    for batch in BATCHES {
        group.throughput(Throughput::Elements(batch));
        group.bench_function(BenchmarkId::new("steal", batch), |bencher| {
            let (victim, thief) = (LocalQueue::new(), LocalQueue::new());
            let stealer = victim.stealer();
            bencher.iter_custom(|rounds| {
                let fill = || {
                    // Half of them stays, of one none.
                    (0..batch * 2 - 1).for_each(|item| victim.push(item));
                };
                let steal = |(): &mut ()| {
                    stealer.steal_half(&thief, batch as usize).expect("there is something");
                };
                super::time_after(
                    rounds,
                    || {
                        while thief.pop().is_some() || victim.pop().is_some() {}
                        fill()
                    },
                    steal,
                )
            });
        });
        group.bench_function(BenchmarkId::new("injector: batch", batch), |bencher| {
            let (injector, queue) = (Injector::new(), LocalQueue::new());
            bencher.iter_custom(|rounds| {
                let fill = || {
                    while queue.pop().is_some() || injector.pop().is_some() {}
                    (0..batch).for_each(|item| injector.push(item));
                };
                let take = |(): &mut ()| {
                    injector.pop_batch(&queue, batch as usize).expect("there is something");
                };
                super::time_after(rounds, fill, take)
            });
        });
    }
    group.finish();
}
