//! Deadlines that sleeping owners leave to the one who drives.
//!
//! A thread that wakes up for a timer costs microseconds, however little there is to do. So of all
//! owners that sleep only one, the driver, wakes up for timers, as long as it does so in time: it
//! fires those of the others, too, and they sleep on. An owner whose timers are due before the
//! driver wakes sees to them itself.
//!
//! **Nobody oversleeps.** An owner stores its deadline, fences, and reads until when the driver
//! sleeps. The driver stores until when it will sleep, fences, and reads the deadlines. Whichever
//! fence comes second sees the other's store: the owner a driver that wakes in time, or the
//! driver a deadline to wake for. A driver that has woken up looks at the deadlines again and again
//! for as long as it is busy, and whoever drives after it reads them all.
//!
//! Deliberately without locks and without firing: those belong to the wheels.

use crate::shim::{AtomicU64, Ordering, fence};

/// No deadline; a driver that is awake.
const NEVER: u64 = u64::MAX;

/// See the module's documentation.
#[derive(Debug)]
pub struct Entrusted {
    /// By owner, in nanoseconds of the clock; `NEVER` where the owner sees to its timers itself.
    deadlines: Box<[AtomicU64]>,
    /// Until when the driver sleeps at most.
    driver: AtomicU64,
}

impl Entrusted {
    /// Nothing is entrusted to anybody.
    pub fn new(owners: usize) -> Entrusted {
        Entrusted {
            deadlines: (0..owners).map(|_| AtomicU64::new(NEVER)).collect(),
            driver: AtomicU64::new(NEVER),
        }
    }

    /// Leaves a deadline to the driver, unless that wakes too late for it. Called under the lock
    /// of the owner's wheel, as is `change`.
    pub fn entrust(&self, owner: usize, deadline: u64) -> bool {
        self.change(owner, deadline);
        // Ordering: pairs with the fence in `drive`.
        fence(Ordering::SeqCst);
        let accepted = self.wakes_by(deadline);
        if !accepted {
            self.change(owner, NEVER);
        }
        accepted
    }

    /// Whether a driver sleeps that wakes up by then.
    pub fn wakes_by(&self, deadline: u64) -> bool {
        self.driver.load(Ordering::Relaxed) <= deadline
    }

    /// The earliest timer of an owner has changed while it sleeps.
    pub fn change(&self, owner: usize, deadline: u64) {
        // Ordering: Relaxed; the fences in `entrust` and `drive` are what counts.
        self.deadlines[owner].store(deadline, Ordering::Relaxed);
    }

    /// The owner is awake.
    pub fn take_back(&self, owner: usize) {
        self.change(owner, NEVER);
    }

    /// Whether the owner has left its timers to others.
    pub fn is_entrusted(&self, owner: usize) -> bool {
        self.deadlines[owner].load(Ordering::Relaxed) != NEVER
    }

    /// The caller drives, and would sleep until `own`: until when it must sleep at most.
    pub fn drive(&self, own: u64) -> u64 {
        let mut until = own.min(self.earliest());
        loop {
            self.driver.store(until, Ordering::Relaxed);
            // Ordering: pairs with the fence in `entrust`.
            fence(Ordering::SeqCst);
            let again = until.min(self.earliest());
            if again == until {
                return until;
            }
            until = again;
        }
    }

    /// The driver is awake.
    pub fn end_drive(&self) {
        // Ordering: Relaxed; an owner that still sees the old value is seen by the awake driver.
        self.driver.store(NEVER, Ordering::Relaxed);
    }

    /// The earliest deadline of all, `NEVER` if there is none.
    pub fn earliest(&self) -> u64 {
        self.deadlines.iter().map(|d| d.load(Ordering::Relaxed)).min().unwrap_or(NEVER)
    }

    /// Whose deadlines have passed.
    pub fn due(&self, now: u64) -> impl Iterator<Item = usize> + '_ {
        let due = move |(owner, deadline): (usize, &AtomicU64)| {
            (deadline.load(Ordering::Relaxed) <= now).then_some(owner)
        };
        self.deadlines.iter().enumerate().filter_map(due)
    }
}
