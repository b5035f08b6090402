//! The readiness word of a source: what it was last known to be ready for, and who must be told.
//!
//! ```text
//!  63 ............... 8      6       5      4 ............... 0
//! +--------------------+----+-------+-------+------------------+
//! |       tick         | 0  | WRITE | READ  |      Ready       |
//! |                    |    | WAITS | WAITS |                  |
//! +--------------------+----+-------+-------+------------------+
//! ```
//!
//! An event adds readiness and begins a new tick. An operation that finds the source not ready
//! after all takes away the readiness that it had seen, and names the tick at which it had seen it:
//! if an event has come in between, the tick differs and the new readiness stays.
//!
//! Whoever wants to wait puts its waker in place first and then sets a `WAITS` bit, which fails if
//! the source is ready by now. An event takes the bits away together with adding readiness, and
//! looks for wakers only if a bit was set. All of it is one word, so nothing falls in between.
//!
//! `READ_CLOSED`, `WRITE_CLOSED` and `GONE` are never taken away.

use crate::interest::{Interest, Ready};
use crate::shim::{AtomicU64, Ordering};

const READ_WAITS: u64 = 1 << Ready::BITS;
const WRITE_WAITS: u64 = 1 << (Ready::BITS + 1);
const TICK: u64 = 1 << 8;

/// The atomic word.
#[derive(Debug)]
pub(crate) struct ReadinessWord(AtomicU64);

/// Readiness as seen at some moment, to be taken away only if nothing has happened since.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Seen {
    pub(crate) ready: Ready,
    tick: u64,
}

impl Seen {
    /// What was seen of an interest, if anything.
    #[cfg_attr(heist_loom, allow(dead_code))]
    pub(crate) fn of(self, interest: Interest) -> Option<Seen> {
        let ready = self.ready & interest.mask();
        (!ready.is_empty()).then_some(Seen { ready, ..self })
    }
}

fn waits(interest: Ready) -> u64 {
    let read = if interest.is_readable() { READ_WAITS } else { 0 };
    let write = if interest.is_writable() { WRITE_WAITS } else { 0 };
    // The end concerns everybody.
    if interest.is_gone() { READ_WAITS | WRITE_WAITS } else { read | write }
}

/// Edge: an event. Returns the next word and whether somebody waits for it.
fn add(word: u64, ready: Ready) -> (u64, bool) {
    let told = waits(ready);
    ((word.wrapping_add(TICK) | ready.bits()) & !told, word & told != 0)
}

/// Edge: an operation found the source not ready.
fn take(word: u64, seen: Seen, what: Ready) -> u64 {
    if word / TICK != seen.tick {
        return word;
    }
    let passing = what & (Ready::READABLE | Ready::WRITABLE);
    word & !passing.bits()
}

/// Edge: somebody is about to wait. `Err` if there is no reason to.
fn wait(word: u64, interest: Interest) -> Result<u64, Ready> {
    let ready = Ready::from_bits(word) & interest.mask();
    if ready.is_empty() {
        Ok(word | waits(interest.mask().without(Ready::GONE)))
    } else {
        Err(ready)
    }
}

impl ReadinessWord {
    /// A new source, and what it is thought to be ready for.
    pub(crate) fn new(ready: Ready) -> ReadinessWord {
        ReadinessWord(AtomicU64::new(ready.bits()))
    }

    #[inline]
    pub(crate) fn load(&self) -> Seen {
        // Ordering: Acquire, pairs with the release in `add`: what the event's sender did before
        // is visible to the operation that follows.
        let word = self.0.load(Ordering::Acquire);
        Seen { ready: Ready::from_bits(word), tick: word / TICK }
    }

    /// An event has come; true if somebody waits for it.
    pub(crate) fn add(&self, ready: Ready) -> bool {
        let mut now = self.0.load(Ordering::Relaxed);
        loop {
            let (next, told) = add(now, ready);
            // Ordering: AcqRel. Release pairs with `load` and `wait`; acquire pairs with the
            // release in `wait`, so that the waker put in place before is found.
            match self.0.compare_exchange_weak(now, next, Ordering::AcqRel, Ordering::Relaxed) {
                Ok(_) => return told,
                Err(actual) => now = actual,
            }
        }
    }

    /// The operation that had `seen` the source ready for `what` was told otherwise.
    pub(crate) fn take(&self, seen: Seen, what: Ready) {
        let mut now = self.0.load(Ordering::Relaxed);
        loop {
            let next = take(now, seen, what);
            if next == now {
                return;
            }
            // Ordering: AcqRel, as in `add`.
            match self.0.compare_exchange_weak(now, next, Ordering::AcqRel, Ordering::Relaxed) {
                Ok(_) => return,
                Err(actual) => now = actual,
            }
        }
    }

    /// Somebody who has put a waker in place is about to wait; `Err` if it need not.
    pub(crate) fn wait(&self, interest: Interest) -> Result<(), Ready> {
        // Ordering: Acquire, as in `load`, for the case that it is ready.
        let mut now = self.0.load(Ordering::Acquire);
        loop {
            let next = wait(now, interest)?;
            // Ordering: AcqRel; release pairs with the acquire in `add`.
            match self.0.compare_exchange_weak(now, next, Ordering::AcqRel, Ordering::Acquire) {
                Ok(_) => return Ok(()),
                Err(actual) => now = actual,
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Every combination of readiness and waiting, against every edge.
    fn words() -> impl Iterator<Item = u64> {
        (0..1u64 << 7).map(|bits| (5 * TICK) | bits)
    }

    #[test]
    fn an_event_adds_and_tells() {
        for word in words() {
            for ready in [Ready::READABLE, Ready::WRITABLE, Ready::READ_CLOSED, Ready::GONE] {
                let (next, told) = add(word, ready);
                assert_eq!(next / TICK, 6, "a new tick");
                assert_eq!(Ready::from_bits(next), Ready::from_bits(word) | ready);
                let concerned = match ready {
                    Ready::WRITABLE => WRITE_WAITS,
                    Ready::GONE => READ_WAITS | WRITE_WAITS,
                    _ => READ_WAITS,
                };
                assert_eq!(told, word & concerned != 0);
                assert_eq!(
                    next & (READ_WAITS | WRITE_WAITS),
                    word & !concerned & (READ_WAITS | WRITE_WAITS)
                );
            }
        }
    }

    #[test]
    fn taking_away_needs_the_same_tick_and_spares_what_is_final() {
        for word in words() {
            let ready = Ready::from_bits(word);
            let stale = Seen { ready, tick: 4 };
            assert_eq!(take(word, stale, Ready::ALL), word);
            let fresh = Seen { ready, tick: 5 };
            let passing = (Ready::READABLE | Ready::WRITABLE).bits();
            assert_eq!(take(word, fresh, Ready::ALL), word & !passing);
            assert_eq!(take(word, fresh, Ready::READABLE), word & !Ready::READABLE.bits());
        }
    }

    #[test]
    fn only_the_unready_wait() {
        for word in words() {
            for interest in
                [Interest::READABLE, Interest::WRITABLE, Interest::READABLE | Interest::WRITABLE]
            {
                let ready = Ready::from_bits(word) & interest.mask();
                let bits = if interest.is_readable() { READ_WAITS } else { 0 }
                    | if interest.is_writable() { WRITE_WAITS } else { 0 };
                match wait(word, interest) {
                    Ok(next) => {
                        assert!(ready.is_empty());
                        assert_eq!(next, word | bits);
                    }
                    Err(seen) => assert!(seen == ready && !ready.is_empty()),
                }
            }
        }
    }
}
