//! [`Call`] and [`Running`]: calls to the system that block, as futures.
//!
//! Deliberately only for what answers with an `io::Result`; everything else is
//! [`spawn_blocking`](crate::task::spawn_blocking).

use std::future::Future;
use std::io;
use std::panic::Location;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use crate::leaf::{self, Made, Operation};
use crate::runtime::{NO_RUNTIME, context};
use crate::task::{JoinHandle, Origin};

/// What is called, and from where.
pub(crate) type Site = (&'static Operation, &'static Location<'static>);

/// A call that begins when it is first polled. Dropped before a thread has taken it up, it never
/// happens; one that has begun goes on to its end unheard.
#[must_use = "futures do nothing unless awaited"]
pub(crate) enum Call<F, T> {
    /// Not polled yet.
    Unstarted(Option<F>, Made),
    Started(Running<T>),
}

/// A call that has begun.
#[derive(Debug)]
#[must_use = "a call that is dropped before a thread has taken it up does not happen"]
pub(crate) struct Running<T> {
    /// Or why there is none; `None` once that has been told.
    job: Result<JoinHandle<io::Result<T>>, Option<io::Error>>,
    site: Site,
}

/// Makes a call on the blocking pool out of a closure.
pub(crate) fn call<F, T>(site: Site, f: F) -> Call<F, T>
where
    F: FnOnce() -> io::Result<T> + Send + 'static,
    T: Send + 'static,
{
    Call::Unstarted(Some(f), Made::at(site.0, site.1))
}

/// Begins a call on the blocking pool. If there is no thread for it, that is what it ends with.
///
/// # Panics
/// Outside a runtime.
pub(crate) fn start<F, T>(site: Site, f: F) -> Running<T>
where
    F: FnOnce() -> io::Result<T> + Send + 'static,
    T: Send + 'static,
{
    let Some(scheduler) = context::current() else {
        panic!("{NO_RUNTIME} (the call at {})", site.1);
    };
    let job = scheduler.blocking.own.try_spawn(&scheduler, f, Origin::here(site.1));
    Running { job: job.map_err(Some), site }
}

// The closure is never pinned.
impl<F, T> Unpin for Call<F, T> {}

impl<F, T> Future for Call<F, T>
where
    F: FnOnce() -> io::Result<T> + Send + 'static,
    T: Send + 'static,
{
    type Output = io::Result<T>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<T>> {
        if let Call::Unstarted(f, made) = &mut *self {
            made.set_polled();
            let (f, site) = (f.take(), (made.operation, made.at));
            let f = f.expect("it is `Started` once the closure is taken");
            *self = Call::Started(start(site, f));
        }
        match &mut *self {
            Call::Unstarted(..) => unreachable!("it was started just now"),
            Call::Started(running) => Pin::new(running).poll(cx),
        }
    }
}

impl<T> Future for Running<T> {
    type Output = io::Result<T>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<T>> {
        let job = match &mut self.job {
            Ok(job) => job,
            Err(error) => return Poll::Ready(Err(error.take().expect("not polled after its end"))),
        };
        let joined = Pin::new(job).poll(cx);
        if joined.is_pending() {
            leaf::waiting(self.site.0, self.site.1);
        }
        Poll::Ready(match ready!(joined) {
            Ok(result) => result,
            Err(error) if error.is_cancelled() => {
                Err(io::Error::other("the runtime has shut down before the call was made"))
            }
            Err(error) => std::panic::resume_unwind(error.into_panic()),
        })
    }
}

impl<T> Drop for Running<T> {
    fn drop(&mut self) {
        if let Ok(job) = &self.job {
            job.abort();
        }
    }
}
