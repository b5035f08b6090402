//! What introductions to tokio teach first: a task that owns a connection and answers through
//! oneshots, loops of `select!` with conditions, futures that go on from one turn to the next, a
//! future and a stream written by hand.

use heist as rt;

use std::collections::HashMap;
use std::future::{Future, poll_fn};
use std::pin::{Pin, pin};
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use futures_lite::{Stream, StreamExt};
use rt::io::{AsyncBufReadExt, AsyncWriteExt, BufReader};
use rt::net::{TcpListener, TcpStream};
use rt::sync::{mpsc, oneshot};
use rt::time::{Instant, sleep};

/// Echoes lines, each connection in a task of its own.
async fn echo(listener: TcpListener) -> std::io::Result<()> {
    loop {
        let (socket, _) = listener.accept().await?;
        rt::spawn(async move {
            let (reader, mut writer) = socket.into_split();
            let mut lines = BufReader::new(reader).lines();
            while let Some(line) = lines.next_line().await? {
                writer.write_all(format!("{line}\n").as_bytes()).await?;
            }
            Ok::<_, std::io::Error>(())
        });
    }
}

enum Command {
    Get { key: String, answer: oneshot::Sender<Option<String>> },
    Set { key: String, value: String, answer: oneshot::Sender<()> },
}

/// Owns the map and the connection: others send commands and wait for the answers.
async fn manage(mut commands: mpsc::Receiver<Command>, connection: TcpStream) -> usize {
    let mut connection = BufReader::new(connection);
    let (mut map, mut line, mut served) = (HashMap::new(), String::new(), 0);
    while let Some(command) = commands.recv().await {
        match command {
            Command::Get { key, answer } => {
                // Whoever has asked may have gone.
                let _ = answer.send(map.get(&key).cloned());
            }
            Command::Set { key, value, answer } => {
                connection.get_mut().write_all(format!("{value}\n").as_bytes()).await.unwrap();
                line.clear();
                connection.read_line(&mut line).await.unwrap();
                map.insert(key, line.trim_end().to_owned());
                let _ = answer.send(());
            }
        }
        served += 1;
    }
    served
}

#[rt::test]
async fn a_manager_answers_through_oneshots() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let addr = listener.local_addr().unwrap();
    let server = rt::spawn(echo(listener));
    let (commands, queue) = mpsc::channel(8);
    let manager = rt::spawn(manage(queue, TcpStream::connect(addr).await.unwrap()));

    let setter = commands.clone();
    let set = rt::spawn(async move {
        let (answer, done) = oneshot::channel();
        let command = Command::Set { key: "hello".into(), value: "world".into(), answer };
        setter.send(command).await.unwrap_or_else(|_| panic!("the manager is there"));
        done.await
    });
    set.await.unwrap().unwrap();
    let get = rt::spawn(async move {
        let (answer, found) = oneshot::channel();
        let command = Command::Get { key: "hello".into(), answer };
        commands.send(command).await.unwrap_or_else(|_| panic!("the manager is there"));
        found.await
    });
    assert_eq!(get.await.unwrap().unwrap().as_deref(), Some("world"));
    assert_eq!(manager.await.unwrap(), 2);
    server.abort();
    assert!(server.await.unwrap_err().is_cancelled());
}

#[rt::test]
async fn select_takes_from_two_channels_until_both_are_closed() {
    let (left, mut lefts) = mpsc::channel(1);
    let (right, mut rights) = mpsc::channel(1);
    for (tx, first) in [(left, 0), (right, 100)] {
        rt::spawn(async move {
            for n in first..first + 10 {
                tx.send(n).await.unwrap();
            }
        });
    }
    let mut got = Vec::new();
    loop {
        rt::select! {
            Some(n) = lefts.recv() => got.push(n),
            Some(n) = rights.recv() => got.push(n),
            else => break,
        }
    }
    got.sort();
    assert!(got.into_iter().eq((0..10).chain(100..110)));
}

/// Doubles the first even number; none for none.
async fn double(number: Option<i32>) -> Option<i32> {
    let number = number?;
    sleep(Duration::from_millis(u64::from(number.unsigned_abs()))).await;
    Some(number * 2)
}

#[rt::test(start_paused = true)]
async fn select_goes_on_with_a_future_of_an_earlier_turn() {
    let (tx, mut numbers) = mpsc::channel(8);
    rt::spawn(async move {
        for n in [1, 3, 10, 5, 8] {
            sleep(Duration::from_millis(2)).await;
            tx.send(n).await.unwrap();
        }
        std::future::pending::<()>().await;
    });
    let mut doubling = pin!(double(None));
    let (mut idle, mut skipped) = (false, 0);
    let doubled = loop {
        rt::select! {
            biased;
            result = &mut doubling, if !idle => match result {
                Some(n) => break n,
                None => idle = true,
            },
            Some(n) = numbers.recv() => {
                if n % 2 == 0 && idle {
                    doubling.set(double(Some(n)));
                    idle = false;
                } else {
                    skipped += 1;
                }
            }
        }
    };
    assert_eq!((doubled, skipped), (20, 4));
}

/// A future by hand: ready at a time, woken by a thread.
struct Delay {
    until: std::time::Instant,
    waker: Option<Waker>,
}

impl Future for Delay {
    type Output = &'static str;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<&'static str> {
        if std::time::Instant::now() >= self.until {
            return Poll::Ready("done");
        }
        if !self.waker.as_ref().is_some_and(|waker| waker.will_wake(cx.waker())) {
            let (waker, until) = (cx.waker().clone(), self.until);
            self.waker = Some(waker.clone());
            std::thread::spawn(move || {
                std::thread::sleep(until.saturating_duration_since(std::time::Instant::now()));
                waker.wake();
            });
        }
        Poll::Pending
    }
}

#[rt::test]
async fn a_future_by_hand_moves_between_tasks() {
    let mut delay =
        Delay { until: std::time::Instant::now() + Duration::from_millis(20), waker: None };
    let first = poll_fn(|cx| Poll::Ready(Pin::new(&mut delay).poll(cx))).await;
    let output = match first {
        Poll::Ready(output) => output,
        Poll::Pending => rt::spawn(delay).await.unwrap(),
    };
    assert_eq!(output, "done");
}

/// A stream by hand: so many ticks, 10 ms apart.
struct Ticks {
    left: usize,
    next: Pin<Box<rt::time::Sleep>>,
}

impl Stream for Ticks {
    type Item = Instant;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Instant>> {
        if self.left == 0 {
            return Poll::Ready(None);
        }
        std::task::ready!(self.next.as_mut().poll(cx));
        let at = self.next.deadline();
        self.next.as_mut().reset(at + Duration::from_millis(10));
        self.left -= 1;
        Poll::Ready(Some(at))
    }
}

#[rt::test(start_paused = true)]
async fn a_stream_by_hand() {
    let start = Instant::now();
    let ticks = Ticks { left: 5, next: Box::pin(sleep(Duration::from_millis(10))) };
    let at: Vec<_> = ticks.map(|at| (at - start).as_millis()).filter(|ms| *ms > 20).collect().await;
    assert_eq!(at, [30, 40, 50]);
}
