//! What the runtime lends the lower crates: budget, wait sites, and threads to block on.

use std::panic::Location;

use crate::leaf::{proceed, restore, waiting};
use crate::task::current;

fn io_waiting(operation: &'static heist_io::host::Operation, at: &'static Location<'static>) {
    current::note_wait(operation.as_str_ref(), at);
}

fn run_blocking(job: Box<dyn FnOnce() + Send>) {
    crate::blocking::run_detached(job);
}

/// Lends the lower crates what only a runtime has.
pub(crate) fn install() {
    static TIMER: heist_timer::host::Host = heist_timer::host::Host { proceed, restore, waiting };
    static IO: heist_io::host::Host =
        heist_io::host::Host { proceed, restore, waiting: io_waiting, run_blocking };
    heist_timer::host::install(&TIMER);
    heist_io::host::install(&IO);
}
