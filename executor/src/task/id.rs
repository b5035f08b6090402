//! Task ids: unique in the process, handed to workers in blocks.

use std::cell::Cell;
use std::fmt;
use std::num::NonZeroU64;
use std::sync::atomic::{AtomicU64, Ordering};

/// Identifies a task in this process; never used twice.
///
/// Ids grow, but say nothing about the order in which tasks were spawned on different threads:
/// each thread takes them from a block of its own.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Id(NonZeroU64);

/// How many ids a thread takes at a time, so that a spawn touches no shared line.
const BLOCK: u64 = 1024;

static NEXT_BLOCK: AtomicU64 = AtomicU64::new(1);

thread_local! {
    /// The next id of this thread's block and the end of the block.
    static RANGE: Cell<(u64, u64)> = const { Cell::new((0, 0)) };
}

impl Id {
    pub(crate) fn next() -> Id {
        let (next, end) = RANGE.get();
        let (next, end) = if next == end {
            // Ordering: Relaxed; only uniqueness is wanted.
            let start = NEXT_BLOCK.fetch_add(BLOCK, Ordering::Relaxed);
            (start, start + BLOCK)
        } else {
            (next, end)
        };
        RANGE.set((next + 1, end));
        Id(NonZeroU64::new(next).expect("ids start at one"))
    }

    /// The id with this number; `None` for zero.
    pub(crate) fn from_u64(number: u64) -> Option<Id> {
        NonZeroU64::new(number).map(Id)
    }

    /// The number, for logs and wire formats.
    pub fn as_u64(self) -> u64 {
        self.0.get()
    }
}

impl fmt::Display for Id {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl fmt::Debug for Id {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Id({})", self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::HashSet;

    #[test]
    fn ids_are_unique_across_threads_and_blocks() {
        let threads: Vec<_> = (0..4)
            .map(|_| std::thread::spawn(|| (0..3000).map(|_| Id::next()).collect::<Vec<_>>()))
            .collect();
        let all: Vec<Id> = threads.into_iter().flat_map(|t| t.join().unwrap()).collect();
        assert_eq!(all.iter().collect::<HashSet<_>>().len(), 4 * 3000);
    }
}
