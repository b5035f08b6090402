//! A pair of connected sockets beside two queues of bytes: reads, writes, waits that are given up, ends.
//! What is there is read, in order; who waits for it is woken; who waits for room is, too.

use std::cell::RefCell;
use std::collections::VecDeque;
use std::future::{Future, poll_fn};
use std::io::ErrorKind;
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::task::Poll;
use std::time::Duration;

use heist::net::UnixStream;
use heist::runtime::{Builder, Runtime};

/// One of the two sockets, and what is on the way to it.
struct Side {
    socket: Arc<UnixStream>,
    incoming: VecDeque<u8>,
    /// No more bytes will be sent to it.
    ended: bool,
    /// The next byte that it sends.
    next: u8,
    /// A read under way.
    reading: Option<Reading>,
}

type Reading = Pin<Box<dyn Future<Output = Vec<u8>>>>;

impl Side {
    fn new(socket: UnixStream) -> Side {
        let socket = Arc::new(socket);
        Side { socket, incoming: VecDeque::new(), ended: false, next: 0, reading: None }
    }

    fn read(&self, most: usize) -> impl Future<Output = Vec<u8>> + use<> {
        let socket = self.socket.clone();
        async move {
            let mut buffer = vec![0; most];
            let read = socket.read(&mut buffer).await.expect("the other side is there");
            buffer.truncate(read);
            buffer
        }
    }

    fn arrived(&mut self, bytes: &[u8]) {
        assert!(!bytes.is_empty() || (self.ended && self.incoming.is_empty()), "ended too early");
        let expected: Vec<u8> = self.incoming.drain(..bytes.len()).collect();
        assert_eq!(bytes, expected, "other bytes than were sent");
    }

    /// Whether a read has something to tell.
    fn is_readable(&self) -> bool {
        self.ended || !self.incoming.is_empty()
    }
}

/// Awaits what must come about, and soon.
async fn surely<F: Future>(what: &str, future: F) -> F::Output {
    let limit = Duration::from_secs(10);
    let outcome = heist::time::timeout(limit, future).await;
    outcome.unwrap_or_else(|_| panic!("{what} although it could go on"))
}

/// Polls once, and gives up.
async fn at_once<F: Future>(future: F) -> Option<F::Output> {
    let mut future = pin!(future);
    poll_fn(|cx| match future.as_mut().poll(cx) {
        Poll::Ready(output) => Poll::Ready(Some(output)),
        Poll::Pending => Poll::Ready(None),
    })
    .await
}

/// `from` writes without waiting; returns whether there was room for all.
fn write(from: &mut Side, to: &mut Side, count: usize) -> bool {
    let bytes: Vec<u8> = (0..count).map(|n| from.next.wrapping_add(n as u8)).collect();
    let mut left = &bytes[..];
    while !left.is_empty() {
        match from.socket.try_write(left) {
            Ok(written) => {
                from.next = from.next.wrapping_add(written as u8);
                to.incoming.extend(&left[..written]);
                left = &left[written..];
            }
            Err(error) => {
                assert_eq!(error.kind(), ErrorKind::WouldBlock);
                return false;
            }
        }
    }
    true
}

async fn drive(data: &[u8]) {
    let (a, b) = UnixStream::pair().expect("cannot make a pair of sockets");
    let mut sides = [Side::new(a), Side::new(b)];
    let mut bytes = data.iter().copied();
    while let (Some(what), size) = (bytes.next(), bytes.next().unwrap_or(1)) {
        let [left, right] = &mut sides;
        let (me, other) = if what & 128 == 0 { (left, right) } else { (right, left) };
        let size = usize::from(size).max(1);
        match what & 15 {
            0..=2 if !other.ended => {
                write(me, other, size);
            }
            // Takes long, so not often.
            3 if !other.ended && size < 4 => {
                // Until there is no room; then there is as soon as the other side has read.
                while write(me, other, 64 * 1024) {}
                if other.reading.is_none() {
                    assert!(at_once(me.socket.writable()).await.is_none_or(|ready| ready.is_ok()));
                    while !other.incoming.is_empty() {
                        let read = surely("a read waits", other.read(size * 64 * 1024)).await;
                        other.arrived(&read);
                    }
                    surely("waits for room", me.socket.writable()).await.expect("it is open");
                    assert!(write(me, other, 1), "no room in an empty socket");
                }
            }
            4 | 5 if me.reading.is_none() && me.is_readable() => {
                let read = surely("a read waits", me.read(size)).await;
                me.arrived(&read);
            }
            6 if me.reading.is_none() => match at_once(me.read(size)).await {
                Some(read) => me.arrived(&read),
                // It has not heard of them yet, and they must not be lost with it.
                None => assert!(!me.ended || !me.incoming.is_empty() || me.is_readable()),
            },
            7 if me.reading.is_none() => {
                let mut reading: Reading = Box::pin(me.read(size));
                match at_once(&mut reading).await {
                    Some(read) => me.arrived(&read),
                    None => me.reading = Some(reading),
                }
            }
            8 => drop(me.reading.take()),
            9 => {
                if let (true, Some(reading)) = (me.is_readable(), me.reading.take()) {
                    let read = surely("a read under way waits", reading).await;
                    me.arrived(&read);
                }
            }
            10 if me.reading.is_none() => {
                let mut buffer = vec![0; size];
                match me.socket.try_read(&mut buffer) {
                    Ok(read) => me.arrived(&buffer[..read]),
                    Err(error) => assert_eq!(error.kind(), ErrorKind::WouldBlock),
                }
            }
            11 if me.is_readable() => {
                surely("waits for bytes", me.socket.readable()).await.expect("it is open");
            }
            12 => drop(at_once(me.socket.readable()).await),
            13 => drop(at_once(me.socket.writable()).await),
            14 if size < 32 && !other.ended => {
                me.socket.shutdown().await.expect("cannot shut down");
                other.ended = true;
            }
            15 => heist::task::yield_now().await,
            _ => {}
        }
    }
    // Whatever was given up on the way: what was sent arrives.
    for me in &mut sides {
        while !me.incoming.is_empty() {
            let read = match me.reading.take() {
                Some(reading) => surely("a read under way waits", reading).await,
                None => surely("a read waits", me.read(4096)).await,
            };
            me.arrived(&read);
        }
    }
}

thread_local! {
    static RUNTIME: RefCell<Option<Runtime>> = const { RefCell::new(None) };
}

/// Goes the steps that the bytes say.
pub(crate) fn go(data: &[u8]) {
    RUNTIME.with_borrow_mut(|runtime| {
        let runtime = runtime.get_or_insert_with(|| {
            Builder::new_current_thread().build().expect("cannot start a runtime")
        });
        runtime.block_on(drive(data));
    });
}
