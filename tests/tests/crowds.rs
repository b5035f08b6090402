//! Very many at once: timers of one instant, connections, tasks, runtimes. None is lost, and when they
//! are gone nothing of them is left.

use std::net::SocketAddr;
use std::process::Stdio;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use heist::net::{TcpListener, TcpStream};
use heist::sync::{Event, Notify};
use heist_tests::{descriptors, eventually, in_own_process, on_two_workers};
use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

#[test]
fn a_hundred_thousand_timers_of_one_instant_all_fire() {
    on_two_workers(async {
        let metrics = heist::runtime::Handle::current().metrics();
        let at = heist::time::Instant::now() + Duration::from_millis(700);
        let fired = Arc::new(AtomicUsize::new(0));
        let tasks: Vec<_> = (0..100_000)
            .map(|_| {
                let fired = fired.clone();
                heist::spawn(async move {
                    heist::time::sleep_until(at).await;
                    assert!(heist::time::Instant::now() >= at, "too early");
                    fired.fetch_add(1, Ordering::Relaxed);
                })
            })
            .collect();
        for task in tasks {
            task.await.unwrap();
        }
        assert_eq!(fired.load(Ordering::Relaxed), 100_000);
        assert_eq!(metrics.num_timers(), 0);
        eventually("every task has gone", || metrics.num_alive_tasks() == 0).await;
    });
}

#[test]
fn a_hundred_thousand_timers_are_dropped_before_their_time() {
    on_two_workers(async {
        let metrics = heist::runtime::Handle::current().metrics();
        let tasks: Vec<_> = (0..100_000u64)
            .map(|n| heist::spawn(heist::time::sleep(Duration::from_millis(60_000 + n % 1000))))
            .collect();
        eventually("all wait", || metrics.num_timers() == 100_000).await;
        for task in &tasks {
            task.abort();
        }
        for task in tasks {
            assert!(task.await.unwrap_err().is_cancelled());
        }
        assert_eq!(metrics.num_timers(), 0);
    });
}

#[test]
fn a_million_tasks_are_there_at_one_time_and_all_are_woken() {
    const TASKS: usize = 1_000_000;
    // What they take goes back to the system with the process.
    if !in_own_process("a_million_tasks_are_there_at_one_time_and_all_are_woken") {
        return;
    }
    on_two_workers(async {
        let metrics = heist::runtime::Handle::current().metrics();
        let (go, ran) = (Arc::new(Notify::new()), Arc::new(AtomicUsize::new(0)));
        for _ in 0..TASKS {
            let (go, ran) = (go.clone().notified_owned(), ran.clone());
            heist::spawn(async move {
                go.await;
                ran.fetch_add(1, Ordering::Relaxed);
            });
        }
        assert_eq!(metrics.num_alive_tasks(), TASKS);
        // Whoever has not been polled by then began to wait when it was made.
        go.notify_waiters();
        eventually("every task has gone", || metrics.num_alive_tasks() == 0).await;
        assert_eq!(ran.load(Ordering::Relaxed), TASKS);
    });
}

/// In the environment of the process that makes the connections: where to.
const CLIENT: &str = "HEIST_TEST_CLIENT_OF";

/// Asks for as many descriptors as there may be, and says how many that is.
fn many_descriptors() -> usize {
    let limits = getrlimit(Resource::Nofile);
    setrlimit(Resource::Nofile, Rlimit { current: limits.maximum, ..limits }).unwrap();
    limits.maximum.map_or(usize::MAX, |n| n as usize)
}

const CONNECTIONS: usize = 10_000;

/// Connects as often as that, says a byte on each connection when all are there, and reads the end.
fn be_client(addr: SocketAddr, connections: usize) {
    on_two_workers(async {
        let mut streams = Vec::new();
        for _ in 0..connections {
            streams.push(TcpStream::connect(addr).await.unwrap());
        }
        let talks = streams.into_iter().map(|stream| {
            heist::spawn(async move {
                stream.write_all(b"x").await.unwrap();
                let mut answer = [0; 2];
                stream.read_exact(&mut answer).await.unwrap();
                assert_eq!(stream.read(&mut answer).await.unwrap(), 0);
            })
        });
        for talk in talks.collect::<Vec<_>>() {
            talk.await.unwrap();
        }
    });
}

#[test]
fn ten_thousand_connections_at_once_are_all_served() {
    const TEST: &str = "ten_thousand_connections_at_once_are_all_served";
    if let Ok(client) = std::env::var(CLIENT) {
        many_descriptors();
        let (addr, connections) = client.split_once(' ').unwrap();
        return be_client(addr.parse().unwrap(), connections.parse().unwrap());
    }
    if !in_own_process(TEST) {
        return;
    }
    // Here and in the client there are a few descriptors beside the connections'.
    let connections = CONNECTIONS.min(many_descriptors() - 200);
    on_two_workers(async move {
        let metrics = heist::runtime::Handle::current().metrics();
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let addr = listener.local_addr().unwrap();
        let before = descriptors();
        let mut client = std::process::Command::new(std::env::current_exe().unwrap())
            .args([TEST, "--exact", "--test-threads=1"])
            .env(CLIENT, format!("{addr} {connections}"))
            .stdout(Stdio::null())
            .spawn()
            .unwrap();
        let mut sessions = Vec::new();
        let all_here = Arc::new(Event::new());
        for _ in 0..connections {
            let (stream, _) = listener.accept().await.unwrap();
            let all_here = all_here.clone();
            sessions.push(heist::spawn(async move {
                all_here.wait().await;
                let mut word = [0];
                stream.read_exact(&mut word).await.unwrap();
                stream.write_all(b"ok").await.unwrap();
            }));
        }
        assert_eq!(metrics.num_io_sources(), connections + 1, "they are there at one time");
        all_here.set();
        for session in sessions {
            session.await.unwrap();
        }
        let status = heist::task::spawn_blocking(move || client.wait().unwrap()).await.unwrap();
        assert!(status.success());
        assert_eq!(metrics.num_io_sources(), 1, "the listener");
        eventually("the client's descriptors have gone", || descriptors() <= before + 1).await;
    });
}

#[test]
fn a_storm_of_connections_beyond_the_backlog_is_survived() {
    on_two_workers(async {
        let socket = heist::net::TcpSocket::new_v4().unwrap();
        socket.bind("127.0.0.1:0".parse().unwrap()).unwrap();
        let listener = socket.listen(8).unwrap();
        let addr = listener.local_addr().unwrap();
        let metrics = heist::runtime::Handle::current().metrics();
        // The system drops what is beyond the backlog, and the clients try again after a second.
        let clients: Vec<_> = (0..60)
            .map(|_| {
                heist::spawn(async move {
                    let stream = TcpStream::connect(addr).await.unwrap();
                    // Whoever was dropped is connected by his own account, until he speaks.
                    stream.write_all(b"x").await.unwrap();
                    let mut byte = [0];
                    stream.read_exact(&mut byte).await.unwrap();
                    // A reset leaves no port behind that nobody can use for a minute.
                    stream.set_linger(Some(Duration::ZERO)).unwrap();
                })
            })
            .collect();
        let server = heist::spawn(async move {
            loop {
                let (stream, _) = listener.accept().await.unwrap();
                heist::spawn(async move {
                    let mut byte = [0];
                    while let Ok(1) = stream.read(&mut byte).await {
                        let _ = stream.write_all(&byte).await;
                    }
                });
            }
        });
        for client in clients {
            client.await.unwrap();
        }
        server.abort();
        eventually("nothing is open", || metrics.num_io_sources() == 0).await;
    });
}
