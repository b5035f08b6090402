//! What the runtime says of its own accord: one line each, about what nobody else would hear of.
//!
//! With the feature `tracing` a report is an event with the target `heist`, if somebody listens at its
//! level; else it goes to standard error. Deliberately without a level below a warning: what goes
//! well is not worth a line.

use std::fmt::Display;
use std::io::Write;

/// Whether somebody has heard the event. A subscriber is foreign code, and we may be on a worker: if
/// it panics, it has not.
#[cfg(feature = "tracing")]
macro_rules! traced {
    ($level:ident, $message:ident) => {
        tracing::enabled!(target: "heist", tracing::Level::$level)
            && crate::foreign::quietly(|| {
                tracing::event!(target: "heist", tracing::Level::$level, "{}", $message);
            })
            .is_some()
    };
}
/// Something to look into.
pub(crate) fn warn(message: impl Display) {
    #[cfg(feature = "tracing")]
    if traced!(WARN, message) {
        return;
    }
    print(message);
}

/// Something has gone wrong.
pub(crate) fn error(message: impl Display) {
    #[cfg(feature = "tracing")]
    if traced!(ERROR, message) {
        return;
    }
    print(message);
}

/// One write, so that lines of several threads do not mix. Where standard error is closed, nobody is
/// left to be told.
fn print(message: impl Display) {
    let line = format!("heist: {message}\n");
    let _ = std::io::stderr().write_all(line.as_bytes());
}
