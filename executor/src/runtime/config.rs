//! What a builder decides and the runtime reads.

use std::sync::Arc;
use std::time::Duration;

use super::debugging::Debugging;
use super::unhandled::UnhandledPanic;
use crate::task::TaskInfo;
use crate::task::error::FailureHook;

pub(crate) type ThreadHook = Option<Arc<dyn Fn() + Send + Sync>>;
pub(crate) type TaskHook = Option<Arc<dyn Fn(&TaskInfo) + Send + Sync>>;

/// Fixed for the life of a runtime.
#[derive(Clone)]
pub(crate) struct Config {
    pub(crate) name: Option<Arc<str>>,
    pub(crate) current_thread: bool,
    pub(crate) max_blocking_threads: usize,
    pub(crate) thread_keep_alive: Duration,
    pub(crate) thread_name: Option<Arc<dyn Fn() -> String + Send + Sync>>,
    pub(crate) thread_stack_size: Option<usize>,
    pub(crate) on_thread_start: ThreadHook,
    pub(crate) on_thread_stop: ThreadHook,
    pub(crate) on_thread_park: ThreadHook,
    pub(crate) on_thread_unpark: ThreadHook,
    pub(crate) on_task_spawn: TaskHook,
    pub(crate) on_task_terminate: TaskHook,
    pub(crate) on_unhandled_failure: FailureHook,
    pub(crate) unhandled_panic: UnhandledPanic,
    /// There in debug mode.
    pub(crate) debugging: Option<Arc<Debugging>>,
}

impl Default for Config {
    fn default() -> Config {
        Config {
            name: None,
            current_thread: false,
            // As tokio: far more than any machine runs at once, few enough not to exhaust it.
            max_blocking_threads: 512,
            thread_keep_alive: Duration::from_secs(10),
            thread_name: None,
            thread_stack_size: None,
            on_thread_start: None,
            on_thread_stop: None,
            on_thread_park: None,
            on_thread_unpark: None,
            on_task_spawn: None,
            on_task_terminate: None,
            on_unhandled_failure: None,
            unhandled_panic: UnhandledPanic::Ignore,
            debugging: None,
        }
    }
}
