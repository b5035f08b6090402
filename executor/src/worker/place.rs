//! Which CPU a worker is on, as a hint.
//!
//! A thread that wakes up mostly begins where it has run last. If that is where its waker goes on
//! running, it may wait until that one rests, also beside a CPU that is idle: on a virtual machine, Linux was
//! seen to notice only after some milliseconds. So a busy worker that calls for help rather calls one that was elsewhere.
//!
//! Deliberately without binding threads to CPUs, which is for the system to decide.

/// Where somebody is of whom nobody can tell.
pub(super) const NOWHERE: u32 = u32::MAX;

/// The CPU that this thread is on.
#[cfg(target_os = "linux")]
pub(super) fn current() -> u32 {
    rustix::thread::sched_getcpu() as u32
}

/// The CPU that this thread is on.
#[cfg(not(target_os = "linux"))]
pub(super) fn current() -> u32 {
    NOWHERE
}
