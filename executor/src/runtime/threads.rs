//! Starting the runtime's threads, and knowing when the last of them has gone.

use std::io;
use std::sync::Arc;
use std::thread;

use crate::foreign::quietly;
use crate::worker::Scheduler;

/// Starts a thread of the runtime: named, counted, with the builder's hooks around `body`.
pub(crate) fn start(
    scheduler: &Arc<Scheduler>,
    default_name: &str,
    body: impl FnOnce() + Send + 'static,
) -> io::Result<()> {
    let given = scheduler.config.thread_name.as_ref().and_then(|name| quietly(|| name()));
    start_as(scheduler, given.unwrap_or_else(|| default_name.to_owned()), body)
}

/// The same with a name that the builder has no say in.
pub(crate) fn start_as(
    scheduler: &Arc<Scheduler>,
    name: String,
    body: impl FnOnce() + Send + 'static,
) -> io::Result<()> {
    let config = &scheduler.config;
    let mut builder = thread::Builder::new().name(name);
    if let Some(size) = config.thread_stack_size {
        builder = builder.stack_size(size);
    }
    // Counted before it runs, so that shutdown waits for it too.
    scheduler.exit.thread_starts();
    let held = scheduler.clone();
    let started = builder.spawn(move || {
        set_timer_slack();
        // Dropped last: then nothing of the runtime is left on this thread but its reference.
        let _gone = Gone(held.clone());
        if let Some(hook) = &held.config.on_thread_start {
            quietly(|| hook());
        }
        body();
        if let Some(hook) = &held.config.on_thread_stop {
            quietly(|| hook());
        }
    });
    match started {
        Ok(handle) => {
            scheduler.exit.thread_started(handle);
            Ok(())
        }
        Err(error) => {
            scheduler.exit.thread_ends();
            Err(error)
        }
    }
}

struct Gone(Arc<Scheduler>);

impl Drop for Gone {
    fn drop(&mut self) {
        self.0.exit.thread_ends();
    }
}

/// Lets the kernel end this thread's waits on time instead of up to 50 us late.
fn set_timer_slack() {
    #[cfg(target_os = "linux")]
    {
        // A refusal costs accuracy and nothing else.
        let _ = rustix::thread::set_current_timer_slack(std::num::NonZeroU64::new(1));
    }
}
