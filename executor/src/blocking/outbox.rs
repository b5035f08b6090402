//! [`Outbox`]: bytes on their way to something that can only be written to by blocking.
//!
//! A writer leaves its bytes here and goes on. If nobody delivers at the moment, a job on the blocking
//! pool is asked to; it takes all there is, writes it, and looks again, until nothing is left.
//! Bytes that arrive meanwhile go along with its next round. So a lone write is under way at once,
//! a thousand small ones cost a few trips to the pool, and big ones overlap with the writer's own work.
//!
//! * There is at most one delivery, so bytes arrive in the order in which they were left here.
//! * A failure is kept for the next write or flush, whichever comes first; what had been left
//!   behind the failed bytes is thrown away with them. If there can be no next one, because the writer
//!   is gone (see [`OwnOutbox`]), it is reported in debug mode.
//! * A delivery that the pool refuses, because its runtime is at its end, is made on the spot:
//!   bytes that a writer was rid of are lost only when the process ends.

use std::io::{self, Write};
use std::ops::Deref;
use std::panic::Location;
use std::sync::Arc;
use std::task::{Context, Poll, Waker, ready};

use super::call::Site;
use crate::foreign::wake;
use crate::leaf;
use crate::runtime::debugging;
use crate::shim::Mutex;

/// See the module's documentation.
#[derive(Default)]
pub(crate) struct Outbox {
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    /// Left here and not yet taken by the delivery.
    bytes: Vec<u8>,
    /// The other buffer, while the delivery does not hold it.
    spare: Vec<u8>,
    delivering: bool,
    failure: Option<io::Error>,
    /// Writers that wait for room, and whoever waits for the end of the delivery.
    waiters: Vec<Waker>,
    /// Where the writer was made that has left for ever.
    left: Option<&'static Location<'static>>,
}

impl State {
    fn wait(&mut self, cx: &Context<'_>, site: Site) {
        if !self.waiters.iter().any(|waiter| waiter.will_wake(cx.waker())) {
            self.waiters.push(cx.waker().clone());
        }
        leaf::restore();
        leaf::waiting(site.0, site.1);
    }

    fn fail_if_due(&mut self) -> io::Result<()> {
        self.failure.take().map_or(Ok(()), Err)
    }
}

impl Outbox {
    /// Leaves as many bytes as there is room for below `limit`, and says how many; waits if there
    /// is no room.
    pub(crate) fn poll_write<W>(
        self: &Arc<Outbox>,
        cx: &mut Context<'_>,
        site: Site,
        sink: &Arc<W>,
        bytes: &[u8],
        limit: usize,
    ) -> Poll<io::Result<usize>>
    where
        W: Send + Sync + 'static,
        for<'a> &'a W: Write,
    {
        ready!(leaf::proceed(cx));
        let mut state = self.state.lock();
        state.fail_if_due()?;
        let room = limit.saturating_sub(state.bytes.len());
        if room == 0 && !bytes.is_empty() {
            state.wait(cx, site);
            return Poll::Pending;
        }
        let left = bytes.len().min(room);
        state.bytes.extend_from_slice(&bytes[..left]);
        let is_first = !state.delivering && left > 0;
        state.delivering |= is_first;
        drop(state);
        if is_first {
            let delivery = Delivery { outbox: self.clone(), sink: Some(sink.clone()) };
            super::run_detached(Box::new(move || drop(delivery)));
        }
        Poll::Ready(Ok(left))
    }

    /// Waits until everything is delivered, and says whether it was.
    pub(crate) fn poll_flush(&self, cx: &mut Context<'_>, site: Site) -> Poll<io::Result<()>> {
        ready!(self.poll_settled(cx, site));
        Poll::Ready(self.state.lock().fail_if_due())
    }

    /// Waits until nothing is under way; a failure is left for the next write or flush.
    pub(crate) fn poll_settled(&self, cx: &mut Context<'_>, site: Site) -> Poll<()> {
        ready!(leaf::proceed(cx));
        let mut state = self.state.lock();
        if state.delivering {
            state.wait(cx, site);
            return Poll::Pending;
        }
        Poll::Ready(())
    }
}

/// The outbox of a single writer, which drops it.
pub(crate) struct OwnOutbox {
    outbox: Arc<Outbox>,
    /// Where the writer was made.
    pub(crate) at: &'static Location<'static>,
}

impl OwnOutbox {
    /// An empty one.
    pub(crate) fn new(at: &'static Location<'static>) -> OwnOutbox {
        OwnOutbox { outbox: Arc::default(), at }
    }
}

impl Deref for OwnOutbox {
    type Target = Arc<Outbox>;

    fn deref(&self) -> &Arc<Outbox> {
        &self.outbox
    }
}

impl Drop for OwnOutbox {
    fn drop(&mut self) {
        if !debugging::is_on() {
            return;
        }
        let mut state = self.outbox.state.lock();
        state.left = Some(self.at);
        let failure = state.failure.take();
        drop(state);
        if let Some(error) = failure {
            report_lost(self.at, &error);
        }
    }
}

#[cold]
fn report_lost(at: &'static Location<'static>, error: &io::Error) {
    debugging::unsent(at, || {
        format!(
            "what was written to a file opened at {at} is lost in part, as nobody has flushed it and \
             seen the error: {error}"
        )
    });
}

/// The right to deliver, and the duty: it is done by dropping it.
struct Delivery<W>
where
    for<'a> &'a W: Write,
{
    outbox: Arc<Outbox>,
    /// `None` once the delivery has ended.
    sink: Option<Arc<W>>,
}

impl<W> Delivery<W>
where
    for<'a> &'a W: Write,
{
    /// Ends a round, whose buffer comes back, and takes the bytes of the next; `None` if there are
    /// none, and then the delivery has ended.
    fn next_round(&mut self, mut buffer: Vec<u8>, result: io::Result<()>) -> Option<Vec<u8>> {
        buffer.clear();
        let mut state = self.outbox.state.lock();
        let mut lost = None;
        if let Err(error) = result {
            state.bytes.clear();
            match state.left {
                None => state.failure = Some(error),
                Some(at) => lost = Some((at, error)),
            }
        }
        let waiters = std::mem::take(&mut state.waiters);
        let next = if state.bytes.is_empty() {
            state.spare = buffer;
            state.delivering = false;
            // Under the lock: whoever sees that the delivery has ended has the sink to itself.
            self.sink = None;
            None
        } else {
            Some(std::mem::replace(&mut state.bytes, buffer))
        };
        drop(state);
        if let Some((at, error)) = lost {
            report_lost(at, &error);
        }
        // The delivery goes on, whatever a waker does.
        for waiter in waiters {
            wake(waiter);
        }
        next
    }
}

impl<W> Drop for Delivery<W>
where
    for<'a> &'a W: Write,
{
    fn drop(&mut self) {
        let spare = std::mem::take(&mut self.outbox.state.lock().spare);
        let mut next = self.next_round(spare, Ok(()));
        while let Some(bytes) = next {
            let mut sink = self.sink.as_deref().expect("there is a next round");
            let result = sink.write_all(&bytes).and_then(|()| sink.flush());
            next = self.next_round(bytes, result);
        }
    }
}
