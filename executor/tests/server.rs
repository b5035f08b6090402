//! The server example, as its clients meet it: real connections to the real program.

#[path = "support/server.rs"]
mod server;
mod support;

use std::io::{Read, Write};
use std::net::{Shutdown, TcpStream};
use std::process::Command;
use std::time::{Duration, Instant};

use server::Server;
use support::program;

#[test]
fn every_page_answers() {
    let server = Server::start(&[]);
    assert!(server.get("/").contains("Hello from Heist"));
    assert!(server.get("/hello").ends_with("Hello, World!\n"));
    let start = Instant::now();
    assert!(server.get("/slow").contains("200 OK"));
    assert!(start.elapsed() >= Duration::from_secs(1));
    let stream = server.get("/stream");
    assert!(stream.contains("transfer-encoding: chunked") && stream.contains("line 10"));
    let metrics = server.get("/metrics");
    assert!(
        metrics.contains("# TYPE heist_workers gauge") && metrics.contains("heist_polls_total")
    );
    // The page may be made while `accept` is still on its way back from starting the connection.
    let mut tasks = server.get("/tasks");
    while !tasks.contains("`accept` waits in TcpListener::accept at") {
        assert!(start.elapsed() < Duration::from_secs(60), "{tasks}");
        tasks = server.get("/tasks");
    }
    assert!(server.get("/none").contains("404 Not Found"));
    let post = |body: &str| {
        let len = body.len();
        server.ask(&format!(
            "POST /echo HTTP/1.1\r\nHost: x\r\nConnection: close\r\nContent-Length: {len}\r\n\r\n{body}"
        ))
    };
    assert!(post(r#"{"a":[1,2]}"#).ends_with("{\"a\":[1,2]}\n"));
    assert!(post("{").contains("400 Bad Request"));
    assert!(
        server.ask("GET /echo HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n").contains("405")
    );
    let huge =
        "POST /echo HTTP/1.1\r\nHost: x\r\nConnection: close\r\nContent-Length: 1048577\r\n\r\n";
    assert!(server.ask(huge).contains("413 Payload Too Large"));
}

#[test]
fn one_worker_serves_as_two_do() {
    let words = [1, 2].map(|workers| {
        let server = Server::start_with(&[], Some(workers));
        let metrics = server.get("/metrics");
        assert!(metrics.contains(&format!("heist_workers {workers}\n")), "{metrics}");
        let body = |answer: &str| answer.split_once("\r\n\r\n").unwrap().1.to_owned();
        // One waits inside while the others are served.
        let mut slow = server.connect();
        let request = "GET /slow HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n";
        slow.write_all(request.as_bytes()).unwrap();
        let mut answers = ["/", "/hello", "/stream", "/none"].map(|path| body(&server.get(path)));
        // Between the lines of a stream are the lengths of what came at once.
        answers[2] = answers[2].lines().filter(|line| line.starts_with("line")).collect();
        let mut waited = String::new();
        slow.read_to_string(&mut waited).unwrap();
        assert!(waited.contains("200 OK"), "{waited}");
        server.terminate();
        let end = server.end();
        assert!(end.contains("SIGTERM: finishing the requests under way"), "{end}");
        (answers, body(&waited))
    });
    assert_eq!(words[0], words[1]);
}

#[test]
fn pipelined_requests_are_answered_in_order() {
    let server = Server::start(&[]);
    let mut stream = server.connect();
    let request = |path: &str| format!("GET {path} HTTP/1.1\r\nHost: x\r\n\r\n");
    let last = "GET /none HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n";
    let all = request("/hello").repeat(50) + &request("/") + last;
    stream.write_all(all.as_bytes()).unwrap();
    let mut answers = String::new();
    stream.read_to_string(&mut answers).unwrap();
    assert_eq!(answers.matches("HTTP/1.1 200 OK").count(), 51);
    assert_eq!(answers.matches("Hello, World!").count(), 50);
    assert!(answers.find("Hello from Heist").unwrap() > answers.rfind("Hello, World!").unwrap());
    assert!(answers.rfind("404").unwrap() > answers.find("Hello from Heist").unwrap());
}

#[test]
fn a_client_that_closes_its_half_still_gets_its_answer() {
    let server = Server::start(&[]);
    let mut stream = server.connect();
    stream.write_all(b"GET /hello HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n").unwrap();
    stream.shutdown(Shutdown::Write).unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    assert!(answer.ends_with("Hello, World!\n"), "{answer}");
}

#[test]
fn slow_and_malformed_clients_are_shown_the_door_and_others_served() {
    let server = Server::start(&["--head-ms", "200"]);
    let mut slow: Vec<_> = (0..20).map(|_| server.connect()).collect();
    for stream in &mut slow {
        stream.write_all(b"GET / HTTP/1.1\r\nX-Slow: ").unwrap();
    }
    assert!(server.get("/hello").contains("200 OK"), "meanwhile others are served");
    for stream in &mut slow {
        // The server gives up; it may say so or just close.
        let mut rest = Vec::new();
        let _ = stream.read_to_end(&mut rest);
    }
    let answer = server.ask("GET / HTTP/1.1\r\nno header\r\n\r\n");
    assert!(answer.contains("400 Bad Request"), "{answer:?}");
    assert!(server.ask("\x00\x01\x02 nonsense\r\n\r\n").contains("400 Bad Request"));
    let endless = format!("GET / HTTP/1.1\r\n{}\r\n\r\n", "X-Header: x\r\n".repeat(20_000));
    let mut stream = server.connect();
    // The server may close before everything is written.
    let _ = stream.write_all(endless.as_bytes());
    let mut answer = Vec::new();
    let _ = stream.read_to_end(&mut answer);
    assert!(!String::from_utf8_lossy(&answer).contains("200 OK"));
    assert!(server.get("/hello").contains("200 OK"));
}

#[test]
fn more_connections_than_allowed_wait_their_turn() {
    let server = Server::start(&["--connections", "4", "--head-ms", "300"]);
    // Idle connections take all places until their time is over.
    let idle: Vec<_> = (0..8).map(|_| server.connect()).collect();
    assert!(server.get("/hello").contains("200 OK"));
    drop(idle);
}

#[test]
fn a_thousand_connections_at_once() {
    let server = Server::start(&[]);
    let mut streams: Vec<_> = (0..1000).map(|_| server.connect()).collect();
    for stream in &mut streams {
        stream.write_all(b"GET /hello HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n").unwrap();
    }
    for stream in &mut streams {
        let mut answer = String::new();
        stream.read_to_string(&mut answer).unwrap();
        assert!(answer.contains("200 OK"));
    }
    let metrics = server.get("/metrics");
    assert!(metrics.contains("http_requests_total 1001"), "{metrics}");
}

#[test]
fn the_end_under_load_finishes_what_is_under_way() {
    let server = Server::start(&[]);
    let mut slow: Vec<_> = (0..50).map(|_| server.connect()).collect();
    for stream in &mut slow {
        stream.write_all(b"GET /slow HTTP/1.1\r\nHost: x\r\n\r\n").unwrap();
    }
    // All fifty are under way when the server has counted them, beside those that ask for it. A
    // connection whose request has not been read yet would be closed.
    let mut asked = 1;
    while !server.get("/metrics").contains(&format!("http_requests_total {}\n", 50 + asked)) {
        std::thread::sleep(Duration::from_millis(1));
        asked += 1;
    }
    server.terminate();
    for stream in &mut slow {
        let mut answer = String::new();
        stream.read_to_string(&mut answer).unwrap();
        assert!(answer.contains("That took a second"), "{answer}");
    }
    let addr = server.addr.clone();
    let words = server.end();
    assert!(words.contains("SIGTERM") && words.contains("0 tasks cancelled"), "{words}");
    assert!(TcpStream::connect(addr).is_err(), "nobody listens any more");
}

#[test]
fn a_port_in_use_and_a_wrong_address_are_named() {
    let server = Server::start(&[]);
    let program = program("server");
    let fails = |arguments: &[&str], words: &[&str]| {
        let output = Command::new(&program).args(arguments).output().unwrap();
        assert!(!output.status.success());
        let text = String::from_utf8_lossy(&output.stderr).into_owned();
        for word in words {
            assert!(text.contains(word), "{text} lacks {word}");
        }
    };
    fails(&["--addr", &server.addr], &["cannot listen on", &server.addr, "in use"]);
    fails(&["--addr", "here"], &["needs an address"]);
    fails(&["--port", "80"], &["no such argument"]);
}
