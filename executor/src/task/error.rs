//! How a task ends badly: [`JoinError`], and the report of failures that nobody reads.

use std::any::Any;
use std::fmt;
use std::io;
use std::panic::Location;
use std::sync::Arc;

use super::header::Header;
use super::id::Id;
use crate::foreign::quietly;
use crate::report;

/// A task did not return a value: it was cancelled or it panicked.
///
/// One pointer wide, so that a task's output slot stays small.
///
/// # Examples
/// ```
/// # heist::runtime::Runtime::new().unwrap().block_on(async {
/// async fn fails() -> u32 {
///     panic!("out of luck")
/// }
///
/// let error = heist::spawn(fails()).await.unwrap_err();
/// assert!(error.is_panic());
/// assert!(error.to_string().contains("out of luck"));
/// assert_eq!(*error.into_panic().downcast::<&str>().unwrap(), "out of luck");
///
/// let task = heist::spawn(std::future::pending::<()>());
/// task.abort();
/// assert!(task.await.unwrap_err().is_cancelled());
/// # });
/// ```
pub struct JoinError(Box<Ending>);

struct Ending {
    id: Id,
    how: How,
}

enum How {
    Cancelled { reason: Option<Arc<str>> },
    Panicked { payload: Box<dyn Any + Send>, unread: Option<Unread> },
}

/// What to report if the panic is dropped without anyone having looked at it.
struct Unread {
    name: Option<Box<str>>,
    spawned_at: &'static Location<'static>,
    hook: FailureHook,
}

/// A task has failed and nobody will ever join it; given to `Builder::on_unhandled_failure`.
#[derive(Debug)]
pub struct Failure<'a> {
    /// The task.
    pub id: Id,
    /// Its name, if it was given one.
    pub name: Option<&'a str>,
    /// Where it was spawned.
    pub spawned_at: &'static Location<'static>,
    /// The panic's message, if the payload was text.
    pub message: Option<&'a str>,
}

impl Failure<'_> {
    /// Gives it to the hook, or prints it if there is none.
    pub(crate) fn tell(&self, hook: &FailureHook) {
        let Some(hook) = hook else {
            return report::error(self);
        };
        // The hook is foreign code on a worker: its panic must not take the worker along.
        if quietly(|| hook(self)).is_none() {
            report::error(format_args!("the hook for unhandled failures panicked itself; {self}"));
        }
    }
}

impl fmt::Display for Failure<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "task {}", self.id)?;
        if let Some(name) = self.name {
            write!(f, " `{name}`")?;
        }
        write!(f, " (spawned at {}) panicked and nobody joined it", self.spawned_at)?;
        match self.message {
            Some(message) => write!(f, ": {message}"),
            None => Ok(()),
        }
    }
}

/// What a runtime does with failures that nobody reads; `None` reports them.
pub(crate) type FailureHook = Option<Arc<dyn Fn(&Failure<'_>) + Send + Sync>>;

impl JoinError {
    pub(crate) fn cancelled(id: Id, reason: Option<Arc<str>>) -> JoinError {
        JoinError(Box::new(Ending { id, how: How::Cancelled { reason } }))
    }

    pub(crate) fn panicked(
        header: &Header,
        payload: Box<dyn Any + Send>,
        hook: FailureHook,
    ) -> JoinError {
        let unread =
            Unread { name: header.name().map(Box::from), spawned_at: header.spawned_at, hook };
        let how = How::Panicked { payload, unread: Some(unread) };
        JoinError(Box::new(Ending { id: header.id, how }))
    }

    /// Drops the error of a task that nobody joins; a panic is reported first.
    pub(crate) fn report_unread(mut self) {
        let id = self.0.id;
        let How::Panicked { payload, unread } = &mut self.0.how else { return };
        let Some(unread) = unread.take() else { return };
        let failure = Failure {
            id,
            name: unread.name.as_deref(),
            spawned_at: unread.spawned_at,
            message: text(&**payload),
        };
        failure.tell(&unread.hook);
        // The payload's own destructor may panic too.
        quietly(|| drop(self));
    }

    /// Whether the task was cancelled: aborted, or still there when its runtime shut down.
    pub fn is_cancelled(&self) -> bool {
        matches!(self.0.how, How::Cancelled { .. })
    }

    /// Why the task was cancelled, if [`JoinHandle::cancel`](super::JoinHandle::cancel) or a scope
    /// said so.
    pub fn reason(&self) -> Option<&str> {
        match &self.0.how {
            How::Cancelled { reason } => reason.as_deref(),
            How::Panicked { .. } => None,
        }
    }

    /// Whether the task panicked.
    pub fn is_panic(&self) -> bool {
        matches!(self.0.how, How::Panicked { .. })
    }

    /// The payload of the panic, for [`std::panic::resume_unwind`].
    ///
    /// # Panics
    /// If the task was cancelled; see [`try_into_panic`](JoinError::try_into_panic).
    #[track_caller]
    pub fn into_panic(self) -> Box<dyn Any + Send> {
        match self.try_into_panic() {
            Ok(payload) => payload,
            Err(error) => panic!("`into_panic` on an error that is no panic: {error}"),
        }
    }

    /// The payload of the panic.
    ///
    /// # Errors
    /// The error itself, if the task was cancelled.
    pub fn try_into_panic(self) -> Result<Box<dyn Any + Send>, JoinError> {
        let Ending { id, how } = *self.0;
        match how {
            How::Panicked { payload, .. } => Ok(payload),
            How::Cancelled { reason } => Err(JoinError::cancelled(id, reason)),
        }
    }

    /// The id of the task.
    pub fn id(&self) -> Id {
        self.0.id
    }
}

/// The message in a panic's payload, if it is text.
fn text(payload: &(dyn Any + Send)) -> Option<&str> {
    payload
        .downcast_ref::<&'static str>()
        .copied()
        .or_else(|| payload.downcast_ref::<String>().map(String::as_str))
}

impl fmt::Display for JoinError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.0.how {
            How::Cancelled { reason: None } => write!(f, "task {} was cancelled", self.0.id),
            How::Cancelled { reason: Some(reason) } => {
                write!(f, "task {} was cancelled: {reason}", self.0.id)
            }
            How::Panicked { payload, .. } => match text(&**payload) {
                Some(message) => write!(f, "task {} panicked with message {message:?}", self.0.id),
                None => write!(f, "task {} panicked", self.0.id),
            },
        }
    }
}

impl fmt::Debug for JoinError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.0.how {
            How::Cancelled { reason: None } => write!(f, "JoinError::Cancelled({:?})", self.0.id),
            How::Cancelled { reason: Some(reason) } => {
                write!(f, "JoinError::Cancelled({:?}, {reason:?})", self.0.id)
            }
            How::Panicked { payload, .. } => {
                let message = text(&**payload).unwrap_or("...");
                write!(f, "JoinError::Panic({:?}, {message:?})", self.0.id)
            }
        }
    }
}

impl std::error::Error for JoinError {}

impl From<JoinError> for io::Error {
    fn from(error: JoinError) -> io::Error {
        io::Error::other(error.to_string())
    }
}

// SAFETY: a shared `JoinError` gives out nothing of the payload but its text, and only if its
// type is `&'static str` or `String`, which are `Sync`.
unsafe impl Sync for JoinError {}
