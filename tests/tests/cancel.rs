//! Cancelling: reasons, clean-ups that wait, shields, and joining from a thread.

use std::pin::Pin;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use heist::task::{self, Ending, JoinHandle, shield, with_cleanup};
use heist::time::{Instant, sleep};
use heist_tests::{eventually, on_two_workers, panic_message, two_workers};

/// What has happened, in order.
#[derive(Clone, Default)]
struct Log(Arc<Mutex<Vec<String>>>);

impl Log {
    fn note(&self, what: impl Into<String>) {
        self.0.lock().unwrap().push(what.into());
    }

    fn take(&self) -> Vec<String> {
        std::mem::take(&mut self.0.lock().unwrap())
    }

    /// Notes `what` when it is dropped.
    fn drops(&self, what: &'static str) -> impl Sized + use<> {
        struct Drops(Log, &'static str);
        impl Drop for Drops {
            fn drop(&mut self) {
                self.0.note(self.1);
            }
        }
        Drops(self.clone(), what)
    }
}

fn seconds(n: u64) -> heist::time::Sleep {
    sleep(Duration::from_secs(n))
}

fn boxed<'a, T>(
    future: impl Future<Output = T> + Send + 'a,
) -> Pin<Box<dyn Future<Output = T> + Send + 'a>> {
    Box::pin(future)
}

/// Spawns a task and lets it come to its first wait.
fn spawn<T: Send + 'static>(future: impl Future<Output = T> + Send + 'static) -> JoinHandle<T> {
    task::Builder::new().eager().spawn(future)
}

#[test]
fn a_reason_reaches_the_joiner_and_the_first_one_counts() {
    on_two_workers(async {
        for name in [Some("it"), None] {
            let builder = name.map_or_else(task::Builder::new, |n| task::Builder::new().name(n));
            let task = builder.spawn(std::future::pending::<()>());
            task.cancel("first");
            task.abort_handle().cancel(String::from("second"));
            task.abort();
            let error = task.await.unwrap_err();
            assert_eq!(error.reason(), Some("first"));
            assert!(error.to_string().ends_with("was cancelled: first"), "{error}");
            let error = error.try_into_panic().unwrap_err();
            assert_eq!(error.reason(), Some("first"));
        }
        let task = heist::spawn(std::future::pending::<()>());
        task.abort();
        assert_eq!(task.await.unwrap_err().reason(), None);
        let task = heist::spawn(async { 1 });
        eventually("the task ends", || task.is_finished()).await;
        task.cancel("too late");
        assert_eq!(task.await.unwrap(), 1);
    });
}

#[heist::test(start_paused = true)]
async fn a_cancelled_task_cleans_up_before_it_ends() {
    let log = Log::default();
    let inner = log.clone();
    let task = spawn(async move {
        let held = inner.drops("dropped");
        let work = async move {
            let _held = held;
            seconds(3600).await;
        };
        with_cleanup(work, async move |ending| {
            inner.note(format!("{ending:?}"));
            seconds(2).await;
            inner.note("cleaned");
        })
        .await;
        unreachable!("the task ends in the clean-up");
    });
    let start = Instant::now();
    task.cancel("enough");
    task.cancel("really");
    let info = task::all().into_iter().find(|info| info.id() == task.id()).unwrap();
    assert_eq!(info.cancel_reason(), Some("enough"));
    assert!(info.to_string().contains("being cancelled (enough)"), "{info}");
    assert_eq!(task.await.unwrap_err().reason(), Some("enough"));
    assert_eq!(start.elapsed().as_secs(), 2);
    assert_eq!(log.take(), ["dropped", "Cancelled(\"enough\")", "cleaned"]);
}

#[heist::test(start_paused = true)]
async fn a_clean_up_ends_at_its_limit_and_an_abort_cuts_it() {
    let endless = |grace: Option<u64>| {
        spawn(async move {
            let work = with_cleanup(std::future::pending::<()>(), |_| std::future::pending());
            match grace {
                Some(grace) => work.grace(Duration::from_secs(grace)).await,
                None => work.await,
            }
        })
    };
    for (grace, takes) in [(None, 5), (Some(1), 1), (Some(60), 60)] {
        let start = Instant::now();
        let task = endless(grace);
        task.cancel("go");
        assert_eq!(task.await.unwrap_err().reason(), Some("go"));
        assert_eq!(start.elapsed().as_secs(), takes);
    }
    let start = Instant::now();
    let task = endless(None);
    task.cancel("go");
    seconds(1).await;
    assert!(!task.is_finished());
    task.abort();
    assert!(task.await.unwrap_err().is_cancelled());
    assert_eq!(start.elapsed().as_secs(), 1);
}

#[heist::test(start_paused = true)]
async fn a_clean_up_follows_a_value_and_a_panic() {
    let log = Log::default();
    let cleanup = || {
        let log = log.clone();
        async move |ending: Ending| {
            seconds(1).await;
            log.note(format!("{ending:?}"));
        }
    };
    let work = with_cleanup(async { 7 }, cleanup());
    assert_eq!(work.await, 7);
    let work = with_cleanup(async { std::panic::resume_unwind(Box::new(8)) }, cleanup());
    let error = heist::spawn(work).await.unwrap_err();
    assert_eq!(*error.into_panic().downcast::<i32>().unwrap(), 8);
    assert_eq!(log.take(), ["Returned", "Panicked"]);
    // A cancellation that comes during such a clean-up waits for it, to the limit.
    let ended = log.clone();
    let task = spawn(async move {
        with_cleanup(async {}, async |_| seconds(3).await).await;
        ended.note("returned");
        seconds(1).await;
        ended.note("went on");
    });
    task.cancel("now");
    assert!(task.await.unwrap_err().is_cancelled());
    assert_eq!(log.take(), ["returned"]);
}

#[heist::test(start_paused = true)]
async fn nested_clean_ups_run_from_the_inside_to_the_outside() {
    let log = Log::default();
    let noted = log.clone();
    let cleanup = move |name: &'static str| {
        let log = noted.clone();
        move |_: Ending| {
            // A clean-up may use what attends to cancellations, and is not cut by its own.
            let cleaning = with_cleanup(shield(seconds(1)), async move |ending| {
                log.note(format!("{name} {ending:?}"));
            });
            boxed(cleaning)
        }
    };
    let (middle, out) = (cleanup("middle"), cleanup("out"));
    // In boxes: the compiler cannot see that `join!` of nested ones is `Send`.
    let body = async move {
        let left = boxed(with_cleanup(std::future::pending::<()>(), cleanup("left")));
        let right = with_cleanup(with_cleanup(seconds(3600), cleanup("in")), cleanup("right"));
        heist::join!(left, boxed(right))
    };
    let nested = boxed(with_cleanup(body, out));
    let task = spawn(with_cleanup(
        async move {
            heist::select! {
                _ = nested => unreachable!(),
                () = seconds(7200) => unreachable!(),
            }
        },
        middle,
    ));
    let start = Instant::now();
    task.cancel("all");
    assert!(task.await.unwrap_err().is_cancelled());
    let order = log.take();
    assert_eq!(order.len(), 5, "{order:?}");
    let place = |name: &str| order.iter().position(|line| line.starts_with(name)).unwrap();
    assert!(place("in") < place("right") && place("right") < place("out"), "{order:?}");
    assert!(place("left") < place("out") && place("out") < place("middle"), "{order:?}");
    assert!(order.iter().all(|line| line.ends_with("Returned")), "{order:?}");
    assert_eq!(start.elapsed().as_secs(), 4, "siblings clean up at the same time");
}

#[heist::test(start_paused = true)]
async fn a_shield_keeps_a_cancellation_waiting() {
    let log = Log::default();
    let inner = log.clone();
    let task = spawn(async move {
        let work = async {
            let inner = inner.clone();
            shield(async {
                // What is inside is not asked to end either.
                with_cleanup(seconds(2), async |ending| inner.note(format!("{ending:?}"))).await;
            })
            .await;
            inner.note("whole");
            seconds(1).await;
            inner.note("went on");
        };
        with_cleanup(work, async |ending| inner.note(format!("{ending:?}"))).await;
    });
    let start = Instant::now();
    task.cancel("wait");
    assert!(task.await.unwrap_err().is_cancelled());
    assert_eq!(start.elapsed().as_secs(), 2);
    assert_eq!(log.take(), ["Returned", "whole", "Cancelled(\"wait\")"]);
    let task = spawn(shield(seconds(2)));
    task.cancel("wait");
    assert!(task.await.is_ok(), "nothing was left to cancel");
    let task = spawn(shield(seconds(2)));
    task.abort();
    assert!(task.await.unwrap_err().is_cancelled());
}

#[test]
fn cancelling_against_ending_leaves_one_outcome() {
    on_two_workers(async {
        for n in 0..2000 {
            let log = Log::default();
            let inner = log.clone();
            let task = heist::spawn(async move {
                let work = async {
                    for _ in 0..n % 4 {
                        task::yield_now().await;
                    }
                };
                with_cleanup(work, async move |_| {
                    task::yield_now().await;
                    inner.note("cleaned");
                })
                .await;
            });
            if n % 3 == 0 {
                task::yield_now().await;
            }
            task.cancel("race");
            match task.await {
                Ok(()) => assert_eq!(log.take(), ["cleaned"]),
                // Nothing, if it had not begun.
                Err(error) => {
                    assert_eq!(error.reason(), Some("race"));
                    assert!(log.take().len() <= 1);
                }
            }
        }
    });
}

#[test]
fn run_lets_what_is_left_clean_up_also_after_a_panic() {
    for panics in [false, true] {
        let log = Log::default();
        let inner = log.clone();
        let body = async move {
            for n in 0..3 {
                let inner = inner.clone();
                spawn(async move {
                    with_cleanup(std::future::pending::<()>(), async move |ending| {
                        sleep(Duration::from_millis(n)).await;
                        inner.note(format!("{ending:?}"));
                    })
                    .await;
                });
            }
            spawn(std::future::pending::<()>());
            assert!(!panics, "the body");
            7
        };
        let run = std::panic::AssertUnwindSafe(|| heist::run(body));
        if panics {
            let message = panic_message(|| {
                run();
            });
            assert_eq!(message, "the body");
        } else {
            assert_eq!(run(), 7);
        }
        assert_eq!(log.take(), ["Cancelled(\"the runtime ends\")"; 3]);
    }
}

#[test]
fn a_thread_joins_with_a_limit_and_async_code_does_not() {
    let runtime = two_workers();
    let (go, gone) = std::sync::mpsc::channel::<()>();
    let mut task = runtime.spawn_blocking(move || gone.recv().is_ok());
    assert!(task.join_blocking(Duration::ZERO).is_none());
    assert!(task.join_blocking(Duration::from_millis(5)).is_none());
    go.send(()).unwrap();
    assert!(task.join_blocking(None).unwrap().unwrap());
    let message = panic_message(std::panic::AssertUnwindSafe(|| {
        let _ = task.join_blocking(None);
    }));
    assert!(message.contains("taken once"), "{message}");
    let mut other = runtime.spawn(std::future::pending::<()>());
    let message = runtime.block_on(runtime.spawn(async move {
        panic_message(std::panic::AssertUnwindSafe(|| {
            let _ = other.join_blocking(None);
        }))
    }));
    let message = message.unwrap();
    assert!(message.contains("`JoinHandle::join_blocking` would block"), "{message}");
}
