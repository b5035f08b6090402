//! The clients of servers: one process, one thread, one hand-written epoll loop, the same for all.
//!
//! *Closed loop*: each connection sends its next message when the last one was answered. That finds
//! the rate that a server can keep up; its latencies are those of a server at its limit.
//! *Open loop*: messages are due at fixed times, whatever the server does, and a latency counts from
//! when the message was due, so that a server that stalls is charged for every message that it kept
//! waiting (the correction for "coordinated omission").

use std::collections::VecDeque;
use std::io::{BufRead, ErrorKind, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::num::NonZeroU64;
use std::time::{Duration, Instant};

use rustix::buffer::spare_capacity;
use rustix::event::epoll::{self, CreateFlags, EventData, EventFlags};
use serde::{Deserialize, Serialize};

use crate::cell::Answer;
use crate::child::Reaped;
use crate::histogram::Histogram;
use crate::meter::Meter;

/// Messages a second of an open loop when the limit of the machine could not be measured.
pub const FALLBACK_RATE: f64 = 20_000.0;
/// Messages of an echo.
pub const MESSAGE: usize = 64;
/// The name under which latencies are answered.
pub const LATENCY: &str = "reply";
const REQUEST: &[u8] = b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n";

/// What is said to the server.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Protocol {
    /// [`MESSAGE`] bytes, which come back.
    Echo,
    /// `GET /` over HTTP/1.1, connections kept alive; all answers are of one length.
    Hello,
}

/// What the clients are told.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Order {
    /// The server.
    pub server: SocketAddr,
    /// How many connections.
    pub connections: usize,
    /// What is said.
    pub protocol: Protocol,
    /// How long to measure; a fifth of it comes before, for warming up.
    pub time: Duration,
    /// Messages a second in an open loop; `None`: a closed loop.
    pub rate: Option<f64>,
}

/// What the clients report.
#[derive(Debug, Default, Serialize, Deserialize)]
struct Report {
    replies: u64,
    latency: Histogram,
}

/// For the server's process: runs the clients, and measures this process while they measure.
///
/// # Panics
/// If they fail.
pub fn measure(order: &Order) -> Answer {
    let mut clients = Reaped::start("--load", order);
    let mut output = clients.output();
    let mut line = || {
        let mut line = String::new();
        output.read_line(&mut line).expect("the clients write text");
        assert!(!line.is_empty(), "the clients failed: {}", clients.complaints());
        line
    };
    line();
    let meter = Meter::start();
    let report = line();
    let answer = meter.stop(0);
    let report: Report = serde_json::from_str(&report).expect("the clients report");
    Answer { operations: report.replies, ..answer }.with_latency(LATENCY, report.latency)
}

/// For the clients' process: says when it begins to measure, and what it has measured.
///
/// # Panics
/// If the server fails.
pub fn attack(order: &Order) {
    let mut clients = Clients::connect(order);
    clients.run(order.time / 5);
    clients.report = Report::default();
    println!("measuring");
    clients.run(order.time);
    println!("{}", serde_json::to_string(&clients.report).expect("reports can be written"));
}

struct Clients {
    epoll: rustix::fd::OwnedFd,
    connections: Vec<Connection>,
    protocol: Protocol,
    /// Time between two messages of an open loop.
    gap: Option<Duration>,
    /// When the next message of an open loop is due, and on which connection.
    next: (Instant, usize),
    /// Length of a reply, once the first has come.
    reply: Option<usize>,
    report: Report,
}

struct Connection {
    stream: TcpStream,
    /// When the messages were due that have not been answered, oldest first.
    due: VecDeque<Instant>,
    /// How many bytes of what is due have not been written yet.
    unsent: usize,
    /// How much of the next reply has come.
    received: usize,
}

impl Clients {
    fn connect(order: &Order) -> Clients {
        // Ignored: then messages of an open loop are sent up to 50 us late.
        let _ = rustix::thread::set_current_timer_slack(NonZeroU64::new(1));
        let epoll = epoll::create(CreateFlags::CLOEXEC).expect("an epoll instance");
        let connect = |index| {
            let stream = TcpStream::connect(order.server).expect("the server listens");
            stream.set_nodelay(true).expect("TCP has this option");
            stream.set_nonblocking(true).expect("sockets can be non-blocking");
            let key = EventData::new_u64(index as u64);
            epoll::add(&epoll, &stream, key, EventFlags::IN | EventFlags::OUT | EventFlags::ET)
                .expect("a socket can be polled");
            Connection { stream, due: VecDeque::new(), unsent: 0, received: 0 }
        };
        let connections = (0..order.connections).map(connect).collect();
        let reply = match order.protocol {
            Protocol::Echo => Some(MESSAGE),
            Protocol::Hello => None,
        };
        Clients {
            epoll,
            connections,
            protocol: order.protocol,
            gap: order.rate.map(|rate| Duration::from_secs_f64(1.0 / rate)),
            next: (Instant::now(), 0),
            reply,
            report: Report::default(),
        }
    }

    fn run(&mut self, time: Duration) {
        let end = Instant::now() + time;
        match self.gap {
            Some(_) => self.next.0 = Instant::now(),
            None => {
                for index in 0..self.connections.len() {
                    if self.connections[index].due.is_empty() {
                        self.send(index, Instant::now());
                    }
                }
            }
        }
        let mut events = Vec::with_capacity(1024);
        loop {
            let wake = self.send_what_is_due().map_or(end, |next| next.min(end));
            let now = Instant::now();
            if now >= end {
                return;
            }
            let timeout = wake.saturating_duration_since(now).try_into().expect("short waits");
            events.clear();
            match epoll::wait(&self.epoll, spare_capacity(&mut events), Some(&timeout)) {
                Ok(_) | Err(rustix::io::Errno::INTR) => {}
                Err(error) => panic!("epoll_wait: {error}"),
            }
            for event in &events {
                // Copied, as events are packed.
                let (index, flags) = (event.data.u64() as usize, event.flags);
                if flags.contains(EventFlags::OUT) {
                    self.flush(index);
                }
                self.receive(index);
            }
        }
    }

    /// Sends the messages of an open loop whose time has come; when the next one is due.
    fn send_what_is_due(&mut self) -> Option<Instant> {
        let gap = self.gap?;
        let now = Instant::now();
        while self.next.0 <= now {
            let (due, index) = self.next;
            self.send(index, due);
            self.next = (due + gap, (index + 1) % self.connections.len());
        }
        Some(self.next.0)
    }

    fn send(&mut self, index: usize, due: Instant) {
        let length = self.message().len();
        let connection = &mut self.connections[index];
        connection.due.push_back(due);
        connection.unsent += length;
        self.flush(index);
    }

    fn message(&self) -> &'static [u8] {
        match self.protocol {
            Protocol::Echo => &[b'x'; MESSAGE],
            Protocol::Hello => REQUEST,
        }
    }

    fn flush(&mut self, index: usize) {
        let message = self.message();
        let connection = &mut self.connections[index];
        while connection.unsent > 0 {
            // Messages are alike, so where in one we are follows from how much is left.
            let rest = (connection.unsent - 1) % message.len() + 1;
            match (&connection.stream).write(&message[message.len() - rest..]) {
                Ok(written) => connection.unsent -= written,
                Err(error) if error.kind() == ErrorKind::WouldBlock => return,
                Err(error) => panic!("writing to the server: {error}"),
            }
        }
    }

    fn receive(&mut self, index: usize) {
        let mut buffer = [0; 16 * 1024];
        loop {
            let connection = &mut self.connections[index];
            let read = match (&connection.stream).read(&mut buffer) {
                Ok(0) => panic!("the server closed a connection"),
                Ok(read) => read,
                Err(error) if error.kind() == ErrorKind::WouldBlock => return,
                Err(error) => panic!("reading from the server: {error}"),
            };
            let length = *self.reply.get_or_insert_with(|| http_length(&buffer[..read]));
            connection.received += read;
            let now = Instant::now();
            while connection.received >= length {
                connection.received -= length;
                let due = connection.due.pop_front().expect("no reply without a message");
                self.report.replies += 1;
                self.report.latency.record((now - due).as_nanos() as u64);
            }
            if self.gap.is_none() && self.connections[index].due.is_empty() {
                self.send(index, now);
            }
            // A read that does not fill the buffer has emptied the socket.
            if read < buffer.len() {
                return;
            }
        }
    }
}

/// The length of an HTTP response, head and body, that has come in one piece.
fn http_length(response: &[u8]) -> usize {
    let text = String::from_utf8_lossy(response);
    assert!(text.starts_with("HTTP/1.1 200"), "the server answered {text:?}");
    let (head, _) = text.split_once("\r\n\r\n").expect("the head comes in one piece");
    let length = head
        .lines()
        .filter_map(|line| line.split_once(':'))
        .find(|(name, _)| name.eq_ignore_ascii_case("content-length"))
        .and_then(|(_, length)| length.trim().parse::<usize>().ok())
        .expect("the server says how long its answer is");
    head.len() + 4 + length
}
