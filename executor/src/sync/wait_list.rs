//! A first-come-first-served line of waiting futures, and the state they wait for, under one lock.
//!
//! A *waiter* lies inside the future that waits, so waiting allocates nothing. Whoever changes the
//! state takes waiters out of the line and leaves each a *grant*: what was asked for is the
//! waiter's from then on, and nobody who comes later can take it away. What a request and a grant
//! are is the primitive's affair; see [`Protocol`].
//!
//! Deliberately without wakes under the lock, without time-outs (drop the future instead), and
//! without waiters on several lines at once.
//!
//! # Who may touch a waiter
//!
//! ```text
//!           Turn::wait             Line::grant_*
//!   away ---------------> in line ---------------> granted
//!    ^                       |                        |
//!    +------ Turn::leave ----+---- Turn::take_grant --+
//! ```
//!
//! 1. While it is away, its future alone.
//! 2. While it is in line or granted, whoever holds the line's lock.
//! 3. A line links to a waiter exactly while that is in line, and a [`Wait`] leaves its line before
//!    it is gone; pinning sees to it that it does not move meanwhile.

use std::fmt;
use std::marker::PhantomPinned;
use std::ops::{Deref, DerefMut};
use std::panic::{RefUnwindSafe, UnwindSafe};
use std::pin::Pin;
use std::ptr::NonNull;
use std::task::Waker;

use crate::foreign::wake;
use crate::shim::constant::{Mutex, MutexGuard, UnsafeCell};

/// What is waited for: implemented by the state beside the line.
pub(crate) trait Protocol {
    /// What a waiter asks for.
    type Request;
    /// What it is told when its waiting is over.
    type Grant;
}

/// The state and the line; see the module's documentation.
pub(crate) struct WaitList<P: Protocol>(Mutex<Line<P>>);

/// What the lock protects.
pub(crate) struct Line<P: Protocol> {
    pub(crate) state: P,
    first: Option<NonNull<Waiter<P>>>,
    last: Option<NonNull<Waiter<P>>>,
    len: usize,
}

struct Waiter<P: Protocol> {
    next: Option<NonNull<Waiter<P>>>,
    previous: Option<NonNull<Waiter<P>>>,
    waker: Option<Waker>,
    request: P::Request,
    stage: Stage<P::Grant>,
}

enum Stage<G> {
    Away,
    InLine,
    Granted(G),
}

// SAFETY: the pointers lead to waiters, which are used under the lock alone (rule 2), by whichever
// thread has it; what is in them may be sent.
unsafe impl<P> Send for Line<P> where P: Protocol<Request: Send, Grant: Send> + Send {}

impl<P: Protocol> WaitList<P> {
    /// An empty line.
    pub(crate) const fn new(state: P) -> WaitList<P> {
        WaitList(Mutex::new(Line { state, first: None, last: None, len: 0 }))
    }

    /// Locks it. No foreign code may be called while it is locked but the cloning of a waker.
    #[inline]
    pub(crate) fn lock(&self) -> MutexGuard<'_, Line<P>> {
        self.0.lock()
    }
}

// No foreign code runs under the lock, so no panic leaves anything half done.
impl<P: Protocol> UnwindSafe for WaitList<P> {}
impl<P: Protocol> RefUnwindSafe for WaitList<P> {}

impl<P: Protocol> fmt::Debug for WaitList<P> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("WaitList").field("waiting", &self.lock().len).finish()
    }
}

impl<P: Protocol> Line<P> {
    /// Whether nobody waits.
    #[inline]
    pub(crate) fn is_empty(&self) -> bool {
        self.first.is_none()
    }

    /// How many wait.
    pub(crate) fn len(&self) -> usize {
        self.len
    }

    /// What the first in line asks for.
    #[inline]
    pub(crate) fn first(&self) -> Option<&P::Request> {
        // SAFETY: linked, so in line and alive (rule 3); `self` is reached through the lock.
        self.first.map(|first| unsafe { &first.as_ref().request })
    }

    /// Ends the wait of the first in line. There must be one.
    pub(crate) fn grant_first(&mut self, grant: P::Grant) -> Option<Waker> {
        let first = self.first.expect("a grant needs somebody in line");
        self.grant(first, grant)
    }

    /// Ends the wait of the last in line. There must be one.
    pub(crate) fn grant_last(&mut self, grant: P::Grant) -> Option<Waker> {
        let last = self.last.expect("a grant needs somebody in line");
        self.grant(last, grant)
    }

    /// Ends everybody's wait.
    pub(crate) fn grant_all(&mut self, grant: P::Grant) -> Wakers
    where
        P::Grant: Clone,
    {
        let mut wakers = Wakers::new();
        while !self.is_empty() {
            wakers.push(self.grant_first(grant.clone()));
        }
        wakers
    }

    fn grant(&mut self, mut waiter: NonNull<Waiter<P>>, grant: P::Grant) -> Option<Waker> {
        self.unlink(waiter);
        // SAFETY: it was in line, and the lock that `self` is reached through is held (rule 2).
        let waiter = unsafe { waiter.as_mut() };
        waiter.stage = Stage::Granted(grant);
        waiter.waker.take()
    }

    fn push_back(&mut self, mut waiter: NonNull<Waiter<P>>) {
        // SAFETY: the caller's own waiter, away until now (rule 1).
        unsafe { waiter.as_mut() }.previous = self.last;
        match self.last {
            // SAFETY: linked, so alive, and the lock is held.
            Some(mut last) => unsafe { last.as_mut() }.next = Some(waiter),
            None => self.first = Some(waiter),
        }
        self.last = Some(waiter);
        self.len += 1;
    }

    fn unlink(&mut self, mut waiter: NonNull<Waiter<P>>) {
        // SAFETY: the caller found it in line, and the lock is held (rule 2).
        let waiter = unsafe { waiter.as_mut() };
        let (previous, next) = (waiter.previous.take(), waiter.next.take());
        match previous {
            // SAFETY: a neighbour in line, under the same lock.
            Some(mut previous) => unsafe { previous.as_mut() }.next = next,
            None => self.first = next,
        }
        match next {
            // SAFETY: as above.
            Some(mut next) => unsafe { next.as_mut() }.previous = previous,
            None => self.last = previous,
        }
        self.len -= 1;
    }
}

/// One future's place in line. Leaves the line when it is dropped, and what was granted by then is
/// lost: a future whose grants must not be calls [`end`](Wait::end) before.
pub(crate) struct Wait<'a, P: Protocol> {
    list: &'a WaitList<P>,
    waiter: UnsafeCell<Waiter<P>>,
    /// Whether the waiter is not away; only the future changes it.
    joined: bool,
    _pinned: PhantomPinned,
}

// SAFETY: the waiter's pointers are used under the lock alone, and its contents may be sent.
unsafe impl<P> Send for Wait<'_, P> where P: Protocol<Request: Send, Grant: Send> + Send {}

// SAFETY: through a shared reference nothing but `joined` and the list is reached, which is `Sync`
// under these bounds.
unsafe impl<P> Sync for Wait<'_, P> where P: Protocol<Request: Send, Grant: Send> + Send {}

impl<'a, P: Protocol> Wait<'a, P> {
    /// A waiter that is away.
    #[inline]
    pub(crate) const fn new(list: &'a WaitList<P>, request: P::Request) -> Wait<'a, P> {
        let waiter =
            Waiter { next: None, previous: None, waker: None, request, stage: Stage::Away };
        Wait { list, waiter: UnsafeCell::new(waiter), joined: false, _pinned: PhantomPinned }
    }

    /// Whether it is in line or granted; if not, there is nothing to give back.
    #[inline]
    pub(crate) fn has_joined(&self) -> bool {
        self.joined
    }

    /// Goes away for good, and takes along what was granted by then: it is the caller's to pass on.
    pub(crate) fn end(self: Pin<&mut Self>) -> Option<P::Grant> {
        if !self.joined {
            return None;
        }
        // In one step: a grant that came in between would end with the waiter.
        let mut turn = self.lock();
        let grant = turn.take_grant();
        turn.leave();
        grant
    }

    /// Locks the line on behalf of this waiter.
    #[inline]
    pub(crate) fn lock(self: Pin<&mut Self>) -> Turn<'_, P> {
        // SAFETY: nothing is moved out of the reference.
        let this = unsafe { self.get_unchecked_mut() };
        let line = this.list.lock();
        Turn { line, waiter: &this.waiter, joined: &mut this.joined, stale: None }
    }
}

impl<P: Protocol> Drop for Wait<'_, P> {
    fn drop(&mut self) {
        if self.joined {
            // SAFETY: a waiter joins through a pinned reference alone, so it is pinned until the
            // end of this drop.
            unsafe { Pin::new_unchecked(self) }.lock().leave();
        }
    }
}

impl<P: Protocol> fmt::Debug for Wait<'_, P> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Wait").field("joined", &self.joined).finish_non_exhaustive()
    }
}

/// The locked line, with one's own waiter at hand.
pub(crate) struct Turn<'a, P: Protocol> {
    line: MutexGuard<'a, Line<P>>,
    waiter: &'a UnsafeCell<Waiter<P>>,
    joined: &'a mut bool,
    /// A waker of no more use. It may be foreign code, so it is dropped after the lock, as which it
    /// is declared later.
    stale: Option<Waker>,
}

impl<P: Protocol> Turn<'_, P> {
    fn own<R>(&mut self, f: impl FnOnce(&mut Waiter<P>) -> R) -> R {
        // SAFETY: the future's own waiter, under the lock (rules 1 and 2).
        self.waiter.with_mut(|waiter| f(unsafe { &mut *waiter }))
    }

    /// The pointer that the line links to. It comes from the cell and not from a reference, which
    /// the next use of the cell would put an end to.
    fn pointer(&self) -> NonNull<Waiter<P>> {
        // SAFETY: a cell's contents are somewhere.
        self.waiter.with_mut(|waiter| unsafe { NonNull::new_unchecked(waiter) })
    }

    /// Whether the waiter stands in line.
    #[inline]
    pub(crate) fn is_in_line(&mut self) -> bool {
        self.own(|waiter| matches!(waiter.stage, Stage::InLine))
    }

    /// Takes what was granted, if anything was; the waiter is away then.
    #[inline]
    pub(crate) fn take_grant(&mut self) -> Option<P::Grant> {
        if !*self.joined || self.is_in_line() {
            return None;
        }
        *self.joined = false;
        match self.own(|waiter| std::mem::replace(&mut waiter.stage, Stage::Away)) {
            Stage::Granted(grant) => Some(grant),
            Stage::Away | Stage::InLine => unreachable!("who has joined is in line or granted"),
        }
    }

    /// Joins the line at its end, or stays where it is; the waker, if there is one, is the one to
    /// call. There must be no grant.
    pub(crate) fn wait(&mut self, waker: Option<&Waker>) {
        if let Some(waker) = waker {
            let known = self.own(|own| own.waker.as_ref().is_some_and(|old| old.will_wake(waker)));
            if !known {
                self.stale = self.own(|own| own.waker.replace(waker.clone()));
            }
        }
        if !*self.joined {
            *self.joined = true;
            self.own(|waiter| waiter.stage = Stage::InLine);
            let waiter = self.pointer();
            self.line.push_back(waiter);
        }
    }

    /// Leaves the line, or gives up what was granted; the waiter is away then.
    pub(crate) fn leave(&mut self) {
        if self.is_in_line() {
            let waiter = self.pointer();
            self.line.unlink(waiter);
        }
        *self.joined = false;
        self.stale = self.own(|waiter| {
            waiter.stage = Stage::Away;
            waiter.waker.take()
        });
    }
}

impl<P: Protocol> Deref for Turn<'_, P> {
    type Target = Line<P>;

    #[inline]
    fn deref(&self) -> &Line<P> {
        &self.line
    }
}

impl<P: Protocol> DerefMut for Turn<'_, P> {
    #[inline]
    fn deref_mut(&mut self) -> &mut Line<P> {
        &mut self.line
    }
}

/// Wakers to be called once the lock is free. One needs no allocation.
#[derive(Debug)]
#[must_use = "who was granted something must be woken"]
pub(crate) struct Wakers {
    first: Option<Waker>,
    rest: Vec<Waker>,
}

impl Wakers {
    #[inline]
    pub(crate) const fn new() -> Wakers {
        Wakers { first: None, rest: Vec::new() }
    }

    #[inline]
    pub(crate) fn push(&mut self, waker: Option<Waker>) {
        match waker {
            Some(waker) if self.first.is_some() => self.rest.push(waker),
            Some(waker) => self.first = Some(waker),
            None => {}
        }
    }

    /// Calls them, first come first woken, whatever they do.
    #[inline]
    pub(crate) fn wake(self) {
        // Without a first there are no others.
        if let Some(first) = self.first {
            wake(first);
            self.rest.into_iter().for_each(wake);
        }
    }
}

#[cfg(test)]
mod tests;
