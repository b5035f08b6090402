//! Datagrams by the batch: nothing is lost, doubled or mixed up, whoever waits, and whatever fails; and
//! datagrams to a group.

use std::collections::BTreeSet;
use std::future::Future;
use std::io;
use std::net::{Ipv4Addr, SocketAddr};
use std::pin::pin;
use std::sync::Arc;
use std::task::{Context, Poll, Waker};

use heist::net::{Datagram, UdpSocket};
use heist_tests::on_two_workers;

async fn bound() -> (UdpSocket, SocketAddr) {
    let socket = UdpSocket::bind("127.0.0.1:0").await.unwrap();
    let addr = socket.local_addr().unwrap();
    (socket, addr)
}

/// Sends everything, however little goes at a time.
async fn send_all(socket: &UdpSocket, mut rest: &[(&[u8], SocketAddr)]) {
    while !rest.is_empty() {
        rest = &rest[socket.send_many_to(rest).await.unwrap()..];
    }
}

#[test]
fn whoever_waits_gets_a_batch_with_sizes_and_addresses() {
    on_two_workers(async {
        let ((a, from), (b, to)) = (bound().await, bound().await);
        let receiving = heist::spawn(async move {
            let mut room = [[0; 4]; 8];
            let mut got = Vec::new();
            while got.len() < 4 {
                let mut datagrams = room.each_mut().map(|buffer| Datagram::new(buffer));
                let n = b.recv_many(&mut datagrams).await.unwrap();
                assert!(n >= 1 && datagrams[n..].iter().all(|rest| rest.bytes().is_empty()));
                got.extend(datagrams[..n].iter().map(|datagram| {
                    assert_eq!(datagram.from(), from);
                    (datagram.bytes().to_vec(), datagram.is_truncated())
                }));
            }
            got
        });
        send_all(&a, &[(b"1", to), (b"", to), (b"four", to), (b"fiver", to)]).await;
        let got = receiving.await.unwrap();
        let want = [(&b"1"[..], false), (b"", false), (b"four", false), (b"five", true)];
        assert_eq!(got, want.map(|(bytes, cut)| (bytes.to_vec(), cut)));
    });
}

#[test]
fn more_than_a_batch_goes_in_several_and_in_order() {
    on_two_workers(async {
        let ((a, _), (b, to)) = (bound().await, bound().await);
        a.connect(to).await.unwrap();
        let numbers: Vec<_> = (0..100_u8).map(|n| [n]).collect();
        let datagrams: Vec<&[u8]> = numbers.iter().map(|number| &number[..]).collect();
        let mut rest = &datagrams[..];
        while !rest.is_empty() {
            let n = a.send_many(rest).await.unwrap();
            assert!((1..=32).contains(&n), "{n} at once");
            rest = &rest[n..];
        }
        let mut room = [[0; 1]; 64];
        let mut got = Vec::new();
        while got.len() < 100 {
            let mut datagrams = room.each_mut().map(|buffer| Datagram::new(buffer));
            let n = b.recv_many(&mut datagrams).await.unwrap();
            assert!((1..=32).contains(&n), "{n} at once");
            got.extend(datagrams[..n].iter_mut().map(|datagram| datagram.bytes_mut()[0]));
        }
        assert!(got.into_iter().eq(0..100));
    });
}

#[test]
fn nothing_there_and_nothing_to_do() {
    on_two_workers(async {
        let (a, to) = bound().await;
        let mut room = [0; 8];
        let mut datagrams = [Datagram::new(&mut room)];
        let error = a.try_recv_many(&mut datagrams).unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::WouldBlock);
        assert_eq!(datagrams[0].bytes(), b"");
        assert!(datagrams[0].from().ip().is_unspecified());
        // Nothing is there, so these would wait for ever if they waited.
        assert_eq!(a.recv_many(&mut []).await.unwrap(), 0);
        assert_eq!(a.send_many(&[]).await.unwrap(), 0);
        assert_eq!(a.send_many_to(&[]).await.unwrap(), 0);
        // Not connected, so nobody is the peer.
        a.send_many(&[b"x"]).await.unwrap_err();
        assert_eq!(a.try_send_many_to(&[(b"self", to)]).unwrap(), 1);
        assert_eq!(a.recv_many(&mut datagrams).await.unwrap(), 1);
        assert_eq!(datagrams[0].bytes(), b"self");
        a.connect(to).await.unwrap();
        assert_eq!(a.try_send_many(&[b"1", b"2"]).unwrap(), 2);
    });
}

#[test]
fn a_failure_is_told_once_what_came_before_it_is_sent() {
    on_two_workers(async {
        let ((a, _), (b, to)) = (bound().await, bound().await);
        let long = vec![0; 70_000];
        let datagrams: [(&[u8], _); 4] = [(b"1", to), (b"2", to), (&long, to), (b"3", to)];
        assert_eq!(a.send_many_to(&datagrams).await.unwrap(), 2);
        a.send_many_to(&datagrams[2..]).await.unwrap_err();
        assert_eq!(a.send_many_to(&datagrams[3..]).await.unwrap(), 1);
        let mut room = [[0; 8]; 4];
        let mut datagrams = room.each_mut().map(|buffer| Datagram::new(buffer));
        let mut got = Vec::new();
        while got.len() < 3 {
            let n = b.recv_many(&mut datagrams).await.unwrap();
            got.extend(datagrams[..n].iter().map(|datagram| datagram.bytes().to_vec()));
        }
        assert_eq!(got, [b"1", b"2", b"3"]);
    });
}

#[test]
fn a_batch_that_is_no_longer_waited_for_loses_nothing() {
    on_two_workers(async {
        let ((a, _), (b, to)) = (bound().await, bound().await);
        let mut room = [[0; 8]; 2];
        let mut datagrams = room.each_mut().map(|buffer| Datagram::new(buffer));
        for _ in 0..100 {
            {
                let mut waiting = pin!(b.recv_many(&mut datagrams));
                let mut cx = Context::from_waker(Waker::noop());
                assert!(waiting.as_mut().poll(&mut cx).is_pending());
                send_all(&a, &[(b"one", to), (b"two", to)]).await;
                // Dropped at any point between the sending and the event of it.
            }
            let mut got = 0;
            while got < 2 {
                got += b.recv_many(&mut datagrams).await.unwrap();
            }
        }
        let mut last = pin!(b.recv_many(&mut datagrams));
        let mut cx = Context::from_waker(Waker::noop());
        assert!(matches!(last.as_mut().poll(&mut cx), Poll::Pending));
    });
}

#[test]
fn several_tasks_on_one_socket_get_each_datagram_once() {
    const EACH: usize = 400;
    on_two_workers(async {
        let ((a, _), (b, to)) = (bound().await, bound().await);
        let b = Arc::new(b);
        let got = Arc::new(std::sync::Mutex::new(BTreeSet::new()));
        let mut receivers = heist::task::JoinSet::new();
        for _ in 0..4 {
            let (b, got) = (b.clone(), got.clone());
            receivers.spawn(async move {
                let mut room = [[0; 8]; 5];
                let mut datagrams = room.each_mut().map(|buffer| Datagram::new(buffer));
                loop {
                    let n = b.recv_many(&mut datagrams).await.unwrap();
                    for datagram in &datagrams[..n] {
                        let number = u64::from_le_bytes(datagram.bytes().try_into().unwrap());
                        assert!(got.lock().unwrap().insert(number), "{number} came twice");
                    }
                }
            });
        }
        // In waves that the socket's buffer holds, whatever the system's default for it.
        for wave in (0..EACH as u64).collect::<Vec<_>>().chunks(40) {
            let bytes: Vec<_> = wave.iter().map(|number| number.to_le_bytes()).collect();
            let batch: Vec<_> = bytes.iter().map(|bytes| (&bytes[..], to)).collect();
            send_all(&a, &batch).await;
            let end = wave.last().unwrap() + 1;
            heist_tests::eventually("the wave has arrived", || {
                got.lock().unwrap().len() as u64 == end
            })
            .await;
        }
        receivers.shutdown().await;
        assert!(got.lock().unwrap().iter().copied().eq(0..EACH as u64));
    });
}

#[test]
fn addresses_of_both_kinds_are_told() {
    on_two_workers(async {
        let Ok(a) = UdpSocket::bind("[::1]:0").await else { return };
        let to = a.local_addr().unwrap();
        a.send_many_to(&[(b"six", to)]).await.unwrap();
        assert_eq!(a.peek_sender().await.unwrap(), to);
        assert_eq!(a.try_peek_sender().unwrap(), to);
        let mut room = [0; 8];
        let mut datagrams = [Datagram::new(&mut room)];
        assert_eq!(a.recv_many(&mut datagrams).await.unwrap(), 1);
        assert_eq!((datagrams[0].bytes(), datagrams[0].from()), (&b"six"[..], to));
        let error = a.try_peek_sender().unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::WouldBlock);
    });
}

/// A socket that is bound to an address of the loopback sends to groups over that.
#[cfg(target_os = "linux")]
#[test]
fn a_datagram_to_a_group_reaches_all_who_have_joined_it() {
    on_two_workers(async {
        let group = Ipv4Addr::new(239, 255, 77, 2);
        let first = UdpSocket::bind("0.0.0.0:0").await.unwrap();
        if let Err(error) = first.join_multicast_v4(group, Ipv4Addr::LOCALHOST) {
            eprintln!("skipped, since this system joins no group on the loopback: {error}");
            return;
        }
        let sender = UdpSocket::bind("127.0.0.1:0").await.unwrap();
        let to = SocketAddr::from((group, first.local_addr().unwrap().port()));
        let mut buffer = [0; 16];
        assert_eq!(sender.send_to(b"to all", to).await.unwrap(), 6);
        let received = first.recv_from(&mut buffer).await.unwrap();
        assert_eq!(received, (6, sender.local_addr().unwrap()));
        assert_eq!(&buffer[..6], b"to all");
        // Who has left gets nothing more; what is sent to it alone arrives, and nothing before it.
        first.leave_multicast_v4(group, Ipv4Addr::LOCALHOST).unwrap();
        sender.send_to(b"to all again", to).await.unwrap();
        let alone = SocketAddr::from((Ipv4Addr::LOCALHOST, to.port()));
        sender.send_to(b"to you", alone).await.unwrap();
        let (n, _) = first.recv_from(&mut buffer).await.unwrap();
        assert_eq!(&buffer[..n], b"to you");
    });
}

#[cfg(target_os = "linux")]
#[test]
fn a_group_of_the_other_kind_of_addresses_is_joined_and_left() {
    on_two_workers(async {
        let Ok(socket) = UdpSocket::bind("[::]:0").await else {
            return eprintln!("skipped, since this system has no IPv6");
        };
        let group = "ff12::4865:6973:74".parse().unwrap();
        // SAFETY: a name that ends with a zero byte.
        let loopback = unsafe { libc::if_nametoindex(c"lo".as_ptr()) };
        if let Err(error) = socket.join_multicast_v6(&group, loopback) {
            eprintln!("skipped, since this system joins no group on the loopback: {error}");
            return;
        }
        socket.join_multicast_v6(&group, loopback).unwrap_err();
        socket.leave_multicast_v6(&group, loopback).unwrap();
        socket.leave_multicast_v6(&group, loopback).unwrap_err();
    });
}
