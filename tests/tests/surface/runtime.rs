//! Making, watching and ending runtimes.

use heist::runtime::{
    self, Builder, EnterGuard, Handle, LocalRuntime, Runtime, RuntimeMetrics, ShutdownPolicy,
    ShutdownReport,
};
use std::cell::Cell;
use std::rc::Rc;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

#[test]
fn every_setting_of_the_builder() {
    let seen = Arc::new(AtomicUsize::new(0));
    let count = |seen: &Arc<AtomicUsize>| {
        let seen = seen.clone();
        move || {
            seen.fetch_add(1, Ordering::Relaxed);
        }
    };
    let runtime: Runtime = runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .max_blocking_threads(4)
        .thread_keep_alive(Duration::from_secs(1))
        .thread_name("stranger")
        .thread_name_fn(|| "stranger-too".to_string())
        .thread_stack_size(1 << 20)
        .on_thread_start(count(&seen))
        .on_thread_stop(count(&seen))
        .on_thread_park(count(&seen))
        .on_thread_unpark(count(&seen))
        .on_task_spawn(|meta| assert!(meta.name().is_none()))
        .on_task_terminate(|meta| assert!(meta.name().is_none()))
        .on_unhandled_failure(|failure| eprintln!("{failure}, {failure:?}"))
        .unhandled_panic(runtime::UnhandledPanic::Ignore)
        .event_interval(31)
        .global_queue_interval(61)
        .debug(false)
        .enable_io()
        .enable_time()
        .enable_all()
        .build()
        .unwrap();
    assert_eq!(runtime.block_on(async { heist::spawn(async { 1 }).await.unwrap() }), 1);
    drop(runtime);
    assert!(seen.load(Ordering::Relaxed) > 0);
}

#[test]
fn runtime_and_handle() -> std::io::Result<()> {
    let runtime = Runtime::new()?;
    let handle: Handle = runtime.handle().clone();
    let metrics: RuntimeMetrics = handle.metrics();
    assert!(metrics.num_workers() > 0);
    let _ = (runtime.metrics().num_alive_tasks(), format!("{runtime:?} {handle:?} {metrics:?}"));
    {
        let _guard: EnterGuard<'_> = runtime.enter();
        assert!(Handle::try_current().is_ok());
        heist::spawn(async {});
        Handle::current().spawn(async {});
    }
    assert!(Handle::try_current().is_err());
    let twice = std::thread::spawn(move || handle.block_on(async { 21 * 2 })).join().unwrap();
    assert_eq!(twice, 42);
    let task = runtime.spawn(async { 1 });
    let call = runtime.spawn_blocking(|| 2);
    assert_eq!(runtime.block_on(async { task.await.unwrap() + call.await.unwrap() }), 3);
    Ok(())
}

#[test]
fn three_ways_to_end() {
    Runtime::new().unwrap().shutdown_timeout(Duration::from_secs(60));
    Runtime::new().unwrap().shutdown_background();
    let runtime = Runtime::new().unwrap();
    runtime.spawn(std::future::pending::<()>());
    let report: ShutdownReport = runtime.shutdown(ShutdownPolicy::cancel(Duration::from_secs(60)));
    assert!(format!("{report} {report:?}").len() > 1);
    assert!(Runtime::new().unwrap().shutdown(Duration::from_secs(60)).is_clean());
}

#[test]
fn a_runtime_of_one_thread_with_what_is_not_send() {
    let runtime: LocalRuntime =
        Builder::new_current_thread().build_local(Default::default()).unwrap();
    let runs = Rc::new(Cell::new(0));
    runtime.block_on(async {
        let own = runs.clone();
        heist::task::spawn_local(async move { own.set(own.get() + 1) }).await.unwrap();
    });
    let own = runs.clone();
    let task = runtime.spawn_local(async move { own.set(own.get() + 1) });
    runtime.block_on(task).unwrap();
    assert_eq!(runs.get(), 2);
}

#[test]
fn run_is_asyncio_run() {
    assert_eq!(heist::run(async { "done" }), "done");
    let failed: Result<(), std::num::ParseIntError> =
        heist::run(async { "x".parse::<i32>().map(drop) });
    assert!(failed.is_err());
}

#[heist::test]
async fn attribute_plain() {
    heist::task::yield_now().await;
}

#[heist::test(flavor = "current_thread", start_paused = true, timeout = "5s")]
async fn attribute_with_everything() {
    heist::time::sleep(Duration::from_secs(3)).await;
}

#[heist::test(flavor = "multi_thread", worker_threads = 2, timeout = "500ms", start_paused = true)]
async fn attribute_multi_thread() -> Result<(), Box<dyn std::error::Error>> {
    heist::spawn(async {}).await?;
    Ok(())
}

#[heist::test]
#[should_panic(expected = "as it must")]
async fn attribute_should_panic() {
    panic!("as it must");
}

#[heist::main(flavor = "current_thread")]
async fn main_of_one_thread() -> Result<u32, std::io::Error> {
    Ok(7)
}

#[heist::main(worker_threads = 2)]
async fn main_of_two() {
    heist::spawn(async {}).await.unwrap();
}

#[test]
fn main_is_a_plain_function() {
    assert_eq!(main_of_one_thread().unwrap(), 7);
    main_of_two();
}
