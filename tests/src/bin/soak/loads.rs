//! What runs in a soak. A load is a step that is repeated, by several tasks side by side; it panics
//! if what it was promised does not hold.

use std::future::{Future, pending};
use std::io;
use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicI64, AtomicU64, AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use heist::net::{TcpListener, TcpStream};
use heist::runtime::Builder;
use heist::sync::{Mutex, Semaphore, mpsc, oneshot};
use heist::task::{self, JoinHandle};
use heist_tests::foreign::fail;

use crate::stalls::StallWatch;

type Step = Pin<Box<dyn Future<Output = ()> + Send>>;

/// See the module's documentation.
pub(crate) struct Load {
    pub(crate) name: &'static str,
    pub(crate) promise: &'static str,
    pub(crate) side_by_side: usize,
    /// One step; the number is random.
    pub(crate) step: fn(Arc<Round>, u64) -> Step,
}

macro_rules! loads {
    ($($step:ident, $side_by_side:literal, $promise:literal;)*) => {
        &[$(Load {
            name: stringify!($step),
            promise: $promise,
            side_by_side: $side_by_side,
            step: |round, random| Box::pin($step(round, Dice::new(random))),
        }),*]
    };
}

/// All of them.
pub(crate) const LOADS: &[Load] = loads! {
    spawning, 4, "every task of a tree returns what it was given";
    channels, 4, "each sender's messages arrive once and in order";
    timers, 8, "no sleep ends early, no time-out late";
    sockets, 8, "what is sent comes back, whatever others do to theirs";
    blocking, 3, "jobs run once; a worker that is given away is replaced";
    aborts, 4, "an aborted task is dropped, and says that it was cancelled";
    panics, 2, "a panic reaches whoever joins, and nobody else";
    locks, 6, "never more inside than there are permits; no count is lost";
    hogs, 1, "a task that keeps its worker does not keep the others (see the stalls)";
    runtimes, 1, "a runtime in a runtime ends with all that is in it";
};

/// Random enough, and the same again for the same seed.
pub(crate) struct Dice(u64);

impl Dice {
    pub(crate) fn new(seed: u64) -> Dice {
        Dice(seed.wrapping_mul(0x9E37_79B9_7F4A_7C15) | 1)
    }

    pub(crate) fn next(&mut self) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0
    }

    fn below(&mut self, n: u64) -> u64 {
        (self.next() >> 16) % n
    }

    fn micros(&mut self, n: u64) -> Duration {
        Duration::from_micros(self.below(n))
    }
}

/// What the tasks of a round share.
pub(crate) struct Round {
    over: Arc<AtomicBool>,
    watch: Arc<StallWatch>,
    echo: SocketAddr,
    server: JoinHandle<()>,
    permits: Semaphore,
    inside: AtomicI64,
    count: Mutex<u64>,
    counted: AtomicU64,
}

const PERMITS: i64 = 3;

impl Round {
    /// Starts what the loads need.
    pub(crate) async fn begin(
        over: Arc<AtomicBool>,
        watch: Arc<StallWatch>,
    ) -> io::Result<Arc<Round>> {
        let listener = TcpListener::bind("127.0.0.1:0").await?;
        Ok(Arc::new(Round {
            over,
            watch,
            echo: listener.local_addr()?,
            server: heist::spawn(serve(listener)),
            permits: Semaphore::new(PERMITS as usize),
            inside: AtomicI64::new(0),
            count: Mutex::new(0),
            counted: AtomicU64::new(0),
        }))
    }

    pub(crate) fn is_over(&self) -> bool {
        self.over.load(Ordering::Relaxed)
    }

    /// Ends it, when no load runs any more.
    pub(crate) async fn end(&self) {
        self.server.abort();
        assert_eq!(*self.count.lock().await, self.counted.load(Ordering::Relaxed));
        assert_eq!(self.permits.available_permits(), PERMITS as usize);
    }
}

/// Held by tasks that must be dropped by the end of a round.
struct Ticket(());

static TICKETS: AtomicUsize = AtomicUsize::new(0);

/// How many tickets there are.
pub(crate) fn tickets() -> usize {
    TICKETS.load(Ordering::Relaxed)
}

impl Ticket {
    fn take() -> Ticket {
        TICKETS.fetch_add(1, Ordering::Relaxed);
        Ticket(())
    }
}

impl Drop for Ticket {
    fn drop(&mut self) {
        TICKETS.fetch_sub(1, Ordering::Relaxed);
    }
}

async fn spawning(_: Arc<Round>, mut dice: Dice) {
    fn tree(depth: u64, width: u64) -> Pin<Box<dyn Future<Output = u64> + Send>> {
        Box::pin(async move {
            let _ticket = Ticket::take();
            if depth == 0 {
                return 1;
            }
            let branches: Vec<_> =
                (0..width).map(|_| heist::spawn(tree(depth - 1, width))).collect();
            let mut leaves = 0;
            for branch in branches {
                leaves += branch.await.unwrap();
            }
            leaves
        })
    }
    let (depth, width) = (dice.below(3) + 1, dice.below(6) + 1);
    assert_eq!(tree(depth, width).await, width.pow(depth as u32));
}

async fn channels(_: Arc<Round>, mut dice: Dice) {
    const MESSAGES: u64 = 100;
    let senders = dice.below(4) + 1;
    let (send, mut receive) = mpsc::channel(dice.below(8) as usize + 1);
    for sender in 0..senders {
        let send = send.clone();
        heist::spawn(async move {
            for n in 0..MESSAGES {
                send.send((sender, n, Ticket::take())).await.expect("it is received to the end");
            }
        });
    }
    drop(send);
    let mut next = vec![0; senders as usize];
    while let Some((sender, n, _ticket)) = receive.recv().await {
        let next = &mut next[sender as usize];
        assert_eq!(n, *next);
        *next += 1;
    }
    assert!(next.iter().all(|&next| next == MESSAGES));
    let (answer, answered) = oneshot::channel();
    heist::spawn(async move { answer.send(Ticket::take()) });
    drop(answered.await.expect("it is answered"));
}

async fn timers(_: Arc<Round>, mut dice: Dice) {
    let (start, brief) = (Instant::now(), dice.micros(3000));
    heist::time::sleep(brief).await;
    assert!(start.elapsed() >= brief, "a sleep ended early");
    let brief = dice.micros(1000);
    let never = async {
        let _ticket = Ticket::take();
        pending::<()>().await;
    };
    assert!(heist::time::timeout(brief, never).await.is_err());
    let ready = heist::time::timeout(Duration::from_secs(3600), task::yield_now());
    assert!(ready.await.is_ok());
}

async fn serve(listener: TcpListener) {
    // Those that are left when the round ends are dropped, and end.
    let mut sessions = task::JoinSet::new();
    loop {
        // Connections that were reset before they were accepted are errors, too.
        let Ok((stream, _)) = listener.accept().await else { continue };
        while sessions.try_join_next().is_some() {}
        sessions.spawn(async move {
            let _ticket = Ticket::take();
            let mut buffer = vec![0; 4096];
            while let Ok(n @ 1..) = stream.read(&mut buffer).await {
                if stream.write_all(&buffer[..n]).await.is_err() {
                    break;
                }
            }
        });
    }
}

async fn sockets(round: Arc<Round>, mut dice: Dice) {
    let stream = TcpStream::connect(round.echo).await.expect("the server listens");
    // A reset at the end leaves no port behind that nobody can use for a minute.
    stream.set_linger(Some(Duration::ZERO)).unwrap();
    for _ in 0..dice.below(5) + 1 {
        let sent: Vec<_> = (0..dice.below(20_000) + 1).map(|n| n as u8).collect();
        let mut got = vec![0; sent.len()];
        let (write, read) = heist::join!(stream.write_all(&sent), stream.read_exact(&mut got));
        write.unwrap();
        read.unwrap();
        assert!(sent == got, "the echo is another");
    }
    match dice.below(4) {
        // Drops it in the middle of a message, or of waiting for one that never comes.
        0 => drop(stream.write_all(&[0; 1000]).await),
        1 => {
            let mut byte = [0];
            let read = stream.read(&mut byte);
            assert!(heist::time::timeout(dice.micros(300), read).await.is_err());
        }
        // Half closed: the server sees the end, and ends.
        2 => {
            stream.shutdown().await.unwrap();
            assert_eq!(stream.read(&mut [0; 16]).await.unwrap(), 0);
        }
        _ => {}
    }
}

async fn blocking(_: Arc<Round>, mut dice: Dice) {
    let n = dice.below(1000);
    let jobs = (0..dice.below(4) + 1).map(|_| {
        let ticket = Ticket::take();
        task::spawn_blocking(move || {
            let _ticket = ticket;
            (0..=n).sum::<u64>()
        })
    });
    for job in jobs.collect::<Vec<_>>() {
        assert_eq!(job.await.unwrap(), n * (n + 1) / 2);
    }
    let pause = dice.micros(300);
    task::block_in_place(|| std::thread::sleep(pause));
    let text = heist::fs::read("/proc/self/stat").await.expect("procfs is there");
    assert!(!text.is_empty());
}

async fn aborts(round: Arc<Round>, mut dice: Dice) {
    let kind = dice.below(4);
    let victim = heist::spawn(async move {
        let _ticket = Ticket::take();
        match kind {
            0 => pending().await,
            1 => heist::time::sleep(Duration::from_secs(3600)).await,
            2 => {
                let stream = TcpStream::connect(round.echo).await.unwrap();
                stream.set_linger(Some(Duration::ZERO)).unwrap();
                let _ = stream.read(&mut [0; 16]).await;
            }
            _ => loop {
                task::yield_now().await;
            },
        }
    });
    for _ in 0..dice.below(4) {
        task::yield_now().await;
    }
    if dice.below(3) == 0 {
        heist::time::sleep(dice.micros(200)).await;
    }
    victim.abort();
    let error = victim.await.expect_err("it does not end by itself");
    assert!(error.is_cancelled(), "{error}");
}

async fn panics(_: Arc<Round>, mut dice: Dice) {
    let wait = dice.micros(200);
    let victim = heist::spawn(async move {
        let _ticket = Ticket::take();
        heist::time::sleep(wait).await;
        fail("a task");
    });
    let job = task::spawn_blocking(|| -> () { fail("a job") });
    assert!(victim.await.is_err_and(|error| error.is_panic()));
    assert!(job.await.unwrap_err().is_panic());
    // This one is read by nobody.
    drop(heist::spawn(async {
        let _ticket = Ticket::take();
        fail("a task that nobody joins");
    }));
    heist::time::sleep(dice.micros(1000)).await;
}

async fn locks(round: Arc<Round>, mut dice: Dice) {
    let wait = dice.micros(100);
    let asked = round.permits.acquire();
    // Some give up while they wait.
    let Ok(permit) = heist::time::timeout(dice.micros(20_000), asked).await else { return };
    let _permit = permit.expect("it is not closed");
    let inside = round.inside.fetch_add(1, Ordering::SeqCst) + 1;
    assert!(inside <= PERMITS, "{inside} inside");
    heist::time::sleep(wait).await;
    round.inside.fetch_sub(1, Ordering::SeqCst);
    let mut count = round.count.lock().await;
    let before = *count;
    task::yield_now().await;
    *count = before + 1;
    round.counted.fetch_add(1, Ordering::Relaxed);
}

async fn hogs(_: Arc<Round>, mut dice: Dice) {
    // One at a time, so that there is another worker.
    std::thread::sleep(dice.micros(30_000));
    heist::time::sleep(dice.micros(60_000)).await;
}

async fn runtimes(round: Arc<Round>, mut dice: Dice) {
    let (workers, end) = (dice.below(3) as usize, dice.below(2));
    let job = task::spawn_blocking(move || {
        let mut builder = match workers {
            0 => Builder::new_current_thread(),
            _ => Builder::new_multi_thread(),
        };
        round.watch.heed(builder.worker_threads(workers.max(1)), false);
        let runtime = builder.build().expect("the system has threads for it");
        let ticket = Ticket::take();
        runtime.spawn(async move {
            let _ticket = ticket;
            heist::time::sleep(Duration::from_secs(3600)).await;
        });
        let there = runtime.block_on(async { heist::spawn(async { 7 }).await });
        assert_eq!(there.unwrap(), 7);
        if end == 0 {
            drop(runtime);
        } else {
            runtime.shutdown_background();
        }
    });
    job.await.unwrap();
    heist::time::sleep(dice.micros(5000)).await;
}
