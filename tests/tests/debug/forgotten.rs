//! Futures that nobody awaits: which of them are reported, and which are nobody's mistake.

use std::sync::Arc;
use std::time::Duration;

use heist::io::unix::AsyncFd;
use heist::io::{
    self, AsyncBufReadExt, AsyncReadExt, AsyncSeekExt, AsyncWriteExt, BufReader, Cursor, Interest,
    LimitedExt,
};
use heist::net::{TcpListener, TcpSocket, TcpStream, UdpSocket, UnixSocket, lookup_host};
use heist::signal::unix::{SignalKind, signal};
use heist::sync::{
    Barrier, Event, Mutex, Notify, OnceCell, Queue, RwLock, Semaphore, SetOnce, broadcast, mpsc,
    watch,
};
use heist::{fs, task, time};
use heist_tests::{eventually, two_workers};

use super::errors_of;

/// The lines of `errors` that report a future which was never awaited.
fn unawaited(errors: &str) -> Vec<&str> {
    errors.lines().filter(|line| line.contains("without having been awaited")).collect()
}

#[test]
fn a_future_that_was_never_awaited_is_reported_once_for_its_place() {
    const TEST: &str = "forgotten::a_future_that_was_never_awaited_is_reported_once_for_its_place";
    let Some(errors) = errors_of(TEST, "1") else {
        let runtime = two_workers();
        let forget = async || {
            for _ in 0..2 {
                drop(time::sleep(Duration::from_secs(1)));
            }
        };
        runtime.block_on(async {
            forget().await;
            heist::spawn(async move { forget().await }).await.unwrap();
        });
        return;
    };
    let reports = unawaited(&errors);
    assert_eq!(reports.len(), 1, "{errors}");
    assert!(
        reports[0].starts_with("heist: a `sleep` made at tests/tests/debug/forgotten.rs:"),
        "{errors}"
    );
}

/// Makes a future of each kind, and awaits none of them.
pub(super) async fn forget_everything() {
    let (second, deadline) = (Duration::from_secs(1), time::Instant::now());
    drop(time::sleep(second));
    drop(time::sleep_until(deadline));
    drop(time::timeout(second, std::future::pending::<()>()));
    // What is inside is not awaited for the same reason, which is told once.
    drop(time::timeout_at(deadline, time::sleep(second)));

    drop(task::gather([async {}]));
    drop(task::wait([heist::spawn(async {})], task::When::All, second));
    drop(task::JoinSet::<()>::new().join_next());
    drop(task::JoinSet::<()>::new().join_all());
    drop(task::yield_now());
    drop(heist::scope(async |_: task::TaskGroup<std::io::Error>| Ok(())));

    drop(Mutex::new(()).lock());
    drop(Arc::new(Mutex::new(())).lock_owned());
    drop(RwLock::new(()).read());
    drop(RwLock::new(()).write());
    drop(Arc::new(RwLock::new(())).write_owned());
    drop(Semaphore::new(1).acquire());
    drop(Arc::new(Semaphore::new(1)).acquire_owned());
    drop(Barrier::new(1).wait());
    drop(Event::new().wait());
    drop(SetOnce::<()>::new().wait());
    drop(OnceCell::new().get_or_init(async || ()));
    drop(Queue::<()>::new(1).put(()));
    drop(Queue::<()>::new(1).get());
    let (sender, mut receiver) = mpsc::channel(1);
    drop(sender.send(()));
    drop(sender.reserve());
    drop(sender.clone().reserve_owned());
    drop(sender.closed());
    drop(receiver.recv());
    drop(receiver.recv_many(&mut Vec::new(), 1));
    let (_sender, mut receiver) = watch::channel(());
    drop(receiver.changed());
    let (_sender, mut receiver) = broadcast::channel::<()>(1);
    drop(receiver.recv());

    drop(time::interval(second).tick());
    drop(time::advance(second));
    drop(task::consume_budget());
    drop(task::shield(async {}));
    drop(task::with_cleanup(async {}, async |_| ()));
    drop(task::unconstrained(async {}));
    drop(task::coop::cooperative(async {}));
    drop(REQUEST.scope(1, async {}));
    drop(TENANT.scope(1, async {}));
    drop(heist::testing::wait_until_idle());
    drop(heist::signal::ctrl_c());
    let mut signals = signal(SignalKind::user_defined1()).unwrap();
    drop(signals.recv());

    drop(fs::read("/dev/null"));
    let file = fs::File::open("/dev/null").await.unwrap();
    drop(file.sync_all());
    drop(file.into_std());
    let mut entries = fs::read_dir("/dev").await.unwrap();
    drop(entries.next_entry());

    drop(TcpListener::bind("127.0.0.1:0"));
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let addr = listener.local_addr().unwrap();
    drop(listener.accept());
    drop(TcpStream::connect(addr));
    let stream = TcpStream::connect(addr).await.unwrap();
    drop(stream.read(&mut [0]));
    drop(stream.read_exact(&mut [0]));
    drop(stream.write(b"x"));
    drop(stream.write_all(b"x"));
    drop(stream.readable());
    let socket = UdpSocket::bind("127.0.0.1:0").await.unwrap();
    drop(socket.send_to(b"x", addr));
    drop(socket.recv_from(&mut [0]));
    drop(TcpSocket::new_v4().unwrap().connect(addr));
    drop(UnixSocket::new_stream().unwrap().connect("nowhere"));
    drop(stream.shutdown());
    drop(stream.into_split().1.shutdown());
    drop(lookup_host("localhost:1"));
    let (near, _far) = std::os::unix::net::UnixStream::pair().unwrap();
    let mut descriptor = AsyncFd::new(near).unwrap();
    drop(descriptor.readable());
    drop(descriptor.writable_mut());
    drop(descriptor.async_io(Interest::READABLE, |_| Ok(())));
    drop(descriptor.async_io_mut(Interest::READABLE, |_| Ok(())));
    forget_helpers();
}

/// The same with the helpers of readers and writers.
fn forget_helpers() {
    let (mut near, mut far) = io::duplex(1);
    drop(near.read(&mut [0]));
    drop(near.read_to_end(&mut Vec::new()));
    drop(near.read_u16());
    drop(near.read_exactly(1));
    drop(near.write_all(b"x"));
    drop(near.write_u16(1));
    drop(near.flush());
    drop(near.shutdown());
    drop(io::copy(&b"x"[..], &mut near));
    drop(io::copy_buf(&mut &b"x"[..], &mut near));
    drop(io::copy_bidirectional(&mut near, &mut far));
    let mut reader = BufReader::new(near);
    drop(reader.fill_buf());
    drop(reader.read_line(&mut String::new()));
    drop(reader.next_line_limited(1));
    drop(reader.lines().next_line());
    drop(Cursor::new(b"x").rewind());
}

heist::task_local! {
    static REQUEST: u32;
}
heist::inherited! {
    static TENANT: u32;
}

/// The names of what [`forget_everything`] makes, and how often it does so.
const FORGOTTEN: &[(&str, usize)] = &[
    ("sleep", 2),
    ("timeout", 2),
    ("gather", 1),
    ("wait", 1),
    ("JoinSet::join_next", 1),
    ("JoinSet::join_all", 1),
    ("yield_now", 1),
    ("scope", 1),
    ("Mutex::lock", 2),
    ("RwLock::read", 1),
    ("RwLock::write", 2),
    ("Semaphore::acquire", 2),
    ("Barrier::wait", 1),
    ("Event::wait", 1),
    ("SetOnce::wait", 1),
    ("OnceCell::get_or_init", 1),
    ("Queue::put", 1),
    ("Queue::get", 1),
    ("mpsc::Sender::send", 1),
    ("mpsc::Sender::reserve", 2),
    ("mpsc::Sender::closed", 1),
    ("mpsc::Receiver::recv", 1),
    ("mpsc::Receiver::recv_many", 1),
    ("watch::Receiver::changed", 1),
    ("broadcast::Receiver::recv", 1),
    ("Interval::tick", 1),
    ("advance", 1),
    ("consume_budget", 1),
    ("shield", 1),
    ("with_cleanup", 1),
    ("unconstrained", 1),
    ("cooperative", 1),
    ("LocalKey::scope", 1),
    ("Key::scope", 1),
    ("wait_until_idle", 1),
    ("ctrl_c", 1),
    ("Signal::recv", 1),
    ("fs::read", 1),
    ("File::sync", 1),
    ("File::into_std", 1),
    ("ReadDir::next_entry", 1),
    ("TcpListener::bind", 1),
    ("TcpListener::accept", 1),
    ("TcpStream::connect", 1),
    ("TcpStream::read", 2),
    ("TcpStream::write", 2),
    ("readable", 1),
    ("UdpSocket::send", 1),
    ("UdpSocket::recv", 1),
    ("TcpSocket::connect", 1),
    ("UnixSocket::connect", 1),
    ("shutdown", 2),
    ("lookup_host", 1),
    ("AsyncFd::ready", 2),
    ("AsyncFd::async_io", 2),
    ("AsyncReadExt::read", 1),
    ("AsyncReadExt::read_to_end", 1),
    ("AsyncReadExt::read_u16", 1),
    ("LimitedExt::read_exactly", 1),
    ("AsyncWriteExt::write_all", 1),
    ("AsyncWriteExt::write_u16", 1),
    ("AsyncWriteExt::flush", 1),
    ("AsyncWriteExt::shutdown", 1),
    ("io::copy", 1),
    ("io::copy_buf", 1),
    ("io::copy_bidirectional", 1),
    ("AsyncBufReadExt::fill_buf", 1),
    ("AsyncBufReadExt::read_line", 1),
    ("LimitedExt::next_line_limited", 1),
    ("Lines::next_line", 1),
    ("AsyncSeekExt::rewind", 1),
];

#[test]
fn each_kind_of_future_that_was_never_awaited_is_reported_by_its_name() {
    const TEST: &str =
        "forgotten::each_kind_of_future_that_was_never_awaited_is_reported_by_its_name";
    let Some(errors) = errors_of(TEST, "1") else {
        return two_workers().block_on(forget_everything());
    };
    let reports = unawaited(&errors);
    for (name, count) in FORGOTTEN {
        let name = format!("a `{name}` made at tests/tests/debug/forgotten.rs:");
        let reported = reports.iter().filter(|line| line.contains(&name));
        assert_eq!(reported.count(), *count, "{name}: {errors}");
    }
    assert_eq!(reports.len(), FORGOTTEN.iter().map(|(_, count)| count).sum(), "{errors}");
}

/// Ends futures before their end, which have made others that they have not awaited yet.
async fn give_up() {
    let late = || async {
        let later = time::sleep(Duration::from_secs(1));
        std::future::pending::<()>().await;
        later.await;
    };
    // The branch that is ready keeps the others from being polled ...
    heist::select! {
        biased;
        () = async {} => {}
        () = time::sleep(Duration::from_secs(1)) => {}
        _ = heist::spawn(async {}) => {}
    }
    // ... or ends them.
    heist::select! {
        biased;
        () = late() => {}
        () = task::yield_now() => {}
    }
    let failed = heist::try_join!(
        async {
            late().await;
            Ok(())
        },
        async { Err::<(), _>("no") },
    );
    failed.unwrap_err();
    assert!(time::timeout(Duration::ZERO, late()).await.is_err());
    let group: Result<(), _> = heist::scope(async |group: task::TaskGroup<std::io::Error>| {
        group.cancel();
        late().await;
        Ok(())
    })
    .await;
    group.unwrap_err();

    // What is ours inside is not the user's to await.
    time::timeout(Duration::from_secs(1), async {}).await.unwrap();
    time::timeout(Duration::from_secs(1), async {}).into_inner().await;
    let ended = heist::spawn(async {});
    eventually("it has ended", || ended.is_finished()).await;
    let done = task::wait([ended], task::When::First, Duration::MAX).await.done;
    assert_eq!(done.len(), 1);
    let mut ticks = time::interval(Duration::from_secs(1));
    ticks.tick().await;

    // Nor is what hyper makes ahead.
    drop(hyper::rt::Timer::sleep(&heist::hyper::Timer, Duration::from_secs(1)));
    let later = std::time::Instant::now() + Duration::from_secs(1);
    drop(hyper::rt::Timer::sleep_until(&heist::hyper::Timer, later));

    // A task may be aborted before or after its first poll.
    for polls in 0..2 {
        let task = heist::spawn(time::timeout(Duration::from_secs(1), late()));
        let polled = || task::all().iter().any(|info| info.id() == task.id() && info.polls() > 0);
        if polls > 0 {
            eventually("it is polled", polled).await;
        }
        task.abort();
        assert!(task.await.unwrap_err().is_cancelled());
    }

    // Made ahead, or never to be awaited.
    drop(Notify::new().notified());
    drop(heist::spawn(async {}));
}

#[test]
fn what_is_given_up_is_not_reported() {
    let Some(errors) = errors_of("forgotten::what_is_given_up_is_not_reported", "1") else {
        let runtime = heist::runtime::Builder::new_current_thread().build().unwrap();
        // Never polled, or with something in it that never is.
        let at_the_end = |runtime: &heist::runtime::Runtime| {
            drop(runtime.spawn(async {
                let later = time::sleep(Duration::from_secs(1));
                std::future::pending::<()>().await;
                later.await;
            }));
            drop(runtime.spawn(time::sleep(Duration::from_secs(1))));
        };
        runtime.block_on(give_up());
        at_the_end(&runtime);
        drop(runtime);
        let runtime = two_workers();
        runtime.block_on(async { heist::spawn(give_up()).await.unwrap() });
        at_the_end(&runtime);
        drop(runtime);
        // Where no async code runs, nobody could have awaited it.
        let runtime = two_workers();
        let _inside = runtime.enter();
        drop(time::sleep(Duration::from_secs(1)));
        return;
    };
    assert_eq!(unawaited(&errors), [""; 0], "{errors}");
}

#[test]
fn a_panic_is_not_blamed_for_what_it_keeps_from_being_awaited() {
    const TEST: &str = "forgotten::a_panic_is_not_blamed_for_what_it_keeps_from_being_awaited";
    let Some(errors) = errors_of(TEST, "1") else {
        let panics = async {
            let _later = time::sleep(Duration::from_secs(1));
            panic!("as it should");
        };
        let failed = two_workers().block_on(async { heist::spawn(panics).await });
        assert!(failed.unwrap_err().is_panic());
        return;
    };
    assert!(errors.contains("as it should"), "{errors}");
    assert_eq!(unawaited(&errors), [""; 0], "{errors}");
}
