//! Sockets in detail: halves, options, datagrams, credentials.

use std::io;
use std::net::Ipv4Addr;
use std::time::Duration;

use heist::io::{AsyncReadExt, AsyncWriteExt, Interest};
use heist::net::{TcpListener, TcpSocket, TcpStream, UdpSocket, UnixDatagram, UnixStream};
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
