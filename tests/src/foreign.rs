//! Foreign code at its worst, for tests: wakers that panic when they are called or dropped, and
//! panics that are meant and so leave no trace on standard error; and a look at what they leave.

use std::marker::PhantomData;
use std::mem::ManuallyDrop;
use std::sync::Arc;
use std::sync::Once;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::task::{RawWaker, RawWakerVTable, Wake, Waker};
use std::time::Duration;

use heist::runtime::Runtime;

/// What the message of every panic that is meant begins with.
pub const MEANT: &str = "meant to panic";

/// From now on panics that are meant are not printed.
pub fn hush() {
    static ONCE: Once = Once::new();
    ONCE.call_once(|| {
        let before = std::panic::take_hook();
        std::panic::set_hook(Box::new(move |info| {
            let payload = info.payload();
            let text = payload.downcast_ref::<String>().map(String::as_str);
            let text = text.or_else(|| payload.downcast_ref::<&str>().copied());
            if text.is_none_or(|message| !message.contains(MEANT)) {
                before(info);
            }
        }));
    });
}

/// Panics without a trace on standard error.
#[track_caller]
pub fn fail(what: &str) -> ! {
    hush();
    panic!("{MEANT}: {what}")
}

/// A waker that panics.
pub fn panicking_waker() -> Waker {
    struct Panics;
    impl Wake for Panics {
        fn wake(self: Arc<Panics>) {
            fail("a waker");
        }
    }
    Waker::from(Arc::new(Panics))
}

/// A waker whose destructor calls `f`.
pub fn waker_with_drop(f: impl FnOnce() + Send + Sync + 'static) -> Waker {
    struct Drops<F: FnOnce()>(Option<F>);
    impl<F: FnOnce() + Send + Sync + 'static> Wake for Drops<F> {
        fn wake(self: Arc<Self>) {}
    }
    impl<F: FnOnce()> Drop for Drops<F> {
        fn drop(&mut self) {
            if let Some(f) = self.0.take() {
                f();
            }
        }
    }
    Waker::from(Arc::new(Drops(Some(f))))
}

/// A waker that calls `f` whenever it is cloned, called or dropped.
pub fn meddling_waker<F: Fn() + Send + Sync + 'static>(f: F) -> Waker {
    struct Meddles<F>(PhantomData<F>);
    impl<F: Fn() + Send + Sync + 'static> Meddles<F> {
        const VTABLE: RawWakerVTable =
            RawWakerVTable::new(Self::clone, Self::drop, Self::wake_by_ref, Self::drop);

        unsafe fn clone(data: *const ()) -> RawWaker {
            // SAFETY: a waker of this table has a share of an `Arc<F>`, which it keeps here.
            let f = ManuallyDrop::new(unsafe { Arc::from_raw(data.cast::<F>()) });
            f();
            RawWaker::new(Arc::into_raw(Arc::clone(&f)).cast(), &Self::VTABLE)
        }

        unsafe fn wake_by_ref(data: *const ()) {
            // SAFETY: as above.
            unsafe { (*data.cast::<F>())() }
        }

        unsafe fn drop(data: *const ()) {
            // SAFETY: as above, and the waker ends here.
            unsafe { Arc::from_raw(data.cast::<F>())() }
        }
    }
    let data = Arc::into_raw(Arc::new(f)).cast();
    // SAFETY: the functions of the table may be called from anywhere, as `f` may, and count shares.
    unsafe { Waker::from_raw(RawWaker::new(data, &Meddles::<F>::VTABLE)) }
}

/// Counts how often its waker is called.
#[derive(Debug, Default)]
pub struct Calls(AtomicUsize);

impl Calls {
    /// No call so far.
    pub fn new() -> Arc<Calls> {
        Arc::default()
    }

    /// A waker that is counted here.
    pub fn waker(self: &Arc<Calls>) -> Waker {
        Waker::from(self.clone())
    }

    /// How many calls there were.
    pub fn count(&self) -> usize {
        self.0.load(Ordering::SeqCst)
    }
}

impl Wake for Calls {
    fn wake(self: Arc<Calls>) {
        self.0.fetch_add(1, Ordering::SeqCst);
    }
}

/// Runs tasks of every kind, and ends the runtime: nothing may be stuck or left.
#[track_caller]
pub fn assert_sound(runtime: Runtime) {
    heist::__private::block_on_with_timeout(&runtime, 60_000, async {
        let tasks: Vec<_> = (0..100)
            .map(|n| {
                heist::spawn(async move {
                    heist::time::sleep(Duration::from_micros(n * 10)).await;
                    heist::task::spawn_blocking(move || n).await.unwrap()
                })
            })
            .collect();
        let mut sum = 0;
        for task in tasks {
            sum += task.await.unwrap();
        }
        assert_eq!(sum, 4950);
    });
    let report = runtime.shutdown(Duration::from_secs(60));
    assert!(report.is_clean(), "{report}");
    assert!(report.elapsed() < Duration::from_secs(60), "a thread was waited for in vain");
}
