//! See `src/sockets.rs`.

#![no_main]

#[path = "../src/sockets.rs"]
mod sockets;

libfuzzer_sys::fuzz_target!(|data: &[u8]| sockets::go(data));
