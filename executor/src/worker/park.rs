//! How a worker sleeps: the meeting point of scheduler, I/O and time.
//!
//! A parked worker waits in the reactor if the seat is free and else on its parker. The one in the
//! reactor wakes for everybody's timers, the others only for timers that would come too late with
//! it. Neither driver knows of the other; this file asks the timers for a deadline, hands it to the
//! reactor, and fires what is due afterwards. The protocol
//! by which no wake is lost is in [`idle`](super::idle), that of the seat in
//! [`parker`](super::parker).

use std::time::{Duration, Instant};

use super::idle::Roused;
use super::local::WorkerLocal;
use super::rounds;
use super::watchdog::Watchdog;
use crate::foreign::quietly;
use crate::report;

/// What became of a leap of the clock.
#[derive(PartialEq, Eq)]
enum Leap {
    /// There is nothing to leap to, or not everybody is at rest; the last to come to it looks again.
    None,
    /// There is work after all.
    HasWork,
    /// Timers have been fired. This worker keeps the clock still until it is awake.
    Done,
}

impl WorkerLocal {
    /// Sleeps until there may be something to do.
    pub(crate) fn park(&self) {
        let scheduler = &*self.scheduler;
        self.begin_idle();
        let word = scheduler.idle.park(self.index, self.searching.replace(false));
        self.take_back();
        let stay = scheduler.injector.is_empty() && !scheduler.is_closing();
        let all_parked = word.parked() == scheduler.remotes.len();
        self.with_watchdog(|watchdog| {
            watchdog.worker_parks(&scheduler.idle, word, scheduler.timers.next());
        });
        let may_leap = stay && all_parked && scheduler.timers.clock().is_paused();
        let leap = if may_leap { self.leap() } else { Leap::None };
        if stay && leap == Leap::None {
            self.sleep();
        }
        self.end_park();
        if leap == Leap::Done {
            scheduler.standstill.leave();
        }
    }

    fn sleep(&self) {
        let scheduler = &*self.scheduler;
        if let Some(hook) = &scheduler.config.on_thread_park {
            quietly(|| hook());
        }
        self.remote().counters.parks.add(1);
        let parker = &self.remote().parker;
        let deadline = scheduler.timers.begin_park(self.index);
        if scheduler.seat.try_take(self.index) {
            if parker.begin_driving() {
                let until = scheduler.timers.drive(deadline);
                self.turn_reactor(until.map(|d| d.saturating_duration_since(Instant::now())));
                scheduler.timers.end_drive();
                parker.end_driving();
            }
            scheduler.seat.give_up();
        } else {
            parker.park(scheduler.timers.entrust(self.index, deadline));
        }
        scheduler.timers.end_park(self.index);
        if let Some(hook) = &scheduler.config.on_thread_unpark {
            quietly(|| hook());
        }
    }

    /// Out of the sleep: fires due timers, and sees to it that the watchdog looks after what this
    /// worker may leave undone, if there are others parked who could do it.
    fn end_park(&self) {
        let scheduler = &*self.scheduler;
        if scheduler.idle.rouse(self.index) == Roused::Chosen {
            self.searching.set(true);
            scheduler.wake_cost.answer(&self.remote().called);
        }
        scheduler.settle();
        scheduler.timers.fire_due(self.index);
        self.with_watchdog(|watchdog| watchdog.worker_wakes(&scheduler.idle));
        if !self.queue.is_empty() {
            self.consider_help();
        }
    }

    /// Tells the watchdog something, if there is one, and starts its thread when it is needed for
    /// the first time.
    #[inline]
    pub(super) fn with_watchdog(&self, tell: impl FnOnce(&Watchdog)) {
        let Some(watchdog) = &self.scheduler.watchdog else { return };
        tell(watchdog);
        if watchdog.wants_thread() {
            rounds::start(&self.scheduler);
        }
    }

    /// One turn of the reactor by the holder of the seat.
    pub(super) fn turn_reactor(&self, timeout: Option<Duration>) {
        self.remote().counters.reactor_turns.add(1);
        if let Err(error) = self.scheduler.reactor.turn(timeout) {
            // The poller itself failed, which no program can mend: say so and keep the tasks going.
            report::error(format_args!("waiting for I/O events failed: {error}"));
            std::thread::sleep(Duration::from_millis(1));
        }
    }

    /// With the clock paused, time passes when nothing else can happen: then it leaps to the next
    /// timer. See [`standstill`](super::standstill).
    fn leap(&self) -> Leap {
        let scheduler = &*self.scheduler;
        let timers = &scheduler.timers;
        if timers.earliest().is_none() || !scheduler.is_at_rest() {
            return Leap::None;
        }
        // Who sits there may have been told of something by the kernel, and not have come to it yet. It
        // leaves now and, if it has not, comes to leap itself.
        if !scheduler.seat.take_or_unpark(self.index, |driver| scheduler.unpark(driver)) {
            return Leap::None;
        }
        let rest = || {
            // Who has left the seat with what the kernel told of counts as parked for a while yet.
            let has_work = scheduler.remotes.iter().any(|remote| remote.has_task());
            !has_work
                && scheduler.injector.is_empty()
                && scheduler.idle.all_parked()
                && scheduler.is_at_rest()
        };
        let arrive = || self.turn_reactor(Some(Duration::ZERO));
        let leap = || {
            if let Some((_, next)) = timers.earliest() {
                timers.clock().jump_to(next);
            }
        };
        let leapt = scheduler.standstill.try_leap(rest, arrive, leap);
        scheduler.seat.give_up();
        if !leapt {
            let has_work = self.remote().has_task() || !scheduler.injector.is_empty();
            return if has_work { Leap::HasWork } else { Leap::None };
        }
        let now = timers.clock().now();
        for owner in 0..scheduler.remotes.len() {
            timers.advance(owner, now);
        }
        Leap::Done
    }
}
