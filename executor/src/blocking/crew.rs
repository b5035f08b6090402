//! The crew: a queue of jobs, and threads that are started, called and let go as it needs them.
//!
//! Who does a job is decided on the [`Population`]'s word; this file adds the queue, and the
//! permits that wake called threads. Of those that wait, the one that came last is called, whose
//! cache is the warmest: so those that a burst has left over are not called any more, and end, although
//! jobs keep coming. A thread's life is [`Member::begin`] and a loop over [`Member::next`]; what a job
//! is, and how a thread is started, is the caller's business.

use std::io;
use std::sync::Arc;
use std::time::{Duration, Instant};

use super::population::{Population, Staff};
use crate::queue::Injector;
use crate::shim::atomic::{AtomicBool, Ordering, fence};
use crate::shim::{Condvar, Mutex, has_come};

/// See the module's documentation.
pub struct Crew<J> {
    queue: Injector<J>,
    population: Population,
    waiting: Mutex<Waiting>,
    closed: AtomicBool,
    max_threads: usize,
    keep_alive: Duration,
}

/// The threads that wait to be called.
struct Waiting {
    /// Their bells, that of the last one on top. Who is called has none here any more.
    bells: Vec<Arc<Condvar>>,
    /// Calls for which nobody was waiting yet: they are for who comes to wait next.
    permits: usize,
}

/// A thread of a crew.
pub struct Member<'a, J> {
    crew: &'a Crew<J>,
    bell: Arc<Condvar>,
}

/// What becomes of a job that was submitted.
#[must_use]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fate {
    /// A thread will take it.
    Staffed,
    /// Nobody will: the caller must [`take`](Crew::take) and cancel what is queued.
    Unstaffed,
}

impl<J> Crew<J> {
    /// A crew of at most `max_threads`, each of which ends after `keep_alive` without a job.
    pub fn new(max_threads: usize, keep_alive: Duration) -> Crew<J> {
        Crew {
            queue: Injector::new(),
            population: Population::new(),
            waiting: Mutex::new(Waiting { bells: Vec::new(), permits: 0 }),
            closed: AtomicBool::new(false),
            max_threads,
            keep_alive,
        }
    }

    /// Queues a job and finds somebody for it; `start` starts a thread that joins the crew.
    ///
    /// # Errors
    /// That of `start`, if there is no other thread either; the jobs in the queue are then the
    /// caller's to cancel.
    pub fn submit(&self, job: J, start: impl Fn() -> io::Result<()>) -> io::Result<Fate> {
        self.queue.push(job);
        if !self.call(start)? {
            return Ok(Fate::Unstaffed);
        }
        // Ordering: Relaxed, after the fence in `staff`, which pairs with the one in `close`: if
        // the closing was too early to find the job, it is seen here.
        let closed = self.closed.load(Ordering::Relaxed);
        Ok(if closed { Fate::Unstaffed } else { Fate::Staffed })
    }

    /// Sees to it that somebody comes for what is queued; false if there is nobody.
    fn call(&self, start: impl Fn() -> io::Result<()>) -> io::Result<bool> {
        let mut max = self.max_threads;
        loop {
            match self.population.staff(max) {
                Staff::Enough => return Ok(true),
                Staff::Wake => {
                    self.give_permit();
                    return Ok(true);
                }
                Staff::Start => match start() {
                    Ok(()) => return Ok(true),
                    Err(error) => {
                        self.population.lose_thread();
                        // The threads there are must do; without any the jobs cannot be run.
                        max = 0;
                        if self.population.threads() == 0 {
                            return Err(error);
                        }
                    }
                },
                Staff::Nobody => return Ok(false),
            }
        }
    }

    /// Makes the calling thread, which was started for this crew, one of it.
    pub fn join(&self) -> Member<'_, J> {
        Member { crew: self, bell: Arc::new(Condvar::new()) }
    }

    fn give_permit(&self) {
        let mut waiting = self.waiting.lock();
        match waiting.bells.pop() {
            Some(bell) => {
                drop(waiting);
                bell.notify_one();
            }
            None => waiting.permits += 1,
        }
    }

    /// Lets threads go as soon as they are idle. What is queued is the caller's to cancel; or it is
    /// run, if nobody submits any more.
    pub fn close(&self) {
        self.closed.store(true, Ordering::Relaxed);
        // Ordering: pairs with the fence in `staff`: either the caller, who takes what is queued
        // next, finds a job that is submitted meanwhile, or its submitter sees the closing.
        fence(Ordering::SeqCst);
        for bell in &self.waiting.lock().bells {
            bell.notify_one();
        }
    }

    /// Takes a job out that is to be cancelled.
    pub fn take(&self) -> Option<J> {
        self.queue.pop()
    }

    /// How many jobs are queued.
    pub fn queued(&self) -> usize {
        self.queue.len()
    }

    /// How many threads there are, for metrics.
    pub fn threads(&self) -> usize {
        self.population.threads()
    }

    /// How many of them are idle, for metrics.
    pub fn idle_threads(&self) -> usize {
        self.population.idle()
    }
}

impl<J> Member<'_, J> {
    /// The first job; see `next`.
    pub fn begin(&self, start: impl Fn() -> io::Result<()>) -> Option<J> {
        self.arrive(&start).or_else(|| self.next(start))
    }

    /// The next job, for which the thread waits; `None` if it must end. If there are more, another
    /// thread is called, or started by `start`.
    pub fn next(&self, start: impl Fn() -> io::Result<()>) -> Option<J> {
        let Crew { queue, population, .. } = self.crew;
        loop {
            if let Some(job) = queue.pop() {
                return Some(job);
            }
            population.rest();
            if !queue.is_empty() && population.unrest(false) {
                continue;
            }
            if !self.await_permit() {
                return None;
            }
            if let Some(job) = self.arrive(&start) {
                return Some(job);
            }
        }
    }

    /// What a thread that was called does first.
    fn arrive(&self, start: impl Fn() -> io::Result<()>) -> Option<J> {
        let Crew { queue, population, .. } = self.crew;
        population.arrive();
        let job = queue.pop()?;
        if !queue.is_empty() {
            // If no thread can be started, this one and its like must do.
            let _ = self.crew.call(start);
        }
        Some(job)
    }

    /// Waits to be called; false if the thread has left instead.
    fn await_permit(&self) -> bool {
        let Crew { waiting, population, closed, keep_alive, .. } = self.crew;
        let deadline = Instant::now().checked_add(*keep_alive);
        let mut waiting = waiting.lock();
        if waiting.permits > 0 {
            waiting.permits -= 1;
            return true;
        }
        waiting.bells.push(self.bell.clone());
        loop {
            let Some(place) = waiting.bells.iter().position(|bell| Arc::ptr_eq(bell, &self.bell))
            else {
                return true;
            };
            let expired = deadline.is_some_and(has_come);
            // Ordering: Relaxed; `close` takes the lock afterwards to notify.
            let leaving = expired || closed.load(Ordering::Relaxed);
            if leaving && population.unrest(true) {
                waiting.bells.remove(place);
                return false;
            }
            match deadline {
                // Called at the last moment: the permit comes without a deadline.
                Some(deadline) if !expired => {
                    self.bell.wait_until(&mut waiting, deadline);
                }
                _ => self.bell.wait(&mut waiting),
            }
        }
    }
}
