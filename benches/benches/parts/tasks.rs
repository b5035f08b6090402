//! The word of a task by what users do with it: wakes, polls, wakers, aborts. On one thread, so that no
//! other core has its line.

use std::future::{Future, pending, poll_fn};
use std::task::{Poll, Waker};
use std::time::Instant;

use criterion::{Bencher, Criterion};
use heist::runtime::{Builder, Runtime};
use heist::task::yield_now;

pub(crate) fn measure(criterion: &mut Criterion) {
    let runtime = Builder::new_current_thread().build().expect("cannot start a runtime");
    let mut group = criterion.benchmark_group("task");
    // The waker of a task that is parked and stays so.
    let waker = runtime.block_on(async {
        let (send, receive) = heist::sync::oneshot::channel();
        let mut send = Some(send);
        heist::spawn(poll_fn(move |cx| {
            if let Some(send) = send.take() {
                let _ = send.send(cx.waker().clone());
            }
            Poll::<()>::Pending
        }));
        receive.await.expect("the task sends its waker")
    });
    group.bench_function("waker: clone and drop", |bencher| bencher.iter(|| waker.clone()));
    // From here on it is ready: nobody runs it.
    group.bench_function("wake of a ready task", |bencher| bencher.iter(|| waker.wake_by_ref()));
    group.bench_function("yield and poll", |bencher| in_a_task(&runtime, bencher, yield_now));
    group.bench_function("wake and poll", |bencher| {
        let waker: &'static Waker = Box::leak(Box::new(waker.clone()));
        in_a_task(&runtime, bencher, move || {
            waker.wake_by_ref();
            yield_now()
        });
    });
    group.bench_function("spawn and end", |bencher| {
        in_a_task(&runtime, bencher, || async {
            let _ = heist::spawn(async {}).await;
        });
    });
    group.bench_function("spawn and abort", |bencher| {
        in_a_task(&runtime, bencher, || async {
            let task = heist::spawn(pending::<()>());
            task.abort();
            let _ = task.await;
        });
    });
    group.finish();
}

/// Times `step`, done again and again by one task.
fn in_a_task<F: Future<Output = ()> + Send>(
    runtime: &Runtime,
    bencher: &mut Bencher<'_>,
    step: impl Fn() -> F + Copy + Send + 'static,
) {
    bencher.iter_custom(|rounds| {
        let task = runtime.spawn(async move {
            let start = Instant::now();
            for _ in 0..rounds {
                step().await;
            }
            start.elapsed()
        });
        runtime.block_on(task).expect("it does not fail")
    });
}
