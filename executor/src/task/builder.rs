//! [`Builder`]: a task with a name.

use std::future::Future;
use std::panic::Location;
use std::sync::Arc;

use super::header::Details;
use super::spawn::spawn_with;
use super::{JoinHandle, Origin};

/// Spawns a task with a name, which dumps and failure reports show. In tokio this is unstable.
///
/// # Examples
/// ```
/// # heist::runtime::Runtime::new().unwrap().block_on(async {
/// let task = heist::task::Builder::new().name("greeter").spawn(async {
///     heist::task::current().name().map(str::to_owned)
/// });
/// assert_eq!(task.await.unwrap().as_deref(), Some("greeter"));
/// # });
/// ```
#[derive(Clone, Debug, Default)]
#[must_use = "a builder does nothing until `spawn`"]
pub struct Builder {
    name: Option<Box<str>>,
}

impl Builder {
    /// A builder that spawns as [`heist::spawn`](crate::spawn) does.
    pub fn new() -> Builder {
        Builder::default()
    }

    /// Names the task. Costs one more allocation.
    pub fn name(mut self, name: impl AsRef<str>) -> Builder {
        self.name = Some(name.as_ref().into());
        self
    }

    /// Spawns the task; see [`heist::spawn`](crate::spawn).
    ///
    /// # Panics
    /// Outside a runtime.
    #[track_caller]
    pub fn spawn<F>(self, future: F) -> JoinHandle<F::Output>
    where
        F: Future + Send + 'static,
        F::Output: Send + 'static,
    {
        let mut origin = Origin::here(Location::caller());
        if let Some(name) = self.name {
            let context = origin.details.as_ref().and_then(|details| details.context.clone());
            origin.details = Some(Arc::new(Details { name: Some(name), context }));
        }
        spawn_with(future, origin)
    }
}
