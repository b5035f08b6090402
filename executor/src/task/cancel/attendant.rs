//! [`Attendant`]: what has something to do before a cancelled thing ends.

use std::cell::Cell;
use std::marker::PhantomData;
use std::ptr;
use std::sync::Arc;
use std::task::Context;

use super::Cancellation;
use crate::foreign::{quietly, wake};
use crate::shim::thread_locals;
use crate::task::id::Id;
use crate::task::{TaskRef, current};

/// What encloses what is being polled, inside the task itself.
#[derive(Clone, Copy)]
struct Enclosing {
    /// Null where nothing does.
    cancellation: *const Cancellation,
    /// The task in whose poll it was entered; another that is polled inside it has its own.
    task: Option<Id>,
}

thread_locals! {
    static ENCLOSING: Cell<Option<Enclosing>> = Cell::new(None);
}

/// While it lives, attendants that are polled register with a certain cancellation.
pub(crate) struct Inside<'a> {
    outer: Option<Enclosing>,
    cancellation: PhantomData<&'a Arc<Cancellation>>,
}

/// Makes `cancellation` the one that encloses what is polled while the guard lives.
pub(in crate::task) fn enter(cancellation: &Arc<Cancellation>) -> Inside<'_> {
    let enclosing = Enclosing { cancellation: Arc::as_ptr(cancellation), task: current::id() };
    Inside { outer: exchange(Some(enclosing)), cancellation: PhantomData }
}

/// Nothing encloses what is polled while the guard lives: the task does not end before the call
/// under way returns, whatever is asked of it. For closures that may block.
pub(crate) fn enter_nothing() -> Inside<'static> {
    let nothing = Enclosing { cancellation: ptr::null(), task: current::id() };
    Inside { outer: exchange(Some(nothing)), cancellation: PhantomData }
}

fn exchange(enclosing: Option<Enclosing>) -> Option<Enclosing> {
    ENCLOSING.with(|cell| cell.replace(enclosing))
}

impl Drop for Inside<'_> {
    fn drop(&mut self) {
        exchange(self.outer);
    }
}

/// See the module's documentation. Its owner asks it at the start of each poll.
pub(crate) enum Attendant {
    /// Not polled yet.
    New,
    Attending(Place),
    /// There is nothing to attend to: nothing that could be cancelled, or a request that came
    /// first; or it has left.
    Free,
}

/// Where an attendant is registered.
pub(crate) struct Place {
    cancellation: Arc<Cancellation>,
    key: usize,
    /// The task, if the cancellation is a task's own.
    task: Option<TaskRef>,
}

impl Attendant {
    /// Registers at the first call. The reason, if the end was asked for since.
    pub(crate) fn poll_reason(&mut self, cx: &Context<'_>) -> Option<Arc<str>> {
        match self {
            Attendant::New => {
                *self = Attendant::register(cx);
                None
            }
            Attendant::Attending(place) => {
                let mut request = place.cancellation.0.lock();
                let waker = &mut request.attendants[place.key];
                let before = (!waker.will_wake(cx.waker()))
                    .then(|| std::mem::replace(waker, cx.waker().clone()));
                let reason = request.reason.clone();
                drop(request);
                // A waker's destructor, too, is foreign code.
                drop(before);
                reason
            }
            Attendant::Free => None,
        }
    }

    fn register(cx: &Context<'_>) -> Attendant {
        let enclosing =
            ENCLOSING.with(Cell::get).filter(|enclosing| enclosing.task == current::id());
        let (cancellation, task) = match enclosing {
            Some(Enclosing { cancellation, .. }) if cancellation.is_null() => {
                return Attendant::Free;
            }
            // SAFETY: the `Inside` that set the pointer borrows the `Arc` for as long as it is set.
            Some(Enclosing { cancellation, .. }) => unsafe {
                Arc::increment_strong_count(cancellation);
                (Arc::from_raw(cancellation), None)
            },
            None => match current::with(|header| header.details.cancellation().clone()) {
                Some(cancellation) => (cancellation, current::reference()),
                None => return Attendant::Free,
            },
        };
        let key = {
            let mut request = cancellation.0.lock();
            if request.reason.is_some() {
                return Attendant::Free;
            }
            request.attendants.insert(cx.waker().clone())
        };
        Attendant::Attending(Place { cancellation, key, task })
    }

    /// The attendant has done its part. If the end was asked for and this was the last, it comes.
    pub(crate) fn leave(&mut self) {
        *self = Attendant::Free;
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        let (waker, owner) = {
            let mut request = self.cancellation.0.lock();
            let waker = request.attendants.remove(self.key);
            let last = request.reason.is_some() && request.attendants.is_empty();
            (waker, last.then(|| request.owner.take()))
        };
        // Outside the lock: a waker may do anything. The end comes all the same.
        quietly(|| drop(waker));
        let Some(owner) = owner else { return };
        if let Some(task) = &self.task {
            task.abort();
        }
        wake(owner);
    }
}
