//! What few tasks have: a name, inherited values, a cancellation that was asked for with a reason.
//!
//! A task has one pointer for it, which is null for most. Details are immutable and shared along
//! the lines of descent where they are equal; only the cancellation is a task's own, and made when
//! it is first asked for.

use std::any::Any;
use std::fmt;
use std::ptr;
use std::sync::Arc;
use std::sync::atomic::{AtomicPtr, Ordering};

use super::cancel::Cancellation;

/// Values that a task hands to its children, keyed by the address of their declaration.
pub(crate) type Values = Arc<Vec<(usize, Arc<dyn Any + Send + Sync>)>>;

/// See the module's documentation.
#[derive(Debug, Default)]
pub(crate) struct Details {
    /// The name given with `task::Builder`.
    pub(crate) name: Option<Box<str>>,
    /// Values inherited from the parent; see `task::context`.
    pub(crate) values: Option<Values>,
    cancellation: Option<Arc<Cancellation>>,
    /// What these have replaced: somebody may still be reading it.
    _before: Option<Arc<Details>>,
}

impl Details {
    pub(crate) fn new(name: Option<Box<str>>, values: Option<Values>) -> Details {
        Details { name, values, ..Details::default() }
    }

    fn has_values_alone(&self) -> bool {
        self.name.is_none() && self.cancellation.is_none()
    }
}

/// The place of the details in a task's header.
pub(crate) struct DetailsCell(AtomicPtr<Details>);

impl DetailsCell {
    pub(crate) fn new(details: Option<Arc<Details>>) -> DetailsCell {
        let details = details.map_or(ptr::null(), Arc::into_raw);
        DetailsCell(AtomicPtr::new(details.cast_mut()))
    }

    pub(crate) fn get(&self) -> Option<&Details> {
        // Ordering: Acquire, pairs with the exchange in `cancellation`.
        let details = self.0.load(Ordering::Acquire);
        // SAFETY: the cell owns the `Arc` that the pointer came from, and what replaces it keeps
        // it as `_before`.
        unsafe { details.as_ref() }
    }

    /// What a child inherits: the values alone, shared where there is nothing else.
    pub(crate) fn for_child(&self) -> Option<Arc<Details>> {
        let details = self.get()?;
        if details.has_values_alone() {
            // SAFETY: the pointer came from an `Arc` that the cell keeps.
            return details.values.as_ref().map(|_| unsafe { share(details) });
        }
        let values = details.values.clone()?;
        Some(Arc::new(Details::new(None, Some(values))))
    }

    /// The cancellation of the task, if somebody has had to do with it.
    pub(crate) fn seen_cancellation(&self) -> Option<&Arc<Cancellation>> {
        self.get()?.cancellation.as_ref()
    }

    /// The cancellation of the task.
    pub(crate) fn cancellation(&self) -> &Arc<Cancellation> {
        loop {
            let details = self.get();
            if let Some(cancellation) = details.and_then(|d| d.cancellation.as_ref()) {
                return cancellation;
            }
            let own = Arc::new(Details {
                name: details.and_then(|d| d.name.clone()),
                values: details.and_then(|d| d.values.clone()),
                cancellation: Some(Arc::default()),
                // SAFETY: the pointer came from an `Arc` that the cell keeps.
                _before: details.map(|d| unsafe { share(d) }),
            });
            let expected = details.map_or(ptr::null(), ptr::from_ref).cast_mut();
            let new = Arc::into_raw(own).cast_mut();
            // Ordering: AcqRel. Release publishes the new details to `get`; on both ways, acquire
            // receives those of another thread that came first.
            let exchange =
                self.0.compare_exchange(expected, new, Ordering::AcqRel, Ordering::Acquire);
            // SAFETY: what lost its place was an `Arc`'s: the old one, which the new details keep
            // as `_before`, or the new one, which nobody has seen.
            unsafe { drop_shared(if exchange.is_ok() { expected } else { new }) };
        }
    }
}

impl Drop for DetailsCell {
    fn drop(&mut self) {
        // SAFETY: the cell owns it, and with the cell the last borrow ends.
        unsafe { drop_shared(*self.0.get_mut()) }
    }
}

/// # Safety
/// `details` is inside an `Arc`.
unsafe fn share(details: &Details) -> Arc<Details> {
    // SAFETY: passed on from the caller.
    unsafe {
        Arc::increment_strong_count(details);
        Arc::from_raw(details)
    }
}

/// # Safety
/// `details` is null, or came from `Arc::into_raw`, and is not used again through this count.
unsafe fn drop_shared(details: *mut Details) {
    if !details.is_null() {
        // SAFETY: passed on from the caller.
        drop(unsafe { Arc::from_raw(details) });
    }
}

impl fmt::Debug for DetailsCell {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.get().fmt(f)
    }
}

#[cfg(all(test, not(heist_loom)))]
mod tests {
    use super::*;

    #[test]
    fn a_cancellation_is_made_once_and_leaves_the_rest_as_it_was() {
        let values: Values = Arc::new(vec![(1, Arc::new(2_u8))]);
        let details = Arc::new(Details::new(Some("it".into()), Some(values.clone())));
        for details in [Some(details), None] {
            let cell = DetailsCell::new(details.clone());
            let before = cell.get();
            assert!(cell.seen_cancellation().is_none());
            std::thread::scope(|scope| {
                let threads: Vec<_> = (0..4)
                    .map(|_| scope.spawn(|| Arc::as_ptr(cell.cancellation()).addr()))
                    .collect();
                let made: Vec<_> = threads.into_iter().map(|t| t.join().unwrap()).collect();
                assert!(made.iter().all(|&one| one == made[0]), "{made:?}");
            });
            assert!(cell.seen_cancellation().is_some());
            let name = |details: Option<&Details>| details.and_then(|d| d.name.clone());
            assert_eq!(name(cell.get()), name(before));
            let child = cell.for_child();
            assert_eq!(child.is_some(), details.is_some());
            assert!(child.is_none_or(|child| child.has_values_alone()));
        }
        assert_eq!(Arc::strong_count(&values), 1, "everything was given back");
    }
}
