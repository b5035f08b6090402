//! Signatures: calls of most of what tokio offers, each with the types that tokio gives it. Most of
//! this only has to compile. Sockets, streams, files and processes are in `surface_io.rs`.

use heist as rt;

use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use rt::runtime::{
    Builder, EnterGuard, Handle, LocalOptions, LocalRuntime, Runtime, RuntimeFlavor,
    TryCurrentError,
};
use rt::sync::{self, broadcast, mpsc, oneshot, watch};
use rt::task::{self, AbortHandle, Id, JoinError, JoinHandle, JoinSet, LocalSet};
use rt::time::{self, Instant, Interval, MissedTickBehavior, Sleep, Timeout, error::Elapsed};

#[test]
fn runtimes() -> io::Result<()> {
    let runtime: Runtime = Builder::new_multi_thread()
        .worker_threads(2)
        .max_blocking_threads(8)
        .thread_keep_alive(Duration::from_secs(1))
        .thread_name("name")
        .thread_name_fn(|| "name".to_owned())
        .thread_stack_size(1 << 20)
        .on_thread_start(|| {})
        .on_thread_stop(|| {})
        .on_thread_park(|| {})
        .on_thread_unpark(|| {})
        .name("runtime")
        .event_interval(61)
        .max_io_events_per_tick(512)
        .global_queue_interval(31)
        .enable_all()
        .enable_io()
        .enable_time()
        .build()?;
    let handle: &Handle = runtime.handle();
    assert_eq!(handle.runtime_flavor(), RuntimeFlavor::MultiThread);
    let _id: rt::runtime::Id = handle.id();
    assert_eq!(handle.name(), Some("runtime"));
    assert_eq!(rt::runtime::worker_index(), None);
    assert!(!rt::runtime::is_rt_shutdown_err(&io::Error::other("another one")));
    let _workers: usize = handle.metrics().num_workers();
    let _alive: usize = handle.metrics().num_alive_tasks();
    let _queued: usize = handle.metrics().global_queue_depth();
    let _parked: u64 = handle.metrics().worker_park_count(0);
    {
        let _guard: EnterGuard<'_> = runtime.enter();
        let spawned: JoinHandle<i32> = rt::spawn(async { 1 });
        assert_eq!(Handle::current().block_on(spawned).unwrap(), 1);
    }
    let outside: Result<Handle, TryCurrentError> = Handle::try_current();
    assert!(outside.is_err());
    let blocking: JoinHandle<i32> = runtime.spawn_blocking(|| 2);
    assert_eq!(runtime.block_on(blocking).unwrap(), 2);
    runtime.shutdown_timeout(Duration::from_secs(5));
    Runtime::new()?.shutdown_background();
    let local: LocalRuntime = Builder::new_current_thread().build_local(LocalOptions::default())?;
    let value: Result<std::rc::Rc<i32>, JoinError> =
        local.block_on(local.spawn_local(async { 3.into() }));
    assert_eq!(*value.unwrap(), 3);
    Ok(())
}

#[rt::test]
async fn tasks() {
    let task: JoinHandle<u8> = rt::spawn(async { 1 });
    let id: Id = task.id();
    let abort: AbortHandle = task.abort_handle();
    assert!(abort.id() == id && !abort.is_finished() && !task.is_finished());
    abort.abort();
    let error: JoinError = task.await.unwrap_err();
    assert!(error.is_cancelled() && !error.is_panic() && error.id() == id);
    let error = rt::spawn(async { panic!("no") as () }).await.unwrap_err();
    let _payload: Box<dyn std::any::Any + Send> = error.try_into_panic().unwrap();
    let ids = rt::spawn(async { (task::id(), task::try_id()) }).await.unwrap();
    assert_eq!(Some(ids.0), ids.1);

    let mut set: JoinSet<u8> = JoinSet::new();
    let _abort: AbortHandle = set.spawn(async { 1 });
    set.spawn_on(async { 2 }, &Handle::current());
    set.spawn_blocking(|| 3);
    set.spawn_blocking_on(|| 4, &Handle::current());
    let first: Option<Result<u8, JoinError>> = set.join_next().await;
    let second: Option<Result<(Id, u8), JoinError>> = set.join_next_with_id().await;
    assert!(first.is_some() && second.is_some());
    let _maybe: Option<Result<u8, JoinError>> = set.try_join_next();
    let _maybe: Option<Result<(Id, u8), JoinError>> = set.try_join_next_with_id();
    set.abort_all();
    set.shutdown().await;
    assert_eq!((set.is_empty(), set.len()), (true, 0));
    let set: JoinSet<u8> = (0..3).map(|n| async move { n }).collect();
    let mut all: Vec<u8> = set.join_all().await;
    all.sort_unstable();
    assert_eq!(all, [0, 1, 2]);
    JoinSet::<()>::default().detach_all();

    let local = LocalSet::new();
    let handle = local.spawn_local(async { 1 });
    let guard: task::LocalEnterGuard = local.enter();
    task::spawn_local(async {}).abort();
    drop(guard);
    local.run_until(async { task::spawn_local(async { 2 }).await.unwrap() }).await;
    local.await;
    assert_eq!(handle.await.unwrap(), 1);

    task::yield_now().await;
    task::coop::consume_budget().await;
    assert!(task::coop::has_budget_remaining());
    assert_eq!(task::coop::unconstrained(async { 1 }).await, 1);
    assert_eq!(task::coop::cooperative(async { 1 }).await, 1);
    std::future::poll_fn(|cx: &mut Context<'_>| match task::coop::poll_proceed(cx) {
        Poll::Ready(unit) => {
            unit.made_progress();
            Poll::Ready(())
        }
        Poll::Pending => Poll::Pending,
    })
    .await;

    rt::task_local! {
        static ONE: u8;
        pub static TWO: u8;
    }
    let sum = ONE.scope(1, TWO.scope(2, async { ONE.get() + TWO.with(|two| *two) }));
    assert_eq!(sum.await, 3);
    assert_eq!(ONE.sync_scope(1, || ONE.try_with(|one| *one).unwrap()), 1);
    assert!(ONE.try_get().is_err());

    let (a, b) = rt::join!(async { 1 }, async { 2 });
    let both: Result<(u8, u8), ()> = rt::try_join!(async { Ok(1) }, async { Ok(2) });
    assert_eq!(both, Ok((a, b)));
    let mut ended = false;
    let sleep = time::sleep(Duration::from_millis(1));
    rt::pin!(sleep);
    loop {
        rt::select! {
            biased;
            _ = &mut sleep, if !ended => ended = true,
            else => break,
        }
    }
}

#[rt::test(flavor = "multi_thread", worker_threads = 1)]
async fn blocking() {
    assert_eq!(task::block_in_place(|| 1), 1);
    assert_eq!(task::spawn_blocking(|| 1).await.unwrap(), 1);
}

#[rt::test(start_paused = true)]
async fn time_passes() {
    let start: Instant = Instant::now();
    let mut sleep: Pin<Box<Sleep>> = Box::pin(time::sleep(Duration::from_secs(1)));
    sleep.as_mut().reset(start + Duration::from_secs(2));
    assert!(sleep.deadline() == start + Duration::from_secs(2) && !sleep.is_elapsed());
    sleep.await;
    time::sleep_until(start + Duration::from_secs(3)).await;
    let timeout: Timeout<_> = time::timeout(Duration::from_secs(1), std::future::pending::<()>());
    let elapsed: Result<(), Elapsed> = timeout.await;
    let error: io::Error = elapsed.unwrap_err().into();
    assert_eq!(error.kind(), io::ErrorKind::TimedOut);
    assert!(time::timeout_at(start, std::future::pending::<()>()).await.is_err());
    let mut interval: Interval = time::interval(Duration::from_secs(1));
    interval.set_missed_tick_behavior(MissedTickBehavior::Delay);
    assert_eq!(interval.missed_tick_behavior(), MissedTickBehavior::Delay);
    let _first: Instant = interval.tick().await;
    interval.reset();
    interval.reset_immediately();
    interval.reset_after(Duration::from_secs(1));
    interval.reset_at(start);
    assert_eq!(interval.period(), Duration::from_secs(1));
    time::interval_at(start, Duration::from_secs(1)).tick().await;
    time::advance(Duration::from_secs(1)).await;
    time::resume();
    time::pause();
    let now = Instant::now();
    assert_eq!(now.saturating_duration_since(start), now - start);
    assert!(now.checked_add(Duration::MAX).is_none() && now.checked_sub(Duration::ZERO).is_some());
    let _std: std::time::Instant = now.into_std();
    let _back: Instant = Instant::from_std(now.into_std());
}

#[rt::test]
async fn locks_and_signals() {
    static CONST: sync::Mutex<u8> = sync::Mutex::const_new(0);
    *CONST.lock().await += 1;
    let mutex = Arc::new(sync::Mutex::new(vec![1]));
    let guard: sync::MutexGuard<'_, Vec<u8>> = mutex.lock().await;
    let busy: Result<_, sync::TryLockError> = mutex.try_lock();
    assert!(busy.is_err());
    drop(busy);
    let mapped: sync::MappedMutexGuard<'_, u8> = sync::MutexGuard::map(guard, |vec| &mut vec[0]);
    drop(mapped);
    let owned: sync::OwnedMutexGuard<Vec<u8>> = mutex.clone().lock_owned().await;
    drop(owned);
    drop(mutex.clone().try_lock_owned().unwrap());
    assert_eq!(Arc::into_inner(mutex).unwrap().into_inner(), [1]);

    let lock = Arc::new(sync::RwLock::new((1, 2)));
    let read: sync::RwLockReadGuard<'_, u8> =
        sync::RwLockReadGuard::map(lock.read().await, |pair| &pair.0);
    assert!(lock.try_write().is_err());
    drop(read);
    let write: sync::RwLockWriteGuard<'_, (u8, u8)> = lock.write().await;
    let read = write.downgrade();
    drop(read);
    drop(lock.clone().read_owned().await);
    drop(lock.clone().write_owned().await);
    sync::RwLock::with_max_readers(0, 4);

    let semaphore = Arc::new(sync::Semaphore::new(4));
    let mut permit: sync::SemaphorePermit<'_> = semaphore.acquire().await.unwrap();
    permit.merge(semaphore.acquire_many(2).await.unwrap());
    assert_eq!(permit.split(1).unwrap().num_permits(), 1);
    permit.forget();
    let full: Result<_, sync::TryAcquireError> = semaphore.try_acquire_many(3);
    assert_eq!(full.unwrap_err(), sync::TryAcquireError::NoPermits);
    let owned: sync::OwnedSemaphorePermit = semaphore.clone().acquire_owned().await.unwrap();
    drop(owned);
    semaphore.add_permits(1);
    assert_eq!(semaphore.forget_permits(10), 3);
    semaphore.close();
    let closed: Result<_, sync::AcquireError> = semaphore.acquire().await;
    assert!(closed.is_err() && semaphore.is_closed() && semaphore.available_permits() == 0);

    let notify = Arc::new(sync::Notify::new());
    let mut notified = std::pin::pin!(notify.notified());
    assert!(!notified.as_mut().enable());
    notify.notify_waiters();
    notified.await;
    notify.notify_one();
    notify.notified().await;
    notify.notify_last();

    let cell: sync::OnceCell<u8> = sync::OnceCell::const_new();
    assert!(!cell.initialized() && cell.get().is_none());
    assert_eq!(*cell.get_or_init(|| async { 1 }).await, 1);
    assert_eq!(cell.get_or_try_init(|| async { Err::<u8, ()>(()) }).await, Ok(&1));
    assert!(matches!(cell.set(2), Err(sync::SetError::AlreadyInitializedError(2))));
    assert_eq!(sync::OnceCell::new_with(Some(1)).take(), Some(1));
    let result: sync::BarrierWaitResult = sync::Barrier::new(1).wait().await;
    assert!(result.is_leader());
}

#[rt::test]
async fn channels() {
    let (tx, mut rx): (mpsc::Sender<u8>, mpsc::Receiver<u8>) = mpsc::channel(4);
    tx.send(1).await.unwrap();
    tx.try_send(2).unwrap();
    tx.send_timeout(3, Duration::from_secs(1)).await.unwrap();
    let permit: mpsc::Permit<'_, u8> = tx.reserve().await.unwrap();
    let full: mpsc::error::TrySendError<u8> = tx.try_send(5).unwrap_err();
    assert_eq!(full, mpsc::error::TrySendError::Full(5));
    permit.send(4);
    assert_eq!((tx.capacity(), tx.max_capacity(), rx.len()), (0, 4, 4));
    let mut many = Vec::new();
    assert_eq!(rx.recv_many(&mut many, 3).await, 3);
    assert_eq!((rx.recv().await, rx.try_recv()), (Some(4), Err(mpsc::error::TryRecvError::Empty)));
    let permits: mpsc::PermitIterator<'_, u8> = tx.reserve_many(2).await.unwrap();
    for permit in permits {
        permit.send(0);
    }
    let owned: mpsc::OwnedPermit<u8> = tx.clone().reserve_owned().await.unwrap();
    let back: mpsc::Sender<u8> = owned.release();
    let weak: mpsc::WeakSender<u8> = back.downgrade();
    assert!(weak.upgrade().is_some_and(|again| again.same_channel(&tx)));
    rx.close();
    assert!(tx.is_closed());
    tx.closed().await;
    assert_eq!(tx.send(6).await, Err(mpsc::error::SendError(6)));
    let (tx, mut rx): (mpsc::UnboundedSender<_>, mpsc::UnboundedReceiver<_>) =
        mpsc::unbounded_channel();
    let weak: mpsc::WeakUnboundedSender<u8> = tx.downgrade();
    tx.send(1).unwrap();
    drop(tx);
    assert!(weak.upgrade().is_none());
    assert_eq!((rx.recv().await, rx.recv().await), (Some(1), None));

    let (tx, rx) = oneshot::channel();
    tx.send(1).unwrap();
    assert_eq!(rx.await, Ok(1));
    let (mut tx, rx) = oneshot::channel::<u8>();
    drop(rx);
    tx.closed().await;
    assert!(tx.is_closed());
    let (tx, mut rx) = oneshot::channel::<u8>();
    assert_eq!(rx.try_recv(), Err(oneshot::error::TryRecvError::Empty));
    drop(tx);
    let gone: Result<u8, oneshot::error::RecvError> = rx.await;
    assert!(gone.is_err());

    let (tx, mut rx): (broadcast::Sender<u8>, broadcast::Receiver<u8>) = broadcast::channel(2);
    let mut again = rx.resubscribe();
    let weak: broadcast::WeakSender<u8> = tx.downgrade();
    assert!(weak.upgrade().is_some());
    assert_eq!((tx.send(1).unwrap(), tx.receiver_count()), (2, 2));
    tx.send(2).unwrap();
    tx.send(3).unwrap();
    assert_eq!(rx.recv().await, Err(broadcast::error::RecvError::Lagged(1)));
    assert_eq!(again.try_recv(), Err(broadcast::error::TryRecvError::Lagged(1)));
    drop(tx);
    assert_eq!((rx.recv().await, rx.recv().await), (Ok(2), Ok(3)));
    assert_eq!(rx.recv().await, Err(broadcast::error::RecvError::Closed));

    let (tx, mut rx) = watch::channel(0);
    tx.send(1).unwrap();
    assert!(rx.has_changed().unwrap());
    rx.changed().await.unwrap();
    let value: watch::Ref<'_, i32> = rx.borrow();
    assert_eq!(*value, 1);
    drop(value);
    tx.send_modify(|value| *value += 1);
    assert!(!tx.send_if_modified(|_| false));
    assert_eq!(tx.send_replace(3), 2);
    assert_eq!(*rx.wait_for(|value| *value == 3).await.unwrap(), 3);
    rx.mark_changed();
    rx.mark_unchanged();
    assert_eq!((tx.receiver_count(), *tx.subscribe().borrow_and_update()), (1, 3));
    drop(tx);
    let gone: Result<(), watch::error::RecvError> = rx.changed().await;
    assert!(gone.is_err());
}
