//! The timing wheel beside a list that is searched through.

#![no_main]

use heist_timer::model::{Compared, Step};
use libfuzzer_sys::arbitrary::{Result, Unstructured};
use libfuzzer_sys::fuzz_target;

/// A distance in nanoseconds. Its size is drawn first, so that every level of the wheel is reached.
fn distance(bytes: &mut Unstructured<'_>) -> Result<u64> {
    let bits = bytes.int_in_range(0..=63)?;
    bytes.int_in_range(0..=(1_u64 << bits) - 1)
}

fn step(bytes: &mut Unstructured<'_>) -> Result<Step> {
    Ok(match bytes.int_in_range(0..=7)? {
        0..=2 => Step::Insert(distance(bytes)?),
        3 => Step::Remove(bytes.arbitrary::<u8>()?.into()),
        4 => Step::Postpone(bytes.arbitrary::<u8>()?.into(), distance(bytes)?),
        _ => Step::Advance(distance(bytes)?),
    })
}

fuzz_target!(|data: &[u8]| {
    let mut bytes = Unstructured::new(data);
    let mut compared = Compared::new(bytes.arbitrary().unwrap_or_default());
    while !bytes.is_empty() {
        let Ok(step) = step(&mut bytes) else { break };
        compared.apply(step);
    }
    compared.finish();
});
