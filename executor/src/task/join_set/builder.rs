//! A task with a name that belongs to a [`JoinSet`].

use std::future::Future;

use super::JoinSet;
use crate::runtime::Handle;
use crate::task::{AbortHandle, Builder as TaskBuilder, LocalSet};

/// Spawns a task with a name into a [`JoinSet`]; see [`JoinSet::build_task`].
#[derive(Debug)]
#[must_use = "a builder does nothing until `spawn`"]
pub struct Builder<'a, T> {
    set: &'a mut JoinSet<T>,
    builder: TaskBuilder,
}

impl<'a, T: 'static> Builder<'a, T> {
    pub(super) fn new(set: &'a mut JoinSet<T>) -> Builder<'a, T> {
        Builder { set, builder: TaskBuilder::new() }
    }

    /// Names the task; see [`task::Builder::name`](TaskBuilder::name).
    pub fn name(mut self, name: impl AsRef<str>) -> Builder<'a, T> {
        self.builder = self.builder.name(name);
        self
    }

    /// Polls the task once at the spawn; see [`task::Builder::eager`](TaskBuilder::eager).
    pub fn eager(mut self) -> Builder<'a, T> {
        self.builder = self.builder.eager();
        self
    }

    /// See [`JoinSet::spawn`].
    #[track_caller]
    pub fn spawn<F>(self, future: F) -> AbortHandle
    where
        F: Future<Output = T> + Send + 'static,
        T: Send,
    {
        self.set.insert(self.builder.spawn(future))
    }

    /// See [`JoinSet::spawn_on`].
    #[track_caller]
    pub fn spawn_on<F>(self, future: F, handle: &Handle) -> AbortHandle
    where
        F: Future<Output = T> + Send + 'static,
        T: Send,
    {
        self.set.insert(self.builder.spawn_on(future, handle))
    }

    /// See [`JoinSet::spawn_local`].
    #[track_caller]
    pub fn spawn_local<F>(self, future: F) -> AbortHandle
    where
        F: Future<Output = T> + 'static,
    {
        self.set.insert(self.builder.spawn_local(future))
    }

    /// See [`JoinSet::spawn_local_on`].
    #[track_caller]
    pub fn spawn_local_on<F>(self, future: F, local: &LocalSet) -> AbortHandle
    where
        F: Future<Output = T> + 'static,
    {
        self.set.insert(self.builder.spawn_local_on(future, local))
    }

    /// See [`JoinSet::spawn_blocking`].
    #[track_caller]
    pub fn spawn_blocking<F>(self, job: F) -> AbortHandle
    where
        F: FnOnce() -> T + Send + 'static,
        T: Send,
    {
        self.set.insert(self.builder.spawn_blocking(job))
    }

    /// See [`JoinSet::spawn_blocking_on`].
    #[track_caller]
    pub fn spawn_blocking_on<F>(self, job: F, handle: &Handle) -> AbortHandle
    where
        F: FnOnce() -> T + Send + 'static,
        T: Send,
    {
        self.set.insert(self.builder.spawn_blocking_on(job, handle))
    }
}
