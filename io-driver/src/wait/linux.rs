//! Linux: `epoll` in edge mode on the poller's descriptor.
//!
//! Facts that force the choices: `polling` registers no `EPOLLRDHUP`, without which a short read
//! could not be told from one that has met the end of the stream, so sources are registered here,
//! with the poller's descriptor as the `epoll` instance. The wake-up call is an eventfd in edge
//! mode: each write is a new edge, so it is never read. The poller's own eventfd and timer are
//! in the set, too, and stay silent, since its `wait` and `notify` are never called.

use std::io;
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, OwnedFd};
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};
use std::time::Duration;

use polling::Poller;
use rustix::buffer::spare_capacity;
use rustix::event::epoll::{self, EventData, EventFlags};
use rustix::event::{EventfdFlags, Timespec, eventfd};
use rustix::io::Errno;

use crate::interest::Ready;

/// The key of the wake-up call. The poller keeps `usize::MAX` for itself.
const NOTIFY_KEY: usize = usize::MAX - 1;

/// Events of one turn.
pub(crate) struct EventBuffer(Vec<epoll::Event>);

// SAFETY: the events' data is our keys; as a union it could be a pointer, but never is here.
unsafe impl Send for EventBuffer {}

impl EventBuffer {
    pub(crate) fn new(max: usize) -> EventBuffer {
        EventBuffer(Vec::with_capacity(max))
    }

    /// Keys and readiness of what has come, without the wake-up call.
    pub(crate) fn iter(&self) -> impl Iterator<Item = (usize, Ready)> + '_ {
        self.0
            .iter()
            .map(|event| (event.data.u64() as usize, ready(event.flags)))
            .filter(|&(key, _)| key < NOTIFY_KEY)
    }
}

fn ready(flags: EventFlags) -> Ready {
    let mut ready = Ready::EMPTY;
    let hung_up = flags.intersects(EventFlags::HUP | EventFlags::ERR);
    if flags.intersects(EventFlags::IN | EventFlags::PRI) || hung_up {
        ready |= Ready::READABLE;
    }
    if flags.contains(EventFlags::OUT) || hung_up {
        ready |= Ready::WRITABLE;
    }
    if flags.intersects(EventFlags::RDHUP | EventFlags::HUP) {
        ready |= Ready::READ_CLOSED;
    }
    if flags.contains(EventFlags::HUP) {
        ready |= Ready::WRITE_CLOSED;
    }
    ready
}

/// See the module's documentation.
pub(crate) struct Waiter {
    poller: Poller,
    wake_up: OwnedFd,
    /// Whether the kernel has `epoll_pwait2`, as far as is known: those before 5.11 have not.
    has_pwait2: AtomicBool,
}

impl Waiter {
    pub(crate) fn new() -> io::Result<Waiter> {
        let poller = Poller::new()?;
        let wake_up = eventfd(0, EventfdFlags::CLOEXEC | EventfdFlags::NONBLOCK)?;
        let key = EventData::new_u64(NOTIFY_KEY as u64);
        epoll::add(&poller, &wake_up, key, EventFlags::IN | EventFlags::ET)?;
        Ok(Waiter { poller, wake_up, has_pwait2: AtomicBool::new(true) })
    }

    /// Registers a source for both directions, once for its life.
    pub(crate) fn add(&self, source: BorrowedFd<'_>, key: usize) -> io::Result<()> {
        let flags = EventFlags::IN | EventFlags::OUT | EventFlags::RDHUP | EventFlags::ET;
        Ok(epoll::add(&self.poller, source, EventData::new_u64(key as u64), flags)?)
    }

    /// Asks for another event if the source is ready. Edge mode needs no such thing.
    pub(crate) fn rearm(&self, _: BorrowedFd<'_>, _: usize) -> io::Result<()> {
        Ok(())
    }

    pub(crate) fn delete(&self, source: BorrowedFd<'_>) -> io::Result<()> {
        Ok(epoll::delete(&self.poller, source)?)
    }

    pub(crate) fn wait(
        &self,
        events: &mut EventBuffer,
        timeout: Option<Duration>,
    ) -> io::Result<()> {
        events.0.clear();
        // Ordering: Relaxed; that the call is missing is a fact about the kernel, and finding it out
        // twice does no harm.
        let timeout = timeout.map(timespec);
        let waited = match &timeout {
            Some(fine) if self.has_pwait2.load(Relaxed) && !is_whole_millis(fine) => {
                match wait_finely(self.poller.as_fd(), &mut events.0, fine) {
                    Err(Errno::NOSYS) => {
                        self.has_pwait2.store(false, Relaxed);
                        self.wait_coarsely(events, timeout.as_ref())
                    }
                    waited => waited,
                }
            }
            _ => self.wait_coarsely(events, timeout.as_ref()),
        };
        match waited {
            Ok(()) | Err(Errno::INTR) => Ok(()),
            Err(error) => Err(error.into()),
        }
    }

    /// Waits for whole milliseconds, rounded up: late, but never early for a timer.
    fn wait_coarsely(
        &self,
        events: &mut EventBuffer,
        timeout: Option<&Timespec>,
    ) -> rustix::io::Result<()> {
        epoll::wait(&self.poller, spare_capacity(&mut events.0), timeout).map(drop)
    }

    pub(crate) fn notify(&self) {
        // EAGAIN would mean 2^64 wake-up calls that nobody has heeded yet.
        let _ = rustix::io::write(self.wake_up.as_fd(), &1u64.to_ne_bytes());
    }
}

fn is_whole_millis(time: &Timespec) -> bool {
    time.tv_nsec % 1_000_000 == 0
}

/// `epoll_pwait2`, which rustix offers only to those who renounce older kernels altogether.
fn wait_finely(
    epoll: BorrowedFd<'_>,
    events: &mut Vec<epoll::Event>,
    timeout: &Timespec,
) -> rustix::io::Result<()> {
    /// `struct __kernel_timespec`: 64 bits each, on every platform.
    #[repr(C)]
    struct KernelTimespec([i64; 2]);
    let timeout = KernelTimespec([timeout.tv_sec, timeout.tv_nsec]);
    let space = events.spare_capacity_mut();
    // SAFETY: the kernel writes at most `space.len()` events there, which have its layout (rustix
    // gives the same type to it), and reads the timeout; there is no signal mask.
    let count = unsafe {
        libc::syscall(
            libc::SYS_epoll_pwait2,
            epoll.as_raw_fd(),
            space.as_mut_ptr(),
            space.len() as libc::c_int,
            &raw const timeout,
            std::ptr::null::<libc::sigset_t>(),
            0usize,
        )
    };
    let Ok(count) = usize::try_from(count) else {
        return Err(Errno::from_io_error(&io::Error::last_os_error()).unwrap_or(Errno::INVAL));
    };
    // SAFETY: the kernel has written so many. The buffer was empty before.
    unsafe { events.set_len(count) };
    Ok(())
}

fn timespec(duration: Duration) -> Timespec {
    // What does not fit is longer than anybody waits.
    let seconds = i64::try_from(duration.as_secs()).unwrap_or(i64::MAX).min(1 << 30);
    Timespec { tv_sec: seconds, tv_nsec: duration.subsec_nanos().into() }
}
