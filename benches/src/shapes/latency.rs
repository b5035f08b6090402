//! How long things wait: for an idle runtime, behind a long poll, beside a blocked worker.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use super::Shape;
use super::time::percentile;
use crate::peers::{Runtime, on};
use crate::report::Figures;

fn figures(mut values: Vec<f64>, figure: f64) -> Figures {
    values.sort_by(f64::total_cmp);
    Figures {
        figure: percentile(&values, figure),
        operations: 0.0,
        details: vec![
            ("p50_us", percentile(&values, 0.5)),
            ("p99_us", percentile(&values, 0.99)),
            ("max_us", percentile(&values, 1.0)),
        ],
    }
}

fn micros(duration: Duration) -> f64 {
    duration.as_nanos() as f64 / 1000.0
}

pub(super) const WAKE_IDLE: Shape = Shape {
    name: "wake_idle",
    question: "wake of an idle runtime from outside, median",
    unit: "us",
    run: |peer, workers| on!(peer, wake_idle(workers)),
};

fn wake_idle<R: Runtime>(workers: usize) -> Figures {
    R::run(workers, async {
        let (send, receive) = async_channel::bounded::<Instant>(1);
        std::thread::spawn(move || {
            for n in 0..600 {
                std::thread::sleep(Duration::from_micros([20, 100, 500, 1000][n % 4]));
                if send.send_blocking(Instant::now()).is_err() {
                    return;
                }
            }
        });
        let mut values = Vec::new();
        while let Ok(sent) = receive.recv().await {
            values.push(micros(sent.elapsed()));
        }
        figures(values, 0.5)
    })
}

pub(super) const STUCK_BEHIND: Shape = Shape {
    name: "stuck_behind",
    question: "A wakes B and computes 20 ms, another worker is idle: delay of B, 99th percentile",
    unit: "us",
    run: |peer, workers| on!(peer, stuck_behind(workers)),
};

fn stuck_behind<R: Runtime>(workers: usize) -> Figures {
    R::run(workers, async {
        let (send, receive) = async_channel::bounded::<Instant>(1);
        let b = R::spawn(async move {
            let mut values = Vec::new();
            while let Ok(sent) = receive.recv().await {
                values.push(micros(sent.elapsed()));
            }
            values
        });
        for _ in 0..50 {
            R::sleep(Duration::from_millis(1)).await;
            let now = Instant::now();
            send.send(now).await.unwrap();
            while now.elapsed() < Duration::from_millis(20) {
                std::hint::spin_loop();
            }
        }
        drop(send);
        figures(b.await, 0.99)
    })
}

pub(super) const STALL: Shape = Shape {
    name: "stall",
    question: "one task blocks its worker 50 ms in every 100: worst lateness of a 1 ms ticker and an echo",
    unit: "us",
    run: |peer, workers| on!(peer, stall(workers)),
};

fn stall<R: Runtime>(workers: usize) -> Figures {
    R::run(workers, async {
        let end = Arc::new(AtomicBool::new(false));
        let ended = end.clone();
        let blocker = R::spawn(async move {
            while !ended.load(Ordering::Relaxed) {
                R::sleep(Duration::from_millis(50)).await;
                std::thread::sleep(Duration::from_millis(50));
            }
        });
        let (listener, addr) = R::listen().await;
        let echo = R::spawn(async move {
            let mut stream = R::accept(&listener).await;
            let mut byte = [0];
            while R::read(&mut stream, &mut byte).await > 0 {
                R::write_all(&mut stream, &byte).await;
            }
        });
        // The client is a thread: it has no part in what is measured.
        let client = std::thread::spawn(move || {
            use std::io::{Read, Write};
            let mut stream = std::net::TcpStream::connect(addr).unwrap();
            stream.set_nodelay(true).unwrap();
            let mut worst = 0.0f64;
            let start = Instant::now();
            while start.elapsed() < Duration::from_secs(3) {
                let sent = Instant::now();
                stream.write_all(&[1]).unwrap();
                stream.read_exact(&mut [0]).unwrap();
                worst = worst.max(micros(sent.elapsed()));
                std::thread::sleep(Duration::from_micros(500));
            }
            worst
        });
        let ticker = R::spawn(async move {
            let mut late = Vec::new();
            let start = Instant::now();
            while start.elapsed() < Duration::from_secs(3) {
                let due = Instant::now() + Duration::from_millis(1);
                R::sleep(Duration::from_millis(1)).await;
                late.push(micros(due.elapsed()));
            }
            late
        });
        let late = ticker.await;
        let echo_worst = client.join().unwrap();
        end.store(true, Ordering::Relaxed);
        echo.await;
        blocker.await;
        let mut figures = figures(late, 1.0);
        figures.details.push(("echo_max_us", echo_worst));
        figures.figure = figures.figure.max(echo_worst);
        figures
    })
}
