//! What spawning, waking and switching cost.

use std::future::{Future, poll_fn};
use std::pin::Pin;
use std::sync::Arc;
use std::task::Poll;
use std::time::{Duration, Instant};

use super::Shape;
use crate::peers::{Output, Runtime, on};
use crate::report::Figures;

/// How long a cell measures, after as long a warm-up.
const MEASURE: Duration = Duration::from_millis(250);

/// Repeats `once`, which does `operations`, and gives the nanoseconds of one.
async fn repeat<F: Future<Output = ()>>(operations: usize, mut once: impl FnMut() -> F) -> Figures {
    let start = Instant::now();
    let mut warm = 0;
    while start.elapsed() < MEASURE {
        once().await;
        warm += 1;
    }
    let start = Instant::now();
    let mut rounds = 0;
    while start.elapsed() < MEASURE {
        once().await;
        rounds += 1;
    }
    let measured = (rounds * operations) as f64;
    Figures {
        figure: start.elapsed().as_nanos() as f64 / measured,
        operations: measured + (warm * operations) as f64,
        details: Vec::new(),
    }
}

/// The neutral yield: what each contestant's own does differs.
async fn yield_now() {
    let mut yielded = false;
    poll_fn(|cx| {
        if std::mem::replace(&mut yielded, true) {
            return Poll::Ready(());
        }
        cx.waker().wake_by_ref();
        Poll::Pending
    })
    .await;
}

pub(super) const SPAWN_LOCAL: Shape = Shape {
    name: "spawn_local",
    question: "10 000 empty tasks spawned from a task and joined",
    unit: "ns/task",
    run: |peer, workers| on!(peer, spawn_local(workers)),
};

fn spawn_local<R: Runtime>(workers: usize) -> Figures {
    R::run(workers, async {
        repeat(10_000, || async {
            let tasks: Vec<_> = (0..10_000).map(|_| R::spawn(async {})).collect();
            for task in tasks {
                task.await;
            }
        })
        .await
    })
}

pub(super) const SPAWN_REMOTE: Shape = Shape {
    name: "spawn_remote",
    question: "10 000 empty tasks spawned from a thread outside and joined",
    unit: "ns/task",
    run: |peer, workers| on!(peer, spawn_remote(workers)),
};

fn spawn_remote<R: Runtime>(workers: usize) -> Figures {
    R::run(workers, async {
        let spawn = Arc::new(R::spawner());
        repeat(10_000, || {
            let spawn = spawn.clone();
            let (sender, joins) = async_channel::bounded(1);
            std::thread::spawn(move || {
                let tasks: Vec<_> =
                    (0..10_000).map(|_| spawn(Box::pin(async {}) as Output<()>)).collect();
                let _ = sender.send_blocking(tasks);
            });
            async move {
                for task in joins.recv().await.unwrap() {
                    task.await;
                }
            }
        })
        .await
    })
}

pub(super) const YIELD_MANY: Shape = Shape {
    name: "yield_many",
    question: "200 tasks yielding 1 000 times",
    unit: "ns/yield",
    run: |peer, workers| on!(peer, yield_many(workers)),
};

fn yield_many<R: Runtime>(workers: usize) -> Figures {
    R::run(workers, async {
        repeat(200_000, || async {
            let tasks: Vec<_> = (0..200)
                .map(|_| {
                    R::spawn(async {
                        for _ in 0..1000 {
                            yield_now().await;
                        }
                    })
                })
                .collect();
            for task in tasks {
                task.await;
            }
        })
        .await
    })
}

pub(super) const PAIRS: Shape = Shape {
    name: "pairs",
    question: "1 000 tasks each spawning a partner and exchanging two messages",
    unit: "ns/task",
    run: |peer, workers| on!(peer, pairs(workers)),
};

fn pairs<R: Runtime>(workers: usize) -> Figures {
    R::run(workers, async {
        repeat(1000, || async {
            let tasks: Vec<_> = (0..1000)
                .map(|_| {
                    R::spawn(async {
                        let (ask, asked) = async_channel::bounded(1);
                        let (answer, answered) = async_channel::bounded(1);
                        let partner = R::spawn(async move {
                            asked.recv().await.unwrap();
                            answer.send(()).await.unwrap();
                        });
                        ask.send(()).await.unwrap();
                        answered.recv().await.unwrap();
                        partner.await;
                    })
                })
                .collect();
            for task in tasks {
                task.await;
            }
        })
        .await
    })
}

pub(super) const PING_PONG: Shape = Shape {
    name: "ping_pong",
    question: "one pair over two bounded channels, a round trip",
    unit: "ns/round",
    run: |peer, workers| on!(peer, ping_pong(workers)),
};

fn ping_pong<R: Runtime>(workers: usize) -> Figures {
    R::run(workers, async {
        let (ask, asked) = async_channel::bounded(1);
        let (answer, answered) = async_channel::bounded(1);
        let partner = R::spawn(async move {
            while asked.recv().await.is_ok() {
                answer.send(()).await.unwrap();
            }
        });
        let figures = repeat(1000, || async {
            for _ in 0..1000 {
                ask.send(()).await.unwrap();
                answered.recv().await.unwrap();
            }
        })
        .await;
        drop(ask);
        partner.await;
        figures
    })
}

pub(super) const CHAINED_SPAWN: Shape = Shape {
    name: "chained_spawn",
    question: "tasks that each spawn the next, 1 000 deep",
    unit: "ns/task",
    run: |peer, workers| on!(peer, chained_spawn(workers)),
};

fn link<R: Runtime>(left: usize, done: async_channel::Sender<()>) -> Output<()> {
    Box::pin(async move {
        if left == 0 {
            done.send(()).await.unwrap();
        } else {
            let next = R::spawn(link::<R>(left - 1, done));
            // smol's tasks are cancelled when their handle goes; the others' are not.
            next.await;
        }
    })
}

fn chained_spawn<R: Runtime>(workers: usize) -> Figures {
    R::run(workers, async {
        repeat(1000, || async {
            let (done, all) = async_channel::bounded(1);
            R::spawn(link::<R>(1000, done)).await;
            all.recv().await.unwrap();
        })
        .await
    })
}

pub(super) const SKYNET: Shape = Shape {
    name: "skynet",
    question: "a tree of tasks, ten children each, 111 111 in all",
    unit: "ns/task",
    run: |peer, workers| on!(peer, skynet(workers)),
};

fn node<R: Runtime>(number: u64, size: u64) -> Pin<Box<dyn Future<Output = u64> + Send>> {
    Box::pin(async move {
        if size == 1 {
            return number;
        }
        let part = size / 10;
        let children: Vec<_> =
            (0..10).map(|child| R::spawn(node::<R>(number + child * part, part))).collect();
        let mut sum = 0;
        for child in children {
            sum += child.await;
        }
        sum
    })
}

fn skynet<R: Runtime>(workers: usize) -> Figures {
    R::run(workers, async {
        repeat(111_111, || async {
            assert_eq!(R::spawn(node::<R>(0, 100_000)).await, 4_999_950_000);
        })
        .await
    })
}

pub(super) const PRODUCERS: Shape = Shape {
    name: "producers",
    question: "4 producers, 1 consumer, over one channel of 100",
    unit: "ns/message",
    run: |peer, workers| on!(peer, producers(workers)),
};

fn producers<R: Runtime>(workers: usize) -> Figures {
    R::run(workers, async {
        repeat(40_000, || async {
            let (sender, receiver) = async_channel::bounded(100);
            let tasks: Vec<_> = (0..4)
                .map(|_| {
                    let sender = sender.clone();
                    R::spawn(async move {
                        for n in 0..10_000u32 {
                            sender.send(n).await.unwrap();
                        }
                    })
                })
                .collect();
            drop(sender);
            let consumer = R::spawn(async move {
                let mut count = 0;
                while receiver.recv().await.is_ok() {
                    count += 1;
                }
                assert_eq!(count, 40_000);
            });
            for task in tasks {
                task.await;
            }
            consumer.await;
        })
        .await
    })
}

pub(super) const BLOCKING: Shape = Shape {
    name: "spawn_blocking",
    question: "10 000 jobs for the blocking pool from one task",
    unit: "ns/job",
    run: |peer, workers| on!(peer, blocking(workers)),
};

fn blocking<R: Runtime>(workers: usize) -> Figures {
    R::run(workers, async {
        repeat(10_000, || async {
            let jobs: Vec<_> = (0..10_000).map(|_| R::spawn(R::blocking(|| ()))).collect();
            for job in jobs {
                job.await;
            }
        })
        .await
    })
}

pub(super) const STARTUP: Shape = Shape {
    name: "startup",
    question: "a runtime built, one task run, dropped",
    unit: "us",
    run: |peer, workers| on!(peer, startup(workers)),
};

fn startup<R: Runtime>(workers: usize) -> Figures {
    let start = Instant::now();
    let mut rounds = 0;
    while start.elapsed() < 2 * MEASURE {
        R::start_and_stop(workers);
        rounds += 1;
    }
    let figure = start.elapsed().as_micros() as f64 / f64::from(rounds);
    Figures { figure, operations: f64::from(rounds), details: Vec::new() }
}
