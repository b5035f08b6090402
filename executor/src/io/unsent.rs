//! [`Unsent`]: how much a writer holds in its buffer, told in debug mode if it is lost.

use std::panic::Location;

use crate::runtime::debugging;

/// The part of a writer that stays until its end, however that comes about: as it is dropped, so
/// is whatever is in the buffer.
#[derive(Debug)]
pub(super) struct Unsent {
    bytes: usize,
    /// Where the writer was made.
    at: &'static Location<'static>,
}

impl Unsent {
    /// Nothing yet, of a writer that is made by the caller.
    #[track_caller]
    pub(super) fn new() -> Unsent {
        Unsent { bytes: 0, at: Location::caller() }
    }

    /// So much is in the buffer now.
    #[inline]
    pub(super) fn is(&mut self, bytes: usize) {
        self.bytes = bytes;
    }
}

impl Drop for Unsent {
    fn drop(&mut self) {
        let Unsent { bytes, at } = *self;
        if bytes > 0 {
            debugging::unsent(at, || {
                format!(
                    "a buffered writer made at {at} was dropped without a flush; bytes lost: {bytes}"
                )
            });
        }
    }
}
