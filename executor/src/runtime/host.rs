//! What the runtime lends the lower crates: budget, wait sites, an ear for what is never polled, threads
//! to block on, and time.

use std::panic::Location;
use std::time::Duration;

use heist_timer::host::part_sleep;

use super::debugging;
use crate::leaf::{proceed, restore, waiting, waiting_at_least};
use crate::task::current;

fn io_waiting(operation: &'static heist_io::host::Operation, at: &'static Location<'static>) {
    current::note_wait(operation.as_str_ref(), at);
}

fn unpolled(operation: &'static heist_timer::host::Operation, at: &'static Location<'static>) {
    debugging::unpolled(operation.as_str_ref(), at);
}

fn io_unpolled(operation: &'static heist_io::host::Operation, at: &'static Location<'static>) {
    debugging::unpolled(operation.as_str_ref(), at);
}

fn run_blocking(job: Box<dyn FnOnce() + Send>) {
    crate::blocking::run_detached(job);
}

fn sleep(duration: Duration) -> heist_io::host::Sleep {
    Box::pin(part_sleep(duration))
}

/// Lends the lower crates what only a runtime has.
pub(crate) fn install() {
    static TIMER: heist_timer::host::Host =
        heist_timer::host::Host { proceed, restore, waiting, waiting_at_least, unpolled };
    static IO: heist_io::host::Host = heist_io::host::Host {
        proceed,
        restore,
        waiting: io_waiting,
        unpolled: io_unpolled,
        run_blocking,
        sleep,
    };
    heist_timer::host::install(&TIMER);
    heist_io::host::install(&IO);
}
