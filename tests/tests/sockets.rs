//! Sockets in detail: halves, options, datagrams, credentials.

use std::io::{self, IoSliceMut};
use std::net::Ipv4Addr;
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use heist::io::{AsyncReadExt, AsyncWriteExt, Interest};
use heist::net::{
    TcpListener, TcpSocket, TcpStream, UdpSocket, UnixDatagram, UnixListener, UnixSocket,
    UnixStream,
};
use heist_tests::on_two_workers;

#[test]
fn halves_close_and_come_together_again() {
    on_two_workers(async {
        let (a, b) = UnixStream::pair().unwrap();
        let (mut read, write) = a.into_split();
        let (_, other) = UnixStream::pair().unwrap().0.into_split();
        let error = read.reunite(other).unwrap_err();
        read = error.0;
        let mut a = read.reunite(write).unwrap();
        {
            let (_read, mut write) = a.split();
            write.write_all(b"borrowed").await.unwrap();
        }
        let mut got = [0; 8];
        b.read_exact(&mut got).await.unwrap();
        assert_eq!(&got, b"borrowed");
        let (mut read, write) = a.into_split();
        drop(write);
        assert_eq!(b.read(&mut got).await.unwrap(), 0);
        b.write_all(b"still").await.unwrap();
        drop(b);
        let mut text = String::new();
        read.read_to_string(&mut text).await.unwrap();
        assert_eq!(text, "still");
    });
}

#[cfg(target_os = "linux")]
#[test]
fn a_peer_has_credentials() {
    on_two_workers(async {
        let (a, _b) = UnixStream::pair().unwrap();
        let peer = a.peer_cred().unwrap();
        assert_eq!(peer.pid(), Some(std::process::id() as i32));
        assert_eq!(peer.uid(), rustix::process::getuid().as_raw());
        assert_eq!(peer.gid(), rustix::process::getgid().as_raw());
    });
}

#[test]
fn options_are_those_that_were_set() {
    on_two_workers(async {
        let socket = TcpSocket::new_v4().unwrap();
        socket.set_reuseaddr(true).unwrap();
        socket.set_reuseport(true).unwrap();
        socket.set_keepalive(true).unwrap();
        socket.set_nodelay(true).unwrap();
        socket.set_linger(Some(Duration::from_secs(3))).unwrap();
        socket.set_tos_v4(16).unwrap();
        assert!(socket.reuseaddr().unwrap() && socket.reuseport().unwrap());
        assert!(socket.keepalive().unwrap() && socket.nodelay().unwrap());
        assert_eq!(socket.linger().unwrap(), Some(Duration::from_secs(3)));
        assert_eq!(socket.tos_v4().unwrap(), 16);
        assert!(socket.take_error().unwrap().is_none());

        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let stream = socket.connect(listener.local_addr().unwrap()).await.unwrap();
        assert!(stream.nodelay().unwrap());
        stream.set_zero_linger().unwrap();
        assert_eq!(stream.linger().unwrap(), Some(Duration::ZERO));
        let (accepted, _) = listener.accept().await.unwrap();
        drop(stream);
        let error = accepted.read(&mut [0]).await.unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::ConnectionReset);

        let socket = UdpSocket::bind("127.0.0.1:0").await.unwrap();
        socket.set_broadcast(true).unwrap();
        socket.set_ttl(7).unwrap();
        socket.set_multicast_ttl_v4(3).unwrap();
        socket.set_multicast_loop_v4(false).unwrap();
        assert!(socket.broadcast().unwrap() && !socket.multicast_loop_v4().unwrap());
        assert_eq!((socket.ttl().unwrap(), socket.multicast_ttl_v4().unwrap()), (7, 3));
    });
}

#[test]
fn datagrams_can_be_peeked_at() {
    on_two_workers(async {
        let (a, b) = heist::join!(UdpSocket::bind("127.0.0.1:0"), UdpSocket::bind("127.0.0.1:0"));
        let (a, b) = (a.unwrap(), b.unwrap());
        let mut buffer = [0; 8];
        let nothing = b.try_peek_from(&mut buffer).unwrap_err();
        assert_eq!(nothing.kind(), io::ErrorKind::WouldBlock);
        a.send_to(b"one", b.local_addr().unwrap()).await.unwrap();
        assert_eq!(b.peek_from(&mut buffer).await.unwrap(), (3, a.local_addr().unwrap()));
        assert_eq!(b.recv_from(&mut buffer).await.unwrap(), (3, a.local_addr().unwrap()));
        b.connect(a.local_addr().unwrap()).await.unwrap();
        a.connect(b.local_addr().unwrap()).await.unwrap();
        a.send(b"four").await.unwrap();
        assert_eq!(b.peek(&mut buffer).await.unwrap(), 4);
        assert_eq!(b.recv(&mut buffer).await.unwrap(), 4);
        assert_eq!(&buffer[..4], b"four");
    });
}

#[test]
fn a_multicast_group_is_joined_and_left() {
    on_two_workers(async {
        let group = Ipv4Addr::new(239, 255, 77, 1);
        let socket = UdpSocket::bind("0.0.0.0:0").await.unwrap();
        socket.join_multicast_v4(group, Ipv4Addr::LOCALHOST).unwrap();
        socket.join_multicast_v4(group, Ipv4Addr::LOCALHOST).unwrap_err();
        socket.leave_multicast_v4(group, Ipv4Addr::LOCALHOST).unwrap();
        socket.leave_multicast_v4(group, Ipv4Addr::LOCALHOST).unwrap_err();
    });
}

#[test]
fn unix_datagrams_go_without_waiting_where_they_can() {
    on_two_workers(async {
        let (a, b) = UnixDatagram::pair().unwrap();
        let mut buffer = [0; 8];
        assert_eq!(b.try_recv(&mut buffer).unwrap_err().kind(), io::ErrorKind::WouldBlock);
        assert_eq!(a.try_send(b"one").unwrap(), 3);
        b.readable().await.unwrap();
        assert_eq!(b.try_recv(&mut buffer).unwrap(), 3);
        let mut cx = Context::from_waker(Waker::noop());
        assert!(b.poll_recv(&mut cx, &mut buffer).is_pending());
        assert!(b.poll_recv_ready(&mut cx).is_pending());
        assert!(matches!(a.poll_send_ready(&mut cx), Poll::Ready(Ok(()))));
        assert!(matches!(a.poll_send(&mut cx, b"four"), Poll::Ready(Ok(4))));
        let got = std::future::poll_fn(|cx| b.poll_recv_from(cx, &mut buffer)).await;
        assert_eq!(got.unwrap().0, 4);
        let missing = std::future::poll_fn(|cx| a.poll_send_to(cx, b"x", "/nowhere")).await;
        assert!(missing.is_err());
        a.shutdown(std::net::Shutdown::Write).unwrap();
        assert_eq!(a.send(b"x").await.unwrap_err().kind(), io::ErrorKind::BrokenPipe);
    });
}

#[test]
fn an_operation_of_ones_own_waits_for_readiness() {
    on_two_workers(async {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let addr = listener.local_addr().unwrap();
        let (client, server) = heist::join!(TcpStream::connect(addr), listener.accept());
        let (client, (server, _)) = (client.unwrap(), server.unwrap());
        let mut peek = || {
            let mut buffer = [std::mem::MaybeUninit::uninit(); 4];
            let (peeked, _) =
                rustix::net::recv(&server, &mut buffer, rustix::net::RecvFlags::PEEK)?;
            Ok(peeked.0.to_vec())
        };
        let error = server.try_io(Interest::READABLE, &mut peek).unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::WouldBlock);
        client.write_all(b"abcd").await.unwrap();
        server.readable().await.unwrap();
        assert_eq!(server.try_io(Interest::READABLE, &mut peek).unwrap(), b"abcd");
    });
}

#[test]
fn an_operation_of_ones_own_is_waited_for() {
    on_two_workers(async {
        let (a, b) = UnixStream::pair().unwrap();
        let mut buffer = [0; 8];
        let read = b.async_io(Interest::READABLE, || Ok(rustix::io::read(&b, &mut buffer)?));
        let (read, written) = heist::join!(read, a.write(b"abcd"));
        assert_eq!((read.unwrap(), written.unwrap()), (4, 4));
        assert_eq!(&buffer[..4], b"abcd");

        let (a, b) = UnixDatagram::pair().unwrap();
        let read = b.async_io(Interest::READABLE, || Ok(rustix::io::read(&b, &mut buffer)?));
        let (read, written) = heist::join!(read, a.send(b"ef"));
        assert_eq!((read.unwrap(), written.unwrap()), (2, 2));
        let again = b.try_io(Interest::READABLE, || Ok(rustix::io::read(&b, &mut buffer)?));
        assert_eq!(again.unwrap_err().kind(), io::ErrorKind::WouldBlock);

        let (a, b) = heist::join!(UdpSocket::bind("127.0.0.1:0"), UdpSocket::bind("127.0.0.1:0"));
        let (a, b) = (a.unwrap(), b.unwrap());
        let read = b.async_io(Interest::READABLE, || Ok(rustix::io::read(&b, &mut buffer)?));
        let (read, written) = heist::join!(read, a.send_to(b"ghi", b.local_addr().unwrap()));
        assert_eq!((read.unwrap(), written.unwrap()), (3, 3));
    });
}

#[test]
fn one_read_fills_several_buffers() {
    on_two_workers(async {
        let (a, b) = UnixStream::pair().unwrap();
        let (mut first, mut second) = ([0; 2], [0; 4]);
        let mut bufs = [IoSliceMut::new(&mut first), IoSliceMut::new(&mut second)];
        let error = b.try_read_vectored(&mut bufs).unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::WouldBlock);
        a.write_all(b"hello").await.unwrap();
        b.readable().await.unwrap();
        assert_eq!(b.try_read_vectored(&mut bufs).unwrap(), 5);
        assert_eq!((&first, &second), (b"he", b"llo\0"));
    });
}

#[test]
fn a_unix_socket_is_bound_before_it_listens_connects_or_receives() {
    on_two_workers(async {
        let path =
            |name: &str| std::env::temp_dir().join(format!("heist-{name}-{}", std::process::id()));
        let (server, client) = (path("server"), path("client"));
        let socket = UnixSocket::new_stream().unwrap();
        socket.bind(&server).unwrap();
        let listener = socket.listen(16).unwrap();
        let taken = UnixSocket::new_stream().unwrap().bind(&server).unwrap_err();
        assert_eq!(taken.kind(), io::ErrorKind::AddrInUse);
        assert!(taken.to_string().contains(server.to_str().unwrap()), "{taken}");
        let socket = UnixSocket::new_stream().unwrap();
        socket.bind(&client).unwrap();
        let (stream, accepted) = heist::join!(socket.connect(&server), listener.accept());
        let (stream, (accepted, from)) = (stream.unwrap(), accepted.unwrap());
        assert_eq!(from.as_pathname(), Some(&*client));
        stream.write_all(b"x").await.unwrap();
        assert_eq!(accepted.read(&mut [0; 4]).await.unwrap(), 1);
        std::fs::remove_file(&client).unwrap();

        let socket = UnixSocket::new_datagram().unwrap();
        socket.bind(&client).unwrap();
        let datagrams = socket.datagram().unwrap();
        let sender = UnixDatagram::unbound().unwrap();
        sender.send_to(b"xy", &client).await.unwrap();
        assert_eq!(datagrams.recv(&mut [0; 4]).await.unwrap(), 2);
        for path in [server, client] {
            std::fs::remove_file(path).unwrap();
        }

        let wrong = UnixSocket::new_datagram().unwrap().listen(1).unwrap_err();
        assert_eq!(wrong.kind(), io::ErrorKind::InvalidInput);
        let wrong = UnixSocket::new_datagram().unwrap().connect("/nowhere").await.unwrap_err();
        assert_eq!(wrong.kind(), io::ErrorKind::InvalidInput);
        let wrong = UnixSocket::new_stream().unwrap().datagram().unwrap_err();
        assert_eq!(wrong.kind(), io::ErrorKind::InvalidInput);
        let missing = UnixSocket::new_stream().unwrap().connect("/nowhere").await.unwrap_err();
        assert_eq!(missing.kind(), io::ErrorKind::NotFound);
    });
}

#[cfg(target_os = "linux")]
#[test]
fn abstract_names_are_addresses_too() {
    use std::os::linux::net::SocketAddrExt;
    use std::os::unix::net::SocketAddr;
    on_two_workers(async {
        let name = format!("heist-abstract-{}", std::process::id());
        let listener = UnixListener::bind(format!("\0{name}")).unwrap();
        let addr = listener.local_addr().unwrap();
        assert_eq!(addr.as_abstract_name(), Some(name.as_bytes()));
        let (a, accepted) = heist::join!(UnixStream::connect_addr(&addr), listener.accept());
        a.unwrap().write_all(b"1").await.unwrap();
        assert_eq!(accepted.unwrap().0.read(&mut [0; 4]).await.unwrap(), 1);
        let (b, accepted) =
            heist::join!(UnixStream::connect(format!("\0{name}")), listener.accept());
        b.unwrap().write_all(b"22").await.unwrap();
        assert_eq!(accepted.unwrap().0.read(&mut [0; 4]).await.unwrap(), 2);
        let taken = UnixListener::bind_addr(&addr).unwrap_err();
        assert_eq!(taken.kind(), io::ErrorKind::AddrInUse);
        drop(listener);
        let refused = UnixStream::connect_addr(&addr).await.unwrap_err();
        assert_eq!(refused.kind(), io::ErrorKind::ConnectionRefused);
        assert!(refused.to_string().contains(&format!("@{name}")), "{refused}");
        let unnamed = UnixStream::pair().unwrap().0.local_addr().unwrap();
        let error = UnixStream::connect_addr(&unnamed).await.unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::InvalidInput);

        let to = SocketAddr::from_abstract_name(format!("{name}-datagram")).unwrap();
        let receiver = UnixDatagram::bind(format!("\0{name}-datagram")).unwrap();
        let sender = UnixDatagram::unbound().unwrap();
        sender.connect(format!("\0{name}-datagram")).unwrap();
        let peer = sender.peer_addr().unwrap();
        assert_eq!(peer.as_abstract_name(), to.as_abstract_name());
        sender.send(b"333").await.unwrap();
        assert_eq!(receiver.recv(&mut [0; 4]).await.unwrap(), 3);
    });
}

#[cfg(target_os = "linux")]
#[test]
fn a_file_is_sent_whole_and_in_part_and_no_further_than_it_goes() {
    on_two_workers(async {
        let path = std::env::temp_dir().join(format!("heist-send-file-{}", std::process::id()));
        let expected: Vec<u8> = (0..3 << 20).map(|n: u32| (n * 7 + n / 251) as u8).collect();
        heist::fs::write(&path, &expected).await.unwrap();
        let file = heist::fs::File::open(&path).await.unwrap();
        heist::fs::remove_file(&path).await.unwrap();
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let addr = listener.local_addr().unwrap();
        let (client, server) = heist::join!(TcpStream::connect(addr), listener.accept());
        let (client, (mut server, _)) = (client.unwrap(), server.unwrap());
        let sending = heist::spawn(async move {
            assert_eq!(client.send_file(&file, ..).await.unwrap(), 3 << 20);
            assert_eq!(client.send_file(&file, 10..=19).await.unwrap(), 10);
            assert_eq!(client.send_file(&file, (3 << 20) - 5..).await.unwrap(), 5);
            assert_eq!(client.send_file(&file, 4 << 20..5 << 20).await.unwrap(), 0);
            assert_eq!(client.send_file(&file, 7..7).await.unwrap(), 0);
            client
        });
        let mut got = Vec::new();
        (&mut server).take((3 << 20) + 15).read_to_end(&mut got).await.unwrap();
        let (whole, parts) = got.split_at(3 << 20);
        assert!(whole == expected);
        assert_eq!(parts, [&expected[10..20], &expected[(3 << 20) - 5..]].concat());
        let client = sending.await.unwrap();
        let (read, _write) = heist::net::unix::pipe::pipe().unwrap();
        let error = client.send_file(&read, ..).await.unwrap_err();
        assert!(error.raw_os_error().is_some(), "{error}");
        drop(server);
        // The first write may still find room.
        let file = std::fs::File::open("/proc/self/exe").unwrap();
        while let Ok(n) = client.send_file(&file, ..).await {
            assert!(n > 0);
        }
    });
}
