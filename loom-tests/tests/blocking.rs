//! The blocking pool: calling a thread, starting one, arriving, going idle, the end.
//! `blocking/crew.rs` and `blocking/population.rs`.
//!
//! Properties: every job is run once, or once the crew is closed cancelled once; what is not cancelled
//! then is run; none waits behind one that blocks as long as there may be another thread; there are never
//! more threads than allowed; every thread ends. Threads: one or two that submit or close, and those of
//! the crew. Bound: 3 preemptions. It would catch a job that is left to a thread which goes idle, or
//! arrives, at this moment, a thread that is counted on twice, a job that slips in behind the closing, and
//! one that the closing leaves behind.
#![cfg(heist_loom)]

use std::io;
use std::time::Duration;

use heist::model::{Crew, Fate, Injector, Population, Staff};
use heist_loom_tests::{model, must_fail};
use loom::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use loom::sync::{Arc, Mutex};
use loom::thread::JoinHandle;

/// A crew whose threads count what they do. Time is loom's: a thread that waits for a job gives up
/// at once, or never.
struct Pool {
    crew: Crew<usize>,
    /// How often each job was run or cancelled.
    run: [AtomicUsize; 2],
    cancelled: [AtomicUsize; 2],
    /// Whether the first job ends only after the second.
    in_need: bool,
    threads: Mutex<Vec<JoinHandle<()>>>,
}

const AT_ONCE: Duration = Duration::ZERO;
const NEVER: Duration = Duration::MAX;

impl Pool {
    fn new(max_threads: usize, keep_alive: Duration) -> Arc<Pool> {
        Arc::new(Pool::of(max_threads, keep_alive))
    }

    fn of(max_threads: usize, keep_alive: Duration) -> Pool {
        Pool {
            crew: Crew::new(max_threads, keep_alive),
            run: Default::default(),
            cancelled: Default::default(),
            in_need: false,
            threads: Mutex::new(Vec::new()),
        }
    }

    /// The life of a thread; the first job waits for the second if `in_need`.
    fn work(pool: &Arc<Pool>) {
        let start = || Pool::start(pool);
        let member = pool.crew.join();
        let mut next = member.begin(start);
        while let Some(job) = next {
            while pool.in_need && job == 0 && pool.run[1].load(Ordering::Relaxed) == 0 {
                loom::thread::yield_now();
            }
            pool.run[job].fetch_add(1, Ordering::Relaxed);
            next = member.next(start);
        }
    }

    fn start(pool: &Arc<Pool>) -> io::Result<()> {
        let held = pool.clone();
        let thread = loom::thread::spawn(move || Pool::work(&held));
        pool.threads.lock().unwrap().push(thread);
        Ok(())
    }

    fn submit(pool: &Arc<Pool>, job: usize) {
        if pool.crew.submit(job, || Pool::start(pool)).unwrap() == Fate::Unstaffed {
            pool.cancel_queued();
        }
    }

    fn cancel_queued(&self) {
        while let Some(job) = self.crew.take() {
            self.cancelled[job].fetch_add(1, Ordering::Relaxed);
        }
    }

    fn close(&self) {
        self.crew.close();
        self.cancel_queued();
    }

    /// Waits for all threads; then each job has had its fate once.
    fn end(&self, may_cancel: bool) {
        loop {
            let Some(thread) = self.threads.lock().unwrap().pop() else { break };
            thread.join().unwrap();
        }
        assert_eq!((self.crew.threads(), self.crew.idle_threads()), (0, 0));
        for job in 0..2 {
            let run = self.run[job].load(Ordering::Relaxed);
            let cancelled = self.cancelled[job].load(Ordering::Relaxed);
            assert_eq!(run + cancelled, 1, "job {job} was run {run} times");
            assert!(may_cancel || cancelled == 0);
        }
    }
}

/// Two jobs one after the other, while the threads go idle and end.
fn two_jobs(max_threads: usize, keep_alive: Duration) {
    let pool = Pool::new(max_threads, keep_alive);
    Pool::submit(&pool, 0);
    assert!(pool.crew.threads() <= max_threads);
    Pool::submit(&pool, 1);
    assert!(pool.crew.threads() <= max_threads);
    if keep_alive == NEVER {
        // The threads have had their jobs once they are all idle: only then the end.
        while pool.crew.idle_threads() < pool.crew.threads() || pool.crew.queued() > 0 {
            loom::thread::yield_now();
        }
        pool.close();
    }
    pool.end(false);
}

#[test]
fn one_thread_that_ends_at_once_gets_both_jobs() {
    model(3, || two_jobs(1, AT_ONCE));
}

#[test]
fn two_threads_that_end_at_once_share_the_jobs() {
    model(3, || two_jobs(2, AT_ONCE));
}

#[test]
fn an_idle_thread_is_called() {
    model(3, || two_jobs(1, NEVER));
    model(2, || two_jobs(2, NEVER));
}

#[test]
fn two_submitters_never_count_on_the_same_thread() {
    model(2, || {
        let pool = Pool::new(2, AT_ONCE);
        let other = pool.clone();
        let other = loom::thread::spawn(move || Pool::submit(&other, 0));
        Pool::submit(&pool, 1);
        other.join().unwrap();
        pool.end(false);
    });
}

/// A job that blocks, and one that was queued before anybody had come for the first.
#[test]
fn a_job_does_not_wait_behind_one_that_blocks() {
    model(3, || {
        let pool = Arc::new(Pool { in_need: true, ..Pool::of(2, AT_ONCE) });
        Pool::submit(&pool, 0);
        Pool::submit(&pool, 1);
        pool.end(false);
    });
}

/// The closing against a submitter and an idle thread.
#[test]
fn a_job_that_meets_the_end_is_run_or_cancelled() {
    model(3, || {
        let pool = Pool::new(1, NEVER);
        Pool::submit(&pool, 0);
        let other = pool.clone();
        let other = loom::thread::spawn(move || Pool::submit(&other, 1));
        pool.close();
        other.join().unwrap();
        pool.end(true);
    });
}

/// A pool with a name is closed when nobody can submit any more, and then nothing is cancelled: what
/// its threads have left, at work or idle or on their way to either, they take before they end.
#[test]
fn what_was_accepted_before_the_closing_is_run() {
    for max_threads in [1, 2] {
        model(3, move || {
            let pool = Pool::new(max_threads, NEVER);
            Pool::submit(&pool, 0);
            Pool::submit(&pool, 1);
            pool.crew.close();
            pool.end(false);
        });
    }
}

/// The twin: a thread that heeds the closing before it looks at the queue.
#[test]
fn broken_who_heeds_the_closing_first_leaves_a_job_behind() {
    let test = "broken_who_heeds_the_closing_first_leaves_a_job_behind";
    must_fail(test, "left behind", || {
        let parts = Arc::new((Injector::new(), AtomicBool::new(false)));
        let working = parts.clone();
        let thread = loom::thread::spawn(move || {
            let (queue, closed) = &*working;
            while !closed.load(Ordering::Acquire) {
                if queue.pop().is_none() {
                    loom::thread::yield_now();
                }
            }
        });
        let (queue, closed) = &*parts;
        queue.push(7);
        closed.store(true, Ordering::Release);
        thread.join().unwrap();
        assert!(queue.is_empty(), "a job is left behind");
    });
}

/// No thread can be started: what is queued comes back to who asked, unless another thread has it.
#[test]
fn without_a_thread_the_job_comes_back() {
    model(3, || {
        let pool = Pool::new(2, AT_ONCE);
        let failing = pool.clone();
        let failing = loom::thread::spawn(move || {
            let refused = || Err(io::Error::other("no more threads"));
            match failing.crew.submit(0, refused) {
                Ok(Fate::Staffed) => {}
                Ok(Fate::Unstaffed) | Err(_) => failing.cancel_queued(),
            }
        });
        Pool::submit(&pool, 1);
        failing.join().unwrap();
        pool.end(true);
    });
}

/// A thread that was called arrives, or whoever called it could not start it, with one look at the queue
/// before or after that is told, while a job is submitted: either it sees the job, or the submitter does
/// not count on it.
fn arrival(tell: fn(&Population), looks_first: bool) {
    let parts = Arc::new((Population::new(), Injector::new()));
    let (population, queue) = &*parts;
    assert_eq!(population.staff(2), Staff::Start);
    let called = parts.clone();
    let thread = loom::thread::spawn(move || {
        let (population, queue) = &*called;
        if looks_first {
            let sees = !queue.is_empty();
            tell(population);
            return sees;
        }
        tell(population);
        !queue.is_empty()
    });
    queue.push(7);
    let staff = population.staff(2);
    let sees = thread.join().unwrap();
    assert!(sees || staff == Staff::Start, "a job is left behind");
}

#[test]
fn who_arrives_sees_the_job_or_is_not_counted_on() {
    model(3, || arrival(Population::arrive, false));
}

#[test]
fn who_cannot_start_a_thread_sees_the_job_or_is_not_counted_on() {
    model(3, || arrival(Population::lose_thread, false));
}

/// The twin: a thread that looks at the queue before it says that it is there.
#[test]
fn broken_who_arrives_after_its_look_leaves_a_job_behind() {
    let test = "broken_who_arrives_after_its_look_leaves_a_job_behind";
    must_fail(test, "left behind", || arrival(Population::arrive, true));
}

/// The twin: the same word and the same queue in the hands of a thread that goes home without the
/// second look.
#[test]
fn broken_without_a_second_look_a_job_is_left_behind() {
    let test = "broken_without_a_second_look_a_job_is_left_behind";
    must_fail(test, "left behind", || {
        let parts = Arc::new((Population::new(), Injector::new()));
        assert_eq!(parts.0.staff(1), Staff::Start);
        let working = parts.clone();
        let thread = loom::thread::spawn(move || {
            let (population, queue) = &*working;
            population.arrive();
            loop {
                while queue.pop().is_some() {}
                population.rest();
                if population.unrest(true) {
                    return;
                }
            }
        });
        let (population, queue) = &*parts;
        queue.push(7);
        let staff = population.staff(1);
        thread.join().unwrap();
        // With `Start` there would be one more thread.
        assert!(staff == Staff::Start || queue.is_empty(), "a job is left behind");
    });
}
