//! The executor's protocols, for the loom models: the real code, with nothing around it but what
//! a model needs to drive it.

use std::any::Any;
use std::collections::VecDeque;
use std::future::Future;
use std::panic::Location;
use std::pin::Pin;
use std::ptr::NonNull;
use std::sync::Arc;
// What the model itself counts is not explored.
use std::sync::atomic::{AtomicUsize, Ordering};
use std::task::{Context, Poll};

use crate::leaf::Operation;
use crate::shim::{Mutex, UnsafeCell};
use crate::task::cancel::Attendant;
use crate::task::details::{Details, Values};
use crate::task::error::FailureHook;
use crate::task::header::{self, Header};
use crate::task::live_set::LiveSet;
use crate::task::{Home, JoinHandle, Notified, Origin, TaskRef, poll};

pub use crate::blocking::crew::{Crew, Fate};
pub use crate::blocking::population::{Population, Staff};
pub use crate::queue::{Injector, LocalQueue, Stealer};
pub use crate::worker::downfall::Downfall;
pub use crate::worker::idle::{Idle, Roused};
pub use crate::worker::outsider::{Loan, Outsider};
pub use crate::worker::parker::{Parker, Seat, Unparked};
pub use crate::worker::progress::Progress;
pub use crate::worker::relay::Relay;
use crate::worker::slot::Slot;
pub use crate::worker::standstill::Standstill;
pub use crate::worker::watchdog::Watchdog;

/// Tasks of a model, in a home with one queue: a runtime without workers, whose threads are the
/// model's own. Dropping it cancels what is left.
#[allow(missing_debug_implementations)]
pub struct Tasks(Arc<TaskHome>);

struct TaskHome {
    live: LiveSet,
    queue: Mutex<VecDeque<Notified>>,
    slot: Slot,
    /// Complete tasks, if they are retired in batches, as a worker does for the homes of others.
    retired: Option<Mutex<Vec<NonNull<Header>>>>,
    /// How many cells have been freed, and how many panics reported.
    freed: Arc<AtomicUsize>,
    reported: Arc<AtomicUsize>,
}

// SAFETY: the pointers in `retired` are counted references to tasks, which threads share.
unsafe impl Send for TaskHome {}
// SAFETY: as above.
unsafe impl Sync for TaskHome {}

impl TaskHome {
    fn new(retired: Option<Mutex<Vec<NonNull<Header>>>>) -> TaskHome {
        TaskHome {
            live: LiveSet::new(),
            queue: Mutex::new(VecDeque::new()),
            slot: Slot::new(),
            retired,
            freed: Arc::default(),
            reported: Arc::default(),
        }
    }
}

impl Default for Tasks {
    fn default() -> Tasks {
        Tasks(Arc::new(TaskHome::new(None)))
    }
}

/// Part of each task's cell: tells when it is freed, and lets loom see who uses the cell until then.
struct Freed {
    count: Arc<AtomicUsize>,
    used: UnsafeCell<()>,
}

// SAFETY: loom checks that nobody uses it while it is dropped.
unsafe impl Sync for Freed {}

impl Drop for Freed {
    fn drop(&mut self) {
        self.used.with_mut(|_| ());
        self.count.fetch_add(1, Ordering::Relaxed);
    }
}

impl Freed {
    fn of(header: &Header) -> Option<&Freed> {
        let context = header.details.get()?.values.as_ref()?;
        context.first()?.1.downcast_ref()
    }
}

impl Tasks {
    /// Tasks that stay in the live set until [`retire_all`](Tasks::retire_all).
    pub fn retired_in_batches() -> Tasks {
        Tasks(Arc::new(TaskHome::new(Some(Mutex::new(Vec::new())))))
    }

    /// Spawns a task; once this is closed, it is cancelled on the spot.
    #[track_caller]
    pub fn spawn<F>(&self, future: F) -> JoinHandle<F::Output>
    where
        F: Future + Send + 'static,
        F::Output: Send + 'static,
    {
        let freed: Arc<dyn Any + Send + Sync> =
            Arc::new(Freed { count: self.0.freed.clone(), used: UnsafeCell::new(()) });
        let values = Some(Values::new(vec![(0, freed)]));
        let details = Some(Arc::new(Details::new(None, values)));
        let origin = Origin { parent: None, spawned_at: Location::caller(), details, eager: false };
        // SAFETY: the home stays until every task has completed, see `drop`; future and output are
        // `Send`.
        let (live, notified, handle) =
            unsafe { poll::allocate(future, NonNull::from(&*self.0), origin) };
        if let Some(notified) = self.0.live.admit(live, notified) {
            self.0.queue.lock().push_back(notified);
        }
        handle
    }

    /// Runs the next task; false if there is none.
    pub fn run_one(&self) -> bool {
        let next = self.0.queue.lock().pop_front();
        next.map(Notified::run).is_some()
    }

    /// Moves the next task from the queue to the slot, as a worker that is woken for it does. Who
    /// was there is `displaced`, and goes to the queue or is lost.
    pub fn move_to_slot(&self, keep_displaced: bool) {
        let next = self.0.queue.lock().pop_front();
        let displaced = next.and_then(|task| self.0.slot.put(task));
        match displaced {
            Some(task) if keep_displaced => self.0.queue.lock().push_back(task),
            lost => std::mem::forget(lost),
        }
    }

    /// Runs the task in the slot, as its owner or as a thief; false if there is none.
    pub fn run_slot(&self) -> bool {
        self.0.slot.take().map(Notified::run).is_some()
    }

    /// How many tasks have not been retired.
    pub fn alive(&self) -> usize {
        self.0.live.len()
    }

    /// How many tasks are gone altogether.
    pub fn freed(&self) -> usize {
        self.0.freed.load(Ordering::Relaxed)
    }

    /// How many panics were reported because nobody could join them.
    pub fn reported(&self) -> usize {
        self.0.reported.load(Ordering::Relaxed)
    }

    /// No task is accepted from now on.
    pub fn close(&self) {
        self.0.live.close();
    }

    /// As a dump of all tasks: holds every one for a moment. How often they were polled.
    pub fn dump(&self) -> Vec<u32> {
        let use_and_look = |task: &TaskRef| {
            Freed::of(task.header()).expect("every task has one").used.with(|_| ());
            task.header().polls()
        };
        self.0.live.snapshot().iter().map(use_and_look).collect()
    }

    /// One round of a shutdown: cancels what is queued and what is idle.
    pub fn cancel_round(&self) {
        loop {
            let Some(task) = self.0.queue.lock().pop_front() else { break };
            task.cancel();
        }
        // SAFETY: the model ends its home, and keeps it.
        let _ = unsafe { self.0.live.cancel_idle() };
    }

    /// As a worker that gives complete tasks back to a home whose owner has come so far.
    pub fn give_back_all(&self, owner: &Progress) {
        let Some(retired) = &self.0.retired else { return };
        let retired = std::mem::take(&mut *retired.lock());
        // SAFETY: as in `retire_all`.
        unsafe { self.0.live.give_back(retired.into_iter(), || !owner.is_in_poll()) };
    }

    /// As the owner of this home, which spawns or parks.
    pub fn take_back(&self) {
        self.0.live.take_back();
    }

    /// As a worker that takes complete tasks out of the homes of others itself.
    pub fn retire_all(&self) {
        let Some(retired) = &self.0.retired else { return };
        let retired = std::mem::take(&mut *retired.lock());
        // SAFETY: each was put here by `retire`, a member of this set, which leaves us its
        // reference.
        unsafe {
            self.0.live.remove_all(retired.iter().copied());
            for task in retired {
                header::release(task, 1);
            }
        }
    }
}

impl Drop for Tasks {
    fn drop(&mut self) {
        if std::thread::panicking() {
            // The model has failed: nobody will run what is left, so the home must stay.
            std::mem::forget(self.0.clone());
            return;
        }
        self.close();
        loop {
            self.cancel_round();
            self.retire_all();
            if self.alive() == 0 {
                return;
            }
            // A task is on its way into the queue.
            loom::thread::yield_now();
        }
    }
}

impl Home for TaskHome {
    unsafe fn schedule(home: NonNull<TaskHome>, task: Notified) {
        // SAFETY: `task` is not complete, so its home exists now; it came from an `Arc`. Once the
        // task is queued it may end, and the home with it: so it is held meanwhile.
        let home = unsafe {
            Arc::increment_strong_count(home.as_ptr());
            Arc::from_raw(home.as_ptr())
        };
        home.queue.lock().push_back(task);
    }

    unsafe fn reschedule(home: NonNull<TaskHome>, task: Notified) {
        // SAFETY: passed on from the caller.
        unsafe { TaskHome::schedule(home, task) };
    }

    unsafe fn retire(home: NonNull<TaskHome>, task: NonNull<Header>) -> bool {
        // SAFETY: whoever runs or ends tasks borrows the `Tasks`.
        let home = unsafe { home.as_ref() };
        match &home.retired {
            Some(retired) => retired.lock().push(task),
            // SAFETY: the task is in the live set, or was refused by it.
            None => unsafe { home.live.remove(task) },
        }
        home.retired.is_none()
    }

    unsafe fn failure_hook(home: NonNull<TaskHome>) -> FailureHook {
        // SAFETY: as in `retire`.
        let reported = unsafe { home.as_ref() }.reported.clone();
        Some(Arc::new(move |_| {
            reported.fetch_add(1, Ordering::Relaxed);
        }))
    }
}

/// A task's attendant as a future: never ready; asked to end, it runs a closure and leaves.
#[allow(missing_debug_implementations)]
pub struct Attends<F> {
    attendant: Attendant,
    clean: Option<F>,
}

impl<F: FnOnce() + Unpin> Attends<F> {
    /// Runs `clean` before it leaves.
    pub fn new(clean: F) -> Attends<F> {
        Attends { attendant: Attendant::New, clean: Some(clean) }
    }
}

impl<F: FnOnce() + Unpin> Future for Attends<F> {
    type Output = ();

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        if self.attendant.poll_reason(cx).is_some() {
            if let Some(clean) = self.clean.take() {
                clean();
            }
            self.attendant.leave();
        }
        Poll::Pending
    }
}

/// The roster of a model.
#[derive(Debug)]
pub struct Roster<T>(crate::task::roster::Roster<T>);

impl<T> Default for Roster<T> {
    fn default() -> Roster<T> {
        Roster(crate::task::roster::Roster::new())
    }
}

impl<T> Roster<T> {
    /// Adds a task.
    pub fn insert(&mut self, task: JoinHandle<T>) {
        self.0.insert(task);
    }

    /// The next output, with the waker in place if there is none yet.
    pub fn poll_next(&mut self, cx: &mut Context<'_>) -> Poll<Option<T>> {
        static NEXT: Operation = Operation::new("Roster");
        let next = self.0.poll_next(cx, &NEXT, Location::caller());
        next.map(|left| left.map(|left| left.output().expect("no task of the model fails")))
    }

    /// The next output, if there is one.
    pub fn try_next(&mut self) -> Option<T> {
        self.0.try_next().map(|left| left.output().expect("no task of the model fails"))
    }
}

/// The two ends of a oneshot channel, without tasks around them.
pub mod oneshot {
    use std::task::{Context, Poll, Waker};

    use crate::sync::oneshot::channel as halves;

    /// The sender.
    #[allow(missing_debug_implementations)]
    pub struct Sender<T>(halves::SenderHalf<T>);

    /// The receiver.
    #[allow(missing_debug_implementations)]
    pub struct Receiver<T>(halves::ReceiverHalf<T>);

    /// Makes a channel.
    pub fn channel<T>() -> (Sender<T>, Receiver<T>) {
        let (sender, receiver) = halves::channel();
        (Sender(sender), Receiver(receiver))
    }

    impl<T> Sender<T> {
        /// Sends, or with `None` goes away.
        pub fn finish(self, value: Option<T>) -> Result<(), T> {
            self.0.finish(value)
        }

        /// Ready once the receiver wants nothing any more.
        pub fn poll_closed(&mut self, waker: &Waker) -> Poll<()> {
            self.0.poll_closed(&mut Context::from_waker(waker))
        }
    }

    impl<T> Receiver<T> {
        /// What the sender has said.
        pub fn take(&mut self) -> Option<Option<T>> {
            self.0.take()
        }

        /// Leaves a waker; false if the sender is done.
        pub fn wait(&mut self, waker: &Waker) -> bool {
            self.0.wait(waker)
        }

        /// Wants nothing any more.
        pub fn close(&mut self) {
            self.0.close();
        }
    }
}
