//! [`AsyncFd`]: descriptors of one's own with tokio's interface; [`Async`](super::Async) is Heist's.
//!
//! # Examples
//! ```
//! # heist::runtime::Runtime::new().unwrap().block_on(async {
//! use heist::io::unix::AsyncFd;
//! use std::io::{Read, Write};
//!
//! let (mut near, far) = std::os::unix::net::UnixStream::pair().unwrap();
//! far.set_nonblocking(true).unwrap();
//! let far = AsyncFd::new(far).unwrap();
//! near.write_all(b"ping").unwrap();
//! let mut buffer = [0; 16];
//! let n = loop {
//!     let mut guard = far.readable().await.unwrap();
//!     match guard.try_io(|far| far.get_ref().read(&mut buffer)) {
//!         Ok(result) => break result.unwrap(),
//!         Err(_would_block) => continue,
//!     }
//! };
//! assert_eq!(&buffer[..n], b"ping");
//! # });
//! ```

pub use heist_io::async_fd::{
    AsyncFd, AsyncFdReadyGuard, AsyncFdReadyMutGuard, AsyncFdRegisterError, TryIoError,
};
