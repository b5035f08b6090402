//! A queue for many producers and many consumers, whose end of work can be waited for.
//!
//! It stands on two semaphores, one counting the room that is left, one the items that are there.
//! So both sides are served in the order in which they came, and a wait that is dropped loses
//! neither. Deliberately not the fastest way from one task to another: that is
//! [`mpsc`](super::mpsc).

pub mod error;
mod order;

use std::fmt;
use std::future::Future;

use crate::shim::Mutex;

use self::error::{GetError, PutError, TryGetError, TryPutError};
use super::{Notify, Semaphore, TryAcquireError};
use crate::leaf::{Made, Operation};

pub use order::{Fifo, Lifo, Order, Priority};

static PUT: Operation = Operation::new("Queue::put");
static GET: Operation = Operation::new("Queue::get");
static JOIN: Operation = Operation::new("Queue::join");

/// A queue for many producers and many consumers.
///
/// The order in which items leave is a type: [`Fifo`] is the default, [`Lifo`] and [`Priority`] are
/// the others. Whoever has dealt with an item says so with [`task_done`](Queue::task_done), and
/// [`join`](Queue::join) waits until that was said of all. Differs from tokio, which has nothing
/// like it.
///
/// # Examples
/// ```
/// # heist::runtime::Runtime::new().unwrap().block_on(async {
/// use std::sync::Arc;
///
/// use heist::sync::Queue;
///
/// let jobs = Arc::new(Queue::new(10));
/// let worker = heist::spawn({
///     let jobs = jobs.clone();
///     async move {
///         let mut sum = 0;
///         while let Ok(n) = jobs.get().await {
///             sum += n;
///             jobs.task_done();
///         }
///         sum
///     }
/// });
/// for n in 1..=4 {
///     jobs.put(n).await.unwrap();
/// }
/// jobs.join().await;
/// jobs.shutdown(false);
/// assert_eq!(worker.await.unwrap(), 10);
/// # });
/// ```
pub struct Queue<T, O: Order<T> = Fifo> {
    capacity: usize,
    room: Semaphore,
    items: Semaphore,
    state: Mutex<State<O::Store>>,
    /// Told when nothing is unfinished any more.
    finished: Notify,
}

struct State<S> {
    store: S,
    len: usize,
    /// Items that were put and not yet said to be done.
    unfinished: usize,
    /// How often the last unfinished item was said to be done.
    finishes: usize,
    shut: bool,
}

impl<S> State<S> {
    /// Items are done; true if they were the last, and that is to be told without the lock.
    fn finish(&mut self, items: usize) -> bool {
        self.unfinished -= items;
        let finished = items > 0 && self.unfinished == 0;
        self.finishes += usize::from(finished);
        finished
    }
}

impl<T> Queue<T, Fifo> {
    /// Makes a queue that gives items out in the order in which they were put in.
    ///
    /// It holds at most `capacity` items; from [`Semaphore::MAX_PERMITS`] on that is no limit.
    ///
    /// # Panics
    /// If `capacity` is zero.
    #[track_caller]
    pub fn new(capacity: usize) -> Queue<T> {
        Queue::with_order(capacity)
    }

    /// Makes a queue without a limit but memory.
    pub fn unbounded() -> Queue<T> {
        Queue::with_order(usize::MAX)
    }

    /// Makes a queue that gives the latest item out first. See [`Queue::new`].
    ///
    /// # Panics
    /// If `capacity` is zero.
    #[track_caller]
    pub fn lifo(capacity: usize) -> Queue<T, Lifo> {
        Queue::with_order(capacity)
    }

    /// Makes a queue that gives the smallest item out first, and among equal ones that which was
    /// put in first. See [`Queue::new`].
    ///
    /// # Panics
    /// If `capacity` is zero.
    #[track_caller]
    pub fn priority(capacity: usize) -> Queue<T, Priority>
    where
        T: Ord,
    {
        Queue::with_order(capacity)
    }
}

impl<T, O: Order<T>> Queue<T, O> {
    /// Makes a queue of any order. See [`Queue::new`].
    ///
    /// # Panics
    /// If `capacity` is zero.
    #[track_caller]
    pub fn with_order(capacity: usize) -> Queue<T, O> {
        assert!(capacity > 0, "a queue needs room for an item");
        let capacity = capacity.min(Semaphore::MAX_PERMITS);
        Queue {
            capacity,
            room: Semaphore::new(capacity),
            items: Semaphore::new(0),
            state: Mutex::new(State {
                store: O::Store::default(),
                len: 0,
                unfinished: 0,
                finishes: 0,
                shut: false,
            }),
            finished: Notify::new(),
        }
    }

    /// Puts an item in, once there is room for it.
    ///
    /// # Errors
    /// The item, if the queue is shut down, before or meanwhile.
    ///
    /// # Cancel safety
    /// A wait that is dropped loses its place in line, and its item.
    #[track_caller]
    pub fn put(&self, item: T) -> impl Future<Output = Result<(), PutError<T>>> {
        let room = self.room.acquire_as(1, Made::here(&PUT));
        async move {
            match room.await {
                Ok(permit) => {
                    permit.forget();
                    self.store(item).map_err(PutError)
                }
                Err(_) => Err(PutError(item)),
            }
        }
    }

    /// Puts an item in, if there is room for it and nobody waits for that.
    ///
    /// # Errors
    /// The item, if there is none, or the queue is shut down.
    pub fn try_put(&self, item: T) -> Result<(), TryPutError<T>> {
        match self.room.try_acquire() {
            Ok(permit) => {
                permit.forget();
                self.store(item).map_err(TryPutError::Shutdown)
            }
            Err(TryAcquireError::NoPermits) => Err(TryPutError::Full(item)),
            Err(TryAcquireError::Closed) => Err(TryPutError::Shutdown(item)),
        }
    }

    /// Puts an item into room that the caller has; `Err` if the queue was shut down meanwhile.
    fn store(&self, item: T) -> Result<(), T> {
        let mut state = self.state.lock();
        if state.shut {
            return Err(item);
        }
        O::push(&mut state.store, item);
        state.len += 1;
        state.unfinished += 1;
        drop(state);
        self.items.add_permits(1);
        Ok(())
    }

    /// Gets the next item, once there is one.
    ///
    /// # Errors
    /// If the queue is shut down and empty.
    ///
    /// # Cancel safety
    /// A wait that is dropped loses its place in line, and no item.
    #[track_caller]
    pub fn get(&self) -> impl Future<Output = Result<T, GetError>> {
        let items = self.items.acquire_as(1, Made::here(&GET));
        async move {
            match items.await {
                Ok(permit) => {
                    permit.forget();
                    self.fetch().ok_or(GetError(()))
                }
                Err(_) => Err(GetError(())),
            }
        }
    }

    /// Gets the next item, if there is one and nobody waits for it.
    ///
    /// # Errors
    /// If there is none; it says whether one may come.
    pub fn try_get(&self) -> Result<T, TryGetError> {
        match self.items.try_acquire() {
            Ok(permit) => {
                permit.forget();
                self.fetch().ok_or(TryGetError::Shutdown)
            }
            Err(TryAcquireError::NoPermits) => Err(TryGetError::Empty),
            Err(TryAcquireError::Closed) => Err(TryGetError::Shutdown),
        }
    }

    /// Takes an item that the caller has a right to; `None` if a shutdown was faster.
    fn fetch(&self) -> Option<T> {
        let mut state = self.state.lock();
        let item = O::pop(&mut state.store)?;
        state.len -= 1;
        let last = state.shut && state.len == 0;
        drop(state);
        if last {
            self.items.close();
        }
        self.room.add_permits(1);
        Some(item)
    }

    /// Says that an item that was got has been dealt with.
    ///
    /// # Panics
    /// If that was said more often than there were items.
    #[track_caller]
    pub fn task_done(&self) {
        let mut state = self.state.lock();
        if state.unfinished == 0 {
            drop(state);
            panic!("`task_done` was called more often than there were items");
        }
        let finished = state.finish(1);
        drop(state);
        if finished {
            self.finished.notify_waiters();
        }
    }

    /// Waits until every item that was put in has been dealt with; see
    /// [`task_done`](Queue::task_done).
    ///
    /// # Cancel safety
    /// Cancel safe.
    #[track_caller]
    pub fn join(&self) -> impl Future<Output = ()> {
        let made = Made::here(&JOIN);
        async move {
            let at = made.begin();
            let now = {
                let state = self.state.lock();
                if state.unfinished == 0 {
                    return;
                }
                state.finishes
            };
            loop {
                let finished = self.finished.notified_at(&JOIN, at);
                // Counted, as there may be new items already.
                if self.state.lock().finishes != now {
                    return;
                }
                finished.await;
            }
        }
    }

    /// Refuses items from now on. Those that are in can still be got, and then getting fails.
    ///
    /// With `immediate`, what is in is dropped and counts as dealt with.
    pub fn shutdown(&self, immediate: bool) {
        let mut state = self.state.lock();
        state.shut = true;
        let mut dropped = O::Store::default();
        let mut finished = false;
        if immediate {
            std::mem::swap(&mut state.store, &mut dropped);
            let items = std::mem::take(&mut state.len);
            finished = state.finish(items);
        }
        let empty = state.len == 0;
        drop(state);
        if finished {
            self.finished.notify_waiters();
        }
        self.room.close();
        if empty {
            self.items.close();
        }
        // Foreign code, so after the lock.
        drop(dropped);
    }

    /// Whether the queue was shut down.
    pub fn is_shutdown(&self) -> bool {
        self.state.lock().shut
    }

    /// How many items are in.
    pub fn len(&self) -> usize {
        self.state.lock().len
    }

    /// Whether no item is in.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Whether there is no room for another item.
    pub fn is_full(&self) -> bool {
        self.len() == self.capacity
    }

    /// How many items the queue holds at most.
    pub fn capacity(&self) -> usize {
        self.capacity
    }
}

impl<T, O: Order<T>> fmt::Debug for Queue<T, O> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let state = self.state.lock();
        f.debug_struct("Queue")
            .field("len", &state.len)
            .field("unfinished", &state.unfinished)
            .field("shutdown", &state.shut)
            .finish()
    }
}

#[cfg(test)]
mod tests;
