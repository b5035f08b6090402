//! The stream traits of other libraries, directly on our streams: no adapter, no copying, and no
//! zeroing of buffers that are about to be filled.

mod futures_io;
#[cfg(feature = "hyper")]
mod hyper;
#[cfg(feature = "tokio-io")]
mod tokio_io;
