//! Addresses of Unix sockets: paths, and on Linux the abstract names, written as paths that begin with
//! a zero byte.

use std::ffi::OsStr;
use std::io;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::net::SocketAddr;
use std::path::Path;

use socket2::SockAddr;

/// The address that a path means.
pub(super) fn address(path: &Path) -> io::Result<SocketAddr> {
    #[cfg(any(target_os = "android", target_os = "linux"))]
    if let [0, name @ ..] = path.as_os_str().as_bytes() {
        #[cfg(target_os = "android")]
        use std::os::android::net::SocketAddrExt;
        #[cfg(target_os = "linux")]
        use std::os::linux::net::SocketAddrExt;
        return SocketAddr::from_abstract_name(name);
    }
    SocketAddr::from_pathname(path)
}

/// An address of the standard library's, for `socket2`.
pub(super) fn sock_addr(addr: &SocketAddr) -> io::Result<SockAddr> {
    if let Some(path) = addr.as_pathname() {
        return SockAddr::unix(path);
    }
    #[cfg(any(target_os = "android", target_os = "linux"))]
    {
        #[cfg(target_os = "android")]
        use std::os::android::net::SocketAddrExt;
        #[cfg(target_os = "linux")]
        use std::os::linux::net::SocketAddrExt;
        if let Some(name) = addr.as_abstract_name() {
            return SockAddr::unix(OsStr::from_bytes(&[&[0], name].concat()));
        }
    }
    Err(io::Error::new(io::ErrorKind::InvalidInput, "this address has no name"))
}

/// An address as error messages show it.
pub(super) fn shown(addr: &SockAddr) -> String {
    match (addr.as_pathname(), addr.as_abstract_namespace()) {
        (Some(path), _) => path.display().to_string(),
        (_, Some(name)) => format!("@{}", name.escape_ascii()),
        _ => "an address without a name".to_owned(),
    }
}
