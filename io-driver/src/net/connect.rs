//! Connecting to a host with several addresses: the one that answers first is taken.
//!
//! An address that does not answer at all would hold a connection up for minutes, and hosts whose
//! IPv6 leads nowhere are common. So the next attempt starts a moment after the last one or as soon
//! as one has failed, and the families take turns (RFC 8305, "happy eyeballs"; its further rules
//! sort addresses, which the system's resolver has done already). The first success drops the others.

use std::future::poll_fn;
use std::io;
use std::net::SocketAddr;
use std::panic::Location;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use super::addr::Addrs;
use super::{TcpStream, no_address};
use crate::host;

/// How long an attempt has before the next one starts beside it: what the RFC recommends.
const STAGGER: Duration = Duration::from_millis(250);

/// Connects to the address that answers first.
pub(super) async fn connect(
    mut addrs: Addrs,
    at: &'static Location<'static>,
) -> io::Result<TcpStream> {
    let first = addrs.next().ok_or_else(no_address)?;
    let Some(second) = addrs.next() else { return attempt(first, at).await };
    let addrs = take_turns([first, second].into_iter().chain(addrs).collect());
    let mut race = Race {
        waiting: addrs.into_iter(),
        running: Vec::new(),
        head_start: None,
        start: |addr| Box::pin(attempt(addr, at)) as Attempt<TcpStream>,
        failure: None,
    };
    poll_fn(|cx| race.poll(cx)).await
}

async fn attempt(addr: SocketAddr, at: &'static Location<'static>) -> io::Result<TcpStream> {
    let socket = super::tcp_socket::nonblocking(addr)?;
    TcpStream::connect_socket(socket, addr, at).await
}

/// The same addresses with the families in turn, beginning with that of the first one.
fn take_turns(addrs: Vec<SocketAddr>) -> Vec<SocketAddr> {
    let v6_first = addrs.first().is_some_and(SocketAddr::is_ipv6);
    let (mut ones, mut others): (Vec<_>, Vec<_>) =
        addrs.into_iter().partition(|addr| addr.is_ipv6() == v6_first);
    ones.reverse();
    others.reverse();
    let mut turns = Vec::with_capacity(ones.len() + others.len());
    loop {
        let (one, other) = (ones.pop(), others.pop());
        if one.is_none() && other.is_none() {
            return turns;
        }
        turns.extend(one);
        turns.extend(other);
    }
}

type Attempt<T> = Pin<Box<dyn Future<Output = io::Result<T>> + Send>>;

/// Attempts that run side by side until one succeeds.
struct Race<A, F, T> {
    waiting: A,
    running: Vec<Attempt<T>>,
    /// While it lasts, no further attempt starts.
    head_start: Option<host::Sleep>,
    start: F,
    /// Of those that have failed, the last.
    failure: Option<io::Error>,
}

impl<A, F, T> Race<A, F, T>
where
    A: Iterator<Item = SocketAddr>,
    F: FnMut(SocketAddr) -> Attempt<T>,
{
    fn poll(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<T>> {
        loop {
            let mut index = 0;
            while let Some(attempt) = self.running.get_mut(index) {
                match attempt.as_mut().poll(cx) {
                    Poll::Ready(Ok(winner)) => return Poll::Ready(Ok(winner)),
                    Poll::Ready(Err(error)) => {
                        drop(self.running.swap_remove(index));
                        self.failure = Some(error);
                        self.head_start = None;
                    }
                    Poll::Pending => index += 1,
                }
            }
            if self.head_start.as_mut().is_some_and(|pause| pause.as_mut().poll(cx).is_pending()) {
                return Poll::Pending;
            }
            self.head_start = None;
            match self.waiting.next() {
                Some(addr) => {
                    self.running.push((self.start)(addr));
                    // Where nobody can sleep, an attempt has until it fails.
                    let pause = || Box::pin(std::future::pending()) as host::Sleep;
                    self.head_start = Some(host::sleep(STAGGER).unwrap_or_else(pause));
                }
                None if self.running.is_empty() => {
                    return Poll::Ready(Err(self.failure.take().unwrap_or_else(no_address)));
                }
                None => return Poll::Pending,
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn addr(text: &str) -> SocketAddr {
        text.parse().expect("an address")
    }

    #[test]
    fn families_take_turns_beginning_with_the_first() {
        let [a, b, c] = ["[::1]:1", "[::2]:1", "[::3]:1"].map(addr);
        let [x, y] = ["127.0.0.1:1", "127.0.0.2:1"].map(addr);
        assert_eq!(take_turns(vec![a, b, c, x, y]), [a, x, b, y, c]);
        assert_eq!(take_turns(vec![x, y, a]), [x, a, y]);
        assert_eq!(take_turns(vec![]), []);
    }

    /// Runs a race of attempts that fail or hang by their port, without any runtime.
    fn race(ports: &[u16]) -> Poll<io::Result<u16>> {
        let addrs: Vec<_> = ports.iter().map(|port| addr(&format!("127.0.0.1:{port}"))).collect();
        let mut race = Race {
            waiting: addrs.into_iter(),
            running: Vec::new(),
            head_start: None,
            start: |addr: SocketAddr| match addr.port() {
                1 => {
                    Box::pin(async { Err(io::ErrorKind::ConnectionRefused.into()) }) as Attempt<u16>
                }
                2 => Box::pin(std::future::pending()),
                port => Box::pin(async move { Ok(port) }),
            },
            failure: None,
        };
        race.poll(&mut Context::from_waker(std::task::Waker::noop()))
    }

    #[test]
    fn a_failure_starts_the_next_attempt_at_once_and_the_last_one_tells() {
        assert!(matches!(race(&[1, 1, 7]), Poll::Ready(Ok(7))));
        assert!(race(&[1, 2, 7]).is_pending(), "the second attempt has its head start");
        match race(&[1, 1]) {
            Poll::Ready(Err(error)) => assert_eq!(error.kind(), io::ErrorKind::ConnectionRefused),
            other => panic!("{other:?}"),
        }
        match race(&[]) {
            Poll::Ready(Err(error)) => assert_eq!(error.kind(), io::ErrorKind::InvalidInput),
            other => panic!("{other:?}"),
        }
    }
}
