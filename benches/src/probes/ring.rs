//! A bare executor: one thread, a `VecDeque` of boxed futures, a waker that does nothing.
//!
//! Every future is polled again until it is ready: no state, no join handles, no wakes to be
//! tracked. It is what a runtime would cost that had nothing to keep track of.

use std::collections::VecDeque;
use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Waker};

use crate::cell::{Answer, Cell};
use crate::meter::Meter;
use crate::neutral::yield_once;

type Task = Pin<Box<dyn Future<Output = ()> + Send>>;

/// Empty tasks, all made before the first is polled.
pub fn spawn(cell: &Cell, tasks: u64) -> Answer {
    repeat(cell, tasks, || (0..tasks).map(|_| task(async {})).collect())
}

/// Tasks that yield.
pub fn yields(cell: &Cell, tasks: u64, yields: u64) -> Answer {
    let yielding = move |_| {
        task(async move {
            for _ in 0..yields {
                yield_once().await;
            }
        })
    };
    repeat(cell, tasks * yields, || (0..tasks).map(yielding).collect())
}

fn task(future: impl Future<Output = ()> + Send + 'static) -> Task {
    Box::pin(future)
}

fn repeat(cell: &Cell, operations: u64, tasks: impl Fn() -> VecDeque<Task>) -> Answer {
    drain(tasks());
    let meter = Meter::start();
    let mut passes = 0;
    while meter.elapsed() < cell.time {
        drain(tasks());
        passes += 1;
    }
    meter.stop(passes * operations)
}

fn drain(mut tasks: VecDeque<Task>) {
    let mut cx = Context::from_waker(Waker::noop());
    while let Some(mut task) = tasks.pop_front() {
        if task.as_mut().poll(&mut cx).is_pending() {
            tasks.push_back(task);
        }
    }
}
