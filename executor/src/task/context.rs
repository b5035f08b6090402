//! Values that children inherit: a request's id, a tenant, a trace.
//!
//! A [`Key`] gets a value for the time of a future, as a task-local does. The difference: tasks and
//! blocking jobs that are spawned meanwhile have it too, and their children, and so on. Values are
//! shared, never copied, and live as long as somebody may ask for them. What a task inherits
//! is fixed at its spawn; deliberately nothing flows back from a child.
//!
//! The values that a task was born with are in its header's details; those of the innermost
//! [`Scope`] around a poll are the *ambient* ones of the thread, valid for the task that polls it.

use std::any::Any;
use std::cell::Cell;
use std::fmt;
use std::future::Future;
use std::marker::PhantomData;
use std::pin::Pin;
use std::ptr;
use std::sync::Arc;
use std::task::{self, Poll};

use pin_project_lite::pin_project;

use super::current;
use super::details::{Details, Values};
use super::id::Id;
use crate::leaf::{Made, Operation};

static SCOPE: Operation = Operation::new("Key::scope");

/// Declares values that children inherit; see [`task::context`](crate::task::context).
///
/// # Examples
/// ```
/// heist::inherited! {
///     /// The request that is being served.
///     static REQUEST: u64;
/// }
///
/// # heist::runtime::Runtime::new().unwrap().block_on(async {
/// REQUEST.scope(7, async {
///     let child = heist::spawn(async {
///         heist::task::spawn_blocking(|| REQUEST.get().as_deref().copied()).await.unwrap()
///     });
///     assert_eq!(child.await.unwrap(), Some(7));
/// }).await;
/// assert_eq!(REQUEST.get(), None);
/// # });
/// ```
#[macro_export]
macro_rules! inherited {
    () => {};
    ($(#[$attribute:meta])* $vis:vis static $name:ident: $type:ty; $($rest:tt)*) => {
        $crate::inherited!($(#[$attribute])* $vis static $name: $type);
        $crate::inherited!($($rest)*);
    };
    ($(#[$attribute:meta])* $vis:vis static $name:ident: $type:ty) => {
        $(#[$attribute])*
        $vis static $name: $crate::task::context::Key<$type> =
            $crate::task::context::Key::__new(::std::stringify!($name));
    };
}

/// A value that children inherit; declared with [`inherited!`](crate::inherited!).
pub struct Key<T> {
    /// Also makes the key's address its own: two statics of no size might share one.
    name: &'static str,
    value: PhantomData<fn() -> T>,
}

impl<T: Send + Sync + 'static> Key<T> {
    #[doc(hidden)]
    pub const fn __new(name: &'static str) -> Key<T> {
        Key { name, value: PhantomData }
    }

    /// Gives the key a value during the polls of `future`, while it is dropped, and for every task
    /// and blocking job that it spawns. A value that it has outside is hidden meanwhile.
    #[track_caller]
    pub fn scope<F: Future>(&'static self, value: T, future: F) -> Scope<F> {
        Scope {
            values: ScopeValues::Unbound(self.address(), Arc::new(value)),
            future: Some(future),
            made: Made::here(&SCOPE),
        }
    }

    /// Gives the key a value while `f` runs.
    pub fn sync_scope<R>(&'static self, value: T, f: impl FnOnce() -> R) -> R {
        let details = bound(self.address(), Arc::new(value));
        let _inside = enter(&details);
        f()
    }

    /// The value here, if there is one. Outside a task, too: inside a scope in `block_on`.
    pub fn get(&'static self) -> Option<Arc<T>> {
        let find = |details: &Details| {
            let values = details.values.as_ref()?;
            values.iter().find(|(key, _)| *key == self.address()).map(|(_, value)| value.clone())
        };
        with_details(find)??.downcast().ok()
    }

    fn address(&'static self) -> usize {
        ptr::from_ref(self).addr()
    }
}

impl<T> fmt::Debug for Key<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Key").field(&self.name).finish()
    }
}

/// The values of the innermost scope around the current poll.
#[derive(Clone, Copy)]
struct Ambient {
    details: *const Details,
    /// The task in whose poll the scope was entered: another one that is polled inside it (an
    /// eager one, or one under `block_in_place`) has its own values.
    task: Option<Id>,
}

thread_local! {
    static AMBIENT: Cell<Option<Ambient>> = const { Cell::new(None) };
}

/// While it lives, `details` are the ambient ones.
struct Inside<'a> {
    outer: Option<Ambient>,
    details: PhantomData<&'a Arc<Details>>,
}

fn enter(details: &Arc<Details>) -> Inside<'_> {
    let ambient = Ambient { details: Arc::as_ptr(details), task: current::id() };
    Inside { outer: AMBIENT.replace(Some(ambient)), details: PhantomData }
}

impl Drop for Inside<'_> {
    fn drop(&mut self) {
        AMBIENT.set(self.outer);
    }
}

fn ambient() -> Option<*const Details> {
    let ambient = AMBIENT.get()?;
    (ambient.task == current::id()).then_some(ambient.details)
}

/// Runs `f` on the details that hold here.
fn with_details<R>(f: impl FnOnce(&Details) -> R) -> Option<R> {
    match ambient() {
        // SAFETY: the `Inside` that set the pointer borrows the `Arc` for as long as it is set.
        Some(details) => Some(f(unsafe { &*details })),
        None => current::with(|header| header.details.get().map(f)).flatten(),
    }
}

/// What a child that is spawned here inherits.
#[inline]
pub(super) fn inherited() -> Option<Arc<Details>> {
    match ambient() {
        // SAFETY: as in `with_details`; the pointer came from an `Arc`.
        Some(details) => unsafe {
            Arc::increment_strong_count(details);
            Some(Arc::from_raw(details))
        },
        None => current::with(|header| header.details.for_child())?,
    }
}

/// The values that hold here, with one more.
fn bound(key: usize, value: Arc<dyn Any + Send + Sync>) -> Arc<Details> {
    let values = with_details(|details| details.values.clone()).flatten();
    let mut values = values.map_or_else(Vec::new, |values| Vec::clone(&values));
    values.retain(|(other, _)| *other != key);
    values.push((key, value));
    Arc::new(Details::new(None, Some(Values::new(values))))
}

enum ScopeValues {
    /// Not polled yet: what else holds is decided by where it is polled first.
    Unbound(usize, Arc<dyn Any + Send + Sync>),
    Bound(Arc<Details>),
}

pin_project! {
    /// A future during whose polls a key has a value; see [`Key::scope`].
    #[must_use = "futures do nothing unless awaited"]
    pub struct Scope<F> {
        values: ScopeValues,
        // `None` once it has ended.
        #[pin]
        future: Option<F>,
        made: Made,
    }

    impl<F> PinnedDrop for Scope<F> {
        fn drop(this: Pin<&mut Self>) {
            let mut this = this.project();
            if let ScopeValues::Bound(details) = this.values {
                let _inside = enter(details);
                this.future.set(None);
            }
        }
    }
}

impl<F: Future> Future for Scope<F> {
    type Output = F::Output;

    /// # Panics
    /// If it is polled again after it was ready.
    fn poll(self: Pin<&mut Self>, cx: &mut task::Context<'_>) -> Poll<F::Output> {
        let mut this = self.project();
        this.made.set_polled();
        if let ScopeValues::Unbound(key, value) = this.values {
            *this.values = ScopeValues::Bound(bound(*key, value.clone()));
        }
        let ScopeValues::Bound(details) = this.values else { unreachable!("bound just now") };
        let _inside = enter(details);
        let Some(future) = this.future.as_mut().as_pin_mut() else {
            panic!("the scope of an inherited value was polled after it had ended")
        };
        let polled = future.poll(cx);
        if polled.is_ready() {
            this.future.set(None);
        }
        polled
    }
}

impl<F> fmt::Debug for Scope<F> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Scope").field("ended", &self.future.is_none()).finish_non_exhaustive()
    }
}
