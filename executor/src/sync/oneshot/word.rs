//! The word of a oneshot channel: who has done what, in one atomic `usize`.
//!
//! ```text
//!      5          4         3        2        1        0
//! +---------+----------+---------+---------+--------+-------+
//! | SENDER  | RECEIVER | SENDER  | RECEIVER| CLOSED | DONE  |
//! |  WAITS  |  WAITS   |  GONE   |  GONE   |        |       |
//! +---------+----------+---------+---------+--------+-------+
//! ```
//!
//! * `DONE`: the sender has had its say. The value's cell belongs to the receiver: it holds the
//!   value, or nothing if there will be none.
//! * `CLOSED`: the receiver wants no value any more.
//! * `..._GONE`: that side will not touch the channel again. Who comes second frees it.
//! * `RECEIVER_WAITS`: the receiver's waker is in its cell. The cell is the receiver's until the
//!   edge that sets `DONE` finds this bit set, and then the sender's.
//! * `SENDER_WAITS`: the same the other way round, with `CLOSED` for `DONE`.
//!
//! No bit but the `..._WAITS` is ever cleared.

use crate::shim::atomic::{AtomicUsize, Ordering};

const DONE: usize = 1 << 0;
const CLOSED: usize = 1 << 1;
const RECEIVER_GONE: usize = 1 << 2;
const SENDER_GONE: usize = 1 << 3;
const RECEIVER_WAITS: usize = 1 << 4;
const SENDER_WAITS: usize = 1 << 5;

/// One value of the word.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Snapshot(usize);

impl Snapshot {
    pub(super) fn is_done(self) -> bool {
        self.0 & DONE != 0
    }

    pub(super) fn is_closed(self) -> bool {
        self.0 & CLOSED != 0
    }

    pub(super) fn is_sender_gone(self) -> bool {
        self.0 & SENDER_GONE != 0
    }
}

/// What the sender has to do once it is done.
#[must_use]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Done {
    /// The receiver wants nothing: the value's cell is still the sender's.
    Refused,
    /// Nothing; the sender is gone, too.
    Gone,
    /// Nobody is left: free the channel.
    Free,
    /// Take the receiver's waker, leave by [`Word::sender_leaves`], and call the waker.
    Wake,
}

/// What the receiver has to do once it has closed the channel.
#[must_use]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Close {
    /// Nothing.
    Nothing,
    /// Take the sender's waker, and call it.
    Wake,
}

/// Edge: the sender has its say; `has_value` if there is something that could be refused.
fn finish(word: usize, has_value: bool) -> (usize, Done) {
    debug_assert!(word & (DONE | SENDER_GONE) == 0, "{word:#b}");
    if has_value && word & CLOSED != 0 {
        (word, Done::Refused)
    } else if word & RECEIVER_GONE != 0 {
        (word | DONE | SENDER_GONE, Done::Free)
    } else if word & RECEIVER_WAITS != 0 {
        (word | DONE, Done::Wake)
    } else {
        (word | DONE | SENDER_GONE, Done::Gone)
    }
}

/// Edge: the receiver wants nothing any more.
fn close(word: usize) -> (usize, Close) {
    let tells = word & CLOSED == 0 && word & SENDER_WAITS != 0;
    (word | CLOSED, if tells { Close::Wake } else { Close::Nothing })
}

/// Edge: one side puts its waker in place or takes it back, which `end`, set by the other, forbids.
fn set_waits(word: usize, waits: usize, end: usize, set: bool) -> (usize, bool) {
    if word & end != 0 {
        (word, false)
    } else if set {
        (word | waits, true)
    } else {
        (word & !waits, true)
    }
}

/// The atomic word.
#[derive(Debug)]
pub(super) struct Word(AtomicUsize);

impl Word {
    pub(super) fn new() -> Word {
        Word(AtomicUsize::new(0))
    }

    #[inline]
    pub(super) fn load(&self) -> Snapshot {
        // Ordering: Acquire, pairs with `apply`: who sees `DONE` sees the value, who sees a side
        // gone sees all that it did.
        Snapshot(self.0.load(Ordering::Acquire))
    }

    /// Applies an edge.
    ///
    /// Ordering: AcqRel on success. Release publishes the cells that the edge hands over, acquire
    /// makes visible those that it takes over; both partners are other calls of this function and
    /// `load`. Acquire on failure, as duties follow from an unchanged word, too.
    #[inline]
    fn apply<R>(&self, edge: impl Fn(usize) -> (usize, R)) -> R {
        let mut now = self.0.load(Ordering::Acquire);
        loop {
            let (next, duty) = edge(now);
            if next == now {
                return duty;
            }
            match self.0.compare_exchange_weak(now, next, Ordering::AcqRel, Ordering::Acquire) {
                Ok(_) => return duty,
                Err(actual) => now = actual,
            }
        }
    }

    /// The sender has put its value in place, or has none.
    #[inline]
    pub(super) fn finish(&self, has_value: bool) -> Done {
        self.apply(|word| finish(word, has_value))
    }

    /// The sender is done and leaves; true if it must free the channel.
    pub(super) fn sender_leaves(&self) -> bool {
        self.apply(|word| (word | SENDER_GONE, word & RECEIVER_GONE != 0))
    }

    /// The receiver has closed the channel and leaves; true if it must free the channel.
    pub(super) fn receiver_leaves(&self) -> bool {
        self.apply(|word| (word | RECEIVER_GONE, word & SENDER_GONE != 0))
    }

    /// The receiver wants nothing any more.
    pub(super) fn close(&self) -> Close {
        self.apply(close)
    }

    /// The receiver's waker is in its cell; false if the sender is done and will not look.
    pub(super) fn receiver_waits(&self) -> bool {
        self.apply(|word| set_waits(word, RECEIVER_WAITS, DONE, true))
    }

    /// The receiver wants its waker's cell back; false if the sender has it.
    pub(super) fn receiver_resumes(&self) -> bool {
        self.apply(|word| set_waits(word, RECEIVER_WAITS, DONE, false))
    }

    /// The sender's waker is in its cell; false if the channel is closed and nobody will look.
    pub(super) fn sender_waits(&self) -> bool {
        self.apply(|word| set_waits(word, SENDER_WAITS, CLOSED, true))
    }

    /// The sender wants its waker's cell back; false if the receiver has it.
    pub(super) fn sender_resumes(&self) -> bool {
        self.apply(|word| set_waits(word, SENDER_WAITS, CLOSED, false))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Every word in which the sender is not done.
    fn words_of_a_sender() -> impl Iterator<Item = usize> {
        (0..1 << 6).filter(|word| {
            let gone_means_closed = word & RECEIVER_GONE == 0 || word & CLOSED != 0;
            word & (DONE | SENDER_GONE) == 0 && gone_means_closed
        })
    }

    #[test]
    fn who_finishes_has_one_duty() {
        for word in words_of_a_sender() {
            let (next, duty) = finish(word, true);
            let expected = match word {
                _ if word & CLOSED != 0 => Done::Refused,
                _ if word & RECEIVER_WAITS != 0 => Done::Wake,
                _ => Done::Gone,
            };
            assert_eq!(duty, expected, "{word:#b}");
            assert_eq!(next & DONE != 0, duty != Done::Refused);
            assert_eq!(next & SENDER_GONE != 0, duty == Done::Gone);

            let (next, duty) = finish(word, false);
            assert_eq!(duty == Done::Free, word & RECEIVER_GONE != 0, "{word:#b}");
            assert_ne!(duty, Done::Refused);
            assert_eq!(next & SENDER_GONE == 0, duty == Done::Wake);
        }
    }

    /// One edge from each word: what it was, what it is, and what the edge says.
    fn edge<A>(edge: impl Fn(&Word) -> A) -> impl Iterator<Item = (usize, usize, A)> {
        (0..1 << 6).map(move |from| {
            let word = Word(AtomicUsize::new(from));
            let said = edge(&word);
            (from, word.load().0, said)
        })
    }

    #[test]
    fn closing_tells_a_waiting_sender_once() {
        for (from, to, said) in edge(Word::close) {
            assert_eq!(to, from | CLOSED);
            let tells = from & SENDER_WAITS != 0 && to != from;
            assert_eq!(said, if tells { Close::Wake } else { Close::Nothing }, "{from:#b}");
        }
    }

    #[test]
    fn nobody_waits_for_what_has_happened() {
        type Edge = fn(&Word) -> bool;
        let edges: [(usize, usize, [Edge; 2]); 2] = [
            (RECEIVER_WAITS, DONE, [Word::receiver_waits, Word::receiver_resumes]),
            (SENDER_WAITS, CLOSED, [Word::sender_waits, Word::sender_resumes]),
        ];
        for (waits, end, [begin, resume]) in edges {
            for (from, to, said) in edge(begin).chain(edge(resume)) {
                assert_eq!(said, from & end == 0, "{from:#b}");
                assert_eq!(to & !waits, from & !waits, "no other bit changes");
                assert!(said || to == from, "whose the cell is has been decided");
            }
            let open = |&(from, _, _): &(usize, usize, bool)| from & end == 0;
            assert!(edge(begin).filter(open).all(|(_, to, _)| to & waits != 0));
            assert!(edge(resume).filter(open).all(|(_, to, _)| to & waits == 0));
        }
    }

    #[test]
    fn who_leaves_last_frees_the_channel() {
        for (from, to, frees) in edge(Word::sender_leaves) {
            assert_eq!((to, frees), (from | SENDER_GONE, from & RECEIVER_GONE != 0));
        }
        for (from, to, frees) in edge(Word::receiver_leaves) {
            assert_eq!((to, frees), (from | RECEIVER_GONE, from & SENDER_GONE != 0));
        }
    }
}
