//! Names and addresses: literals at once, names on the blocking pool.

use std::future::Future;
use std::io;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, SocketAddrV4, SocketAddrV6};
use std::panic::Location;
use std::vec;

use super::lookup::{LOOKUP, look_up};
use crate::host::Made;

/// What an address is made of: an address, or a name that has to be looked up.
#[derive(Debug)]
pub enum Target {
    /// Known already.
    One(SocketAddr),
    /// Known already.
    Many(Vec<SocketAddr>),
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
                Target::One(SocketAddr::from(*self))
            }
        }
    )* };
}
known!(SocketAddr, SocketAddrV4, SocketAddrV6, (IpAddr, u16), (Ipv4Addr, u16), (Ipv6Addr, u16));

impl sealed::Sealed for (&str, u16) {}
impl ToSocketAddrs for (&str, u16) {
    fn target(&self) -> Target {
        match self.0.parse::<IpAddr>() {
            Ok(ip) => Target::One(SocketAddr::new(ip, self.1)),
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
            return Target::One(addr);
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
        Target::Many(self.to_vec())
    }
}

impl<T: ToSocketAddrs + ?Sized> sealed::Sealed for &T {}
impl<T: ToSocketAddrs + ?Sized> ToSocketAddrs for &T {
    fn target(&self) -> Target {
        (**self).target()
    }
}

/// The addresses of a host. Literal addresses cost nothing; names are looked up by the system's
/// resolver on the blocking pool, at most 32 at once, so that a resolver which does not answer cannot
/// take all of the pool's threads. Outside a runtime a thread of its own asks.
///
/// # Errors
/// Those of the resolver; `InvalidInput` for what is neither an address nor `host:port`.
///
/// # Cancel safety
/// Cancel safe: a lookup that has begun ends unheard.
#[track_caller]
pub fn lookup_host<A: ToSocketAddrs>(
    host: A,
) -> impl Future<Output = io::Result<impl Iterator<Item = SocketAddr> + Send>> + Send {
    let (target, made) = (host.target(), Made::here(&LOOKUP));
    async move {
        let (_, at) = made.begin();
        resolve(target, at).await
    }
}

/// The addresses of a target; a literal one is had without a lookup or an allocation.
pub(super) async fn resolve(target: Target, at: &'static Location<'static>) -> io::Result<Addrs> {
    match target {
        Target::One(addr) => Ok(Addrs::One(Some(addr))),
        Target::Many(addrs) => Ok(Addrs::Many(addrs.into_iter())),
        Target::Invalid(error) => Err(error),
        Target::Name(name, port) => {
            look_up(name, port, at).await.map(|addrs| Addrs::Many(addrs.into_iter()))
        }
    }
}

/// What a target stands for.
#[derive(Debug)]
pub(super) enum Addrs {
    One(Option<SocketAddr>),
    Many(vec::IntoIter<SocketAddr>),
}

impl Iterator for Addrs {
    type Item = SocketAddr;

    fn next(&mut self) -> Option<SocketAddr> {
        match self {
            Addrs::One(addr) => addr.take(),
            Addrs::Many(addrs) => addrs.next(),
        }
    }
}
