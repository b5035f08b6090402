//! Sockets, as their users see them: streams end, peers vanish, errors say what is wrong.

use std::io::{self, Read, Write};
use std::sync::Arc;
use std::time::Duration;

use heist::io::Interest;
use heist::net::{TcpListener, TcpSocket, TcpStream, UdpSocket, UnixListener, UnixStream};
use heist::task::TaskInfo;
use heist::time::Instant;
use heist_tests::{eventually, on_two_workers, two_workers};

async fn echo(listener: TcpListener) -> io::Result<()> {
    loop {
        let (stream, _) = listener.accept().await?;
        heist::spawn(async move {
            let mut buffer = [0; 4096];
            loop {
                match stream.read(&mut buffer).await {
                    Ok(0) | Err(_) => return,
                    Ok(n) if stream.write_all(&buffer[..n]).await.is_err() => return,
                    Ok(_) => {}
                }
            }
        });
    }
}

async fn listener() -> (TcpListener, std::net::SocketAddr) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let addr = listener.local_addr().unwrap();
    (listener, addr)
}

#[test]
fn a_thousand_connections_echo() {
    on_two_workers(async {
        let (listener, addr) = listener().await;
        let server = heist::spawn(echo(listener));
        let clients: Vec<_> = (0..500u32)
            .map(|n| {
                heist::spawn(async move {
                    let stream = TcpStream::connect(addr).await?;
                    for round in 0..10u32 {
                        let sent = (n * 100 + round).to_le_bytes();
                        stream.write_all(&sent).await?;
                        let mut got = [0; 4];
                        stream.read_exact(&mut got).await?;
                        assert_eq!(got, sent);
                    }
                    io::Result::Ok(())
                })
            })
            .collect();
        for client in clients {
            client.await.unwrap().unwrap();
        }
        server.abort();
        let metrics = heist::runtime::Handle::current().metrics();
        eventually("every socket is closed", || metrics.num_io_sources() == 0).await;
    });
}

#[test]
fn the_end_of_a_stream_is_seen_also_behind_a_short_read() {
    on_two_workers(async {
        for _ in 0..200 {
            let (listener, addr) = listener().await;
            let mut client = std::net::TcpStream::connect(addr).unwrap();
            // Data and end arrive before the server looks: one event tells of both.
            client.write_all(b"x").unwrap();
            client.shutdown(std::net::Shutdown::Write).unwrap();
            let (server, _) = listener.accept().await.unwrap();
            let mut buffer = [0; 64];
            assert_eq!(server.read(&mut buffer).await.unwrap(), 1);
            assert_eq!(server.read(&mut buffer).await.unwrap(), 0);
            server.write_all(b"still open this way").await.unwrap();
            drop(server);
            let mut rest = String::new();
            client.read_to_string(&mut rest).unwrap();
            assert_eq!(rest, "still open this way");
        }
    });
}

#[test]
fn a_connection_that_is_there_at_once_is_not_missed() {
    // On loopback a connection is often there before its socket is registered. Once the new socket
    // was marked as not yet writable after that, which wiped out the event that said so.
    on_two_workers(async {
        let (listener, addr) = listener().await;
        let accepting = heist::spawn(async move { while listener.accept().await.is_ok() {} });
        let clients: Vec<_> = (0..8)
            .map(|_| {
                heist::spawn(async move {
                    for _ in 0..300 {
                        let stream = TcpStream::connect(addr).await.unwrap();
                        stream.set_linger(Some(Duration::ZERO)).unwrap();
                    }
                })
            })
            .collect();
        for client in clients {
            client.await.unwrap();
        }
        accepting.abort();
    });
}

#[test]
fn much_data_flows_both_ways_at_once() {
    on_two_workers(async {
        const LEN: usize = 8 << 20;
        let (listener, addr) = listener().await;
        let (client, server) = heist::join!(TcpStream::connect(addr), listener.accept());
        let (client, (server, _)) = (client.unwrap(), server.unwrap());
        let pump = |stream: TcpStream| async move {
            let (mut read, mut write) = stream.into_split();
            let writer = heist::spawn(async move {
                let block = vec![7u8; 65536];
                for _ in 0..LEN / block.len() {
                    write.write_all(&block).await.unwrap();
                }
                write.shutdown().await.unwrap();
            });
            let mut total = 0;
            let mut buffer = vec![0; 65536];
            loop {
                match read.read(&mut buffer).await.unwrap() {
                    0 => break,
                    n => total += n,
                }
            }
            let _ = &mut read;
            writer.await.unwrap();
            total
        };
        let (a, b) = heist::join!(heist::spawn(pump(client)), heist::spawn(pump(server)));
        assert_eq!((a.unwrap(), b.unwrap()), (LEN, LEN));
    });
}

#[test]
fn errors_keep_their_kind_and_name_the_address() {
    on_two_workers(async {
        let (taken, addr) = listener().await;
        let error = TcpListener::bind(addr).await.unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::AddrInUse);
        assert!(error.to_string().contains(&addr.to_string()), "{error}");
        drop(taken);
        // Bound, so that nobody else gets the port, and not listening.
        let closed = TcpSocket::new_v4().unwrap();
        closed.bind("127.0.0.1:0".parse().unwrap()).unwrap();
        let addr = closed.local_addr().unwrap();
        let error = TcpStream::connect(addr).await.unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::ConnectionRefused);
        assert!(error.to_string().contains(&addr.to_string()), "{error}");
        for wrong in ["localhost", "127.0.0.1:99999", "127.0.0.1:", ":80", ""] {
            let error = TcpListener::bind(wrong).await.unwrap_err();
            assert_eq!(error.kind(), io::ErrorKind::InvalidInput, "{wrong}");
            assert!(error.to_string().contains("expected `host:port`"), "{error}");
        }
    });
}

#[test]
fn a_name_is_looked_up() {
    on_two_workers(async {
        let addrs: Vec<_> = heist::net::lookup_host("localhost:80").await.unwrap().collect();
        assert!(addrs.iter().all(|addr| addr.port() == 80 && addr.ip().is_loopback()));
        assert!(!addrs.is_empty());
    });
}

#[test]
fn a_dropped_read_takes_nothing() {
    on_two_workers(async {
        let (listener, addr) = listener().await;
        let (client, server) = heist::join!(TcpStream::connect(addr), listener.accept());
        let (client, (server, _)) = (client.unwrap(), server.unwrap());
        let mut buffer = [0; 8];
        for _ in 0..50 {
            let read = server.read(&mut buffer);
            assert!(heist::time::timeout(Duration::from_micros(100), read).await.is_err());
        }
        client.write_all(b"12345678").await.unwrap();
        server.read_exact(&mut buffer).await.unwrap();
        assert_eq!(&buffer, b"12345678");
    });
}

#[test]
fn many_tasks_wait_for_one_udp_socket() {
    on_two_workers(async {
        let socket = Arc::new(UdpSocket::bind("127.0.0.1:0").await.unwrap());
        let addr = socket.local_addr().unwrap();
        let receivers: Vec<_> = (0..20)
            .map(|_| {
                let socket = socket.clone();
                heist::spawn(async move {
                    let mut buffer = [0; 16];
                    let (n, _) = socket.recv_from(&mut buffer).await.unwrap();
                    buffer[..n].to_vec()
                })
            })
            .collect();
        let sender = UdpSocket::bind("127.0.0.1:0").await.unwrap();
        for n in 0..20u8 {
            sender.send_to(&[n], addr).await.unwrap();
        }
        let mut seen = Vec::new();
        for receiver in receivers {
            seen.push(receiver.await.unwrap()[0]);
        }
        seen.sort_unstable();
        assert_eq!(seen, (0..20).collect::<Vec<_>>());
    });
}

#[test]
fn unix_sockets_connect_by_path() {
    on_two_workers(async {
        let path = std::env::temp_dir().join(format!("heist-test-{}.sock", std::process::id()));
        let _ = std::fs::remove_file(&path);
        let listener = UnixListener::bind(&path).unwrap();
        assert_eq!(UnixListener::bind(&path).unwrap_err().kind(), io::ErrorKind::AddrInUse);
        let (client, server) = heist::join!(UnixStream::connect(&path), listener.accept());
        let (client, (server, _)) = (client.unwrap(), server.unwrap());
        client.write_all(b"hello").await.unwrap();
        client.shutdown().await.unwrap();
        let mut buffer = [0; 16];
        assert_eq!(server.read(&mut buffer).await.unwrap(), 5);
        assert_eq!(server.read(&mut buffer).await.unwrap(), 0);
        #[cfg(target_os = "linux")]
        assert_eq!(server.peer_cred().unwrap().pid(), Some(std::process::id() as i32));
        std::fs::remove_file(&path).unwrap();
    });
}

#[test]
fn a_regular_file_is_refused_with_advice() {
    on_two_workers(async {
        let file = std::fs::File::open(std::env::current_exe().unwrap()).unwrap();
        let error = heist::io::Async::new(file).unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::PermissionDenied);
        assert!(error.to_string().contains("spawn_blocking"), "{error}");
    });
}

#[test]
fn sockets_that_outlive_their_runtime_fail_and_do_not_hang() {
    let runtime = two_workers();
    let (client, server) = runtime.block_on(async {
        let (listener, addr) = listener().await;
        let (client, server) = heist::join!(TcpStream::connect(addr), listener.accept());
        (client.unwrap(), server.unwrap().0)
    });
    drop(runtime);
    let error = futures_lite::future::block_on(client.read(&mut [0; 8])).unwrap_err();
    assert!(error.to_string().contains("has shut down"), "{error}");
    drop((client, server));
}

#[test]
fn half_closed_and_reset_connections_end_their_tasks() {
    on_two_workers(async {
        let (listener, addr) = listener().await;
        let client = TcpStream::connect(addr).await.unwrap();
        let (server, _) = listener.accept().await.unwrap();
        let reader = heist::spawn(async move { server.read(&mut [0; 8]).await });
        client.set_linger(Some(Duration::ZERO)).unwrap();
        drop(client);
        let error = reader.await.unwrap().unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::ConnectionReset);
    });
}

#[test]
fn a_wait_for_readiness_is_shown_under_its_own_name() {
    on_two_workers(async {
        let (near, _far) = UnixStream::pair().unwrap();
        let line = line!() + 3;
        let waiter = heist::spawn(async move {
            near.try_read(&mut [0; 1]).unwrap_err();
            near.ready(Interest::READABLE).await
        });
        let site = |task: TaskInfo| task.waits_in().filter(|_| task.id() == waiter.id());
        let mut found = None;
        eventually("it waits", || {
            found = heist::task::all().into_iter().find_map(site);
            found.is_some()
        })
        .await;
        let site = found.unwrap();
        assert_eq!((site.operation, site.location.line()), ("ready", line));
        waiter.abort();
    });
}

#[cfg(target_os = "linux")]
#[test]
fn an_accept_loop_survives_running_out_of_descriptors() {
    if !heist_tests::in_own_process("an_accept_loop_survives_running_out_of_descriptors") {
        return;
    }
    use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
    on_two_workers(async {
        let (listener, addr) = listener().await;
        let clients: Vec<_> = (0..4).map(|_| std::net::TcpStream::connect(addr).unwrap()).collect();
        let before = getrlimit(Resource::Nofile);
        let current = heist_tests::descriptors() as u64;
        setrlimit(Resource::Nofile, Rlimit { current: Some(current), maximum: before.maximum })
            .unwrap();
        let mut accepted = Vec::new();
        let error = loop {
            match listener.accept().await {
                Ok((stream, _)) => accepted.push(stream),
                Err(error) => break error,
            }
        };
        assert_eq!(error.raw_os_error(), Some(rustix::io::Errno::MFILE.raw_os_error()));
        setrlimit(Resource::Nofile, before).unwrap();
        while accepted.len() < clients.len() {
            accepted.push(listener.accept().await.unwrap().0);
        }
    });
}

#[cfg(target_os = "linux")]
#[test]
fn poll_accept_is_late_with_the_news_that_descriptors_have_run_out() {
    use std::future::poll_fn;

    if !heist_tests::in_own_process(
        "poll_accept_is_late_with_the_news_that_descriptors_have_run_out",
    ) {
        return;
    }
    use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
    let late = Duration::from_millis(100);
    // The clock stands still but for the pause.
    let mut builder = heist::runtime::Builder::new_current_thread();
    let runtime = builder.start_paused(true).build().unwrap();
    heist::__private::block_on_with_timeout(&runtime, 60_000, async {
        let (tcp, addr) = listener().await;
        let address = format!("\0heist-poll-accept-{}", std::process::id());
        let unix = UnixListener::bind(&address).unwrap();
        let name = unix.local_addr().unwrap();
        let clients: Vec<_> = (0..4).map(|_| std::net::TcpStream::connect(addr).unwrap()).collect();
        let _local = std::os::unix::net::UnixStream::connect_addr(&name).unwrap();
        let before = getrlimit(Resource::Nofile);
        let current = heist_tests::descriptors() as u64;
        setrlimit(Resource::Nofile, Rlimit { current: Some(current), maximum: before.maximum })
            .unwrap();
        let start = Instant::now();
        let mut accepted = Vec::new();
        let error = loop {
            match poll_fn(|cx| tcp.poll_accept(cx)).await {
                Ok((stream, _)) => accepted.push(stream),
                Err(error) => break error,
            }
        };
        assert_eq!(error.raw_os_error(), Some(rustix::io::Errno::MFILE.raw_os_error()));
        assert!(start.elapsed() >= late);
        let start = Instant::now();
        let error = poll_fn(|cx| unix.poll_accept(cx)).await.unwrap_err();
        assert_eq!(error.raw_os_error(), Some(rustix::io::Errno::MFILE.raw_os_error()));
        assert!(start.elapsed() >= late);
        setrlimit(Resource::Nofile, before).unwrap();
        while accepted.len() < clients.len() {
            accepted.push(poll_fn(|cx| tcp.poll_accept(cx)).await.unwrap().0);
        }
        poll_fn(|cx| unix.poll_accept(cx)).await.unwrap();
    });
}
