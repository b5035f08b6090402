//! Names and addresses: literals at once, names on the blocking pool.

use std::future::Future;
use std::io;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, SocketAddrV4, SocketAddrV6};
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, Waker};

use parking_lot::Mutex;

use crate::host;

/// What an address is made of: an address, or a name that has to be looked up.
#[derive(Debug)]
pub enum Target {
    /// Known already.
    Known(Vec<SocketAddr>),
    /// To be looked up.
    Name(String, u16),
    /// Neither.
    Invalid(io::Error),
}

/// Things that name socket addresses; as tokio's, for the types that it covers.
pub trait ToSocketAddrs: sealed::Sealed {
    #[doc(hidden)]
    fn target(&self) -> Target;
}

mod sealed {
    pub trait Sealed {}
}

macro_rules! known {
    ($($type:ty),*) => { $(
        impl sealed::Sealed for $type {}
        impl ToSocketAddrs for $type {
            fn target(&self) -> Target {
                Target::Known(vec![SocketAddr::from(*self)])
            }
        }
    )* };
}
known!(SocketAddr, SocketAddrV4, SocketAddrV6, (IpAddr, u16), (Ipv4Addr, u16), (Ipv6Addr, u16));

impl sealed::Sealed for (&str, u16) {}
impl ToSocketAddrs for (&str, u16) {
    fn target(&self) -> Target {
        match self.0.parse::<IpAddr>() {
            Ok(ip) => Target::Known(vec![SocketAddr::new(ip, self.1)]),
            Err(_) => Target::Name(self.0.to_owned(), self.1),
        }
    }
}

impl sealed::Sealed for (String, u16) {}
impl ToSocketAddrs for (String, u16) {
    fn target(&self) -> Target {
        (self.0.as_str(), self.1).target()
    }
}

impl sealed::Sealed for str {}
impl ToSocketAddrs for str {
    fn target(&self) -> Target {
        if let Ok(addr) = self.parse() {
            return Target::Known(vec![addr]);
        }
        let split = self.rsplit_once(':').filter(|(host, _)| !host.is_empty());
        match split.map(|(host, port)| (host, port.parse())) {
            Some((host, Ok(port))) => Target::Name(host.to_owned(), port),
            _ => Target::Invalid(io::Error::new(
                io::ErrorKind::InvalidInput,
                format!("invalid socket address {self:?}: expected `host:port`, as `127.0.0.1:80`"),
            )),
        }
    }
}

impl sealed::Sealed for String {}
impl ToSocketAddrs for String {
    fn target(&self) -> Target {
        self.as_str().target()
    }
}

impl sealed::Sealed for [SocketAddr] {}
impl ToSocketAddrs for [SocketAddr] {
    fn target(&self) -> Target {
        Target::Known(self.to_vec())
    }
}

impl<T: ToSocketAddrs + ?Sized> sealed::Sealed for &T {}
impl<T: ToSocketAddrs + ?Sized> ToSocketAddrs for &T {
    fn target(&self) -> Target {
        (**self).target()
    }
}

/// The addresses of a host. Literal addresses cost nothing; names are looked up by the system's
/// resolver on the blocking pool.
///
/// # Errors
/// Those of the resolver; `InvalidInput` for what is neither an address nor `host:port`.
///
/// # Cancel safety
/// Cancel safe: a lookup that has begun ends unheard.
pub async fn lookup_host<A: ToSocketAddrs>(
    host: A,
) -> io::Result<impl Iterator<Item = SocketAddr>> {
    resolve(host.target()).await.map(Vec::into_iter)
}

pub(super) async fn resolve(target: Target) -> io::Result<Vec<SocketAddr>> {
    match target {
        Target::Known(addrs) => Ok(addrs),
        Target::Invalid(error) => Err(error),
        Target::Name(name, port) => {
            let lookup = Arc::new(Mutex::new(Lookup { answer: None, waker: None }));
            let asked = lookup.clone();
            host::run_blocking(Box::new(move || {
                let answer = std::net::ToSocketAddrs::to_socket_addrs(&(name.as_str(), port))
                    .map(Iterator::collect)
                    .map_err(|error| super::about("resolve", &name, &error));
                let waker = {
                    let mut asked = asked.lock();
                    asked.answer = Some(answer);
                    asked.waker.take()
                };
                if let Some(waker) = waker {
                    waker.wake();
                }
            }));
            Answer(lookup).await
        }
    }
}

struct Lookup {
    answer: Option<io::Result<Vec<SocketAddr>>>,
    waker: Option<Waker>,
}

struct Answer(Arc<Mutex<Lookup>>);

impl Future for Answer {
    type Output = io::Result<Vec<SocketAddr>>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let mut lookup = self.0.lock();
        match lookup.answer.take() {
            Some(answer) => Poll::Ready(answer),
            None => {
                lookup.waker = Some(cx.waker().clone());
                Poll::Pending
            }
        }
    }
}
