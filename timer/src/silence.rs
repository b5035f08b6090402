//! Futures that are given up midway: what they drop unpolled is nobody's mistake.
//!
//! An embedding runtime may report futures that are dropped without ever having been polled (see
//! [`Host`](crate::host::Host)). But who ends a future before its end, as a time-out does, drops with
//! it whatever that has made and not awaited yet. [`GivenUp`] keeps silence around such a drop. Costs
//! two steps of a thread-local counter; deliberately without any memory.

use std::cell::Cell;
use std::fmt;
use std::future::Future;
use std::marker::PhantomData;
use std::pin::Pin;
use std::task::{Context, Poll};

use pin_project_lite::pin_project;

thread_local! {
    /// How many silences are kept on this thread.
    static KEPT: Cell<usize> = const { Cell::new(0) };
}

/// Whether silence is kept on this thread.
pub fn is_kept() -> bool {
    KEPT.get() > 0
}

/// Silence while this lives. It stays on its thread.
#[derive(Debug)]
#[must_use = "the silence ends as soon as it is dropped"]
pub struct Silence(PhantomData<*const ()>);

/// Keeps silence on this thread until the guard is dropped.
#[inline]
pub fn keep() -> Silence {
    KEPT.set(KEPT.get() + 1);
    Silence(PhantomData)
}

impl Drop for Silence {
    #[inline]
    fn drop(&mut self) {
        KEPT.set(KEPT.get() - 1);
    }
}

pin_project! {
    /// A future that may be dropped at any time, in silence.
    pub struct GivenUp<F> {
        // Dropped in this order, which is the whole trick.
        begins: Begins,
        #[pin]
        future: F,
        ends: Ends,
    }
}

/// Dropping it begins a silence, which [`Ends`] ends.
struct Begins;

impl Drop for Begins {
    #[inline]
    fn drop(&mut self) {
        std::mem::forget(keep());
    }
}

struct Ends;

impl Drop for Ends {
    #[inline]
    fn drop(&mut self) {
        drop(Silence(PhantomData));
    }
}

impl<F> GivenUp<F> {
    /// The same future.
    #[inline]
    pub fn new(future: F) -> GivenUp<F> {
        GivenUp { begins: Begins, future, ends: Ends }
    }

    /// The future.
    pub fn get_ref(&self) -> &F {
        &self.future
    }

    /// The future.
    pub fn get_mut(&mut self) -> &mut F {
        &mut self.future
    }

    /// The future, which is spoken of again.
    pub fn into_inner(self) -> F {
        self.future
    }
}

impl<F: Future> Future for GivenUp<F> {
    type Output = F::Output;

    #[inline]
    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<F::Output> {
        self.project().future.poll(cx)
    }
}

impl<F: fmt::Debug> fmt::Debug for GivenUp<F> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.future.fmt(f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Says what it has heard when it was dropped.
    struct Listener<'a>(&'a Cell<Option<bool>>);

    impl Drop for Listener<'_> {
        fn drop(&mut self) {
            self.0.set(Some(is_kept()));
        }
    }

    #[test]
    fn silence_is_kept_around_the_drop_alone() {
        let heard = Cell::new(None);
        let given_up = GivenUp::new(Listener(&heard));
        assert!(!is_kept());
        drop(given_up);
        assert_eq!((heard.take(), is_kept()), (Some(true), false));

        let kept = GivenUp::new(Listener(&heard)).into_inner();
        assert!(!is_kept());
        drop(kept);
        assert_eq!(heard.take(), Some(false));
        assert_eq!(size_of::<GivenUp<u64>>(), size_of::<u64>());
    }

    #[test]
    fn a_panic_of_the_drop_ends_the_silence() {
        struct Panics;
        impl Drop for Panics {
            fn drop(&mut self) {
                panic!("as it should");
            }
        }
        let dropped = std::panic::catch_unwind(|| drop(GivenUp::new(Panics)));
        assert!(dropped.is_err());
        assert!(!is_kept());
    }
}
