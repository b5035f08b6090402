//! See `src/tasks.rs`.

#![no_main]

#[path = "../src/tasks.rs"]
mod tasks;

libfuzzer_sys::fuzz_target!(|data: &[u8]| tasks::go(data));
