//! What is slow, stopped or scarce: peers that send a byte a second, a process that was stopped for a while, a
//! clock that jumps, memory that runs out; and children that are started meanwhile.
#![cfg(target_os = "linux")]

use std::future::Future;
use std::io::Read;
use std::os::unix::process::{CommandExt, ExitStatusExt};
use std::pin::Pin;
use std::process::{Command, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::task::{Context, Waker};
use std::time::Duration;

use heist::net::{TcpListener, TcpStream};
use heist::runtime::Builder;
use heist::time::{self, Instant, MissedTickBehavior};
use heist_tests::foreign::assert_sound;
use heist_tests::{eventually, in_own_process, on_two_workers, two_workers};
use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

const MS: Duration = Duration::from_millis(1);

#[test]
fn peers_that_send_a_byte_a_second_are_heard_and_cost_nothing_in_between() {
    const PEERS: usize = 300;
    const BYTES: u8 = 3;
    on_two_workers(async {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let addr = listener.local_addr().unwrap();
        let metrics = heist::runtime::Handle::current().metrics();
        let polls = metrics.poll_count();
        let peers: Vec<_> = (0..PEERS as u32)
            .map(|n| {
                heist::spawn(async move {
                    let stream = TcpStream::connect(addr).await.unwrap();
                    time::sleep(MS * n).await;
                    for byte in 0..BYTES {
                        stream.write_all(&[byte]).await.unwrap();
                        time::sleep(MS * 1000).await;
                    }
                    // A reset leaves no port behind that nobody can use for a minute.
                    stream.read(&mut [0]).await.unwrap();
                    stream.set_linger(Some(Duration::ZERO)).unwrap();
                })
            })
            .collect();
        let mut sessions = Vec::new();
        for _ in 0..PEERS {
            let (stream, _) = listener.accept().await.unwrap();
            sessions.push(heist::spawn(async move {
                for expected in 0..BYTES {
                    let mut byte = [0];
                    // The patience is for each byte, not for all of them.
                    let read = time::timeout(MS * 30_000, stream.read(&mut byte)).await;
                    assert_eq!((read.unwrap().unwrap(), byte), (1, [expected]));
                }
                stream.write_all(b"x").await.unwrap();
            }));
        }
        for task in sessions.into_iter().chain(peers) {
            task.await.unwrap();
        }
        // Two or three for each byte, on either side; a wait that is a loop would need millions.
        let polls = metrics.poll_count() - polls;
        assert!(polls < 20 * PEERS as u64 * u64::from(BYTES), "{polls} polls");
        eventually("nothing is open", || metrics.num_io_sources() == 1).await;
    });
}

/// The ticks that an interval has told of, until `over`.
async fn tick(missed: MissedTickBehavior, over: Arc<AtomicBool>) -> Vec<Instant> {
    let mut interval = time::interval(MS * 10);
    interval.set_missed_tick_behavior(missed);
    let mut ticks = Vec::new();
    while !over.load(Ordering::Relaxed) {
        let scheduled = interval.tick().await;
        assert!(Instant::now() >= scheduled, "too early");
        ticks.push(scheduled);
    }
    ticks
}

#[test]
fn a_process_that_was_stopped_has_lost_no_timer_and_catches_up_as_told() {
    if !in_own_process("a_process_that_was_stopped_has_lost_no_timer_and_catches_up_as_told") {
        return;
    }
    for flavour in [Builder::new_multi_thread, Builder::new_current_thread] {
        let runtime = flavour().worker_threads(2).build().unwrap();
        heist::__private::block_on_with_timeout(&runtime, 60_000, async {
            let over = Arc::new(AtomicBool::new(false));
            let [burst, delay, skip] =
                [MissedTickBehavior::Burst, MissedTickBehavior::Delay, MissedTickBehavior::Skip]
                    .map(|missed| heist::spawn(tick(missed, over.clone())));
            // Most of them are due while nobody is there to fire them.
            let start = Instant::now();
            let sleeps: Vec<_> = (0..5000u32)
                .map(|n| {
                    heist::spawn(async move {
                        let at = start + MS * (n % 1500);
                        time::sleep_until(at).await;
                        assert!(Instant::now() >= at, "too early");
                        let slow = time::timeout(MS * 20, std::future::pending::<()>());
                        assert!(slow.await.is_err());
                    })
                })
                .collect();
            let this = std::process::id();
            // On a busy machine it takes a while until the process has stopped.
            let script = format!(
                "sleep 0.3; kill -STOP {this}; \
                 until grep -q '^State:.T' /proc/{this}/status; do sleep 0.01; done; \
                 sleep 1; kill -CONT {this}"
            );
            // The stop is seen as a leap of the clock.
            let (mut before, mut stopped) = (Instant::now(), false);
            let mut stopper = Command::new("sh").args(["-c", &script]).spawn().unwrap();
            while !stopped {
                time::sleep(MS).await;
                stopped = before.elapsed() > MS * 900;
                before = Instant::now();
            }
            for sleep in sleeps {
                sleep.await.unwrap();
            }
            over.store(true, Ordering::Relaxed);
            let gaps = |ticks: &[Instant]| -> Vec<Duration> {
                ticks.windows(2).map(|pair| pair[1] - pair[0]).collect()
            };
            let burst = gaps(&burst.await.unwrap());
            assert!(burst.len() > 90 && burst.iter().all(|&gap| gap == MS * 10), "none is missing");
            let delay = gaps(&delay.await.unwrap());
            assert!(delay.iter().all(|&gap| gap >= MS * 10), "never two at once: {delay:?}");
            assert!(delay.iter().any(|&gap| gap > MS * 800), "those that were missed are");
            let skip = gaps(&skip.await.unwrap());
            let period = (MS * 10).as_nanos();
            assert!(skip.iter().all(|gap| gap.as_nanos() % period == 0), "on schedule: {skip:?}");
            assert!(skip.iter().any(|&gap| gap > MS * 800), "those that were missed are");
            assert!(stopper.wait().unwrap().success());
        });
        assert_sound(runtime);
    }
}

#[test]
fn wherever_the_clock_jumps_what_is_due_fires_and_nothing_else() {
    let runtime = Builder::new_current_thread().start_paused(true).build().unwrap();
    runtime.block_on(async {
        let mut seed = 7u64;
        let mut draw = |bits: u32| {
            seed = seed.wrapping_mul(0x5851_f42d_4c95_7f2d).wrapping_add(1);
            // Every order of magnitude is as likely as any other.
            (seed >> 20) & ((1 << ((seed >> 58) as u32 * bits / 64)) - 1)
        };
        let fired = Arc::new(AtomicUsize::new(0));
        let mut pending: Vec<(Instant, heist::task::JoinHandle<()>)> = Vec::new();
        let mut expected = 0;
        for _ in 0..200 {
            for _ in 0..50 {
                // From a microsecond to a year.
                let at = Instant::now() + Duration::from_micros(1 + draw(45));
                let fired = fired.clone();
                let sleep = heist::spawn(async move {
                    time::sleep_until(at).await;
                    fired.fetch_add(1, Ordering::Relaxed);
                });
                pending.push((at, sleep));
            }
            // They must be filed before the clock goes on.
            heist::testing::wait_until_idle().await;
            let (leap, before) = (Duration::from_micros(draw(45)), Instant::now());
            time::advance(leap).await;
            heist::testing::wait_until_idle().await;
            assert_eq!(before.elapsed(), leap);
            let now = Instant::now();
            let (due, later): (Vec<_>, Vec<_>) =
                pending.into_iter().partition(|(at, _)| *at <= now);
            expected += due.len();
            pending = later;
            assert_eq!(fired.load(Ordering::Relaxed), expected, "after a leap of {leap:?}");
            for (_, sleep) in due {
                sleep.await.unwrap();
            }
            assert!(pending.iter().all(|(_, sleep)| !sleep.is_finished()));
        }
        assert!(expected > 1000 && !pending.is_empty());
        assert_eq!(Instant::now(), Instant::now(), "all of this took no time of its own");
    });
}

/// In the environment of the process that uses up its memory.
const GREEDY: &str = "HEIST_TEST_GREEDY";

#[test]
fn without_memory_the_process_ends_in_words_and_at_once() {
    const TEST: &str = "without_memory_the_process_ends_in_words_and_at_once";
    if std::env::var_os(GREEDY).is_some() {
        let runtime = two_workers();
        runtime.block_on(async {
            heist::spawn(heist::task::yield_now()).await.unwrap();
            let statm = std::fs::read_to_string("/proc/self/statm").unwrap();
            let pages: u64 = statm.split(' ').next().unwrap().parse().unwrap();
            let limit = Some(pages * 4096 + (64 << 20));
            setrlimit(Resource::As, Rlimit { current: limit, ..getrlimit(Resource::As) }).unwrap();
            for _ in 0..10_000 {
                heist::spawn(async {
                    let large = [1u8; 1 << 15];
                    std::future::pending::<()>().await;
                    std::hint::black_box(&large);
                });
            }
        });
        unreachable!("there is no memory for all of them");
    }
    let mut child = Command::new(std::env::current_exe().unwrap())
        .args([TEST, "--exact", "--test-threads=1", "--nocapture"])
        .env(GREEDY, "1")
        .stdout(Stdio::null())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let mut words = String::new();
    child.stderr.take().unwrap().read_to_string(&mut words).unwrap();
    let status = child.wait().unwrap();
    assert_eq!(status.signal(), Some(libc::SIGABRT), "{status}: {words}");
    // What could not be had is a task, or what a thread needs that has just begun.
    assert!(words.contains("memory"), "{words}");
}

#[test]
fn children_that_are_started_under_load_inherit_nothing() {
    if !in_own_process("children_that_are_started_under_load_inherit_nothing") {
        return;
    }
    let runtime = two_workers();
    heist::__private::block_on_with_timeout(&runtime, 60_000, async {
        let over = Arc::new(AtomicBool::new(false));
        // Descriptors of every kind come and go meanwhile, on both workers and beside them.
        let mut load = Vec::new();
        for _ in 0..4 {
            let is_over = over.clone();
            load.push(heist::spawn(async move {
                while !is_over.load(Ordering::Relaxed) {
                    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
                    let addr = listener.local_addr().unwrap();
                    let (near, far) = heist::join!(TcpStream::connect(addr), listener.accept());
                    near.unwrap().set_linger(Some(Duration::ZERO)).unwrap();
                    let udp = heist::net::UdpSocket::bind("127.0.0.1:0").await.unwrap();
                    let unix = heist::net::UnixStream::pair().unwrap();
                    let hangup = heist::signal::unix::SignalKind::hangup();
                    let signal = heist::signal::unix::signal(hangup).unwrap();
                    let pipe = heist::net::unix::pipe::pipe().unwrap();
                    let file = heist::fs::File::open("/dev/null").await.unwrap();
                    drop((far.unwrap(), udp, unix, signal, pipe, file));
                    let small = Builder::new_current_thread().build().unwrap();
                    small.shutdown_background();
                }
            }));
        }
        let list = ["-c", "for fd in /proc/$$/fd/*; do readlink $fd; done; true"];
        for round in 0..60 {
            let output = match round % 3 {
                0 => heist::process::Command::new("sh").args(list).output().await.unwrap(),
                // As the standard library does it, by one system call or by `fork` and `exec`.
                1 => heist::task::spawn_blocking(move || Command::new("sh").args(list).output())
                    .await
                    .unwrap()
                    .unwrap(),
                _ => heist::task::spawn_blocking(move || {
                    let mut command = Command::new("sh");
                    // SAFETY: a function that does nothing may run between `fork` and `exec`.
                    unsafe { command.pre_exec(|| Ok(())) };
                    command.args(list).output()
                })
                .await
                .unwrap()
                .unwrap(),
            };
            let open = String::from_utf8(output.stdout).unwrap();
            assert!(open.contains("pipe:"), "its output at least: {open}");
            let ours = |line: &&str| line.starts_with("socket:") || line.starts_with("anon_inode:");
            assert_eq!(open.lines().find(ours), None, "inherited in round {round}: {open}");
            let pipes = open.lines().filter(|line| line.starts_with("pipe:")).count();
            assert!(pipes <= 3, "inherited in round {round}: {open}");
        }
        over.store(true, Ordering::Relaxed);
        for task in load {
            task.await.unwrap();
        }
    });
    assert_sound(runtime);
}

#[test]
fn a_timer_in_hand_is_due_when_the_clock_has_jumped_past_it() {
    // By hand, so that it moves from worker to worker, and from wheel to wheel, with a leap in between.
    let runtime = Builder::new_multi_thread().worker_threads(2).start_paused(true).build().unwrap();
    runtime.block_on(async {
        for n in 1..200u32 {
            let mut sleep = Box::pin(time::sleep(MS * n));
            let poll = |sleep: &mut Pin<Box<time::Sleep>>| {
                sleep.as_mut().poll(&mut Context::from_waker(Waker::noop())).is_ready()
            };
            assert!(!poll(&mut sleep));
            let moved = heist::spawn(async move {
                assert!(!sleep.as_mut().poll(&mut Context::from_waker(Waker::noop())).is_ready());
                // Not by itself, since what a task returns is seldom to be awaited.
                (sleep,)
            });
            let (mut sleep,) = moved.await.unwrap();
            time::advance(MS * n).await;
            assert!(poll(&mut sleep), "it was due at {n} ms");
        }
    });
}
