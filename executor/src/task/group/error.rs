//! [`GroupError`]: everything that went wrong in a scope.

use std::any::Any;
use std::fmt;
use std::panic::Location;
use std::sync::Arc;

use crate::task::{Id, JoinError, JoinHandle};

/// Why a scope was cut.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum GroupCause {
    /// The body or a child returned an error or panicked.
    Failure,
    /// It was cancelled, for this reason.
    Cancelled(Arc<str>),
    /// Its deadline had come.
    Deadline,
}

impl GroupCause {
    /// The reason with which the body and the children are cancelled.
    pub(super) fn reason(&self) -> Arc<str> {
        match self {
            GroupCause::Failure => "another task of the scope has failed".into(),
            GroupCause::Cancelled(reason) => reason.clone(),
            GroupCause::Deadline => "the deadline of the scope has passed".into(),
        }
    }
}

/// A scope that has ended badly: why it was cut, and every failure, in the order in which they
/// came; see [`scope`](super::scope).
pub struct GroupError<E> {
    cause: GroupCause,
    failures: Vec<GroupFailure<E>>,
}

impl<E> GroupError<E> {
    pub(super) fn new(cause: GroupCause, failures: Vec<GroupFailure<E>>) -> GroupError<E> {
        GroupError { cause, failures }
    }

    /// Why the scope was cut.
    pub fn cause(&self) -> &GroupCause {
        &self.cause
    }

    /// Whether the scope was cancelled.
    pub fn is_cancelled(&self) -> bool {
        matches!(self.cause, GroupCause::Cancelled(_))
    }

    /// Whether the scope was cut by its deadline.
    pub fn is_deadline(&self) -> bool {
        self.cause == GroupCause::Deadline
    }

    /// How many failures there were. None, where the scope was cut for another cause.
    pub fn len(&self) -> usize {
        self.failures.len()
    }

    /// Whether nothing has failed.
    pub fn is_empty(&self) -> bool {
        self.failures.is_empty()
    }

    /// The failures.
    pub fn iter(&self) -> std::slice::Iter<'_, GroupFailure<E>> {
        self.failures.iter()
    }

    /// The errors that were returned, without the panics.
    pub fn errors(&self) -> impl Iterator<Item = &E> {
        self.iter().filter_map(GroupFailure::error)
    }

    /// The first error that was returned, to be handed on where one is wanted.
    pub fn into_first_error(self) -> Option<E> {
        self.failures.into_iter().find_map(|failure| match failure.kind {
            FailureKind::Error(error) => Some(error),
            FailureKind::Panic(_) => None,
        })
    }
}

impl<E> IntoIterator for GroupError<E> {
    type Item = GroupFailure<E>;
    type IntoIter = std::vec::IntoIter<GroupFailure<E>>;

    fn into_iter(self) -> Self::IntoIter {
        self.failures.into_iter()
    }
}

impl<'a, E> IntoIterator for &'a GroupError<E> {
    type Item = &'a GroupFailure<E>;
    type IntoIter = std::slice::Iter<'a, GroupFailure<E>>;

    fn into_iter(self) -> Self::IntoIter {
        self.iter()
    }
}

impl<E: fmt::Display> fmt::Display for GroupError<E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match (&self.cause, self.len()) {
            (GroupCause::Cancelled(reason), _) => write!(f, "the scope was cancelled: {reason}")?,
            (GroupCause::Deadline, _) => f.write_str("the deadline of the scope has passed")?,
            (GroupCause::Failure, 1) => f.write_str("the scope failed")?,
            (GroupCause::Failure, n) => write!(f, "the scope failed in {n} places")?,
        }
        let mut separator = ": ";
        for failure in self {
            write!(f, "{separator}{failure}")?;
            separator = "; ";
        }
        Ok(())
    }
}

impl<E: fmt::Debug> fmt::Debug for GroupError<E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("GroupError")
            .field("cause", &self.cause)
            .field("failures", &self.failures)
            .finish()
    }
}

impl<E: std::error::Error + 'static> std::error::Error for GroupError<E> {
    /// The first failure.
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        self.failures.first().map(|failure| match &failure.kind {
            FailureKind::Error(error) => error as &(dyn std::error::Error + 'static),
            FailureKind::Panic(error) => error,
        })
    }
}

/// One failure in a scope: what, and in which task.
#[derive(Debug)]
pub struct GroupFailure<E> {
    id: Option<Id>,
    name: Option<Box<str>>,
    spawned_at: &'static Location<'static>,
    kind: FailureKind<E>,
}

/// How a task of a scope has failed.
#[derive(Debug)]
pub enum FailureKind<E> {
    /// It returned an error.
    Error(E),
    /// It panicked.
    Panic(JoinError),
}

impl<E> GroupFailure<E> {
    pub(super) fn of_body(error: E, at: &'static Location<'static>) -> GroupFailure<E> {
        GroupFailure { id: None, name: None, spawned_at: at, kind: FailureKind::Error(error) }
    }

    /// Takes the output of a child that has ended; `None` if it is no failure.
    pub(super) fn of_child(mut child: JoinHandle<Result<(), E>>) -> Option<GroupFailure<E>> {
        let (name, spawned_at) = child.label();
        let kind = match child.take() {
            Ok(Ok(())) => return None,
            Ok(Err(error)) => FailureKind::Error(error),
            Err(error) if error.is_panic() => FailureKind::Panic(error),
            Err(_) => return None,
        };
        Some(GroupFailure { id: Some(child.id()), name, spawned_at, kind })
    }

    /// Nobody will see this failure: a panic is reported, as that of a task that nobody joins.
    pub(super) fn report_unread(self) {
        if let FailureKind::Panic(error) = self.kind {
            error.report_unread();
        }
    }

    /// The child's task; `None` if it was the body.
    pub fn id(&self) -> Option<Id> {
        self.id
    }

    /// The name of the child's task, if it was given one.
    pub fn name(&self) -> Option<&str> {
        self.name.as_deref()
    }

    /// Where the child was spawned, or the scope was made.
    pub fn spawned_at(&self) -> &'static Location<'static> {
        self.spawned_at
    }

    /// How it failed.
    pub fn kind(&self) -> &FailureKind<E> {
        &self.kind
    }

    /// How it failed.
    pub fn into_kind(self) -> FailureKind<E> {
        self.kind
    }

    /// The error, if it returned one.
    pub fn error(&self) -> Option<&E> {
        match &self.kind {
            FailureKind::Error(error) => Some(error),
            FailureKind::Panic(_) => None,
        }
    }

    /// The payload of the panic, if it panicked, for [`std::panic::resume_unwind`].
    pub fn into_panic(self) -> Option<Box<dyn Any + Send>> {
        match self.kind {
            FailureKind::Error(_) => None,
            FailureKind::Panic(error) => error.try_into_panic().ok(),
        }
    }
}

impl<E: fmt::Display> fmt::Display for GroupFailure<E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match (&self.kind, self.id, &self.name) {
            // It tells the task's id itself.
            (FailureKind::Panic(error), ..) => write!(f, "{error}")?,
            (FailureKind::Error(error), None, _) => write!(f, "{error}")?,
            (FailureKind::Error(error), Some(id), None) => write!(f, "task {id}: {error}")?,
            (FailureKind::Error(error), Some(id), Some(name)) => {
                write!(f, "task {id} `{name}`: {error}")?;
            }
        }
        write!(f, " (at {})", self.spawned_at)
    }
}
