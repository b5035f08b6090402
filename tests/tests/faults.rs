//! What the system refuses or interrupts: threads, descriptors, connections, calls. Each time there
//! is an error that says so, and afterwards everything goes on.

use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use heist::io::AsyncReadExt;
use heist::net::{TcpListener, TcpStream, UdpSocket};
use heist::runtime::{Builder, Runtime};
use heist::task::BlockingPool;
use heist_tests::footprint::Footprint;
use heist_tests::{
    descriptors, eventually, eventually_blocking, in_own_process, on_two_workers, panic_message,
    two_workers,
};
use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

/// Lowers a limit of this process while `f` runs.
fn limited<R>(resource: Resource, limit: u64, f: impl FnOnce() -> R) -> R {
    let before = getrlimit(resource);
    setrlimit(resource, Rlimit { current: Some(limit), ..before }).unwrap();
    let result = f();
    setrlimit(resource, before).unwrap();
    result
}

/// The size of this process's address space in bytes.
fn address_space() -> u64 {
    let statm = std::fs::read_to_string("/proc/self/statm").unwrap();
    let pages: u64 = statm.split(' ').next().unwrap().parse().unwrap();
    pages * 4096
}

const GIB: u64 = 1 << 30;

/// Runs `f` where there is room for so many more threads with stacks of 1 GiB.
fn with_room_for<R>(stacks: u64, f: impl FnOnce() -> R) -> R {
    limited(Resource::As, address_space() + stacks * GIB + GIB / 2, f)
}

fn big_stacks(workers: usize) -> Builder {
    let mut builder = Builder::new_multi_thread();
    builder.worker_threads(workers).thread_stack_size(GIB as usize);
    builder
}

#[test]
fn a_runtime_works_with_one_thread_and_without_any_it_is_an_error() {
    if !in_own_process("a_runtime_works_with_one_thread_and_without_any_it_is_an_error") {
        return;
    }
    let before = Footprint::now();
    let outer = two_workers();
    // In async code nobody may wait for the end of what was half built.
    let (runtimes, error) = outer.block_on(async {
        with_room_for(1, || {
            // The system may keep a stack or two for the next threads.
            let mut runtimes = Vec::new();
            loop {
                match big_stacks(4).build() {
                    Ok(runtime) => runtimes.push(runtime),
                    Err(error) => break (runtimes, error),
                }
            }
        })
    });
    assert_eq!(error.kind(), io::ErrorKind::WouldBlock, "{error}");
    assert!(error.to_string().contains("cannot start a worker thread"), "{error}");
    assert!(!runtimes.is_empty() && runtimes.len() < 10);
    // None of them gets another thread for its other workers or its watchdog.
    with_room_for(0, || {
        for runtime in &runtimes {
            let tasks = (0..100).map(|n| {
                runtime.spawn(async move {
                    heist::time::sleep(Duration::from_millis(1)).await;
                    heist::spawn(async move { n }).await.unwrap()
                })
            });
            for (n, task) in tasks.collect::<Vec<_>>().into_iter().enumerate() {
                assert_eq!(runtime.block_on(task).unwrap(), n);
            }
        }
    });
    drop((runtimes, outer));
    eventually_blocking("nothing is left", || Footprint::now().is_within(&before));
}

#[test]
fn blocking_work_without_a_thread_is_an_error_until_there_is_one() {
    if !in_own_process("blocking_work_without_a_thread_is_an_error_until_there_is_one") {
        return;
    }
    let runtime = big_stacks(2).build().unwrap();
    with_room_for(0, || {
        let handle = runtime.handle().clone();
        let message = panic_message(move || drop(handle.spawn_blocking(|| ())));
        assert!(message.contains("cannot start a thread for blocking work"), "{message}");
        runtime.block_on(async {
            let refused = heist::spawn(async {
                heist::task::spawn_blocking(|| ()).await.unwrap();
            });
            assert!(refused.await.unwrap_err().is_panic());
            // Nor does it leave anything in a pool of bounds.
            let pool = Arc::new(BlockingPool::builder("one").max_threads(1).max_queued(0).build());
            for _ in 0..2 {
                let pool = pool.clone();
                let refused = heist::spawn(async move {
                    pool.spawn(|| ()).await.await.unwrap();
                });
                assert!(refused.await.unwrap_err().is_panic());
            }
            // What can say so in its result does.
            let read = heist::fs::read("/dev/null").await.unwrap_err();
            assert!(read.to_string().contains("cannot start a thread for blocking work"), "{read}");
            let found = heist::net::lookup_host("localhost:80").await.map(drop).unwrap_err();
            assert!(found.to_string().contains("no thread"), "{found}");
            // A worker that cannot be given away is kept, and the closure runs all the same.
            let kept = heist::spawn(async {
                let answer = heist::task::block_in_place(|| 6 * 7);
                heist::spawn(async move { answer }).await.unwrap()
            });
            assert_eq!(kept.await.unwrap(), 42);
        });
    });
    // One thread is enough for all jobs, once there is one.
    with_room_for(1, || {
        let jobs: Vec<_> = (0..20).map(|n| runtime.spawn_blocking(move || n)).collect();
        runtime.block_on(async {
            for (n, job) in jobs.into_iter().enumerate() {
                assert_eq!(job.await.unwrap(), n);
            }
        });
    });
    let report = runtime.shutdown(Duration::from_secs(60));
    assert!(report.is_clean() && report.elapsed() < Duration::from_secs(60), "{report}");
}

/// Opens descriptors until the system refuses.
fn exhaust_descriptors() -> Vec<std::fs::File> {
    let mut held = Vec::new();
    while let Ok(file) = std::fs::File::open("/dev/null") {
        held.push(file);
    }
    held
}

fn is_exhausted(error: &io::Error) -> bool {
    error.to_string().contains("Too many open files")
}

#[test]
fn without_descriptors_there_are_errors_and_connections_wait() {
    if !in_own_process("without_descriptors_there_are_errors_and_connections_wait") {
        return;
    }
    limited(Resource::Nofile, descriptors() as u64 + 64, || {
        let runtime = two_workers();
        runtime.block_on(async {
            let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
            let addr = listener.local_addr().unwrap();
            let clients: Vec<_> =
                (0..10).map(|_| std::net::TcpStream::connect(addr).unwrap()).collect();
            for round in 0..3 {
                let held = exhaust_descriptors();
                assert!(is_exhausted(&listener.accept().await.unwrap_err()));
                assert!(is_exhausted(&TcpStream::connect(addr).await.unwrap_err()));
                assert!(is_exhausted(&UdpSocket::bind("127.0.0.1:0").await.unwrap_err()));
                assert!(is_exhausted(&heist::fs::File::open("/dev/null").await.unwrap_err()));
                let ctrl_c = heist::signal::unix::SignalKind::interrupt();
                assert!(is_exhausted(&heist::signal::unix::signal(ctrl_c).unwrap_err()));
                assert!(is_exhausted(&Runtime::new().unwrap_err()), "a second runtime");
                drop(held);
                for _ in 0..3 {
                    let (_, from) = listener.accept().await.unwrap();
                    let waiting = |c: &&std::net::TcpStream| c.local_addr().unwrap() == from;
                    assert!(clients.iter().find(waiting).is_some(), "round {round}");
                }
            }
        });
        let free = descriptors();
        drop(runtime);
        assert!(descriptors() < free, "the runtime's own are closed");
    });
}

async fn connected() -> (TcpStream, TcpStream) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let addr = listener.local_addr().unwrap();
    let (client, server) = heist::join!(TcpStream::connect(addr), listener.accept());
    (client.unwrap(), server.unwrap().0)
}

#[test]
fn a_peer_that_resets_ends_reads_and_writes_with_an_error() {
    on_two_workers(async {
        for _ in 0..100 {
            let (client, server) = connected().await;
            let (reader, writer) = server.into_split();
            let read = heist::spawn(async move { reader.read(&mut [0; 16]).await });
            let written = heist::spawn(async move {
                loop {
                    if let Err(error) = writer.write_all(&[0; 65536]).await {
                        return error;
                    }
                }
            });
            heist::task::yield_now().await;
            // With bytes unread or a linger of zero the end is a reset.
            client.set_linger(Some(Duration::ZERO)).unwrap();
            drop(client);
            let read = read.await.unwrap().map_err(|error| error.kind());
            let written = written.await.unwrap().kind();
            // The system tells of a reset once; who comes second sees the end.
            assert!(matches!(read, Ok(0) | Err(io::ErrorKind::ConnectionReset)), "{read:?}");
            let (reset, ended) = (io::ErrorKind::ConnectionReset, io::ErrorKind::BrokenPipe);
            assert!(written == reset || (written == ended && read == Err(reset)), "{written}");
        }
        let metrics = heist::runtime::Handle::current().metrics();
        eventually("every socket is closed", || metrics.num_io_sources() == 0).await;
    });
}

#[test]
fn a_peer_that_sends_a_byte_at_a_time_and_half_closes_is_heard_to_the_end() {
    on_two_workers(async {
        for _ in 0..20 {
            let (mut client, mut server) = connected().await;
            client.set_nodelay(true).unwrap();
            let sender = heist::spawn(async move {
                for byte in 0..200u8 {
                    client.write_all(&[byte]).await.unwrap();
                    if byte % 3 == 0 {
                        heist::task::yield_now().await;
                    }
                }
                client.shutdown().await.unwrap();
                let mut answer = Vec::new();
                client.read_to_end(&mut answer).await.unwrap();
                answer
            });
            let mut heard = Vec::new();
            server.read_to_end(&mut heard).await.unwrap();
            assert!(heard.iter().copied().eq(0..200));
            // The other half is open still, and more than fits into any buffer goes through it.
            server.write_all(&vec![7; 4 << 20]).await.unwrap();
            drop(server);
            assert_eq!(sender.await.unwrap().len(), 4 << 20);
        }
    });
}

#[test]
fn connections_that_are_given_up_half_way_leave_nothing() {
    on_two_workers(async {
        let metrics = heist::runtime::Handle::current().metrics();
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let addr = listener.local_addr().unwrap();
        let accepted = Arc::new(AtomicUsize::new(0));
        let counted = accepted.clone();
        let server = heist::spawn(async move {
            loop {
                // A client may be gone before its connection is accepted.
                let Ok((stream, _)) = listener.accept().await else { continue };
                counted.fetch_add(1, Ordering::Relaxed);
                heist::spawn(async move { stream.read(&mut [0; 64]).await });
            }
        });
        let mut reached = 0;
        for round in 0..20u64 {
            let clients: Vec<_> = (0..100u64)
                .map(|n| {
                    let patience = Duration::from_micros((n * 7 + round * 13) % 400);
                    heist::spawn(async move {
                        let connect = TcpStream::connect(addr);
                        let connected = heist::time::timeout(patience, connect).await;
                        // A reset leaves no port behind that nobody can use for a minute.
                        let reset = |stream: TcpStream| stream.set_linger(Some(Duration::ZERO));
                        connected.is_ok_and(|stream| reset(stream.unwrap()).is_ok())
                    })
                })
                .collect();
            for (n, client) in clients.into_iter().enumerate() {
                if n % 5 == 0 {
                    client.abort();
                }
                reached += usize::from(client.await.unwrap_or(false));
            }
        }
        eventually("all that were reached are accepted", || {
            accepted.load(Ordering::Relaxed) >= reached
        })
        .await;
        eventually("only the listener is open", || metrics.num_io_sources() == 1).await;
        server.abort();
        eventually("nothing is open", || metrics.num_io_sources() == 0).await;
    });
}

/// Sends this process a signal every 100 us, with a handler that lets system calls fail.
fn interrupt_everything() {
    extern "C" fn ignore(_: libc::c_int) {}
    // SAFETY: an all-zero `sigaction` is a valid one without flags; the handler does nothing.
    unsafe {
        let mut action: libc::sigaction = std::mem::zeroed();
        action.sa_sigaction = ignore as extern "C" fn(libc::c_int) as usize;
        assert_eq!(libc::sigaction(libc::SIGALRM, &action, std::ptr::null_mut()), 0);
        let every = libc::timeval { tv_sec: 0, tv_usec: 100 };
        let timer = libc::itimerval { it_interval: every, it_value: every };
        assert_eq!(libc::setitimer(libc::ITIMER_REAL, &timer, std::ptr::null_mut()), 0);
    }
}

#[test]
fn signals_during_system_calls_are_not_seen() {
    if !in_own_process("signals_during_system_calls_are_not_seen") {
        return;
    }
    let runtime = two_workers();
    interrupt_everything();
    let stop = Arc::new(AtomicBool::new(false));
    heist::__private::block_on_with_timeout(&runtime, 60_000, async {
        let mut tasks = Vec::new();
        for n in 0..8u64 {
            let stopped = stop.clone();
            tasks.push(heist::spawn(async move {
                while !stopped.load(Ordering::Relaxed) {
                    let wait = Duration::from_micros(50 * (n + 1));
                    let start = Instant::now();
                    heist::time::sleep(wait).await;
                    assert!(start.elapsed() >= wait, "too early");
                }
            }));
            let stopped = stop.clone();
            tasks.push(heist::spawn(async move {
                while !stopped.load(Ordering::Relaxed) {
                    let (client, server) = connected().await;
                    // A reset leaves no port behind that nobody can use for a minute.
                    client.set_linger(Some(Duration::ZERO)).unwrap();
                    client.write_all(&[n as u8; 1000]).await.unwrap();
                    server.read_exact(&mut [0; 1000]).await.unwrap();
                }
            }));
            let stopped = stop.clone();
            tasks.push(heist::spawn(async move {
                while !stopped.load(Ordering::Relaxed) {
                    let text = heist::fs::read("/proc/self/status").await.unwrap();
                    assert!(text.len() > 100);
                    heist::task::spawn_blocking(|| ()).await.unwrap();
                }
            }));
        }
        let stopped = stop.clone();
        tasks.push(heist::spawn(async move {
            while !stopped.load(Ordering::Relaxed) {
                let child = heist::process::Command::new("true").status().await;
                assert!(child.unwrap().success());
            }
        }));
        heist::time::sleep(Duration::from_secs(2)).await;
        stop.store(true, Ordering::Relaxed);
        for task in tasks {
            task.await.unwrap();
        }
    });
    let report = runtime.shutdown(Duration::from_secs(60));
    assert!(report.is_clean() && report.elapsed() < Duration::from_secs(60), "{report}");
}
