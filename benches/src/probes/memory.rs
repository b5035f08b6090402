//! The allocator, with blocks of the size of a small task.

use super::{repeat, repeat_slow};
use crate::cell::{Answer, Cell};

type Block = [u64; 16];

const BURST: u64 = 10_000;

/// A block allocated and freed at once.
pub fn pairs(cell: &Cell) -> Answer {
    repeat(cell, || drop(std::hint::black_box(Box::new(Block::default()))))
}

/// 10 000 blocks allocated, then all freed: an operation is one of them.
pub fn bursts(cell: &Cell) -> Answer {
    let mut blocks = Vec::with_capacity(BURST as usize);
    let answer = repeat_slow(cell, || {
        blocks.extend((0..BURST).map(|_| std::hint::black_box(Box::new(Block::default()))));
        blocks.clear();
    });
    Answer { operations: answer.operations * BURST, ..answer }
}
