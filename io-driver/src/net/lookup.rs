//! Looking up names: the system's resolver blocks, so it is asked on the blocking pool.
//!
//! A resolver whose server is away blocks for many seconds. Therefore only so many questions are
//! asked at once; the others queue, and those that nobody waits for any more are passed over.

use std::collections::VecDeque;
use std::future::Future;
use std::io;
use std::net::SocketAddr;
use std::panic::Location;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, Waker};

use parking_lot::Mutex;

use crate::host::{self, Operation};

static LOOKUP: Operation = Operation::new("lookup_host");

/// How many questions are asked at once: by guess, far less than a blocking pool's threads, and
/// far more than a resolver with a cache needs.
const MAX_AT_ONCE: usize = 32;

struct Desk {
    being_asked: usize,
    queue: VecDeque<Question>,
}

static DESK: Mutex<Desk> = Mutex::new(Desk { being_asked: 0, queue: VecDeque::new() });

/// Looks a name up.
pub(super) fn look_up(name: String, port: u16, at: &'static Location<'static>) -> Lookup {
    let slip = Arc::new(Mutex::new(Slip { answer: None, waker: None }));
    Lookup { question: Some(Question { name, port, slip: slip.clone() }), slip, at }
}

/// Where an answer is put, and whom to tell.
struct Slip {
    answer: Option<io::Result<Vec<SocketAddr>>>,
    waker: Option<Waker>,
}

/// A question that is answered in any case: with an error if it is dropped.
struct Question {
    name: String,
    port: u16,
    slip: Arc<Mutex<Slip>>,
}

impl Question {
    fn is_abandoned(&self) -> bool {
        Arc::strong_count(&self.slip) == 1
    }

    /// Blocks until the system knows.
    fn ask(self) {
        let answer = std::net::ToSocketAddrs::to_socket_addrs(&(self.name.as_str(), self.port))
            .map(Iterator::collect)
            .map_err(|error| super::about("resolve", &self.name, &error));
        self.answer(answer);
    }

    fn answer(&self, answer: io::Result<Vec<SocketAddr>>) {
        let waker = {
            let mut slip = self.slip.lock();
            slip.answer.get_or_insert(answer);
            slip.waker.take()
        };
        if let Some(waker) = waker {
            waker.wake();
        }
    }
}

impl Drop for Question {
    fn drop(&mut self) {
        self.answer(Err(io::Error::other(
            "the runtime has shut down before the name was looked up",
        )));
    }
}

/// One of the places from which questions are asked. It is filled until the queue is empty.
struct Seat(Option<Question>);

impl Seat {
    /// Seats a question, or queues it if all places are taken.
    fn take(question: Question) {
        let mut desk = DESK.lock();
        if desk.being_asked == MAX_AT_ONCE {
            desk.queue.push_back(question);
            return;
        }
        desk.being_asked += 1;
        drop(desk);
        let seat = Seat(Some(question));
        host::run_blocking(Box::new(move || seat.work()));
    }

    fn work(mut self) {
        while let Some(question) = self.0.take() {
            question.ask();
            self.0 = Seat::next();
        }
    }

    /// The next question for this place; without one the place is free.
    fn next() -> Option<Question> {
        let mut passed_over = Vec::new();
        let mut desk = DESK.lock();
        let next = loop {
            match desk.queue.pop_front() {
                Some(question) if question.is_abandoned() => passed_over.push(question),
                next => break next,
            }
        };
        desk.being_asked -= usize::from(next.is_none());
        drop(desk);
        next
    }
}

impl Drop for Seat {
    /// A pool that shuts down drops the job and with it the place. The queue may have questions of
    /// other runtimes, so somebody must go on.
    fn drop(&mut self) {
        if self.0.take().is_some() {
            if let Some(question) = Seat::next() {
                let seat = Seat(Some(question));
                // Without a thread this place goes to the next question, and so on.
                let _ = std::thread::Builder::new().spawn(move || seat.work());
            }
        }
    }
}

/// Waits for the answer; see [`look_up`].
pub(super) struct Lookup {
    /// `None` once it has been asked.
    question: Option<Question>,
    slip: Arc<Mutex<Slip>>,
    at: &'static Location<'static>,
}

impl Future for Lookup {
    type Output = io::Result<Vec<SocketAddr>>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        if let Some(question) = self.question.take() {
            Seat::take(question);
        }
        let mut slip = self.slip.lock();
        if let Some(answer) = slip.answer.take() {
            return Poll::Ready(answer);
        }
        match &mut slip.waker {
            Some(waker) => waker.clone_from(cx.waker()),
            empty => *empty = Some(cx.waker().clone()),
        }
        host::waiting(&LOOKUP, self.at);
        Poll::Pending
    }
}
