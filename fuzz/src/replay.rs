//! The targets without a fuzzer, for ordinary tests: every input of a target's corpus, and after them
//! mutations of these, the same ones each time. Nothing is learnt from what they reach: to find new
//! inputs is the fuzzer's, to keep what it found is this.

use std::fs;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::path::Path;

/// Gives `target` the corpus of that name and `mutations` more inputs; `HEIST_MUTATIONS` in the environment
/// has it otherwise.
///
/// # Panics
/// As `target` does, after it has said what the input was.
pub(crate) fn replay(name: &str, mutations: u64, target: impl Fn(&[u8])) {
    let corpus = corpus(name);
    assert!(!corpus.is_empty(), "the corpus of {name} is empty");
    let try_input = |input: &[u8]| {
        if let Err(panic) = catch_unwind(AssertUnwindSafe(|| target(input))) {
            eprintln!("{name} fails with {input:?}");
            resume_unwind(panic);
        }
    };
    corpus.iter().for_each(|input| try_input(input));
    let asked = std::env::var("HEIST_MUTATIONS").ok();
    let asked = asked.map(|asked| asked.parse().expect("HEIST_MUTATIONS must be a number"));
    let mut dice = Dice(1);
    for _ in 0..asked.unwrap_or(mutations) {
        let (first, second) = (dice.below(corpus.len()), dice.below(corpus.len()));
        try_input(&mutate(&corpus[first], &corpus[second], &mut dice));
    }
}

/// The inputs in the order of their names, so that the mutations are the same everywhere.
fn corpus(name: &str) -> Vec<Vec<u8>> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../fuzz/corpus").join(name);
    let files = fs::read_dir(folder).expect("a corpus lies in `fuzz`");
    let mut files: Vec<_> = files.map(|file| file.expect("a readable folder").path()).collect();
    files.sort();
    files.into_iter().map(|file| fs::read(file).expect("a readable file")).collect()
}

/// `input` with a few bytes changed, put in or taken out, and perhaps with the end of another.
fn mutate(input: &[u8], other: &[u8], dice: &mut Dice) -> Vec<u8> {
    let mut input = input.to_vec();
    if dice.below(4) == 0 {
        input.truncate(dice.below(input.len() + 1));
        input.extend(&other[dice.below(other.len() + 1)..]);
    }
    for _ in 0..dice.below(8) {
        let at = dice.below(input.len() + 1);
        match dice.below(3) {
            0 => input.insert(at, dice.next() as u8),
            1 if at < input.len() => input[at] = dice.next() as u8,
            2 if at < input.len() => drop(input.remove(at)),
            _ => {}
        }
    }
    input
}

/// A counter, well mixed: SplitMix64.
struct Dice(u64);

impl Dice {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    fn below(&mut self, end: usize) -> usize {
        (self.next() % end as u64) as usize
    }
}
