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
use crate::registration::wake_quietly;

pub(super) static LOOKUP: Operation = Operation::new("lookup_host");

/// How many questions are asked at once: by guess, far less than a blocking pool's threads, and
/// far more than a resolver with a cache needs.
const MAX_AT_ONCE: usize = 32;

/// Who is asked, and who has to wait.
struct Desk {
    being_asked: usize,
    queue: VecDeque<Question>,
}

static DESK: Mutex<Desk> = Mutex::new(Desk::new());

impl Desk {
    const fn new() -> Desk {
        Desk { being_asked: 0, queue: VecDeque::new() }
    }

    /// Gives a question back that is to be asked now, and queues it otherwise.
    fn admit(&mut self, question: Question) -> Option<Question> {
        if self.being_asked == MAX_AT_ONCE {
            self.queue.push_back(question);
            return None;
        }
        self.being_asked += 1;
        Some(question)
    }

    /// A question has been asked; gives the one that is to be asked in its place, and moves those
    /// that nobody waits for into `abandoned`.
    fn next(&mut self, abandoned: &mut Vec<Question>) -> Option<Question> {
        while let Some(question) = self.queue.pop_front() {
            if !question.is_abandoned() {
                return Some(question);
            }
            abandoned.push(question);
        }
        self.being_asked -= 1;
        None
    }
}

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
        // The place that is asked from must be freed, whatever the waker does.
        if let Some(waker) = waker {
            wake_quietly(waker);
        }
    }
}

impl Drop for Question {
    fn drop(&mut self) {
        self.answer(Err(io::Error::other(
            "the runtime has shut down or had no thread to spare before the name was looked up",
        )));
    }
}

/// One of the places from which questions are asked. It is filled until the queue is empty.
struct Seat(Option<Question>);

impl Seat {
    /// Seats a question, or queues it if all places are taken.
    fn take(question: Question) {
        let admitted = DESK.lock().admit(question);
        if let Some(question) = admitted {
            let seat = Seat(Some(question));
            host::run_blocking(Box::new(move || seat.work()));
        }
    }

    fn work(mut self) {
        while let Some(question) = self.0.take() {
            question.ask();
            self.0 = Seat::next();
        }
    }

    /// The next question for this place; without one the place is free.
    fn next() -> Option<Question> {
        // Dropped behind the lock: a question that is dropped wakes.
        let mut abandoned = Vec::new();
        DESK.lock().next(&mut abandoned)
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
        let replaced = match &slip.waker {
            Some(waker) if waker.will_wake(cx.waker()) => None,
            _ => slip.waker.replace(cx.waker().clone()),
        };
        drop(slip);
        drop(replaced);
        host::waiting(&LOOKUP, self.at);
        Poll::Pending
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn question(port: u16) -> (Question, Lookup) {
        let mut lookup = look_up("localhost".to_owned(), port, Location::caller());
        (lookup.question.take().expect("not asked yet"), lookup)
    }

    #[test]
    fn so_many_are_asked_at_once_and_the_abandoned_are_passed_over() {
        let mut desk = Desk::new();
        let mut lookups = Vec::new();
        for port in 0..MAX_AT_ONCE as u16 + 3 {
            let (question, lookup) = question(port);
            let admitted = desk.admit(question);
            assert_eq!(admitted.is_some(), usize::from(port) < MAX_AT_ONCE);
            lookups.push(lookup);
        }
        drop(lookups.remove(MAX_AT_ONCE));
        let mut abandoned = Vec::new();
        let next = desk.next(&mut abandoned).expect("two wait");
        assert_eq!((usize::from(next.port), abandoned.len()), (MAX_AT_ONCE + 1, 1));
        assert!(desk.next(&mut abandoned).is_some());
        assert!(desk.next(&mut abandoned).is_none());
        assert_eq!(desk.being_asked, MAX_AT_ONCE - 1);
        assert!(desk.admit(next).is_some(), "a place is free");
    }

    #[test]
    fn a_question_that_is_dropped_is_answered() {
        let (question, lookup) = question(1);
        drop(question);
        let answer = lookup.slip.lock().answer.take().expect("an answer");
        assert!(answer.expect_err("nobody was asked").to_string().contains("has shut down"));
    }
}
