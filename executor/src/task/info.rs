//! What a task is doing: read from its header, never by polling it.

use std::fmt;
use std::panic::Location;
use std::sync::Arc;
use std::time::Duration;

use super::header::Header;
use super::id::Id;
use super::{age, current as current_task};

/// A task as it was at one moment; see [`all`](super::all) and [`current`](super::current()).
///
/// Taking one reads a few words of the task's header while the task may run on: the parts belong
/// to about the same moment, not to exactly the same.
///
/// # Examples
/// ```
/// # heist::runtime::Runtime::new().unwrap().block_on(async {
/// use heist::task::{self, TaskState};
/// use heist::time::{Duration, sleep};
///
/// let nap = async { sleep(Duration::from_secs(60)).await };
/// let sleeper = task::Builder::new().name("sleeper").spawn(nap);
/// heist::testing::wait_until_idle().await;
///
/// let all = task::all();
/// let info = all.iter().find(|info| info.id() == sleeper.id()).unwrap();
/// assert_eq!(info.name(), Some("sleeper"));
/// assert_eq!(info.state(), TaskState::Waiting);
/// assert_eq!(info.waits_in().unwrap().operation, "sleep");
/// println!("{info}");
/// # });
/// ```
#[derive(Clone, Debug)]
pub struct TaskInfo {
    id: Id,
    name: Option<Box<str>>,
    spawned_at: &'static Location<'static>,
    parent: Option<Id>,
    state: TaskState,
    waits_in: Option<WaitSite>,
    awaits: Option<Id>,
    cancel_reason: Option<Arc<str>>,
    polls: u32,
    age: Duration,
}

/// Where a task stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum TaskState {
    /// In a queue: a worker will poll it.
    Ready,
    /// Being polled now.
    Running,
    /// Pending until something wakes it.
    Waiting,
    /// Ended; nobody has cleared it away yet.
    Complete,
}

impl TaskState {
    pub(crate) fn read(header: &Header) -> TaskState {
        let word = header.state.load();
        if word.is_complete() {
            TaskState::Complete
        } else if word.is_running() && !header.is_queued_again() {
            TaskState::Running
        } else if word.is_running() || word.is_notified() {
            TaskState::Ready
        } else {
            TaskState::Waiting
        }
    }
}

/// The operation that a task waits in, and the place in the program that called it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct WaitSite {
    /// For example `sleep` or `TcpStream::read`.
    pub operation: &'static str,
    /// The caller of the operation; for a handle, where its task was spawned.
    pub location: &'static Location<'static>,
}

impl TaskInfo {
    pub(crate) fn read(header: &Header) -> TaskInfo {
        let state = TaskState::read(header);
        let waits_in = header.wait_site();
        TaskInfo {
            id: header.id,
            name: header.name().map(Box::from),
            spawned_at: header.spawned_at,
            parent: header.parent,
            state,
            waits_in: waits_in
                .as_ref()
                .map(|waits| WaitSite { operation: waits.operation, location: waits.at }),
            awaits: waits_in.and_then(|waits| waits.task),
            cancel_reason: header.details.seen_cancellation().and_then(|c| c.reason()),
            polls: header.polls(),
            age: age::since(header.born),
        }
    }

    /// The task's id.
    pub fn id(&self) -> Id {
        self.id
    }

    /// The name given with `task::Builder`, or that of the job's pool.
    pub fn name(&self) -> Option<&str> {
        self.name.as_deref()
    }

    /// The place of the spawn call.
    pub fn spawned_at(&self) -> &'static Location<'static> {
        self.spawned_at
    }

    /// The task that spawned it, if one did.
    pub fn parent(&self) -> Option<Id> {
        self.parent
    }

    /// Where the task stands.
    pub fn state(&self) -> TaskState {
        self.state
    }

    /// The operation of Heist's that the task waits in, if it waits in one. A future of another
    /// library shows only the operation of ours at its bottom, if there is one, and else the
    /// [`timeout`](crate::time::timeout) that it was given, if it was.
    pub fn waits_in(&self) -> Option<WaitSite> {
        self.waits_in
    }

    /// The task whose handle this one awaits, if it awaits one: a [`JoinHandle`](super::JoinHandle),
    /// or the [`Child`](super::Child) of a scope. For `gather` and others that await many, and for the
    /// other direction, see [`tree`](super::tree()).
    pub fn awaits(&self) -> Option<Id> {
        self.awaits
    }

    /// Why the task was asked to end with [`JoinHandle::cancel`](super::JoinHandle::cancel), if it
    /// was: it is cleaning up, or about to go.
    pub fn cancel_reason(&self) -> Option<&str> {
        self.cancel_reason.as_deref()
    }

    /// How often the task has been polled; wraps at 2^32.
    pub fn polls(&self) -> u64 {
        u64::from(self.polls)
    }

    /// Time since the spawn, to 10 ms.
    pub fn age(&self) -> Duration {
        self.age
    }
}

impl fmt::Display for TaskInfo {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "task {}", self.id)?;
        if let Some(name) = &self.name {
            write!(f, " `{name}`")?;
        }
        match (self.state, self.waits_in) {
            (TaskState::Waiting, Some(site)) => {
                write!(f, " waits in {} at {}", site.operation, site.location)?;
                if let Some(task) = self.awaits {
                    write!(f, " for task {task}")?;
                }
            }
            (TaskState::Waiting, None) => write!(f, " waits")?,
            (TaskState::Ready, _) => write!(f, " is ready")?,
            (TaskState::Running, _) => write!(f, " is running")?,
            (TaskState::Complete, _) => write!(f, " has ended")?,
        }
        if let Some(reason) = &self.cancel_reason {
            write!(f, ", being cancelled ({reason})")?;
        }
        write!(f, ", spawned at {}", self.spawned_at)?;
        if let Some(parent) = self.parent {
            write!(f, " by task {parent}")?;
        }
        write!(f, ", {} polls, {:?} old", self.polls, self.age)
    }
}

/// The task that is being polled on this thread.
///
/// # Panics
/// Outside a task, which includes the future given to `block_on`; see [`try_current`].
///
/// # Examples
/// ```
/// # heist::runtime::Runtime::new().unwrap().block_on(async {
/// let task = heist::spawn(async { heist::task::current().spawned_at() });
/// println!("spawned at {}", task.await.unwrap());
/// assert!(heist::task::try_current().is_none());
/// # });
/// ```
#[track_caller]
pub fn current() -> TaskInfo {
    match try_current() {
        Some(info) => info,
        None => panic!("no task is running here: `task::current` must be called inside a task"),
    }
}

/// The task that is being polled on this thread, if there is one.
pub fn try_current() -> Option<TaskInfo> {
    current_task::with(TaskInfo::read)
}

/// The id of the task that is being polled on this thread.
///
/// # Panics
/// Outside a task, which includes the future given to `block_on`; see [`try_id`].
///
/// # Examples
/// ```
/// # heist::runtime::Runtime::new().unwrap().block_on(async {
/// let task = heist::spawn(async { heist::task::id() });
/// let id = task.id();
/// assert_eq!(task.await.unwrap(), id);
/// # });
/// ```
#[track_caller]
pub fn id() -> Id {
    match try_id() {
        Some(id) => id,
        None => panic!("no task is running here: `task::id` must be called inside a task"),
    }
}

/// The id of the task that is being polled on this thread, if there is one.
pub fn try_id() -> Option<Id> {
    current_task::id()
}
