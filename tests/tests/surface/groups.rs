//! Many tasks at once: gathering, waiting, scopes, groups.

use heist::task::{self, JoinHandle, TaskGroup, Waited, When};
use std::time::Duration;

const MINUTE: Duration = Duration::from_secs(60);

fn squares(n: u64) -> Vec<JoinHandle<u64>> {
    (0..n).map(|i| heist::spawn(async move { i * i })).collect()
}

#[heist::test]
async fn gather() {
    let results: Vec<u64> = heist::gather((1..=3).map(|i| async move { i * i })).await;
    assert_eq!(results, [1, 4, 9]);
    // Handles are futures, too.
    let results = task::gather(squares(3)).await;
    assert!(results.into_iter().map(Result::unwrap).eq([0, 1, 4]));
    let urls = vec!["a", "b"];
    let pages = heist::gather(urls.into_iter().map(|url| async move { url.len() })).await;
    assert_eq!(pages, [1, 1]);
}

#[heist::test]
async fn as_completed() {
    let mut done = heist::as_completed(squares(3));
    let mut sum = 0;
    while let Some(result) = done.next().await {
        sum += result.unwrap();
    }
    assert_eq!(sum, 5);
    let mut done = task::as_completed((0..3u64).map(|i| async move { i }));
    while let Some(result) = done.next().await {
        sum += result;
    }
    assert_eq!(sum, 8);
}

#[heist::test]
async fn wait() {
    let all = heist::wait(squares(3), When::All, None).await;
    assert_eq!((all.done.len(), all.pending.len()), (3, 0));
    let Waited { done, pending } = heist::wait(squares(3), heist::When::First, Some(MINUTE)).await;
    assert_eq!(done.len() + pending.len(), 3);
    let rest = task::wait(pending, task::When::FirstError, MINUTE).await;
    for (_, output) in rest.done {
        output.unwrap();
    }
}

#[heist::test]
async fn scope() {
    let sum = heist::scope(async |s| {
        let one = s.spawn(async { Ok(1) });
        let two = s.spawn(async { Ok(2) });
        Ok::<_, String>(one.await.unwrap() + two.await.unwrap())
    })
    .await;
    assert_eq!(sum.unwrap(), 3);
}

#[heist::test]
async fn scope_with_failing_children() {
    let ended = task::scope(async |s| {
        s.spawn(async { "x".parse::<i32>() });
        s.spawn(async {
            heist::time::sleep(MINUTE).await;
            Ok(())
        });
        Ok(())
    })
    .await;
    let errors = ended.unwrap_err();
    println!("{errors} {errors:?}");
    let _: &dyn std::error::Error = &errors;
}

#[heist::test]
async fn scope_cancelled_and_with_a_deadline() {
    let cancelled = heist::scope(async |s| {
        s.spawn(std::future::pending::<()>());
        s.cancel();
    })
    .await;
    cancelled.unwrap();
    let late = heist::scope(async |s| {
        s.set_deadline(heist::time::Instant::now() + Duration::from_millis(1));
        s.spawn(std::future::pending::<()>());
    })
    .await;
    assert!(late.is_err());
}

#[heist::test]
async fn children_of_children() {
    heist::scope(async |s| {
        let own = s.clone();
        s.spawn(async move {
            own.spawn(async {});
        });
    })
    .await
    .unwrap();
}

#[heist::test]
async fn group() {
    fn spawn_two(group: &heist::TaskGroup) {
        group.spawn(async {});
        group.spawn(async {});
    }
    async fn body(group: TaskGroup<std::io::Error>) -> std::io::Result<u8> {
        group.spawn(async { Ok(()) });
        group.cancel_because("enough");
        Ok(7)
    }
    heist::scope(async |s| spawn_two(&s)).await.unwrap();
    assert_eq!(heist::scope(body).await.unwrap(), 7);
}

#[heist::test]
async fn shield() {
    let saved = heist::shield(async { 1 }).await;
    assert_eq!(saved, 1);
    task::shield(async {}).await;
}
