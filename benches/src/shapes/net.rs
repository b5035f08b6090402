//! What a message over TCP costs the server.
//!
//! The clients are a process of their own with one hand-written epoll loop, the same for all.

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::os::fd::AsFd;
use std::process::Command;
use std::time::{Duration, Instant};

use rustix::event::epoll::{self, CreateFlags, EventData, EventFlags};

use super::Shape;
use super::time::{cpu, percentile};
use crate::peers::{Runtime, on};
use crate::report::Figures;

const MEASURE: Duration = Duration::from_millis(1500);
const MESSAGE: usize = 64;

pub(super) const ECHO_50: Shape = Shape {
    name: "echo_50",
    question: "an echo server with 50 busy connections: CPU time of a message (details: rate, latency)",
    unit: "ns CPU",
    run: |peer, workers| on!(peer, echo(workers, 50)),
};

pub(super) const ECHO_1000: Shape = Shape {
    name: "echo_1000",
    question: "the same with 1 000 connections",
    unit: "ns CPU",
    run: |peer, workers| on!(peer, echo(workers, 1000)),
};

fn echo<R: Runtime>(workers: usize, connections: usize) -> Figures {
    R::run(workers, async move {
        let (listener, addr) = R::listen().await;
        R::spawn(async move {
            let client = R::spawn(async move {
                let (send, receive) = async_channel::bounded(1);
                std::thread::spawn(move || {
                    let output = Command::new(std::env::current_exe().unwrap())
                        .args(["--cell", "client", &addr.to_string(), &connections.to_string()])
                        .output()
                        .unwrap();
                    let _ = send.send_blocking(output);
                });
                receive.recv().await.unwrap()
            });
            let mut servers = Vec::new();
            for _ in 0..connections {
                let mut stream = R::accept(&listener).await;
                servers.push(R::spawn(async move {
                    let mut buffer = [0; 4096];
                    loop {
                        let n = R::read(&mut stream, &mut buffer).await;
                        if n == 0 || !R::write_all(&mut stream, &buffer[..n]).await {
                            return;
                        }
                    }
                }));
            }
            let before = cpu();
            let output = client.await;
            let spent = cpu() - before;
            let text = String::from_utf8_lossy(&output.stdout).into_owned();
            let numbers: Vec<f64> =
                text.split_whitespace().filter_map(|number| number.parse().ok()).collect();
            let [messages, rate, p50, p99] = numbers[..] else {
                panic!("{text} {}", String::from_utf8_lossy(&output.stderr))
            };
            Figures {
                figure: spent as f64 / messages,
                operations: 0.0,
                details: vec![("messages_per_s", rate), ("p50_us", p50), ("p99_us", p99)],
            }
        })
        .await
    })
}

/// The client's process: prints messages, messages a second, and latencies.
pub(crate) fn client(addr: &str, connections: &str) {
    let addr: SocketAddr = addr.parse().expect("an address");
    let connections: usize = connections.parse().expect("a number");
    let poller = epoll::create(CreateFlags::CLOEXEC).unwrap();
    let mut streams: Vec<(TcpStream, Instant)> = (0..connections)
        .map(|index| {
            let stream = TcpStream::connect(addr).unwrap();
            stream.set_nodelay(true).unwrap();
            let key = EventData::new_u64(index as u64);
            epoll::add(&poller, stream.as_fd(), key, EventFlags::IN).unwrap();
            (stream, Instant::now())
        })
        .collect();
    let start = Instant::now();
    for (stream, sent) in &mut streams {
        *sent = Instant::now();
        stream.write_all(&[7; MESSAGE]).unwrap();
    }
    let mut latencies = Vec::new();
    let mut buffer = [0; 4096];
    let mut events = Vec::with_capacity(256);
    while start.elapsed() < MEASURE {
        events.clear();
        epoll::wait(&poller, rustix::buffer::spare_capacity(&mut events), None).unwrap();
        for event in &events {
            let (stream, sent) = &mut streams[event.data.u64() as usize];
            let n = stream.read(&mut buffer).unwrap();
            assert_eq!(n, MESSAGE, "messages come back whole");
            let now = Instant::now();
            latencies.push((now - *sent).as_nanos() as f64 / 1000.0);
            *sent = now;
            stream.write_all(&buffer[..n]).unwrap();
        }
    }
    let seconds = start.elapsed().as_secs_f64();
    latencies.sort_by(f64::total_cmp);
    println!(
        "{} {} {} {}",
        latencies.len(),
        latencies.len() as f64 / seconds,
        percentile(&latencies, 0.5),
        percentile(&latencies, 0.99)
    );
}
