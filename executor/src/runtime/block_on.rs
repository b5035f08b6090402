//! Running a future on a thread that waits for it.
//!
//! On a multi-thread runtime the calling thread only polls the one future and sleeps in between;
//! everything that is spawned runs on the workers. On a current-thread runtime the caller becomes
//! the worker meanwhile. Either way the future need not be `Send`.

use std::future::Future;
use std::panic::Location;
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Context, Poll, Wake, Waker};

use super::slow_polls::TimedFuture;
use super::unhandled::Heeding;
use super::{context, shutdown};
use crate::task::budget;
use crate::worker::outsider::{Loan, Outsider};
use crate::worker::{Scheduler, WorkerLocal};

/// Between two looks at the main future a current-thread runtime runs at most so many tasks.
const TASKS_PER_MAIN_POLL: usize = 64;

/// Panics if blocking here would block async code.
#[track_caller]
pub(crate) fn assert_may_block(what: &str) {
    assert!(
        !context::in_async(),
        "`{what}` would block this thread, which is running async code; `.await` the future instead, \
         or wrap the call in `task::block_in_place` or `task::spawn_blocking`"
    );
}

/// Runs a future to its end on the calling thread: as the worker of a current-thread runtime, which
/// is in `lone`, or beside the workers that are elsewhere.
#[track_caller]
pub(super) fn block_on<F: Future>(
    scheduler: &Arc<Scheduler>,
    lone: Option<&Lone>,
    future: F,
) -> F::Output {
    assert_may_block("block_on");
    block_on_at(Location::caller(), scheduler, lone, future)
}

/// The same on a thread that may block, for a call at the place given.
#[track_caller]
pub(super) fn block_on_at<F: Future>(
    at: &'static Location<'static>,
    scheduler: &Arc<Scheduler>,
    lone: Option<&Lone>,
    future: F,
) -> F::Output {
    let _context = context::enter(scheduler);
    let future = TimedFuture::new(scheduler.config.debugging.as_deref(), at, future);
    let future = pin!(Heeding::new(scheduler, future));
    let output = match lone {
        Some(lone) => lone.run(scheduler, future),
        None => run_beside(scheduler, future),
    };
    match output {
        Ok(output) => output,
        Err(fatal) => panic!("{fatal}"),
    }
}

/// Runs a future to its end, with the runtime's workers doing the rest.
fn run_beside<F: Future>(scheduler: &Arc<Scheduler>, mut future: Pin<&mut F>) -> F::Output {
    let _in_async = context::set_in_async(true);
    let _budget = budget::suspend();
    let call = Call::begin(scheduler);
    let waker = call.waker();
    let mut cx = Context::from_waker(&waker);
    loop {
        if let Poll::Ready(output) = future.as_mut().poll(&mut cx) {
            return output;
        }
        call.wait(|| false);
    }
}

/// A call of `block_on`, from beginning to end. Its thread is active while it does not wait, so that
/// a paused clock stands still meanwhile.
struct Call(Arc<Caller>);

/// The thread of a call, as its future's waker sees it.
struct Caller {
    outsider: Outsider,
    scheduler: Arc<Scheduler>,
}

impl Call {
    fn begin(scheduler: &Arc<Scheduler>) -> Call {
        scheduler.standstill.enter();
        scheduler.settle();
        Call(Arc::new(Caller { outsider: Outsider::new(), scheduler: scheduler.clone() }))
    }

    fn waker(&self) -> Waker {
        Waker::from(self.0.clone())
    }

    /// Waits for a wake, or until `stop` says so; it is asked before each sleep.
    fn wait(&self, stop: impl Fn() -> bool) {
        let Caller { outsider, scheduler } = &*self.0;
        if outsider.begin_wait() {
            scheduler.leave_standstill();
            outsider.sleep(stop);
        }
        if outsider.end_wait() {
            scheduler.standstill.enter();
        }
        scheduler.settle();
    }
}

impl Drop for Call {
    /// It does not wait now, and never will again: wakers that are left find nobody to count.
    fn drop(&mut self) {
        self.0.scheduler.leave_standstill();
    }
}

impl Wake for Caller {
    fn wake(self: Arc<Caller>) {
        self.wake_by_ref();
    }

    fn wake_by_ref(self: &Arc<Caller>) {
        // Counted before the word says so: the thread may go on as soon as it does.
        self.scheduler.standstill.enter();
        if self.outsider.wake() {
            self.outsider.unpark();
        } else {
            self.scheduler.leave_standstill();
        }
    }
}

/// The one worker of a current-thread runtime, lent to whoever runs it.
pub(super) struct Lone(Loan<Arc<WorkerLocal>>);

impl Lone {
    pub(super) fn new(worker: Arc<WorkerLocal>) -> Lone {
        Lone(Loan::new(worker))
    }

    /// Takes the worker for good, when the runtime ends.
    pub(super) fn take(&self) -> Option<Arc<WorkerLocal>> {
        self.0.take()
    }

    /// Runs a future to its end, and everything that is spawned meanwhile. If another thread runs
    /// the worker already, this one only polls its future, and takes over when the other leaves.
    fn run<F: Future>(&self, scheduler: &Arc<Scheduler>, mut future: Pin<&mut F>) -> F::Output {
        if let Some(borrowed) = self.borrow() {
            return borrowed.drive(future);
        }
        let _in_async = context::set_in_async(true);
        let _budget = budget::suspend();
        let call = Call::begin(scheduler);
        let waker = call.waker();
        let mut cx = Context::from_waker(&waker);
        let offered = Offered(self);
        loop {
            if let Poll::Ready(output) = future.as_mut().poll(&mut cx) {
                return output;
            }
            call.wait(|| {
                // Before each look: an offer that somebody else took up has used up the place.
                self.0.enlist();
                self.0.is_free()
            });
            if let Some(borrowed) = self.borrow() {
                // From here on this thread is the worker, and waits as that.
                drop((call, offered));
                return borrowed.drive(future);
            }
        }
    }

    fn borrow(&self) -> Option<Borrowed<'_>> {
        self.take().map(|worker| Borrowed { lone: self, worker })
    }
}

/// While it lives, the free worker may be offered to this thread; at the end, which may be a panic of
/// the future, the offer is passed on.
struct Offered<'a>(&'a Lone);

impl Drop for Offered<'_> {
    fn drop(&mut self) {
        self.0.0.offer();
    }
}

/// The worker on loan. Given back, with nothing owed to others, also when the future panics; if the
/// runtime has come down meanwhile, the worker leaves.
struct Borrowed<'a> {
    lone: &'a Lone,
    worker: Arc<WorkerLocal>,
}

impl Drop for Borrowed<'_> {
    fn drop(&mut self) {
        let worker = self.worker.clone();
        worker.end();
        if worker.scheduler.is_closing() {
            let _free = context::set_in_async(false);
            shutdown::leave(worker);
        } else {
            self.lone.0.give_back(worker);
        }
    }
}

impl Borrowed<'_> {
    /// Runs the worker on this thread until the future ends.
    fn drive<F: Future>(self, mut future: Pin<&mut F>) -> F::Output {
        let worker = &self.worker;
        let _context = context::enter_worker(worker);
        let main = MainFuture(Arc::new(Main::new(&worker.scheduler)));
        let waker = Waker::from(main.0.clone());
        let mut cx = Context::from_waker(&waker);
        loop {
            if main.0.take_woken() {
                let _budget = budget::suspend();
                if let Poll::Ready(output) = future.as_mut().poll(&mut cx) {
                    return output;
                }
            }
            for _ in 0..TASKS_PER_MAIN_POLL {
                // The failure behind it has woken the main future, which is polled next.
                if worker.scheduler.is_closing() {
                    break;
                }
                match worker.next_task() {
                    Some(task) => {
                        worker.run_task(task);
                    }
                    None => {
                        if !main.0.is_woken() {
                            worker.park();
                        }
                        break;
                    }
                }
            }
        }
    }
}

/// The main future of a current-thread runtime, for as long as it is driven. While it is to be
/// polled it counts as active.
struct MainFuture(Arc<Main>);

impl Drop for MainFuture {
    /// Wakers that are left find it woken, and nothing to count.
    fn drop(&mut self) {
        self.0.wake_by_ref();
        self.0.scheduler.standstill.leave();
    }
}

/// The main future, as its waker sees it.
struct Main {
    woken: AtomicBool,
    scheduler: Arc<Scheduler>,
}

impl Main {
    /// Born woken: the first poll is due.
    fn new(scheduler: &Arc<Scheduler>) -> Main {
        scheduler.standstill.enter();
        Main { woken: AtomicBool::new(true), scheduler: scheduler.clone() }
    }

    fn is_woken(&self) -> bool {
        self.woken.load(Ordering::Acquire)
    }

    fn take_woken(&self) -> bool {
        let woken = self.woken.swap(false, Ordering::AcqRel);
        if woken {
            self.scheduler.standstill.leave();
        }
        woken
    }
}

impl Wake for Main {
    fn wake(self: Arc<Main>) {
        self.wake_by_ref();
    }

    fn wake_by_ref(self: &Arc<Main>) {
        // Ordering: AcqRel, pairs with `take_woken`. The unparking comes after it, so a worker
        // that parks in between finds the token. Counting comes after it too: a clock that is
        // paused leaps by that worker alone, and then the wake was later.
        if !self.woken.swap(true, Ordering::AcqRel) {
            self.scheduler.standstill.enter();
            self.scheduler.unpark(0);
        }
    }
}
