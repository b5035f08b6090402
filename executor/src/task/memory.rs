//! The memory of tasks: a thread keeps what it frees, for the tasks that it spawns next.
//!
//! Most tasks are of a few sizes and live shortly, often thousands at a time, which is what allocators are
//! worst at: such a burst costs several times what one task at a time does, and gives the memory back to the
//! system in between. A thread keeps a piece only for one that it has allocated itself, up to a limit, so
//! one that only frees keeps nothing. Large tasks, and those of futures with an alignment of their own, are
//! left to the allocator, from which all of it comes, and to which all of it goes when the thread ends.
//! Deliberately without a way from one thread to another: tasks
//! [return home](super::live_set) to be freed.

use std::alloc::{self, Layout};
use std::cell::RefCell;
use std::ptr::NonNull;
use std::sync::atomic::{AtomicUsize, Ordering};

/// Sizes are multiples of this, and so is every size with this alignment.
const GRAIN: usize = 8;

/// Memory of up to this size is kept.
const LARGEST: usize = 1024;

/// A thread keeps so many bytes: a burst of 16 000 small tasks. None where a tool looks for uses
/// after free, which it would not see in memory that is used anew.
static KEPT_MAX: AtomicUsize =
    AtomicUsize::new(if cfg!(any(heist_loom, heist_sanitize)) { 0 } else { 2 * 1024 * 1024 });

thread_local! {
    static KEPT: RefCell<Kept> = const { RefCell::new(Kept::new()) };
}

/// From now on nothing is kept.
#[cfg(not(heist_loom))]
pub(crate) fn keep_nothing() {
    // Ordering: Relaxed, as in `free`.
    KEPT_MAX.store(0, Ordering::Relaxed);
}

/// Memory for a task.
#[inline]
pub(super) fn allocate(layout: Layout) -> NonNull<u8> {
    if let Some(class) = class_of(layout) {
        // A thread that is ending has none any more.
        if let Ok(Some(memory)) = KEPT.try_with(|kept| kept.borrow_mut().take(class)) {
            return memory;
        }
    }
    // SAFETY: no task is of size zero, as it has a header.
    let memory = unsafe { alloc::alloc(layout) };
    NonNull::new(memory).unwrap_or_else(|| alloc::handle_alloc_error(layout))
}

/// Gives up the memory of a task.
///
/// # Safety
/// It came from `allocate` with this layout, on whatever thread, and is not used any more.
#[inline]
pub(super) unsafe fn free(memory: NonNull<u8>, layout: Layout) {
    if let Some(class) = class_of(layout) {
        // Ordering: Relaxed; for those who set it, before anything that is to be counted begins.
        let max = KEPT_MAX.load(Ordering::Relaxed);
        if let Ok(true) = KEPT.try_with(|kept| kept.borrow_mut().keep(class, memory, max)) {
            return;
        }
    }
    // SAFETY: passed on from the caller; the layout is the one that it was allocated with.
    unsafe { alloc::dealloc(memory.as_ptr(), layout) }
}

/// Memory of one class is all of one layout.
#[inline]
fn class_of(layout: Layout) -> Option<usize> {
    (layout.align() == GRAIN && layout.size() <= LARGEST).then(|| layout.size() / GRAIN)
}

/// Inverse of [`class_of`].
fn layout_of(class: usize) -> Layout {
    Layout::from_size_align(class * GRAIN, GRAIN).expect("classes are made from layouts")
}

/// What one thread keeps.
struct Kept {
    /// By class. All of it was allocated with the layout of its class, and is nobody's.
    memory: Vec<Vec<NonNull<u8>>>,
    bytes: usize,
    /// Bytes that this thread has allocated and not freed.
    out: usize,
    /// The class that gives way next.
    turn: usize,
}

impl Kept {
    const fn new() -> Kept {
        Kept { memory: Vec::new(), bytes: 0, out: 0, turn: 0 }
    }

    #[inline]
    fn take(&mut self, class: usize) -> Option<NonNull<u8>> {
        self.out = self.out.saturating_add(class * GRAIN);
        let memory = self.memory.get_mut(class)?.pop()?;
        self.bytes -= class * GRAIN;
        Some(memory)
    }

    /// True if it was taken, as one of at most `max` bytes.
    #[inline]
    fn keep(&mut self, class: usize, memory: NonNull<u8>, max: usize) -> bool {
        let size = class * GRAIN;
        let Some(out) = self.out.checked_sub(size) else { return false };
        self.out = out;
        if self.bytes + size > max {
            self.make_room(class);
            if self.bytes + size > max {
                return false;
            }
        }
        if self.memory.len() <= class {
            self.memory.resize_with(class + 1, Vec::new);
        }
        self.bytes += size;
        self.memory[class].push(memory);
        true
    }

    /// One piece of another class gives way, if its class has the turn: in the long run the sizes that
    /// are in use displace those that are not.
    #[cold]
    fn make_room(&mut self, class: usize) {
        self.turn = (self.turn + 1) % self.memory.len().max(1);
        if self.turn != class {
            self.release(self.turn);
        }
    }

    /// Gives one piece of a class back to the allocator; false if there is none.
    fn release(&mut self, class: usize) -> bool {
        let Some(memory) = self.memory.get_mut(class).and_then(Vec::pop) else { return false };
        self.bytes -= class * GRAIN;
        // SAFETY: memory in here is of the layout of its class, and was ours alone.
        unsafe { alloc::dealloc(memory.as_ptr(), layout_of(class)) };
        true
    }
}

impl Drop for Kept {
    fn drop(&mut self) {
        for class in 0..self.memory.len() {
            while self.release(class) {}
        }
    }
}

#[cfg(all(test, not(heist_loom)))]
mod tests {
    use super::*;

    const SMALL: usize = 128 / GRAIN;
    const LARGE: usize = 512 / GRAIN;

    fn fresh(class: usize) -> NonNull<u8> {
        // SAFETY: the size is not zero.
        NonNull::new(unsafe { alloc::alloc(layout_of(class)) }).unwrap()
    }

    const MAX: usize = 1024;

    fn give(kept: &mut Kept, class: usize, memory: NonNull<u8>) -> bool {
        give_at_most(MAX, kept, class, memory)
    }

    fn give_at_most(max: usize, kept: &mut Kept, class: usize, memory: NonNull<u8>) -> bool {
        let taken = kept.keep(class, memory, max);
        if !taken {
            // SAFETY: made by `fresh`, and refused.
            unsafe { alloc::dealloc(memory.as_ptr(), layout_of(class)) };
        }
        taken
    }

    #[test]
    fn what_a_thread_frees_it_uses_again() {
        let mut kept = Kept::new();
        assert_eq!(kept.take(SMALL), None);
        let memory = fresh(SMALL);
        assert!(give(&mut kept, SMALL, memory));
        assert_eq!(kept.take(LARGE), None, "another size");
        assert_eq!(kept.take(SMALL), Some(memory));
        assert_eq!(kept.take(SMALL), None);
        assert!(give(&mut kept, SMALL, memory));
    }

    #[test]
    fn who_only_frees_keeps_nothing() {
        let mut kept = Kept::new();
        assert!(!give(&mut kept, SMALL, fresh(SMALL)));
        assert_eq!(kept.take(SMALL), None);
        assert!(give(&mut kept, SMALL, fresh(SMALL)));
        assert!(!give(&mut kept, SMALL, fresh(SMALL)));
    }

    #[test]
    fn sizes_in_use_displace_those_that_are_not() {
        let mut kept = Kept::new();
        for class in [LARGE, LARGE, SMALL, SMALL, SMALL, SMALL] {
            assert_eq!(kept.take(class), None);
        }
        assert!(give(&mut kept, LARGE, fresh(LARGE)));
        assert!(give(&mut kept, LARGE, fresh(LARGE)));
        assert_eq!(kept.bytes, MAX);
        // Each round one task of a small size begins and ends.
        for _ in 0..2 * LARGEST / GRAIN {
            let memory = kept.take(SMALL).unwrap_or_else(|| fresh(SMALL));
            give(&mut kept, SMALL, memory);
            assert!(kept.bytes <= MAX);
        }
        assert!(!kept.memory[SMALL].is_empty());
    }

    #[test]
    fn a_limit_of_nothing_keeps_nothing() {
        let mut kept = Kept::new();
        assert_eq!(kept.take(SMALL), None);
        assert!(!give_at_most(0, &mut kept, SMALL, fresh(SMALL)));
    }

    #[test]
    fn only_ordinary_layouts_have_a_class() {
        for size in (GRAIN..=LARGEST).step_by(GRAIN) {
            let layout = Layout::from_size_align(size, GRAIN).unwrap();
            assert_eq!(class_of(layout).map(layout_of), Some(layout));
        }
        assert_eq!(class_of(Layout::from_size_align(LARGEST + GRAIN, GRAIN).unwrap()), None);
        assert_eq!(class_of(Layout::from_size_align(128, 16).unwrap()), None);
    }
}
