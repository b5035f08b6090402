//! How many workers a runtime has if nobody says so, and the start of the first one.
//!
//! Deliberately without the life of a worker, which is in [`worker`](crate::worker).

use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use super::Runtime;
use crate::worker::{Scheduler, WorkerLocal, dormant};

/// Starts the first worker's thread; the others are started when there is work for them.
pub(super) fn start(
    scheduler: Arc<Scheduler>,
    workers: Vec<Arc<WorkerLocal>>,
) -> io::Result<Runtime> {
    scheduler.dormant.fill(workers);
    let first = scheduler.idle.choose(|_| 0).and_then(|first| scheduler.dormant.take(first));
    let started = dormant::start(first.expect("a runtime has a worker, which is dormant"));
    let runtime = Runtime::of(scheduler, None);
    if let Err(error) = started {
        // Not waiting, since this may be async code: with no thread the workers leave at once.
        runtime.shutdown_background();
        return Err(io::Error::new(error.kind(), format!("cannot start a worker thread: {error}")));
    }
    Ok(runtime)
}

/// The number of workers where the program names none.
pub(super) fn default_number() -> io::Result<usize> {
    const VARIABLE: &str = "HEIST_WORKER_THREADS";
    if let Some(value) = std::env::var_os(VARIABLE) {
        let number = value.to_str().and_then(|value| value.parse().ok());
        return number.filter(|&number| number > 0).ok_or_else(|| {
            let message = format!("{VARIABLE} must be a number above zero, not {value:?}");
            io::Error::new(io::ErrorKind::InvalidInput, message)
        });
    }
    Ok(cpus())
}

/// On how many CPUs this process may run.
pub(crate) fn cpus() -> usize {
    // The answer does not change, and asking costs reads of several files.
    static CPUS: AtomicUsize = AtomicUsize::new(0);
    let mut cpus = CPUS.load(Ordering::Relaxed);
    if cpus == 0 {
        cpus = std::thread::available_parallelism().map_or(1, usize::from);
        CPUS.store(cpus, Ordering::Relaxed);
    }
    cpus
}
