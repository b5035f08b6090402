//! [`BlockingPool`]: a pool of its own for one kind of blocking work, with a name and with bounds.
//!
//! It adds to the [`Pool`] that every runtime has: a name, and room. Room is a semaphore with a
//! permit for each thread and for each place in the queue; a job has its permit from the spawn to
//! its end, inside its closure, so that it goes back however the job ends, and be it unrun.
//! Deliberately without priorities, and without changing the bounds of a pool that is in use.

use std::fmt;
use std::future::Future;
use std::num::NonZeroUsize;
use std::panic::{Location, RefUnwindSafe, UnwindSafe};
use std::sync::Arc;
use std::time::Duration;

use super::Pool;
use crate::foreign::quietly;
use crate::leaf::{Made, Operation};
use crate::runtime::Handle;
use crate::runtime::config::Config;
use crate::sync::{OwnedSemaphorePermit, Semaphore, TryAcquireError};
use crate::task::{JoinHandle, Origin};
use crate::worker::Scheduler;

static SPAWN: Operation = Operation::new("BlockingPool::spawn");

/// Threads for one kind of blocking work: they have a name, there are at most so many of them, and
/// a spawn waits when too many jobs are there already.
///
/// [`spawn_blocking`](crate::task::spawn_blocking) has a pool for everybody, with many threads and
/// an endless queue. That is right for what mostly waits. Work that uses up something scarce (cores,
/// memory, connections of a database, one licence) is better off in a pool that says how much at a
/// time: the rest waits where it comes from, and other work is not in its way.
///
/// This is what an executor given to asyncio's `run_in_executor` is: the pool has threads of its own,
/// not a share in those of `spawn_blocking`, and starts them when there is work for them. They
/// belong to the runtime in which the pool was built: inside a job `heist::spawn` and
/// [`Handle::current`] find it, and [`task::all`](crate::task::all) shows the jobs, under the pool's
/// name. tokio has nothing like it.
///
/// # How it ends
/// Dropping the pool does not wait. Jobs that it has accepted are run, and joined as ever; then its
/// threads end. To throw away what is queued, abort the jobs; their room comes back when a thread gets
/// to them. When the runtime ends first, queued jobs are cancelled, and running ones may ask
/// [`task::is_cancelled`](crate::task::is_cancelled); what is spawned afterwards is cancelled at
/// once.
///
/// # Examples
/// ```
/// use heist::task::BlockingPool;
///
/// # heist::runtime::Runtime::new().unwrap().block_on(async {
/// let pool = BlockingPool::builder("thumbnails").max_threads(2).max_queued(8).build();
/// let mut jobs = Vec::new();
/// for n in 0..100_u64 {
///     // From the eleventh on this waits until a job has ended.
///     jobs.push(pool.spawn(move || n * n).await);
/// }
/// let mut sum = 0;
/// for job in jobs {
///     sum += job.await.unwrap();
/// }
/// assert_eq!(sum, 328_350);
/// # });
/// ```
pub struct BlockingPool {
    pool: Arc<Pool>,
    name: Box<str>,
    room: Arc<Semaphore>,
    scheduler: Arc<Scheduler>,
}

/// Decides about a [`BlockingPool`].
#[derive(Clone, Debug)]
#[must_use = "a builder does nothing until `build`"]
pub struct BlockingPoolBuilder {
    name: Box<str>,
    max_threads: usize,
    max_queued: usize,
    thread_keep_alive: Option<Duration>,
}

impl BlockingPool {
    /// Begins a pool; its threads and its jobs will have this name. The system may cut the name of
    /// a thread: Linux does after 15 bytes.
    ///
    /// # Panics
    /// If there is a null byte in the name.
    #[track_caller]
    pub fn builder(name: impl AsRef<str>) -> BlockingPoolBuilder {
        let name = name.as_ref();
        assert!(!name.contains('\0'), "no thread can have a name with a null byte: {name:?}");
        BlockingPoolBuilder {
            name: name.into(),
            max_threads: std::thread::available_parallelism().map_or(1, NonZeroUsize::get),
            max_queued: usize::MAX,
            thread_keep_alive: None,
        }
    }

    /// Runs a closure on a thread of the pool, as soon as there is room for it.
    ///
    /// Nothing happens before the first poll. Who waits first is served first. The job is then a
    /// task like any other: await its handle for the output, or drop the handle and let it run.
    ///
    /// # Panics
    /// If the pool has no thread and the system refuses to start one.
    ///
    /// # Cancel safety
    /// A spawn that is dropped loses its place in line, and no room; its job is dropped unrun.
    // The wait for room and that for the output are two.
    #[allow(clippy::async_yields_async)]
    #[track_caller]
    pub fn spawn<F, R>(&self, job: F) -> impl Future<Output = JoinHandle<R>> + Send + use<'_, F, R>
    where
        F: FnOnce() -> R + Send + 'static,
        R: Send + 'static,
    {
        let made = Made::here(&SPAWN);
        async move {
            let at = made.at;
            let room = self.room.clone().acquire_owned_as(1, made).await;
            self.spawn_in(Room(room.ok()), job, at)
        }
    }

    /// Runs a closure on a thread of the pool, if there is room for it at once and nobody waits for
    /// it.
    ///
    /// # Errors
    /// The job, if there is not.
    ///
    /// # Panics
    /// As [`spawn`](BlockingPool::spawn).
    ///
    /// # Examples
    /// ```
    /// use heist::task::{BlockingPool, PoolFull};
    ///
    /// # heist::runtime::Runtime::new().unwrap().block_on(async {
    /// let pool = BlockingPool::builder("modem").max_threads(1).max_queued(0).build();
    /// let (hang_up, line) = std::sync::mpsc::channel::<()>();
    /// let call = pool.try_spawn(move || line.recv()).unwrap();
    /// let Err(PoolFull(job)) = pool.try_spawn(|| "busy") else { unreachable!("one at a time") };
    /// assert_eq!(job(), "busy");
    /// drop(hang_up);
    /// assert!(call.await.unwrap().is_err());
    /// # });
    /// ```
    #[track_caller]
    pub fn try_spawn<F, R>(&self, job: F) -> Result<JoinHandle<R>, PoolFull<F>>
    where
        F: FnOnce() -> R + Send + 'static,
        R: Send + 'static,
    {
        let room = match self.room.clone().try_acquire_owned() {
            Ok(room) => Some(room),
            Err(TryAcquireError::NoPermits) => return Err(PoolFull(job)),
            Err(TryAcquireError::Closed) => None,
        };
        Ok(self.spawn_in(Room(room), job, Location::caller()))
    }

    fn spawn_in<F, R>(&self, room: Room, job: F, at: &'static Location<'static>) -> JoinHandle<R>
    where
        F: FnOnce() -> R + Send + 'static,
        R: Send + 'static,
    {
        let job = move || {
            let _room = room;
            job()
        };
        let origin = Origin::here(at).named(self.name.clone());
        match self.pool.try_spawn(&self.scheduler, job, origin) {
            Ok(handle) => handle,
            Err(error) => panic!("{error} (the call at {at})"),
        }
    }

    /// The name.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Threads of the pool.
    pub fn num_threads(&self) -> usize {
        self.pool.threads()
    }

    /// Threads of the pool that have nothing to do.
    pub fn num_idle_threads(&self) -> usize {
        self.pool.idle_threads()
    }

    /// Jobs that wait for a thread. Those that wait for room are not among them.
    pub fn queue_depth(&self) -> usize {
        self.pool.queued()
    }

    /// Jobs that threads have taken up, to run them, or to drop those that were aborted in the queue.
    pub fn job_count(&self) -> u64 {
        self.pool.queue_time().jobs()
    }

    /// How long all these jobs together waited for their threads: behind other jobs, or for a thread
    /// to be woken or started. The wait for room comes before it and does not count.
    pub fn queue_time(&self) -> Duration {
        self.pool.queue_time().total()
    }

    /// How long the job waited that has waited longest.
    pub fn queue_time_max(&self) -> Duration {
        self.pool.queue_time().longest()
    }
}

impl Drop for BlockingPool {
    fn drop(&mut self) {
        self.pool.finish();
    }
}

// As for `Handle`.
impl UnwindSafe for BlockingPool {}
impl RefUnwindSafe for BlockingPool {}

impl fmt::Debug for BlockingPool {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("BlockingPool")
            .field("name", &self.name)
            .field("threads", &self.num_threads())
            .field("queued", &self.queue_depth())
            .finish_non_exhaustive()
    }
}

impl BlockingPoolBuilder {
    /// How many threads the pool may have, and so how many of its jobs run at the same time.
    /// Default: the number of cores that the process may use.
    ///
    /// # Panics
    /// If it is zero.
    #[track_caller]
    pub fn max_threads(mut self, threads: usize) -> BlockingPoolBuilder {
        assert!(threads > 0, "a pool needs a thread: `max_threads(0)`");
        self.max_threads = threads;
        self
    }

    /// How many jobs may be there beyond those that all the threads can have: further ones wait
    /// outside, in [`spawn`](BlockingPool::spawn). Default: any number, as in the pool of
    /// `spawn_blocking`. With none, a job is accepted when it can have a thread.
    pub fn max_queued(mut self, jobs: usize) -> BlockingPoolBuilder {
        self.max_queued = jobs;
        self
    }

    /// How long a thread stays when it has nothing to do. Default: as the runtime's builder says.
    pub fn thread_keep_alive(mut self, duration: Duration) -> BlockingPoolBuilder {
        self.thread_keep_alive = Some(duration);
        self
    }

    /// Makes a pool of the current runtime. No thread is started yet.
    ///
    /// # Panics
    /// Outside a runtime.
    #[track_caller]
    pub fn build(self) -> BlockingPool {
        self.build_on(&Handle::current())
    }

    /// Makes a pool of another runtime.
    pub fn build_on(self, handle: &Handle) -> BlockingPool {
        let scheduler = handle.scheduler.clone();
        let room = self.max_threads.saturating_add(self.max_queued).min(Semaphore::MAX_PERMITS);
        let room = Arc::new(Semaphore::new(room));
        let config = Config {
            max_blocking_threads: self.max_threads,
            thread_keep_alive: self.thread_keep_alive.unwrap_or(scheduler.config.thread_keep_alive),
            ..scheduler.config.clone()
        };
        let pool = Arc::new(Pool::named(&config, self.name.clone(), room.clone()));
        scheduler.blocking.admit(&pool);
        BlockingPool { pool, name: self.name, room, scheduler }
    }
}

/// The room that a job has in its pool; none if the pool is closed. Whom giving it back wakes is
/// foreign to the job.
struct Room(Option<OwnedSemaphorePermit>);

impl Drop for Room {
    fn drop(&mut self) {
        quietly(|| drop(self.0.take()));
    }
}

/// There was no room in a [`BlockingPool`]; the job is inside.
pub struct PoolFull<F>(pub F);

impl<F> fmt::Debug for PoolFull<F> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("PoolFull").finish_non_exhaustive()
    }
}

impl<F> fmt::Display for PoolFull<F> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("there is no room for another job in the pool")
    }
}

impl<F> std::error::Error for PoolFull<F> {}
