//! The server example against clients that mean harm: its limits hold, its memory stays bounded, and whoever
//! comes next is served. What they send is framed in one way or refused, and never taken for two requests
//! that were one.

#[path = "support/server.rs"]
mod server;
mod support;

use std::io::{self, Read, Write};
use std::net::TcpStream;
use std::time::{Duration, Instant};

use server::Server;

/// So much memory may a flood cost beside what the limits add up to: allocators keep pages, and sockets are
/// not counted here.
const SLACK_KIB: usize = 32 << 10;

impl Server {
    /// What it has of the machine's memory.
    fn resident_kib(&self) -> usize {
        let status = format!("/proc/{}/status", self.child.id());
        let status = std::fs::read_to_string(status).unwrap();
        let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).unwrap();
        line.trim().split(' ').next().unwrap().parse().unwrap()
    }

    /// Everything that comes back, or what came until the connection broke.
    fn answer(&self, request: impl AsRef<[u8]>) -> String {
        let mut stream = self.connect();
        // The server may close before everything is written.
        let _ = stream.write_all(request.as_ref());
        rest(&mut stream)
    }
}

fn rest(stream: &mut TcpStream) -> String {
    let mut answer = Vec::new();
    if let Err(error) = stream.read_to_end(&mut answer) {
        assert_ne!(error.kind(), io::ErrorKind::WouldBlock, "neither an answer nor an end");
    }
    String::from_utf8_lossy(&answer).into_owned()
}

/// What must not be answered when it comes behind a request whose end is in doubt.
const HIDDEN: &str = "GET /hello HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n";

#[test]
fn a_request_whose_end_is_in_doubt_hides_no_other() {
    let server = Server::start(&["--head-ms", "2000"]);
    // Two who read these could differ in where the body ends, or where a header does.
    let in_doubt = [
        "Content-Length: 1\r\nContent-Length: 2\r\n\r\n1",
        "Content-Length: 2, 1\r\n\r\n1",
        "Content-Length: +1\r\n\r\n1",
        "Content-Length: -1\r\n\r\n1",
        "Content-Length: 0x1\r\n\r\n1",
        "Content-Length: 1 1\r\n\r\n1",
        "Content-Length:\r\n\r\n",
        "Content-Length: 18446744073709551617\r\n\r\n1",
        "Content-Length : 1\r\n\r\n1",
        "Transfer-Encoding : chunked\r\n\r\n0\r\n\r\n",
        "Transfer-Encoding: chunked, identity\r\n\r\n0\r\n\r\n",
        "Transfer-Encoding: xchunked\r\n\r\n0\r\n\r\n",
        "Transfer-Encoding: \x0bchunked\r\n\r\n0\r\n\r\n",
        "X: y\r\n Content-Length: 1\r\n\r\n1",
        "X\0: y\r\n\r\n",
        "Transfer-Encoding: chunked\r\n\r\n-1\r\n1\r\n0\r\n\r\n",
        "Transfer-Encoding: chunked\r\n\r\n0x1\r\n1\r\n0\r\n\r\n",
        "Transfer-Encoding: chunked\r\n\r\n10000000000000001\r\n1\r\n0\r\n\r\n",
        "Transfer-Encoding: chunked\r\n\r\n1\r\n12\r\n0\r\n\r\n",
        "Transfer-Encoding: chunked\r\n\r\n1\n1\r\n0\r\n\r\n",
        "Transfer-Encoding: chunked\r\n\r\n\r\n",
    ];
    for headers in in_doubt {
        let answer = server.answer(format!("POST /echo HTTP/1.1\r\nHost: x\r\n{headers}{HIDDEN}"));
        assert!(!answer.contains("Hello, World!"), "{headers:?} has hidden a request: {answer}");
        assert!(answer.contains(" 400 "), "{headers:?} was not refused: {answer:?}");
    }
    let old = "POST /echo HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n";
    assert!(!server.answer(format!("{old}{HIDDEN}")).contains("Hello, World!"));
}

#[test]
fn a_body_ends_where_its_chunks_do_whatever_its_length_is_said_to_be() {
    let server = Server::start(&[]);
    // In this order and the other: the chunks count, and the request behind them is one of its own.
    for (first, second) in [("Content-Length: 3", "Transfer-Encoding: chunked")]
        .into_iter()
        .flat_map(|(a, b)| [(a, b), (b, a)])
    {
        let answer = server.answer(format!(
            "POST /echo HTTP/1.1\r\nHost: x\r\n{first}\r\n{second}\r\n\r\n2\r\n42\r\n0\r\n\r\n{HIDDEN}"
        ));
        let body = |answer: &str| answer.split_once("\r\n\r\n").map(|(_, body)| body.to_owned());
        let echo = body(&answer).unwrap();
        assert!(echo.starts_with("42\n"), "{answer}");
        assert!(echo.len() == 3 || body(&echo).unwrap() == "Hello, World!\n", "{answer}");
    }
}

#[test]
fn heads_beyond_the_limit_are_refused_before_they_are_kept() {
    let server = Server::start(&["--head-ms", "2000"]);
    let before = server.resident_kib();
    let long = "x".repeat(1 << 20);
    let heads = [
        format!("GET /{long} HTTP/1.1\r\nHost: x\r\n\r\n"),
        format!("GET / HTTP/1.1\r\nHost: x\r\nX: {long}\r\n\r\n"),
        format!("GET / HTTP/1.1\r\nHost: x\r\n{long}: x\r\n\r\n"),
        format!("GET / HTTP/1.1\r\nHost: x\r\n{}\r\n", "X: y\r\n".repeat(100_000)),
        format!("{long} / HTTP/1.1\r\nHost: x\r\n\r\n"),
        long.clone(),
        "\r\n".repeat(1 << 19),
    ];
    for head in &heads {
        let answer = server.answer(head);
        assert!(!answer.contains("200 OK"), "{} served: {answer}", &head[..40]);
    }
    // HTTP/2: a header that never ends, in frames of which each is short enough.
    let frame = |kind: u8, flags: u8, stream: u8, payload: &[u8]| {
        let len = (payload.len() as u32).to_be_bytes();
        [&len[1..], &[kind, flags, 0, 0, 0, stream], payload].concat()
    };
    let mut stream = server.connect();
    stream.write_all(b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n").unwrap();
    stream.write_all(&frame(4, 0, 0, &[])).unwrap();
    stream.write_all(&frame(1, 0, 1, &[0x82])).unwrap();
    let more = frame(9, 0, 1, &[0x40; 16 << 10]);
    let start = Instant::now();
    while stream.write_all(&more).is_ok() {
        assert!(start.elapsed() < Duration::from_secs(60), "a header without end is listened to");
    }
    assert!(server.get("/hello").contains("200 OK"));
    let grown = server.resident_kib().saturating_sub(before);
    assert!(grown < SLACK_KIB, "{grown} KiB are kept of what was refused");
}

#[test]
fn a_flood_of_half_heads_costs_what_the_limits_allow_and_passes() {
    const PLACES: usize = 100;
    let server = Server::start(&["--connections", "100", "--head-ms", "1000"]);
    assert!(server.get("/hello").contains("200 OK"));
    let before = server.resident_kib();
    let half = format!("GET / HTTP/1.1\r\nHost: x\r\nX: {}", "y".repeat(60 << 10));
    let mut most = 0;
    let mut flood: Vec<TcpStream> = Vec::new();
    for _ in 0..5 * PLACES {
        let stream = server.connect();
        stream.set_nonblocking(true).unwrap();
        // What does not fit into the sockets is not sent.
        let _ = (&stream).write(half.as_bytes());
        flood.push(stream);
        most = most.max(server.resident_kib());
    }
    // Behind all of them, when the time of five times so many as there are places is over.
    assert!(server.get("/hello").contains("200 OK"));
    most = most.max(server.resident_kib());
    // A buffer grows by doubling, and keeps what it has been.
    let allowed = PLACES * 2 * 64 + SLACK_KIB;
    assert!(most - before < allowed, "{} KiB instead of {allowed}", most - before);
}

#[test]
fn who_does_not_read_the_answers_is_cut_off() {
    let server = Server::start(&["--connections", "4", "--connection-ms", "1000"]);
    let body = format!("\"{}\"", "x".repeat((1 << 20) - 2));
    let request =
        format!("POST /echo HTTP/1.1\r\nHost: x\r\nContent-Length: {}\r\n\r\n", body.len());
    let mut deaf: Vec<_> = (0..4).map(|_| server.connect()).collect();
    for stream in &mut deaf {
        stream.set_write_timeout(Some(Duration::from_millis(500))).unwrap();
        // Until the server does not listen any more, since nobody takes its answers.
        while stream
            .write_all(request.as_bytes())
            .and_then(|()| stream.write_all(body.as_bytes()))
            .is_ok()
        {}
    }
    // They have all places, and still do not read.
    assert!(server.get("/hello").contains("200 OK"));
    drop(deaf);
}

#[test]
fn whoever_stays_too_long_is_asked_to_come_again() {
    let server = Server::start(&["--connection-ms", "500"]);
    let mut stream = server.connect();
    let start = Instant::now();
    let mut answered = 0;
    let mut buffer = [0; 4096];
    // Never idle for long, and so never too late with a head.
    while stream.write_all(b"GET /hello HTTP/1.1\r\nHost: x\r\n\r\n").is_ok() {
        match stream.read(&mut buffer) {
            Ok(read) if read > 0 => answered += 1,
            _ => break,
        }
        assert!(start.elapsed() < Duration::from_secs(60));
        std::thread::sleep(Duration::from_millis(10));
    }
    assert!(answered > 1 && start.elapsed() >= Duration::from_millis(500), "{answered} answers");
    assert!(server.get("/hello").contains("200 OK"));
}
