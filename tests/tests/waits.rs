//! Whatever a task waits in, `task::all` says which operation it is and which line has called it.

use std::future::pending;
use std::io::{self, Read};
use std::os::unix::ffi::OsStrExt;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use heist::io::unix::AsyncFd;
use heist::io::{
    Async, AsyncBufRead, AsyncBufReadExt, AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt,
    Interest,
};
use heist::net::unix::pipe::pipe;
use heist::net::{TcpListener, TcpStream, UdpSocket, UnixDatagram, UnixListener, UnixStream};
use heist::process::Command;
use heist::signal::{ctrl_c, unix as signals};
use heist::sync::{
    Barrier, Condvar, Event, Mutex, Notify, OnceCell, Queue, RwLock, Semaphore, SetOnce, broadcast,
    mpsc, oneshot, watch,
};
use heist::task::{self, JoinHandle, JoinSet, TaskState, WaitSite, When};
use heist::testing::wait_until_idle;
use heist::time;
use heist_tests::{eventually, on_two_workers};

/// A task that waits for ever in an operation, and the name of that.
type Row = (&'static str, JoinHandle<()>);

/// Spawns a task for each row, which holds what it waits for itself.
macro_rules! rows {
    ($($operation:literal => $body:block)*) => {
        vec![$(($operation, heist::spawn(async move { let _ = $body; }))),*]
    };
}

/// Where a task waits, if it does, and in an operation of ours.
fn site_of<T>(task: &JoinHandle<T>) -> Option<WaitSite> {
    let tasks = task::all();
    let info = tasks.iter().find(|info| info.id() == task.id())?;
    assert!(info.to_string().contains(info.spawned_at().file()), "{info}");
    info.waits_in().filter(|_| info.state() == TaskState::Waiting)
}

/// Looks at rows when nothing goes on any more, and ends them. The first and the last line are those
/// around them.
async fn check(first: u32, rows: Vec<Row>, last: u32) {
    wait_until_idle().await;
    let mut line = first;
    for (operation, task) in &rows {
        let site = site_of(task).unwrap_or_else(|| panic!("{operation} does not show"));
        assert_eq!(site.operation, *operation);
        assert_eq!(site.location.file(), file!(), "{operation}");
        // Each row has lines of its own.
        assert!((line + 1..last).contains(&site.location.line()), "{operation}: {site:?}");
        line = site.location.line();
    }
    rows.iter().for_each(|(_, task)| task.abort());
    for (_, task) in rows {
        // Some end by themselves, as those go that they wait for.
        let _ = task.await;
    }
}

#[test]
fn a_wait_for_a_lock_or_a_signal_shows_its_place() {
    on_two_workers(async {
        let first = line!();
        let rows = rows! {
            "Mutex::lock" => {
                let mutex = Mutex::new(());
                let _held = mutex.lock().await;
                drop(mutex.lock().await)
            }
            "Mutex::lock" => {
                let mutex = Arc::new(Mutex::new(()));
                let _held = mutex.lock().await;
                drop(mutex.clone().lock_owned().await)
            }
            "RwLock::read" => {
                let lock = RwLock::new(());
                let _held = lock.write().await;
                drop(lock.read().await)
            }
            "RwLock::write" => {
                let lock = RwLock::new(());
                let _held = lock.read().await;
                drop(lock.write().await)
            }
            "RwLock::read" => {
                let lock = Arc::new(RwLock::new(()));
                let _held = lock.write().await;
                drop(lock.clone().read_owned().await)
            }
            "RwLock::write" => {
                let lock = Arc::new(RwLock::new(()));
                let _held = lock.read().await;
                drop(lock.clone().write_owned().await)
            }
            "Semaphore::acquire" => { drop(Semaphore::new(0).acquire().await) }
            "Semaphore::acquire" => { drop(Semaphore::new(1).acquire_many(2).await) }
            "Semaphore::acquire" => { drop(Arc::new(Semaphore::new(0)).acquire_owned().await) }
            "Semaphore::acquire" => { drop(Arc::new(Semaphore::new(1)).acquire_many_owned(2).await) }
            "Notify::notified" => { Notify::new().notified().await }
            "Notify::notified" => { Arc::new(Notify::new()).notified_owned().await }
            "Event::wait" => { Event::new().wait().await }
            "Condvar::wait" => {
                let mutex = Mutex::new(());
                drop(Condvar::new().wait(mutex.lock().await).await)
            }
            "Condvar::wait" => {
                let mutex = Mutex::new(());
                drop(Condvar::new().wait_while(mutex.lock().await, |()| true).await)
            }
            "Barrier::wait" => { Barrier::new(2).wait().await }
            "Barrier::wait" => { Barrier::new(2).wait_or_broken().await }
            "OnceCell::get_or_init" => {
                let cell = OnceCell::new();
                let _making = heist::join!(
                    cell.get_or_init(pending::<()>),
                    cell.get_or_init(pending::<()>),
                );
            }
            "OnceCell::get_or_init" => {
                let cell = OnceCell::new();
                let _making = heist::join!(
                    cell.get_or_init(pending::<()>),
                    cell.get_or_try_init(pending::<Result<(), ()>>),
                );
            }
            "SetOnce::wait" => {
                let once = SetOnce::<()>::new();
                once.wait().await;
            }
        };
        check(first, rows, line!()).await;
    });
}

#[test]
fn a_wait_for_a_message_or_for_room_shows_its_place() {
    on_two_workers(async {
        let first = line!();
        let rows = rows! {
            "Queue::put" => {
                let queue = Queue::new(1);
                queue.put(1).await.unwrap();
                queue.put(2).await.unwrap()
            }
            "Queue::get" => { Queue::<()>::new(1).get().await }
            "Queue::join" => {
                let queue = Queue::new(1);
                queue.put(1).await.unwrap();
                queue.join().await
            }
            "mpsc::Sender::send" => {
                let (sender, _receiver) = mpsc::channel(1);
                sender.try_send(1).unwrap();
                sender.send(2).await
            }
            "mpsc::Sender::reserve" => {
                let (sender, _receiver) = mpsc::channel(1);
                sender.try_send(1).unwrap();
                drop(sender.reserve().await)
            }
            "mpsc::Sender::send" => {
                let (sender, _receiver) = mpsc::channel(1);
                sender.try_send(1).unwrap();
                sender.send_timeout(2, Duration::from_secs(3600)).await
            }
            "mpsc::Sender::reserve" => {
                let (sender, _receiver) = mpsc::channel(2);
                sender.try_send(1).unwrap();
                sender.reserve_many(2).await.map(drop)
            }
            "mpsc::Sender::reserve" => {
                let (sender, _receiver) = mpsc::channel(1);
                sender.try_send(1).unwrap();
                drop(sender.reserve_owned().await)
            }
            "mpsc::Sender::closed" => {
                let (sender, _receiver) = mpsc::unbounded_channel::<()>();
                sender.closed().await
            }
            "mpsc::Sender::closed" => {
                let (sender, _receiver) = mpsc::channel::<()>(1);
                sender.closed().await
            }
            "mpsc::Receiver::recv" => {
                let (_sender, mut receiver) = mpsc::channel::<()>(1);
                receiver.recv().await
            }
            "mpsc::Receiver::recv" => {
                let (_sender, mut receiver) = mpsc::unbounded_channel::<()>();
                receiver.recv().await
            }
            "mpsc::Receiver::recv_many" => {
                let (_sender, mut receiver) = mpsc::channel::<()>(1);
                receiver.recv_many(&mut Vec::new(), 8).await
            }
            "oneshot::Receiver" => {
                // The place is that of the channel: to await the receiver is no call.
                let (_sender, receiver) = oneshot::channel::<()>();
                receiver.await
            }
            "oneshot::Sender::closed" => {
                let (mut sender, _receiver) = oneshot::channel::<()>();
                sender.closed().await
            }
            "watch::Receiver::changed" => {
                let (_sender, mut receiver) = watch::channel(1);
                receiver.changed().await
            }
            "watch::Receiver::wait_for" => {
                let (_sender, mut receiver) = watch::channel(1);
                drop(receiver.wait_for(|n| *n == 2).await)
            }
            "watch::Sender::closed" => {
                let (sender, _receiver) = watch::channel(1);
                sender.closed().await
            }
            "broadcast::Receiver::recv" => {
                let (_sender, mut receiver) = broadcast::channel::<()>(1);
                receiver.recv().await
            }
            "broadcast::Sender::closed" => {
                let (sender, _receiver) = broadcast::channel::<()>(1);
                sender.closed().await
            }
        };
        check(first, rows, line!()).await;
    });
}

#[test]
fn a_wait_for_time_or_for_tasks_shows_its_place() {
    on_two_workers(async {
        let hour = Duration::from_secs(3600);
        let later = time::Instant::now() + hour;
        let (_kept, mut foreign) = tokio::sync::mpsc::unbounded_channel::<()>();
        let first = line!();
        let rows = rows! {
            "sleep" => { time::sleep(hour).await }
            "sleep" => { time::sleep_until(later).await }
            "Interval::tick" => {
                let mut ticks = time::interval_at(later, hour);
                ticks.tick().await
            }
            // With a time-out it still waits for what is inside.
            "Notify::notified" => { time::timeout(hour, Notify::new().notified()).await }
            "sleep" => { time::timeout_at(later, time::sleep(hour)).await }
            // Unless that is none of ours, or none any more.
            "timeout" => { time::timeout(hour, pending::<()>()).await }
            "timeout" => { time::timeout_at(later, foreign.recv()).await }
            "timeout" => {
                let parts = async {
                    heist::spawn(task::yield_now()).await.unwrap();
                    pending::<()>().await
                };
                time::timeout(hour, parts).await
            }
            // What comes afterwards, and what is beside it, have their own.
            "sleep" => {
                let (sender, receiver) = tokio::sync::oneshot::channel();
                let sending = async move {
                    task::yield_now().await;
                    sender.send(()).unwrap();
                };
                drop(heist::spawn(sending));
                time::timeout(hour, receiver).await.unwrap().unwrap();
                time::sleep(hour).await
            }
            "Notify::notified" => {
                let word = Notify::new();
                heist::join!(time::timeout(hour, pending::<()>()), word.notified())
            }
            "JoinHandle" => { heist::spawn(pending::<()>()).await }
            "JoinSet::join_next" => {
                let mut set = JoinSet::new();
                set.spawn(pending::<()>());
                set.join_next().await
            }
            "gather" => { task::gather([pending::<()>()]).await }
            "as_completed" => { task::as_completed([pending::<()>()]).next().await }
            "wait" => { task::wait([heist::spawn(pending::<()>())], When::All, None).await }
        };
        check(first, rows, line!()).await;
    });
}

#[test]
fn a_wait_for_a_socket_shows_its_place() {
    on_two_workers(async {
        let tcp = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let addr = tcp.local_addr().unwrap();
        let connect = async || TcpStream::connect(addr).await.unwrap();
        let [reader, peeker, readable, split] =
            [connect().await, connect().await, connect().await, connect().await];
        let [udp, peeking] = [0, 0].map(|_| UdpSocket::bind("127.0.0.1:0"));
        let (udp, peeking) = (udp.await.unwrap(), peeking.await.unwrap());
        let path = std::env::temp_dir().join(format!("heist-waits-{}", std::process::id()));
        let unix = UnixListener::bind(&path).unwrap();
        std::fs::remove_file(&path).unwrap();
        let more_than_fits = vec![0; 64 << 20];
        let first = line!();
        let rows = rows! {
            "TcpListener::accept" => {
                // Those have come already, and then nobody does.
                let mut peers = Vec::new();
                for _ in 0..4 {
                    peers.push(tcp.accept().await.unwrap());
                }
                tcp.accept().await
            }
            "TcpStream::read" => { reader.read(&mut [0; 8]).await }
            "TcpStream::peek" => { peeker.peek(&mut [0; 8]).await }
            "readable" => {
                let _ = readable.try_read(&mut [0; 8]);
                readable.readable().await
            }
            "OwnedReadHalf::read" => {
                let (read, _write) = split.into_split();
                read.read(&mut [0; 8]).await
            }
            "UdpSocket::recv" => { udp.recv_from(&mut [0; 8]).await }
            "UdpSocket::recv" => { peeking.peek_from(&mut [0; 8]).await }
            "UnixListener::accept" => { unix.accept().await }
            "UnixStream::read" => {
                let (a, _b) = UnixStream::pair().unwrap();
                a.read_exact(&mut [0; 8]).await
            }
            "UnixStream::write" => {
                let (a, _b) = UnixStream::pair().unwrap();
                a.write_all(&more_than_fits).await
            }
            "UnixDatagram::recv" => {
                let (a, _b) = UnixDatagram::pair().unwrap();
                a.recv(&mut [0; 8]).await
            }
            "pipe::Receiver::read" => {
                let (_sender, receiver) = pipe().unwrap();
                receiver.read(&mut [0; 8]).await
            }
            "Async::read_with" => {
                let (a, _b) = std::os::unix::net::UnixStream::pair().unwrap();
                let a = Async::new(a).unwrap();
                a.read_with(|mut a| a.read(&mut [0; 8])).await
            }
            "AsyncFd::ready" => {
                let (a, _b) = std::os::unix::net::UnixStream::pair().unwrap();
                let a = AsyncFd::with_interest(a, Interest::READABLE).unwrap();
                drop(a.readable().await)
            }
        };
        check(first, rows, line!()).await;
    });
}

#[test]
fn a_wait_for_a_child_or_a_signal_shows_its_place() {
    on_two_workers(async {
        let endless = || Command::new("sleep").arg("3600").kill_on_drop(true).spawn().unwrap();
        let (mut child, output) = (endless(), endless());
        let first = line!();
        let rows = rows! {
            "Child::wait" => { child.wait().await }
            "Child::wait" => { output.wait_with_output().await }
            "ChildStdout::read" => {
                let mut cat = Command::new("cat");
                cat.stdin(std::process::Stdio::piped()).stdout(std::process::Stdio::piped());
                let mut cat = cat.kill_on_drop(true).spawn().unwrap();
                let _held = cat.stdin.take();
                cat.stdout.take().unwrap().read(&mut [0; 8]).await
            }
            "Signal::recv" => {
                let mut signal = signals::signal(signals::SignalKind::user_defined1()).unwrap();
                signal.recv().await
            }
            "ctrl_c" => { ctrl_c().await }
        };
        check(first, rows, line!()).await;
    });
}

/// A stream of another house, of which nothing ever comes, and which takes nothing.
struct Stuck;

impl AsyncRead for Stuck {
    fn poll_read(
        self: Pin<&mut Self>,
        _: &mut Context<'_>,
        _: &mut [u8],
    ) -> Poll<io::Result<usize>> {
        Poll::Pending
    }
}

impl AsyncBufRead for Stuck {
    fn poll_fill_buf(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<&[u8]>> {
        Poll::Pending
    }

    fn consume(self: Pin<&mut Self>, _: usize) {}
}

impl AsyncWrite for Stuck {
    fn poll_write(self: Pin<&mut Self>, _: &mut Context<'_>, _: &[u8]) -> Poll<io::Result<usize>> {
        Poll::Pending
    }

    fn poll_flush(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Pending
    }

    fn poll_close(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Pending
    }
}

#[test]
fn a_wait_for_a_stream_of_another_house_shows_its_place() {
    on_two_workers(async {
        let first = line!();
        let rows = rows! {
            "AsyncReadExt::read" => { Stuck.read(&mut [0; 8]).await }
            "AsyncReadExt::read_exact" => { Stuck.read_exact(&mut [0; 8]).await }
            "AsyncReadExt::read_to_end" => { Stuck.read_to_end(&mut Vec::new()).await }
            "AsyncReadExt::read_u32" => { Stuck.read_u32().await }
            "AsyncBufReadExt::read_line" => { Stuck.read_line(&mut String::new()).await }
            "Lines::next_line" => { Stuck.lines().next_line().await }
            "Split::next_segment" => { Stuck.split(b',').next_segment().await }
            "AsyncWriteExt::write_all" => { Stuck.write_all(b"text").await }
            "AsyncWriteExt::write_u32" => { Stuck.write_u32(1).await }
            "AsyncWriteExt::flush" => { Stuck.flush().await }
            "AsyncWriteExt::shutdown" => { Stuck.shutdown().await }
            // Of one of ours it is that which waits, at the place where it was made.
            "DuplexStream::read" => {
                let (mut near, _far) = heist::io::duplex(8);
                AsyncReadExt::read(&mut near, &mut [0; 8]).await
            }
        };
        check(first, rows, line!()).await;
    });
}

/// A thread that waits is no quiet, so these are looked at until they show.
#[test]
fn a_wait_for_blocking_work_or_a_file_shows_its_place() {
    on_two_workers(async {
        let path = std::env::temp_dir().join(format!("heist-waits-fifo-{}", std::process::id()));
        let name = std::ffi::CString::new(path.as_os_str().as_bytes()).unwrap();
        // SAFETY: a path that ends with a zero byte.
        let made = unsafe { libc::mkfifo(name.as_ptr(), 0o600) };
        assert_eq!(made, 0, "{}", std::io::Error::last_os_error());
        let (release, held) = std::sync::mpsc::channel::<()>();
        let first = line!();
        let job = heist::spawn(async move {
            let job = task::spawn_blocking(move || held.recv());
            job.await.unwrap().unwrap_err();
        });
        let pool = task::BlockingPool::builder("waits").max_threads(1).max_queued(0).build();
        let room = heist::spawn(async move {
            let (release, held) = std::sync::mpsc::channel::<()>();
            let busy = pool.spawn(move || held.recv()).await;
            let third = pool.spawn(|| ());
            drop((third.await, busy, release));
        });
        // Nobody writes to it yet.
        let from = path.clone();
        let reading = heist::spawn(async move {
            assert_eq!(heist::fs::read(from).await.unwrap(), b"at last");
        });
        let lines = first + 1..line!();
        let rows = [("JoinHandle", &job), ("BlockingPool::spawn", &room), ("fs::read", &reading)];
        for (operation, task) in rows {
            let shows = || site_of(task).is_some_and(|site| site.operation == operation);
            eventually(operation, shows).await;
            let site = site_of(task).unwrap();
            assert_eq!(site.location.file(), file!());
            assert!(lines.contains(&site.location.line()), "{site:?}");
        }
        drop(release);
        room.abort();
        let _ = room.await;
        std::fs::write(&path, b"at last").unwrap();
        std::fs::remove_file(&path).unwrap();
        job.await.unwrap();
        reading.await.unwrap();
    });
}
