//! Spawning, naming, cancelling, watching tasks.

use heist::task::{self, AbortHandle, Id, JoinError, JoinHandle, JoinSet, LocalSet, TaskInfo};
use std::time::Duration;

heist::task_local! {
    static REQUEST: u64;
}

heist::inherited! {
    static NAME: String;
}

#[heist::test(flavor = "multi_thread")]
async fn spawning_in_every_way() {
    let plain: JoinHandle<i32> = heist::spawn(async { 1 });
    let named: JoinHandle<i32> = task::Builder::new().name("x").spawn(async { 2 });
    let eager = task::Builder::new().name(format!("request {}", 3)).eager().spawn(async { 3 });
    let blocking: JoinHandle<i32> = task::spawn_blocking(|| 4);
    let short = task::spawn_blocking(|| 5);
    let mut sum = 0;
    for handle in [plain, named, eager, blocking, short] {
        sum += handle.await.unwrap();
    }
    assert_eq!(sum, 15);
    assert_eq!(task::block_in_place(|| 6), 6);
    task::yield_now().await;
    task::consume_budget().await;
    task::coop::consume_budget().await;
    assert!(task::coop::has_budget_remaining());
    task::unconstrained(async {}).await;
    task::coop::unconstrained(async {}).await;
    task::coop::cooperative(async {}).await;
}

#[heist::test]
async fn a_handle() {
    let handle = heist::spawn(std::future::pending::<()>());
    let abort: AbortHandle = handle.abort_handle();
    let id: Id = handle.id();
    assert_eq!(abort.id(), id);
    assert!(!handle.is_finished() && !abort.is_finished());
    abort.clone().abort();
    handle.abort();
    let error: JoinError = handle.await.unwrap_err();
    assert!(error.is_cancelled() && !error.is_panic());
    assert_eq!(error.id(), id);
    let io: std::io::Error = error.into();
    assert!(!io.to_string().is_empty());
}

#[heist::test]
async fn cancelling_for_a_reason() {
    let handle = heist::spawn(std::future::pending::<()>());
    handle.cancel("the user left");
    let error = handle.await.unwrap_err();
    assert_eq!(error.reason(), Some("the user left"));
    let handle = heist::spawn(std::future::pending::<()>());
    handle.cancel(format!("request {} is stale", 7));
    assert!(handle.await.unwrap_err().to_string().contains("request 7 is stale"));
    let handle = heist::spawn(std::future::pending::<()>());
    handle.abort_handle().cancel("by the other handle");
    assert!(handle.await.unwrap_err().is_cancelled());
}

#[test]
fn joining_from_a_thread() {
    let runtime = heist::runtime::Runtime::new().unwrap();
    let mut one = runtime.spawn(async { 1 });
    let mut two = runtime.spawn(async { 2 });
    let mut three = runtime.spawn(async { 3 });
    assert_eq!(one.join_blocking(Duration::from_secs(60)).unwrap().unwrap(), 1);
    assert_eq!(two.join_blocking(Some(Duration::from_secs(60))).unwrap().unwrap(), 2);
    assert_eq!(three.join_blocking(None).unwrap().unwrap(), 3);
}

#[heist::test]
async fn who_am_i() {
    let (id, tried, me) =
        heist::spawn(async { (task::id(), task::try_id(), task::current()) }).await.unwrap();
    assert_eq!(Some(id), tried);
    assert_eq!(me.id(), id);
    assert_eq!(id.to_string().parse(), Ok(id.as_u64()));
}

#[heist::test]
async fn all_that_is_known_of_a_task() {
    let sleeper = task::Builder::new()
        .name("sleeper")
        .spawn(async { heist::time::sleep(Duration::from_secs(3600)).await });
    let find = || task::all().into_iter().find(|info| info.name() == Some("sleeper"));
    let info: TaskInfo = loop {
        match find() {
            Some(info) if info.waits_in().is_some() => break info,
            _ => task::yield_now().await,
        }
    };
    assert_eq!(info.id(), sleeper.id());
    assert!(info.spawned_at().file().ends_with("tasks.rs"));
    let _ = (info.parent(), info.state(), info.polls(), info.age());
    println!("{info}\n{info:?}");
    sleeper.abort();
}

#[heist::test]
async fn values_of_a_task() {
    let seen = REQUEST.scope(1, async { REQUEST.get() }).await;
    assert_eq!(seen, 1);
    NAME.scope("a".to_string(), async {
        let inherited = heist::spawn(async { NAME.get() }).await.unwrap();
        assert_eq!(inherited.as_deref().map(String::as_str), Some("a"));
    })
    .await;
    assert_eq!(REQUEST.sync_scope(2, || REQUEST.with(|id| *id)), 2);
    assert!(REQUEST.try_with(|id| *id).is_err());
    assert!(REQUEST.try_get().is_err());
}

#[heist::test]
async fn join_set_as_in_tokio() {
    let mut set = JoinSet::new();
    for i in 0..3 {
        set.spawn(async move { i });
    }
    set.spawn_blocking(|| 3);
    let mut sum = 0;
    while let Some(done) = set.join_next().await {
        sum += done.unwrap();
    }
    assert_eq!(sum, 6);
    let set: JoinSet<i32> = (0..3).map(|i| async move { i }).collect();
    assert_eq!(set.len(), 3);
    assert_eq!(set.join_all().await.into_iter().sum::<i32>(), 3);
}

#[heist::test]
async fn local_set_as_in_tokio() {
    let local = LocalSet::new();
    let text = std::rc::Rc::new("local");
    let got = local
        .run_until(async move { task::spawn_local(async move { text.len() }).await.unwrap() })
        .await;
    assert_eq!(got, 5);
    local.await;
}

#[heist::test]
async fn macros() {
    let (a, b) = heist::join!(async { 1 }, async { 2 });
    assert_eq!(a + b, 3);
    let both: Result<(i32, i32), String> =
        heist::try_join!(async { Ok(1) }, async { Err("no".to_string()) });
    assert_eq!(both, Err("no".to_string()));
    let future = async { 1 };
    heist::pin!(future);
    heist::select! {
        biased;
        one = &mut future, if a == 1 => assert_eq!(one, 1),
        _ = heist::time::sleep(Duration::from_secs(3600)) => unreachable!(),
        else => unreachable!(),
    }
    heist::pin! {
        let one = async { 1 };
        let two = async { 2 };
    }
    let sum = heist::select! { n = &mut one => n, n = &mut two => n };
    assert!(sum == 1 || sum == 2);
}
