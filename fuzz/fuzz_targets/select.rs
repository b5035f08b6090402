//! See `src/select.rs`.

#![no_main]

#[path = "../src/select.rs"]
mod select;

libfuzzer_sys::fuzz_target!(|data: &[u8]| select::go(data));
