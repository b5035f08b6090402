//! What the runtime lends the lower crates: budget, wait sites, threads to block on, and time.

use std::panic::Location;
use std::time::Duration;

use crate::leaf::{proceed, restore, waiting};
use crate::task::current;

fn io_waiting(operation: &'static heist_io::host::Operation, at: &'static Location<'static>) {
    current::note_wait(operation.as_str_ref(), at);
}

fn run_blocking(job: Box<dyn FnOnce() + Send>) {
    crate::blocking::run_detached(job);
}

fn sleep(duration: Duration) -> heist_io::host::Sleep {
    Box::pin(crate::time::sleep(duration))
}

/// Lends the lower crates what only a runtime has.
pub(crate) fn install() {
    static TIMER: heist_timer::host::Host = heist_timer::host::Host { proceed, restore, waiting };
    static IO: heist_io::host::Host =
        heist_io::host::Host { proceed, restore, waiting: io_waiting, run_blocking, sleep };
    heist_timer::host::install(&TIMER);
    heist_io::host::install(&IO);
}
