//! What one waits for, and what there is.

use std::fmt;
use std::ops::{BitAnd, BitOr, BitOrAssign, Sub};

/// The directions in which to wait for readiness.
///
/// # Examples
/// ```
/// use heist_io::Interest;
///
/// let both = Interest::READABLE | Interest::WRITABLE;
/// assert!(both.is_readable() && both.is_writable());
/// assert_eq!(both.remove(Interest::WRITABLE), Some(Interest::READABLE));
/// assert_eq!(Interest::READABLE.remove(both), None);
/// ```
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct Interest(u8);

const READ: u8 = 1;
const WRITE: u8 = 2;

impl Interest {
    /// Reading.
    pub const READABLE: Interest = Interest(READ);
    /// Writing.
    pub const WRITABLE: Interest = Interest(WRITE);

    /// Whether reading is among them.
    pub const fn is_readable(self) -> bool {
        self.0 & READ != 0
    }

    /// Whether writing is among them.
    pub const fn is_writable(self) -> bool {
        self.0 & WRITE != 0
    }

    /// Both.
    #[allow(clippy::should_implement_trait)]
    #[must_use]
    pub const fn add(self, other: Interest) -> Interest {
        Interest(self.0 | other.0)
    }

    /// This one without another; `None` if nothing is left.
    #[must_use]
    pub const fn remove(self, other: Interest) -> Option<Interest> {
        match self.0 & !other.0 {
            0 => None,
            rest => Some(Interest(rest)),
        }
    }

    /// The readiness that ends a wait for this interest.
    pub(crate) fn mask(self) -> Ready {
        let read =
            if self.is_readable() { Ready::READABLE | Ready::READ_CLOSED } else { Ready::EMPTY };
        let write =
            if self.is_writable() { Ready::WRITABLE | Ready::WRITE_CLOSED } else { Ready::EMPTY };
        read | write | Ready::GONE
    }
}

impl BitOr for Interest {
    type Output = Interest;
    fn bitor(self, other: Interest) -> Interest {
        self.add(other)
    }
}

impl BitOrAssign for Interest {
    fn bitor_assign(&mut self, other: Interest) {
        *self = self.add(other);
    }
}

impl fmt::Debug for Interest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match (self.is_readable(), self.is_writable()) {
            (true, true) => "READABLE | WRITABLE",
            (true, false) => "READABLE",
            (false, _) => "WRITABLE",
        })
    }
}

/// What a source is ready for.
///
/// # Examples
/// ```
/// use heist_io::Ready;
///
/// // A peer that has closed its side: reads find the end.
/// let ready = Ready::WRITABLE | Ready::READ_CLOSED;
/// assert!(ready.is_writable() && ready.is_readable() && ready.is_read_closed());
/// assert!((ready & Ready::WRITE_CLOSED).is_empty());
/// ```
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Ready(u8);

impl Ready {
    /// Nothing.
    pub const EMPTY: Ready = Ready(0);
    /// There may be something to read.
    pub const READABLE: Ready = Ready(1);
    /// There may be room to write.
    pub const WRITABLE: Ready = Ready(2);
    /// The peer has closed its writing half: reads will find the end.
    pub const READ_CLOSED: Ready = Ready(4);
    /// The connection is closed for writing.
    pub const WRITE_CLOSED: Ready = Ready(8);
    /// Everything.
    pub const ALL: Ready = Ready(15);
    /// The reactor has shut down, or the source has left it.
    pub(crate) const GONE: Ready = Ready(16);

    pub(crate) const BITS: u32 = 5;

    pub(crate) fn from_bits(bits: u64) -> Ready {
        Ready((bits & ((1 << Ready::BITS) - 1)) as u8)
    }

    pub(crate) fn bits(self) -> u64 {
        u64::from(self.0)
    }

    /// Whether there is nothing.
    pub fn is_empty(self) -> bool {
        self == Ready::EMPTY
    }

    /// Whether a read may succeed, be it only with the end.
    pub fn is_readable(self) -> bool {
        self.0 & (Ready::READABLE.0 | Ready::READ_CLOSED.0) != 0
    }

    /// Whether a write may succeed or fail for good.
    pub fn is_writable(self) -> bool {
        self.0 & (Ready::WRITABLE.0 | Ready::WRITE_CLOSED.0) != 0
    }

    /// Whether reads will find the end.
    pub fn is_read_closed(self) -> bool {
        self.0 & Ready::READ_CLOSED.0 != 0
    }

    /// Whether writes will fail.
    pub fn is_write_closed(self) -> bool {
        self.0 & Ready::WRITE_CLOSED.0 != 0
    }

    pub(crate) fn is_gone(self) -> bool {
        self.0 & Ready::GONE.0 != 0
    }

    pub(crate) fn without(self, other: Ready) -> Ready {
        Ready(self.0 & !other.0)
    }
}

impl BitOr for Ready {
    type Output = Ready;
    fn bitor(self, other: Ready) -> Ready {
        Ready(self.0 | other.0)
    }
}

impl BitOrAssign for Ready {
    fn bitor_assign(&mut self, other: Ready) {
        self.0 |= other.0;
    }
}

impl BitAnd for Ready {
    type Output = Ready;
    fn bitand(self, other: Ready) -> Ready {
        Ready(self.0 & other.0)
    }
}

/// What is left without the other.
impl Sub for Ready {
    type Output = Ready;
    fn sub(self, other: Ready) -> Ready {
        self.without(other)
    }
}

impl fmt::Debug for Ready {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Ready")
            .field("readable", &(self.0 & 1 != 0))
            .field("writable", &(self.0 & 2 != 0))
            .field("read_closed", &self.is_read_closed())
            .field("write_closed", &self.is_write_closed())
            .finish()
    }
}
