//! See `timer/src/wheel/compared.rs`.

#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| heist_timer::model::go(data));
