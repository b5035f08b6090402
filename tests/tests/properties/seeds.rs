//! Draws from a seed, and a property tried with many seeds.

use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::sync::atomic::{AtomicU64, Ordering};

/// Numbers drawn from a seed; the same ones each time. Tasks of one thread may share it.
#[derive(Debug)]
pub(crate) struct Chance(AtomicU64);

impl Chance {
    fn new(seed: u64) -> Chance {
        Chance(AtomicU64::new(seed.wrapping_mul(0x2545_f491_4f6c_dd1d)))
    }

    fn draw(&self) -> u64 {
        // SplitMix64: a counter, well mixed.
        const STEP: u64 = 0x9e37_79b9_7f4a_7c15;
        let mut mixed = self.0.fetch_add(STEP, Ordering::Relaxed).wrapping_add(STEP);
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    /// Another sequence, drawn from this one.
    pub(crate) fn fork(&self) -> Chance {
        Chance::new(self.draw())
    }

    /// A number below `end`.
    pub(crate) fn below(&self, end: usize) -> usize {
        (self.draw() % end as u64) as usize
    }

    /// A number from `first` to `last`.
    pub(crate) fn between(&self, first: usize, last: usize) -> usize {
        first + self.below(last - first + 1)
    }

    /// True once in `n` times.
    pub(crate) fn one_in(&self, n: usize) -> bool {
        self.below(n) == 0
    }
}

/// Tries a property with so many seeds, or as the environment says.
#[track_caller]
pub(crate) fn for_seeds(count: u64, property: impl Fn(&Chance)) {
    let from_environment = |name: &str| {
        let value = std::env::var(name).ok()?;
        Some(value.parse::<u64>().unwrap_or_else(|_| panic!("{name} must be a number")))
    };
    let seeds = match from_environment("HEIST_SEED") {
        Some(seed) => seed..seed + 1,
        None => 0..from_environment("HEIST_SEEDS").unwrap_or(count),
    };
    for seed in seeds {
        let tried = catch_unwind(AssertUnwindSafe(|| property(&Chance::new(seed))));
        if let Err(panic) = tried {
            let test = std::thread::current().name().unwrap_or_default().to_owned();
            eprintln!(
                "repeat it: HEIST_SEED={seed} cargo test -p heist-tests --test properties {test}"
            );
            resume_unwind(panic);
        }
    }
}
