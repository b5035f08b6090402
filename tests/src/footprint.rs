//! What this process has: bytes from the allocator, threads, descriptors. To tell that nothing of
//! what is over is left.

use std::alloc::{GlobalAlloc, Layout, System};
use std::fmt;
use std::sync::atomic::{AtomicIsize, Ordering};

use crate::{descriptors, threads};

/// The system's allocator, and a count of the bytes that are given out. A program that wants to
/// know them makes it its `#[global_allocator]`.
#[derive(Debug)]
pub struct CountingAllocator;

static LIVE: AtomicIsize = AtomicIsize::new(0);

// SAFETY: everything is passed on to the system's allocator.
unsafe impl GlobalAlloc for CountingAllocator {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        LIVE.fetch_add(layout.size() as isize, Ordering::Relaxed);
        // SAFETY: passed on from the caller.
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, block: *mut u8, layout: Layout) {
        LIVE.fetch_sub(layout.size() as isize, Ordering::Relaxed);
        // SAFETY: passed on from the caller.
        unsafe { System.dealloc(block, layout) }
    }

    unsafe fn realloc(&self, block: *mut u8, layout: Layout, size: usize) -> *mut u8 {
        LIVE.fetch_add(size as isize - layout.size() as isize, Ordering::Relaxed);
        // SAFETY: passed on from the caller.
        unsafe { System.realloc(block, layout, size) }
    }
}

/// What the process has at one moment.
#[derive(Clone, Copy, Debug)]
pub struct Footprint {
    /// Zero without the counting allocator.
    pub bytes: isize,
    /// Threads.
    pub threads: usize,
    /// Open descriptors.
    pub descriptors: usize,
}

/// So many bytes may come and go: queues and tables that keep what they have once grown to, and
/// what the system's libraries hold.
const SLACK: isize = 64 << 10;

impl Footprint {
    /// That of now.
    pub fn now() -> Footprint {
        Footprint {
            bytes: LIVE.load(Ordering::Relaxed),
            threads: threads(),
            descriptors: descriptors(),
        }
    }

    /// Whether this is no more than `before`, but for a few KiB.
    pub fn is_within(&self, before: &Footprint) -> bool {
        self.bytes - before.bytes < SLACK
            && self.threads <= before.threads
            && self.descriptors <= before.descriptors
    }
}

impl fmt::Display for Footprint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "{} bytes, {} threads, {} descriptors",
            self.bytes, self.threads, self.descriptors
        )
    }
}
