//! Connections come about: by the first address that answers, by name, and when descriptors run out.

use std::io;
use std::net::SocketAddr;
use std::time::{Duration, Instant};

use heist::net::{TcpListener, TcpSocket, TcpStream, lookup_host};
use heist_tests::on_two_workers;

/// A listener that answers no attempt to connect any more, as its backlog is full, and what fills it.
async fn silent() -> (SocketAddr, TcpListener, Vec<TcpStream>) {
    let socket = TcpSocket::new_v4().unwrap();
    socket.bind("127.0.0.1:0".parse().unwrap()).unwrap();
    let addr = socket.local_addr().unwrap();
    let listener = socket.listen(0).unwrap();
    let mut filling = Vec::new();
    let patience = Duration::from_millis(400);
    while let Ok(stream) = heist::time::timeout(patience, TcpStream::connect(addr)).await {
        filling.push(stream.unwrap());
    }
    (addr, listener, filling)
}

#[cfg(target_os = "linux")]
#[test]
fn an_address_that_does_not_answer_costs_a_quarter_of_a_second() {
    on_two_workers(async {
        let (mute, _listener, _filling) = silent().await;
        let good = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let good_addr = good.local_addr().unwrap();
        let start = Instant::now();
        let stream = TcpStream::connect(&[mute, mute, good_addr][..]).await.unwrap();
        assert_eq!(stream.peer_addr().unwrap(), good_addr);
        assert!(start.elapsed() >= Duration::from_millis(490), "{:?}", start.elapsed());
        assert!(start.elapsed() < Duration::from_secs(30), "{:?}", start.elapsed());
    });
}

#[test]
fn an_address_that_refuses_is_passed_over() {
    on_two_workers(async {
        // Bound, so that nobody else gets the port, and not listening.
        let closed = TcpSocket::new_v4().unwrap();
        closed.bind("127.0.0.1:0".parse().unwrap()).unwrap();
        let closed_addr = closed.local_addr().unwrap();
        let good = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let good_addr = good.local_addr().unwrap();
        let stream = TcpStream::connect(&[closed_addr, good_addr][..]).await.unwrap();
        assert_eq!(stream.peer_addr().unwrap(), good_addr);
        let error = TcpStream::connect(&[closed_addr, closed_addr][..]).await.unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::ConnectionRefused);
        let error = TcpStream::connect(&[][..]).await.unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::InvalidInput);
    });
}

#[test]
fn a_socket_connects_from_the_address_that_it_was_bound_to() {
    on_two_workers(async {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let addr = listener.local_addr().unwrap();
        // On Linux the whole network is this machine, so an address that nobody takes unasked.
        let from = if cfg!(target_os = "linux") { "127.0.0.2:0" } else { "127.0.0.1:0" };
        let from: SocketAddr = from.parse().unwrap();
        let socket = TcpSocket::new_v4().unwrap();
        socket.bind(from).unwrap();
        let bound = socket.local_addr().unwrap();
        assert!(bound.ip() == from.ip() && bound.port() != 0, "{bound}");
        let (stream, accepted) = heist::join!(socket.connect(addr), listener.accept());
        let (stream, (accepted, peer)) = (stream.unwrap(), accepted.unwrap());
        assert_eq!((stream.local_addr().unwrap(), stream.peer_addr().unwrap()), (bound, addr));
        assert_eq!((accepted.peer_addr().unwrap(), peer), (bound, bound));
    });
}

#[cfg(target_os = "linux")]
#[test]
fn a_dropped_race_closes_its_attempts() {
    on_two_workers(async {
        let (mute, listener, filling) = silent().await;
        let metrics = heist::runtime::Handle::current().metrics();
        let before = metrics.num_io_sources();
        let addrs = [mute, mute];
        let attempt = TcpStream::connect(&addrs[..]);
        assert!(heist::time::timeout(Duration::from_millis(300), attempt).await.is_err());
        assert_eq!(metrics.num_io_sources(), before);
        drop((listener, filling));
    });
}

#[test]
fn many_lookups_are_all_answered() {
    on_two_workers(async {
        let lookups: Vec<_> = (0..500)
            .map(|port| heist::spawn(async move { lookup_host(("localhost", port)).await }))
            .collect();
        for (port, lookup) in lookups.into_iter().enumerate() {
            let addrs: Vec<_> = lookup.await.unwrap().unwrap().collect();
            assert!(!addrs.is_empty());
            assert!(addrs.iter().all(|addr| usize::from(addr.port()) == port));
        }
    });
}

#[test]
fn a_lookup_that_its_runtime_cannot_make_any_more_fails() {
    let runtime = heist_tests::two_workers();
    let handle = runtime.handle().clone();
    drop(runtime);
    let _entered = handle.enter();
    let Err(error) = futures_lite::future::block_on(lookup_host("localhost:80")) else {
        panic!("nobody can have looked it up")
    };
    assert!(error.to_string().contains("has shut down"), "{error}");
}

#[cfg(target_os = "linux")]
#[test]
fn an_accept_loop_without_descriptors_does_not_spin() {
    if !heist_tests::in_own_process("an_accept_loop_without_descriptors_does_not_spin") {
        return;
    }
    use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
    on_two_workers(async {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let addr = listener.local_addr().unwrap();
        let _client = std::net::TcpStream::connect(addr).unwrap();
        let before = getrlimit(Resource::Nofile);
        setrlimit(Resource::Nofile, Rlimit { current: Some(100), maximum: before.maximum })
            .unwrap();
        let mut filling = Vec::new();
        while let Ok(file) = std::fs::File::open("/dev/null") {
            filling.push(file);
        }
        let start = Instant::now();
        for _ in 0..3 {
            let error = listener.accept().await.unwrap_err();
            assert_eq!(error.raw_os_error(), Some(rustix::io::Errno::MFILE.raw_os_error()));
        }
        assert!(start.elapsed() >= Duration::from_millis(290), "{:?}", start.elapsed());
        filling.clear();
        listener.accept().await.unwrap();
    });
}
