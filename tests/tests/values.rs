//! Values of tasks: task-locals, and what children inherit.

use std::cell::Cell;
use std::future::poll_fn;
use std::pin::pin;
use std::sync::Arc;
use std::task::{Context, Poll, Waker};

use heist::task;
use heist_tests::{on_two_workers, panic_message};

heist::task_local! {
    /// Not copied.
    static NAME: String;
    /// Copied.
    pub static NUMBER: u32;
}

heist::inherited! {
    static REQUEST: u64;
    static TENANT: &'static str
}

#[test]
fn a_task_local_holds_in_its_scope_and_nowhere_else() {
    on_two_workers(async {
        assert!(NUMBER.try_get().is_err());
        let tasks: Vec<_> = (0..100)
            .map(|n| {
                heist::spawn(NUMBER.scope(n, async move {
                    for _ in 0..10 {
                        assert_eq!(NUMBER.get(), n);
                        let inner = NUMBER.scope(n + 1000, async {
                            task::yield_now().await;
                            NUMBER.get()
                        });
                        assert_eq!(inner.await, n + 1000);
                        task::yield_now().await;
                    }
                    assert_eq!(NUMBER.sync_scope(7, || NUMBER.get()), 7);
                    assert!(heist::spawn(async { NUMBER.try_get() }).await.unwrap().is_err());
                    NAME.scope(n.to_string(), async { NAME.with(String::clone) }).await
                }))
            })
            .collect();
        for (n, task) in tasks.into_iter().enumerate() {
            assert_eq!(task.await.unwrap(), n.to_string());
        }
    });
}

#[test]
fn a_task_local_is_there_while_its_future_is_dropped_and_can_be_taken_out() {
    struct Reads<'a>(&'a Cell<u32>);
    impl Drop for Reads<'_> {
        fn drop(&mut self) {
            self.0.set(NUMBER.get());
        }
    }
    let mut cx = Context::from_waker(Waker::noop());
    let seen = Cell::new(0);
    for polled in [false, true] {
        seen.set(0);
        let reads = Reads(&seen);
        let mut future = Box::pin(NUMBER.scope(3, async move {
            let _reads = reads;
            std::future::pending::<()>().await;
        }));
        if polled {
            assert!(future.as_mut().poll(&mut cx).is_pending());
        }
        drop(future);
        assert_eq!(seen.get(), 3);
    }
    let mut future = pin!(NUMBER.scope(4, poll_fn(|_| Poll::<()>::Pending)));
    assert!(future.as_mut().poll(&mut cx).is_pending());
    assert_eq!(future.as_mut().take_value(), Some(4));
    assert_eq!(future.as_mut().take_value(), None);
    assert!(NUMBER.try_get().is_err());
}

#[test]
fn a_panic_in_a_scope_leaves_no_value_behind() {
    let mut cx = Context::from_waker(Waker::noop());
    let message = panic_message(std::panic::AssertUnwindSafe(|| {
        let _ = pin!(NUMBER.scope(4, async { panic!("inside") })).poll(&mut cx);
    }));
    assert_eq!(message, "inside");
    assert!(NUMBER.try_get().is_err());
    let message = panic_message(|| NUMBER.with(|_| ()));
    assert!(message.contains("no value here"), "{message}");
    let message = panic_message(|| {
        NUMBER.sync_scope(1, || NUMBER.with(|_| NUMBER.sync_scope(2, || ())));
    });
    assert!(message.contains("borrowed by `with`"), "{message}");
    assert!(NUMBER.try_get().is_err());
}

#[test]
fn children_inherit_and_give_nothing_back() {
    let request = || REQUEST.get().as_deref().copied();
    on_two_workers(async move {
        assert_eq!(request(), None);
        let work = REQUEST.scope(1, async move {
            assert_eq!(request(), Some(1));
            task::yield_now().await;
            let child = task::Builder::new().name("child").spawn(async move {
                assert_eq!(request(), Some(1));
                let both = REQUEST.scope(
                    2,
                    TENANT.scope("a", async move {
                        task::yield_now().await;
                        let eager = task::Builder::new()
                            .eager()
                            .spawn(async move { (request(), TENANT.get().as_deref().copied()) });
                        (request(), eager.await.unwrap())
                    }),
                );
                assert_eq!(both.await, (Some(2), (Some(2), Some("a"))));
                assert_eq!((request(), TENANT.get()), (Some(1), None));
                let grandchild =
                    heist::spawn(async move { task::spawn_blocking(request).await.unwrap() });
                grandchild.await.unwrap()
            });
            let scoped_in_child =
                heist::spawn(REQUEST.scope(9, async move {
                    heist::spawn(async move { request() }).await.unwrap()
                }));
            assert_eq!(scoped_in_child.await.unwrap(), Some(9));
            assert_eq!(request(), Some(1));
            child.await.unwrap()
        });
        assert_eq!(heist::spawn(work).await.unwrap(), Some(1));
        assert_eq!(request(), None);
        assert_eq!(heist::spawn(async move { request() }).await.unwrap(), None);
        let outside_a_task =
            REQUEST.scope(5, async move { heist::spawn(async move { request() }).await.unwrap() });
        assert_eq!(outside_a_task.await, Some(5));
        let sync = REQUEST.sync_scope(6, || heist::spawn(async move { request() }));
        assert_eq!(sync.await.unwrap(), Some(6));
    });
}

#[test]
fn an_inherited_value_ends_with_the_last_task_that_may_ask_for_it() {
    heist::inherited!(static SHARED: Arc<()>);
    on_two_workers(async {
        let value = Arc::new(());
        let spawn = |_: &mut Context<'_>| Poll::Ready(heist::spawn(std::future::pending::<()>()));
        let mut scope = Box::pin(SHARED.scope(value.clone(), poll_fn(spawn)));
        let child = scope.as_mut().await;
        drop(scope);
        assert_eq!(Arc::strong_count(&value), 2);
        child.abort();
        assert!(child.await.unwrap_err().is_cancelled());
        heist_tests::eventually("the child's cell is freed", || Arc::strong_count(&value) == 1)
            .await;
    });
}
