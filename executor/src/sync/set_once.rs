//! A value that is set once, from outside, and waited for.

use std::error::Error;
use std::fmt;
use std::future::Future;
use std::sync::OnceLock;

use super::Notify;
use crate::leaf::{Made, Operation};
use crate::shim::const_fn;

static WAIT: Operation = Operation::new("SetOnce::wait");

/// A value that is set once, and that any number of tasks can wait for.
///
/// To have the value made by who needs it first, there is [`OnceCell`](super::OnceCell).
///
/// # Examples
/// ```
/// # heist::runtime::Runtime::new().unwrap().block_on(async {
/// use heist::sync::SetOnce;
///
/// static PORT: SetOnce<u16> = SetOnce::const_new();
/// heist::spawn(async { PORT.set(8080) });
/// assert_eq!(*PORT.wait().await, 8080);
/// # });
/// ```
#[derive(Debug)]
pub struct SetOnce<T> {
    value: OnceLock<T>,
    setting: Notify,
}

impl<T> SetOnce<T> {
    const_fn! {
        /// Makes one without a value.
        pub const fn new() -> SetOnce<T> {
            SetOnce { value: OnceLock::new(), setting: Notify::new() }
        }
    }

    const_fn! {
        /// The same as [`SetOnce::new`], which is `const`, too.
        pub const fn const_new() -> SetOnce<T> {
            SetOnce::new()
        }
    }

    /// Makes one with a value, if there is one.
    pub fn new_with(value: Option<T>) -> SetOnce<T> {
        value.map_or_else(SetOnce::new, SetOnce::from)
    }

    /// Whether there is a value.
    pub fn initialized(&self) -> bool {
        self.get().is_some()
    }

    /// The value, if there is one.
    pub fn get(&self) -> Option<&T> {
        self.value.get()
    }

    /// Sets the value, and lets everybody who waits go on.
    ///
    /// # Errors
    /// The value, if there was one.
    pub fn set(&self, value: T) -> Result<(), SetOnceError<T>> {
        self.value.set(value).map_err(SetOnceError)?;
        self.setting.notify_waiters();
        Ok(())
    }

    /// Takes the value out, if there is one.
    pub fn into_inner(self) -> Option<T> {
        self.value.into_inner()
    }

    /// Waits for the value.
    ///
    /// # Cancel safety
    /// Cancel safe.
    #[track_caller]
    pub fn wait(&self) -> impl Future<Output = &T> {
        let made = Made::here(&WAIT);
        async move {
            let at = made.begin();
            loop {
                let setting = self.setting.notified_at(&WAIT, at);
                if let Some(value) = self.get() {
                    return value;
                }
                setting.await;
            }
        }
    }
}

impl<T> Default for SetOnce<T> {
    fn default() -> SetOnce<T> {
        SetOnce::new()
    }
}

impl<T> From<T> for SetOnce<T> {
    fn from(value: T) -> SetOnce<T> {
        SetOnce { value: OnceLock::from(value), setting: Notify::new() }
    }
}

impl<T: Clone> Clone for SetOnce<T> {
    fn clone(&self) -> SetOnce<T> {
        SetOnce::new_with(self.get().cloned())
    }
}

impl<T: PartialEq> PartialEq for SetOnce<T> {
    fn eq(&self, other: &SetOnce<T>) -> bool {
        self.get() == other.get()
    }
}

impl<T: Eq> Eq for SetOnce<T> {}

/// There was a value already; here is the new one.
#[derive(Debug, PartialEq, Eq)]
pub struct SetOnceError<T>(pub T);

impl<T> fmt::Display for SetOnceError<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the value is set already")
    }
}

impl<T: fmt::Debug> Error for SetOnceError<T> {}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sync::testing::{ready, waiting};

    #[test]
    fn the_first_value_stays_and_is_waited_for() {
        let set = SetOnce::new();
        let mut waits = [waiting(set.wait()), waiting(set.wait())];
        set.set(1).unwrap();
        assert_eq!(set.set(2), Err(SetOnceError(2)));
        for wait in &mut waits {
            assert_eq!(wait.wakes(), 1);
            assert_eq!(*wait.assert_ready(), 1);
        }
        assert_eq!(*ready(set.wait()), 1);
        assert_eq!(set.clone(), SetOnce::from(1));
    }
}
