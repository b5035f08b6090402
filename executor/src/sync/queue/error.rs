//! Why an item was not put in or got.

use std::error::Error;
use std::fmt;

/// The queue is shut down; here is the item.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PutError<T>(pub T);

/// The item could not be put in at once; here it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TryPutError<T> {
    /// There is no room now.
    Full(T),
    /// The queue is shut down.
    Shutdown(T),
}

/// The queue is shut down and empty.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct GetError(pub(super) ());

/// No item could be got at once.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TryGetError {
    /// There is none now.
    Empty,
    /// The queue is shut down and empty.
    Shutdown,
}

impl<T> fmt::Display for PutError<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the queue is shut down")
    }
}

impl<T> fmt::Display for TryPutError<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            TryPutError::Full(_) => "the queue has no room",
            TryPutError::Shutdown(_) => "the queue is shut down",
        })
    }
}

impl fmt::Display for GetError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the queue is shut down")
    }
}

impl fmt::Display for TryGetError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            TryGetError::Empty => "the queue is empty",
            TryGetError::Shutdown => "the queue is shut down",
        })
    }
}

impl<T: fmt::Debug> Error for PutError<T> {}
impl<T: fmt::Debug> Error for TryPutError<T> {}
impl Error for GetError {}
impl Error for TryGetError {}
