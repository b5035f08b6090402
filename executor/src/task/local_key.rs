//! [`LocalKey`]: values that belong to a task as thread-locals belong to a thread.
//!
//! The value lives in the future that [`LocalKey::scope`] returns, and changes places with the
//! content of a thread-local for each poll. Children do not see it; for values that they inherit
//! see [`context`](super::context).

use std::cell::RefCell;
use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::thread;

use pin_project_lite::pin_project;

use crate::leaf::{Made, Operation};

static SCOPE: Operation = Operation::new("LocalKey::scope");

/// Declares task-locals, in the form of `thread_local!` without initial values.
///
/// # Examples
/// ```
/// heist::task_local! {
///     /// Who has asked.
///     pub static USER: String;
///     static DEPTH: u32;
/// }
///
/// # heist::runtime::Runtime::new().unwrap().block_on(async {
/// let answer = USER.scope("ada".to_owned(), async { USER.with(|user| user.len()) });
/// assert_eq!(answer.await, 3);
/// assert!(DEPTH.try_with(|_| ()).is_err());
/// # });
/// ```
#[macro_export]
macro_rules! task_local {
    () => {};
    ($(#[$attribute:meta])* $vis:vis static $name:ident: $type:ty; $($rest:tt)*) => {
        $crate::task_local!($(#[$attribute])* $vis static $name: $type);
        $crate::task_local!($($rest)*);
    };
    ($(#[$attribute:meta])* $vis:vis static $name:ident: $type:ty) => {
        $(#[$attribute])*
        $vis static $name: $crate::task::LocalKey<$type> = {
            ::std::thread_local! {
                static SLOT: ::std::cell::RefCell<::std::option::Option<$type>> =
                    const { ::std::cell::RefCell::new(::std::option::Option::None) };
            }
            $crate::task::LocalKey::__new(SLOT)
        };
    };
}

/// A task-local; declared with [`task_local!`](crate::task_local!).
pub struct LocalKey<T: 'static> {
    slot: thread::LocalKey<RefCell<Option<T>>>,
}

/// The task-local has no value here.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct AccessError(());

impl<T: 'static> LocalKey<T> {
    #[doc(hidden)]
    pub const fn __new(slot: thread::LocalKey<RefCell<Option<T>>>) -> LocalKey<T> {
        LocalKey { slot }
    }

    /// Gives the task-local a value during the polls of `future`, and while it is dropped. A value
    /// that it has outside is hidden meanwhile.
    ///
    /// # Panics
    /// Polling it panics inside a closure given to [`with`](LocalKey::with) of the same key.
    ///
    /// # Cancel safety
    /// That of the future, which is dropped with it, the value in place.
    #[track_caller]
    pub fn scope<F: Future>(&'static self, value: T, future: F) -> TaskLocalFuture<T, F> {
        TaskLocalFuture {
            key: self,
            value: Some(value),
            future: Some(future),
            made: Made::here(&SCOPE),
        }
    }

    /// Gives the task-local a value while `f` runs.
    ///
    /// # Panics
    /// Inside a closure given to [`with`](LocalKey::with) of the same key, and if `f` panics.
    #[track_caller]
    pub fn sync_scope<R>(&'static self, value: T, f: impl FnOnce() -> R) -> R {
        let mut value = Some(value);
        let _inside = self.enter(&mut value);
        f()
    }

    /// Runs `f` on the value.
    ///
    /// # Panics
    /// If there is no value here; see [`try_with`](LocalKey::try_with).
    #[track_caller]
    pub fn with<R>(&'static self, f: impl FnOnce(&T) -> R) -> R {
        match self.try_with(f) {
            Ok(result) => result,
            Err(error) => panic!("{error}"),
        }
    }

    /// Runs `f` on the value, if there is one here.
    ///
    /// # Errors
    /// [`AccessError`] if there is none.
    pub fn try_with<R>(&'static self, f: impl FnOnce(&T) -> R) -> Result<R, AccessError> {
        let visit = |slot: &RefCell<Option<T>>| Some(f(slot.borrow().as_ref()?));
        self.slot.try_with(visit).ok().flatten().ok_or(AccessError(()))
    }

    /// A copy of the value.
    ///
    /// # Panics
    /// If there is no value here; see [`try_get`](LocalKey::try_get).
    #[track_caller]
    pub fn get(&'static self) -> T
    where
        T: Clone,
    {
        self.with(T::clone)
    }

    /// A copy of the value, if there is one here.
    ///
    /// # Errors
    /// [`AccessError`] if there is none.
    pub fn try_get(&'static self) -> Result<T, AccessError>
    where
        T: Clone,
    {
        self.try_with(T::clone)
    }

    /// Exchanges the value with what the thread has, until the guard is dropped.
    #[track_caller]
    fn enter<'a>(&'static self, value: &'a mut Option<T>) -> Inside<'a, T> {
        assert!(
            self.exchange(value),
            "the scope of a task-local cannot be entered while its value is borrowed by `with`"
        );
        Inside { key: self, outside: value }
    }

    /// False if the value is borrowed, or the thread is ending.
    fn exchange(&'static self, value: &mut Option<T>) -> bool {
        let exchange = |slot: &RefCell<Option<T>>| match slot.try_borrow_mut() {
            Ok(mut slot) => {
                std::mem::swap(&mut *slot, value);
                true
            }
            Err(_) => false,
        };
        self.slot.try_with(exchange).unwrap_or(false)
    }
}

/// While it lives, the thread has the value of a scope, and the scope has what was there before.
struct Inside<'a, T: 'static> {
    key: &'static LocalKey<T>,
    outside: &'a mut Option<T>,
}

impl<T: 'static> Drop for Inside<'_, T> {
    fn drop(&mut self) {
        // Whatever borrowed the value inside the scope has returned it.
        self.key.exchange(self.outside);
    }
}

pin_project! {
    /// A future during whose polls a task-local has a value; see [`LocalKey::scope`].
    #[must_use = "futures do nothing unless awaited"]
    pub struct TaskLocalFuture<T: 'static, F> {
        key: &'static LocalKey<T>,
        value: Option<T>,
        // `None` once it has ended.
        #[pin]
        future: Option<F>,
        made: Made,
    }

    impl<T: 'static, F> PinnedDrop for TaskLocalFuture<T, F> {
        fn drop(this: Pin<&mut Self>) {
            let mut this = this.project();
            if this.future.is_some() && this.key.exchange(this.value) {
                let _inside = Inside { key: this.key, outside: this.value };
                this.future.set(None);
            }
        }
    }
}

impl<T: 'static, F> TaskLocalFuture<T, F> {
    /// Takes the value out. What is polled afterwards finds none.
    pub fn take_value(self: Pin<&mut Self>) -> Option<T> {
        self.project().value.take()
    }
}

impl<T: 'static, F: Future> Future for TaskLocalFuture<T, F> {
    type Output = F::Output;

    /// # Panics
    /// If it is polled again after it was ready.
    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<F::Output> {
        let mut this = self.project();
        this.made.set_polled();
        let _inside = this.key.enter(this.value);
        let Some(future) = this.future.as_mut().as_pin_mut() else {
            panic!("the scope of a task-local was polled after it had ended")
        };
        let polled = future.poll(cx);
        if polled.is_ready() {
            this.future.set(None);
        }
        polled
    }
}

impl<T: 'static> fmt::Debug for LocalKey<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("LocalKey").finish_non_exhaustive()
    }
}

impl<T: 'static, F> fmt::Debug for TaskLocalFuture<T, F> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TaskLocalFuture")
            .field("ended", &self.future.is_none())
            .finish_non_exhaustive()
    }
}

impl fmt::Display for AccessError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("this task-local has no value here: use it inside its `scope`")
    }
}

impl std::error::Error for AccessError {}
