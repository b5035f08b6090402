//! Misuse and bad input: each is a clear error. Where it is a panic, it names the caller's line: as
//! its place, or in its message where the call was made elsewhere than the panic. More of it that
//! concerns the life of runtimes is in `lifecycle.rs`.

use std::cell::RefCell;
use std::future::{Future, pending};
use std::io;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Once;
use std::time::{Duration, Instant};

use futures_lite::future;
use heist::net::{
    TcpListener, TcpSocket, TcpStream, UdpSocket, UnixDatagram, UnixListener, UnixStream,
};
use heist::runtime::{Builder, Handle, Runtime, ShutdownPolicy};
use heist::task::{self, BlockingPool};
use heist::time::{interval, interval_at, sleep, sleep_until, timeout};
use heist_tests::two_workers;

thread_local! {
    /// What the panic that is expected on this thread has told; nothing yet if it is empty.
    static EXPECTED: RefCell<Option<String>> = const { RefCell::new(None) };
}

/// Fails unless `f` panics with this text and names a line of this file.
#[track_caller]
fn refused<R>(text: &str, f: impl FnOnce() -> R) {
    static ONCE: Once = Once::new();
    ONCE.call_once(|| {
        let before = std::panic::take_hook();
        std::panic::set_hook(Box::new(move |info| {
            if EXPECTED.with_borrow(Option::is_some) {
                EXPECTED.set(Some(info.to_string()));
            } else {
                before(info);
            }
        }));
    });
    EXPECTED.set(Some(String::new()));
    let refused = catch_unwind(AssertUnwindSafe(f)).is_err();
    let told = EXPECTED.take().expect("it was set just now");
    assert!(refused, "not refused: {text}");
    assert!(told.contains(text), "{text:?} is not in: {told}");
    assert!(told.contains("misuse.rs:"), "the caller's line is not in: {told}");
}

/// As a future of another executor, outside of any runtime.
#[track_caller]
fn refused_outside<F: Future>(text: &str, f: impl FnOnce() -> F) {
    refused(text, || future::block_on(f()));
}

#[test]
fn tasks_need_a_runtime() {
    const TEXT: &str = "no Heist runtime here";
    refused(TEXT, || drop(heist::spawn(async {})));
    refused(TEXT, || drop(task::spawn_blocking(|| ())));
    refused(TEXT, || drop(task::Builder::new().name("x").spawn(async {})));
    refused(TEXT, || drop(task::JoinSet::new().spawn(async {})));
    refused(TEXT, || Handle::current());
    refused(TEXT, || task::all());
    refused(TEXT, || drop(BlockingPool::builder("nowhere").build()));
    refused("LocalRuntime", || drop(task::spawn_local(async {})));
    refused_outside(TEXT, || heist::gather([async {}]));
    refused(TEXT, || heist::process::Command::new("true").spawn());
    refused_outside(TEXT, || heist::fs::read("/dev/null"));
    refused_outside(TEXT, || heist::fs::File::open("/dev/null"));
    assert!(Handle::try_current().is_err());
    // What needs none, does without.
    assert_eq!(task::block_in_place(|| 7), 7);
    assert!(task::try_id().is_none());
}

#[test]
fn timers_need_a_runtime() {
    const TEXT: &str = "no Heist timer here";
    let brief = Duration::from_millis(1);
    refused_outside(TEXT, || sleep(brief));
    refused_outside(TEXT, || sleep_until(heist::time::Instant::now() + brief));
    refused_outside(TEXT, || timeout(brief, pending::<()>()));
    refused_outside(TEXT, || async move {
        let mut ticks = interval(brief);
        ticks.tick().await;
        ticks.tick().await;
    });
    refused_outside(TEXT, || heist::time::advance(brief));
    refused(TEXT, || heist::time::pause());
    refused(TEXT, || heist::time::resume());
    // What is ready at once needs no timer.
    assert_eq!(future::block_on(timeout(brief, async { 7 })), Ok(7));
}

#[test]
fn sockets_need_a_runtime() {
    const TEXT: &str = "no Heist I/O driver here";
    let std_listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let addr = std_listener.local_addr().unwrap();
    refused_outside(TEXT, || TcpListener::bind("127.0.0.1:0"));
    refused_outside(TEXT, || TcpStream::connect(addr));
    refused_outside(TEXT, || UdpSocket::bind("127.0.0.1:0"));
    refused_outside(TEXT, || TcpSocket::new_v4().unwrap().connect(addr));
    refused_outside(TEXT, || UnixStream::connect("\0heist-misuse"));
    refused(TEXT, || TcpSocket::new_v4().unwrap().listen(1));
    refused(TEXT, || TcpStream::from_std(std::net::TcpStream::connect(addr).unwrap()));
    refused(TEXT, || TcpListener::from_std(std_listener));
    refused(TEXT, || UdpSocket::from_std(std::net::UdpSocket::bind("127.0.0.1:0").unwrap()));
    refused(TEXT, || UnixStream::pair());
    refused(TEXT, || UnixDatagram::pair());
    // Nothing is left in the file system.
    let path = std::env::temp_dir().join(format!("heist-misuse-{}", std::process::id()));
    refused(TEXT, || UnixListener::bind(&path));
    refused(TEXT, || UnixDatagram::bind(&path));
    assert!(!path.exists());
    refused(TEXT, || heist::io::Async::new(std::net::UdpSocket::bind("127.0.0.1:0").unwrap()));
    refused(TEXT, || heist::signal::unix::signal(heist::signal::unix::SignalKind::hangup()));
    refused(TEXT, || drop(heist::signal::ctrl_c()));
}

#[test]
fn blocking_in_async_code_is_refused() {
    const TEXT: &str = "would block this thread";
    for runtime in [two_workers(), Builder::new_current_thread().build().unwrap()] {
        runtime.block_on(async {
            refused(TEXT, || heist::run(async {}));
            refused(TEXT, || Handle::current().block_on(async {}));
            refused(TEXT, || Runtime::new().unwrap().block_on(async {}));
            let mut task = heist::spawn(async {});
            refused(TEXT, || task.join_blocking(Duration::from_secs(1)));
            let lock = heist::sync::Mutex::new(7);
            refused(TEXT, || drop(lock.blocking_lock()));
            let (send, mut receive) = heist::sync::mpsc::channel::<()>(1);
            refused(TEXT, || send.blocking_send(()));
            refused(TEXT, || receive.blocking_recv());
            let (_send, receive) = heist::sync::oneshot::channel::<()>();
            refused(TEXT, || receive.blocking_recv());
            refused("inside async code", || {
                Runtime::new().unwrap().shutdown(Duration::from_secs(1))
            });
        });
    }
}

#[test]
fn settings_that_make_no_sense_are_refused() {
    refused("at least one worker", || drop(Builder::new_multi_thread().worker_threads(0).build()));
    refused("needs a thread", || drop(Builder::new_multi_thread().max_blocking_threads(0).build()));
    refused("needs a thread", || drop(BlockingPool::builder("none").max_threads(0)));
    refused("null byte", || drop(BlockingPool::builder("cut\0off")));
    refused("build_local", || drop(Builder::new_multi_thread().build_local(Default::default())));
    refused("above zero", || interval(Duration::ZERO));
    let lone = Builder::new_current_thread().build().unwrap();
    lone.block_on(async {
        refused("only worker", || task::block_in_place(|| ()));
    });
    let error = Builder::new_multi_thread().thread_stack_size(1 << 60).build().unwrap_err();
    assert!(error.to_string().contains("cannot start a worker thread"), "{error}");
}

#[test]
fn a_handle_is_joined_once() {
    let runtime = two_workers();
    runtime.block_on(async {
        let mut task = heist::spawn(async {});
        (&mut task).await.unwrap();
        let again = catch_unwind(AssertUnwindSafe(|| future::block_on(&mut task)));
        assert!(again.is_err());
    });
}

#[track_caller]
fn assert_error<T>(result: io::Result<T>, kind: io::ErrorKind, text: &str) {
    let error = result.map(drop).expect_err(text);
    assert_eq!(error.kind(), kind, "{error}");
    assert!(error.to_string().contains(text), "{text:?} is not in: {error}");
}

#[test]
fn addresses_that_cannot_be_had_are_named() {
    let runtime = two_workers();
    runtime.block_on(async {
        let taken = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let addr = taken.local_addr().unwrap();
        let again = TcpListener::bind(addr).await;
        assert_error(again, io::ErrorKind::AddrInUse, &addr.to_string());
        let udp = UdpSocket::bind("127.0.0.1:0").await.unwrap();
        let addr = udp.local_addr().unwrap();
        assert_error(UdpSocket::bind(addr).await, io::ErrorKind::AddrInUse, &addr.to_string());
        let free = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
        let refused = TcpStream::connect(free).await;
        assert_error(refused, io::ErrorKind::ConnectionRefused, &free.to_string());
        let missing = UnixStream::connect("/nowhere/heist.socket").await;
        assert_error(missing, io::ErrorKind::NotFound, "/nowhere/heist.socket");
        assert_error(
            UnixListener::bind("/nowhere/heist.socket"),
            io::ErrorKind::NotFound,
            "/nowhere/heist.socket",
        );
        let foreign = TcpListener::bind("192.0.2.1:0").await;
        assert_error(foreign, io::ErrorKind::AddrNotAvailable, "192.0.2.1");
    });
}

#[test]
fn addresses_that_are_none_are_named() {
    let runtime = two_workers();
    runtime.block_on(async {
        for text in ["", "127.0.0.1", ":80", "127.0.0.1:65536", "localhost:http", "a b"] {
            let bound = TcpListener::bind(text).await;
            assert_error(bound, io::ErrorKind::InvalidInput, &format!("{text:?}"));
            let connected = TcpStream::connect(text).await;
            assert_error(connected, io::ErrorKind::InvalidInput, &format!("{text:?}"));
            let looked_up = heist::net::lookup_host(text).await;
            assert_error(looked_up, io::ErrorKind::InvalidInput, &format!("{text:?}"));
        }
        let none: &[std::net::SocketAddr] = &[];
        assert!(TcpListener::bind(none).await.is_err());
        assert!(TcpStream::connect(none).await.is_err());
    });
}

/// Spans of time at the edges of what can be represented, all too long to wait for.
fn endless() -> impl Iterator<Item = Duration> {
    let nanos = [u64::MAX, u64::MAX - 1, u64::MAX - 65_536, i64::MAX as u64];
    let seconds = [u64::MAX, i64::MAX as u64, i64::MAX as u64 - 1, 1 << 40, 1 << 34];
    let nanos = nanos.map(Duration::from_nanos).into_iter();
    let seconds = seconds.map(Duration::from_secs).into_iter();
    nanos.chain(seconds).chain([Duration::MAX])
}

#[test]
fn spans_of_time_that_overflow_are_as_good_as_endless() {
    for runtime in [two_workers(), Builder::new_current_thread().build().unwrap()] {
        runtime.block_on(async {
            let brief = Duration::from_millis(1);
            for span in endless() {
                assert!(timeout(brief, sleep(span)).await.is_err(), "{span:?}");
                assert_eq!(timeout(span, sleep(brief)).await, Ok(()), "{span:?}");
                let mut ticks = interval(span);
                ticks.tick().await;
                assert!(timeout(brief, ticks.tick()).await.is_err(), "{span:?}");
                ticks.reset_after(span);
                assert!(timeout(brief, ticks.tick()).await.is_err(), "{span:?}");
                if let Some(far) = heist::time::Instant::now().checked_add(span) {
                    assert!(timeout(brief, sleep_until(far)).await.is_err(), "{span:?}");
                    let mut ticks = interval_at(far, span);
                    assert!(timeout(brief, ticks.tick()).await.is_err(), "{span:?}");
                }
                let tasks = [heist::spawn(sleep(brief))];
                assert!(task::wait(tasks, task::When::All, span).await.pending.is_empty());
            }
            let start = Instant::now();
            sleep(brief).await;
            assert!(start.elapsed() < Duration::from_secs(10), "the others go on");
        });
        let mut joined = runtime.spawn(sleep(Duration::from_millis(1)));
        if runtime.metrics().num_workers() > 1 {
            assert!(joined.join_blocking(Duration::MAX).is_some());
        }
    }
}

#[test]
fn the_end_of_a_runtime_may_take_for_ever() {
    for span in endless() {
        let mut builder = Builder::new_multi_thread();
        let builder = builder.worker_threads(1).thread_keep_alive(span);
        let runtime = builder.build().unwrap();
        runtime.spawn_blocking(|| ());
        runtime.shutdown_timeout(span);
        let runtime = builder.build().unwrap();
        runtime.spawn(sleep(Duration::from_millis(1)));
        let report = runtime.shutdown(ShutdownPolicy::drain(span).wait(span));
        assert!(report.is_clean(), "{report}");
    }
}

#[test]
fn the_paused_clock_says_how_far_it_goes() {
    for span in endless() {
        let runtime = Builder::new_current_thread().start_paused(true).build().unwrap();
        runtime.block_on(async {
            // Jumping there, as nothing else is to come.
            sleep(span).await;
            let now = heist::time::Instant::now();
            assert!(now.checked_add(Duration::from_secs(1)).is_some());
        });
        let there = runtime.block_on(async { heist::time::Instant::now().checked_add(span) });
        match there {
            Some(_) => runtime.block_on(heist::time::advance(span)),
            None => refused("cannot be represented", || {
                runtime.block_on(heist::time::advance(span));
            }),
        }
    }
}
