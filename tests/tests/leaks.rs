//! What is over leaves nothing behind: no byte, no thread, no descriptor. Each test runs in a
//! process of its own and counts what the allocator has given out; after a warm-up the same work, done
//! many times more, must end with the same count. What threads keep of the memory of tasks has a test of
//! its own.

use std::time::Duration;

use heist::net::{TcpListener, TcpStream};
use heist::runtime::{Builder, Runtime};
use heist_tests::footprint::{CountingAllocator, Footprint};
use heist_tests::{eventually_blocking, in_own_process, two_workers};

#[global_allocator]
static ALLOCATOR: CountingAllocator = CountingAllocator;

/// Fails unless `work`, done once to warm up, leaves nothing behind when it is done again.
#[track_caller]
fn assert_flat(times: usize, mut work: impl FnMut()) {
    work();
    let before = Footprint::now();
    for _ in 0..times {
        work();
    }
    assert_comes_to(before);
}

/// What is over may take a moment to go: threads end, sockets are closed by their tasks.
#[track_caller]
fn assert_comes_to(before: Footprint) {
    let start = std::time::Instant::now();
    while !Footprint::now().is_within(&before) {
        let now = Footprint::now();
        assert!(start.elapsed() < Duration::from_secs(20), "before: {before}; now: {now}");
        std::thread::sleep(Duration::from_millis(5));
    }
}

/// Threads of the blocking pool go soon, so that their stacks are not taken for a leak; those of the
/// workers, which start when there is work for them, are there already.
fn runtime() -> Runtime {
    heist::testing::free_tasks_at_once();
    two_threads()
}

fn two_threads() -> Runtime {
    let mut builder = Builder::new_multi_thread();
    builder.worker_threads(2).thread_keep_alive(Duration::from_millis(10));
    let runtime = builder.build().unwrap();
    runtime.block_on(async {
        let both = std::sync::Arc::new(std::sync::Barrier::new(2));
        let meet = || {
            let both = both.clone();
            heist::spawn(async move { both.wait().is_leader() })
        };
        let [one, other] = [meet(), meet()];
        assert!(one.await.unwrap() != other.await.unwrap());
    });
    runtime
}

#[test]
fn a_million_tasks_leave_nothing() {
    if !in_own_process("a_million_tasks_leave_nothing") {
        return;
    }
    let runtime = runtime();
    assert_flat(100, || {
        runtime.block_on(async {
            let tasks: Vec<_> = (0..10_000u32)
                .map(|n| {
                    heist::spawn(async move {
                        if n % 3 == 0 {
                            heist::task::yield_now().await;
                        }
                        vec![n; 4]
                    })
                })
                .collect();
            for (n, task) in tasks.into_iter().enumerate() {
                match n % 5 {
                    0 => drop(task),
                    1 => task.abort(),
                    _ => assert_eq!(task.await.unwrap().len(), 4),
                }
            }
            let metrics = heist::runtime::Handle::current().metrics();
            heist_tests::eventually("all are gone", || metrics.num_alive_tasks() == 0).await;
        });
    });
}

/// A task of 500 bytes.
async fn burden() -> usize {
    let burden = [1u8; 400];
    heist::task::yield_now().await;
    burden.len()
}

#[test]
fn what_threads_keep_of_tasks_is_bounded_and_ends_with_them() {
    if !in_own_process("what_threads_keep_of_tasks_is_bounded_and_ends_with_them") {
        return;
    }
    // 2 MiB for each of two workers and this thread, and as much as the tables of it can have grown to.
    const KEPT_MAX: isize = 3 * (2 << 20) + (1 << 20);
    // For each worker, as long as it has 40 000 tasks at most in its queue.
    const OUTGROWN_MAX: isize = 2 * (512 << 10);
    let empty = Footprint::now();
    let runtime = two_threads();
    let before = Footprint::now();
    for _ in 0..3 {
        runtime.block_on(async {
            let inside = heist::spawn(async {
                let tasks: Vec<_> = (0..20_000).map(|_| heist::spawn(burden())).collect();
                for task in tasks {
                    assert_eq!(task.await.unwrap(), 400);
                }
            });
            let tasks: Vec<_> = (0..20_000).map(|_| heist::spawn(burden())).collect();
            for task in tasks {
                assert_eq!(task.await.unwrap(), 400);
            }
            inside.await.unwrap();
        });
    }
    // The watchdog's thread may have begun meanwhile.
    let threads = before.threads + 1;
    assert_comes_to(Footprint { bytes: before.bytes + KEPT_MAX, threads, ..before });
    let kept = Footprint::now().bytes - before.bytes;
    assert!(kept > 1 << 18 || cfg!(heist_sanitize), "something is kept: {kept} bytes");
    drop(runtime);
    // What this thread keeps, and what queues have outgrown: crossbeam frees that once no thread can be
    // looking at it, which it may find out only when it is next used.
    assert_comes_to(Footprint { bytes: empty.bytes + KEPT_MAX / 3 + OUTGROWN_MAX, ..empty });
}

#[test]
fn ten_thousand_connections_one_after_the_other_leave_nothing() {
    if !in_own_process("ten_thousand_connections_one_after_the_other_leave_nothing") {
        return;
    }
    let runtime = runtime();
    assert_flat(20, || {
        runtime.block_on(async {
            let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
            let addr = listener.local_addr().unwrap();
            let server = heist::spawn(async move {
                loop {
                    let (stream, _) = listener.accept().await.unwrap();
                    heist::spawn(async move {
                        let mut word = [0; 4];
                        stream.read_exact(&mut word).await.unwrap();
                        stream.write_all(&word).await.unwrap();
                    });
                }
            });
            for _ in 0..5 {
                let clients: Vec<_> = (0..100u32)
                    .map(|n| {
                        heist::spawn(async move {
                            let stream = TcpStream::connect(addr).await.unwrap();
                            stream.write_all(&n.to_le_bytes()).await.unwrap();
                            let mut answer = [0; 4];
                            stream.read_exact(&mut answer).await.unwrap();
                            assert_eq!(u32::from_le_bytes(answer), n);
                            // A reset leaves no port behind that nobody can use for a minute.
                            stream.set_linger(Some(Duration::ZERO)).unwrap();
                        })
                    })
                    .collect();
                for client in clients {
                    client.await.unwrap();
                }
            }
            server.abort();
            let metrics = heist::runtime::Handle::current().metrics();
            heist_tests::eventually("all are closed", || metrics.num_io_sources() == 0).await;
        });
    });
}

#[test]
fn timers_channels_jobs_and_panics_leave_nothing() {
    if !in_own_process("timers_channels_jobs_and_panics_leave_nothing") {
        return;
    }
    heist_tests::foreign::hush();
    let runtime = runtime();
    assert_flat(50, || {
        runtime.block_on(async {
            let tasks: Vec<_> = (0..500u64)
                .map(|n| {
                    heist::spawn(async move {
                        let brief = Duration::from_micros(n);
                        let never = std::future::pending::<()>();
                        assert!(heist::time::timeout(brief, never).await.is_err());
                        let (send, mut receive) = heist::sync::mpsc::channel(2);
                        let sender = heist::spawn(async move {
                            for word in 0..5 {
                                send.send(vec![word; 8]).await.unwrap();
                            }
                        });
                        while receive.recv().await.is_some() {}
                        sender.await.unwrap();
                        if n % 50 == 0 {
                            heist::task::spawn_blocking(move || vec![n; 8]).await.unwrap();
                            heist_tests::foreign::fail("a task");
                        }
                    })
                })
                .collect();
            let mut panics = 0;
            for task in tasks {
                panics += usize::from(task.await.is_err());
            }
            assert_eq!(panics, 10);
        });
    });
}

#[test]
fn a_hundred_runtimes_leave_nothing() {
    if !in_own_process("a_hundred_runtimes_leave_nothing") {
        return;
    }
    assert_flat(100, || {
        let runtimes = [two_workers(), Builder::new_current_thread().build().unwrap()];
        for runtime in runtimes {
            // Some of it is cut off by the end.
            runtime.spawn(heist::time::sleep(Duration::from_secs(3600)));
            runtime.spawn_blocking(|| std::thread::sleep(Duration::from_micros(100)));
            runtime.block_on(async {
                let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
                heist::spawn(async move { listener.accept().await.map(drop) });
                let (send, mut receive) = heist::sync::mpsc::unbounded_channel();
                heist::spawn(async move { send.send(vec![1; 100]) });
                receive.recv().await.unwrap();
                heist::time::sleep(Duration::from_micros(100)).await;
            });
        }
    });
    // And with a thread that waits in it from outside.
    assert_flat(20, || {
        let runtime = two_workers();
        let handle = runtime.handle().clone();
        let outside = std::thread::spawn(move || {
            handle.block_on(async { heist::spawn(heist::task::yield_now()).await.is_ok() })
        });
        eventually_blocking("it has been inside", || outside.is_finished());
        outside.join().unwrap();
    });
}
