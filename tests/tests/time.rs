//! Timers: never early, in order, and on a clock that tests hold still.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant as RealInstant};

use heist::net::{TcpListener, TcpStream, UnixStream};
use heist::runtime::Builder;
use heist::time::{self, Instant, MissedTickBehavior};
use heist_tests::on_two_workers;

#[test]
fn sleeps_are_never_early() {
    on_two_workers(async {
        let tasks: Vec<_> = (0..200u64)
            .map(|n| {
                heist::spawn(async move {
                    let duration = Duration::from_micros(n * 137);
                    let start = RealInstant::now();
                    time::sleep(duration).await;
                    assert!(start.elapsed() >= duration);
                })
            })
            .collect();
        for task in tasks {
            task.await.unwrap();
        }
    });
}

#[test]
fn a_timeout_ends_what_takes_too_long_and_drops_it() {
    on_two_workers(async {
        let slow = time::timeout(Duration::from_millis(1), std::future::pending::<()>());
        let error = slow.await.unwrap_err();
        assert_eq!(error.to_string(), "deadline has elapsed");
        assert_eq!(std::io::Error::from(error).kind(), std::io::ErrorKind::TimedOut);
        assert_eq!(time::timeout(Duration::ZERO, async { 5 }).await, Ok(5));
    });
}

#[test]
fn durations_that_overflow_are_far_away() {
    on_two_workers(async {
        let forever = heist::spawn(time::sleep(Duration::MAX));
        assert!(time::timeout(Duration::from_millis(2), forever).await.is_err());
        assert_eq!(time::timeout(Duration::MAX, async { 1 }).await, Ok(1));
        let far = time::sleep(Duration::MAX).deadline();
        assert!(far > Instant::now() + Duration::from_secs(86400 * 365 * 20));
    });
}

#[test]
fn a_sleep_is_reset_in_place() {
    on_two_workers(async {
        let sleep = time::sleep(Duration::from_secs(3600));
        heist::pin!(sleep);
        let waited = heist::select! {
            _ = &mut sleep => "the hour",
            _ = time::sleep(Duration::from_millis(1)) => "a moment",
        };
        assert_eq!(waited, "a moment");
        let deadline = Instant::now() + Duration::from_millis(3);
        sleep.as_mut().reset(deadline);
        sleep.as_mut().await;
        assert!(Instant::now() >= deadline && sleep.is_elapsed());
        sleep.as_mut().reset(Instant::now() + Duration::from_millis(1));
        assert!(!sleep.is_elapsed());
        sleep.await;
    });
}

fn paused(workers: usize) -> heist::runtime::Runtime {
    let mut builder = match workers {
        1 => Builder::new_current_thread(),
        _ => Builder::new_multi_thread(),
    };
    builder.worker_threads(workers).start_paused(true).build().unwrap()
}

#[test]
fn a_paused_clock_jumps_to_exactly_the_nominal_times() {
    for workers in [1, 2] {
        let real = RealInstant::now();
        paused(workers).block_on(async {
            let start = Instant::now();
            let tasks: Vec<_> = (1..=24u64)
                .map(|hour| {
                    heist::spawn(async move {
                        time::sleep(Duration::from_secs(3600 * hour)).await;
                        assert_eq!(start.elapsed(), Duration::from_secs(3600 * hour));
                    })
                })
                .collect();
            for task in tasks {
                task.await.unwrap();
            }
            assert_eq!(start.elapsed(), Duration::from_secs(24 * 3600));
        });
        assert!(real.elapsed() < Duration::from_secs(60), "a day passes in no time");
    }
}

#[test]
fn a_paused_clock_waits_for_blocking_jobs() {
    for workers in [1, 2] {
        paused(workers).block_on(async {
            let start = Instant::now();
            let job = heist::task::spawn_blocking(|| {
                std::thread::sleep(Duration::from_millis(20));
                Instant::now()
            });
            let sleeper = heist::spawn(time::sleep(Duration::from_secs(1)));
            assert_eq!(job.await.unwrap(), start, "time stood still during the job");
            sleeper.await.unwrap();
            assert_eq!(start.elapsed(), Duration::from_secs(1));
        });
    }
}

#[test]
fn a_paused_clock_waits_for_code_that_blocks_in_place() {
    paused(2).block_on(async {
        let start = Instant::now();
        let sleeper = heist::spawn(time::sleep(Duration::from_secs(1)));
        let blocking = heist::spawn(async {
            heist::task::block_in_place(|| {
                std::thread::sleep(Duration::from_millis(20));
                Instant::now()
            })
        });
        assert_eq!(blocking.await.unwrap(), start, "time stood still during the call");
        sleeper.await.unwrap();
        assert_eq!(start.elapsed(), Duration::from_secs(1));
    });
}

#[test]
fn a_paused_clock_does_not_leap_over_what_a_socket_has() {
    let hour = Duration::from_secs(3600);
    for workers in [1, 2, 4] {
        paused(workers).block_on(async {
            let start = Instant::now();
            let (one, other) = UnixStream::pair().unwrap();
            let server = heist::spawn(async move {
                let mut buffer = [0; 4];
                for _ in 0..1000 {
                    time::timeout(hour, other.read_exact(&mut buffer)).await.unwrap().unwrap();
                    other.write_all(&buffer).await.unwrap();
                }
                other
            });
            let mut buffer = [0; 4];
            for round in 0..1000_u32 {
                one.write_all(&round.to_le_bytes()).await.unwrap();
                time::timeout(hour, one.read_exact(&mut buffer)).await.unwrap().unwrap();
                assert_eq!(u32::from_le_bytes(buffer), round);
            }
            server.await.unwrap();
            assert_eq!(start.elapsed(), Duration::ZERO);
        });
    }
}

#[test]
fn a_paused_clock_lets_sockets_work_and_does_not_wait_for_them() {
    for workers in [1, 2] {
        let real = RealInstant::now();
        paused(workers).block_on(async {
            let start = Instant::now();
            let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
            let addr = listener.local_addr().unwrap();
            let server = heist::spawn(async move {
                let (stream, _) = listener.accept().await.unwrap();
                let mut buffer = [0; 4];
                for _ in 0..100 {
                    stream.read_exact(&mut buffer).await.unwrap();
                    stream.write_all(&buffer).await.unwrap();
                }
                stream
            });
            let client = TcpStream::connect(addr).await.unwrap();
            let mut buffer = [0; 4];
            for round in 0..100_u32 {
                client.write_all(&round.to_le_bytes()).await.unwrap();
                client.read_exact(&mut buffer).await.unwrap();
                assert_eq!(u32::from_le_bytes(buffer), round);
            }
            let server = server.await.unwrap();
            assert_eq!(start.elapsed(), Duration::ZERO, "no timer was there to jump to");
            // Data that does not come holds up neither a time-out nor a sleep elsewhere.
            let hour = Duration::from_secs(3600);
            let sleeper = heist::spawn(time::sleep(hour / 2));
            assert!(time::timeout(hour, client.read(&mut buffer)).await.is_err());
            assert_eq!(start.elapsed(), hour);
            assert!(sleeper.is_finished());
            // The stream is none the worse for it.
            let (read, written) =
                heist::join!(client.read_exact(&mut buffer), server.write_all(b"late"));
            assert!(read.is_ok() && written.is_ok());
            assert_eq!(&buffer, b"late");
        });
        assert!(real.elapsed() < Duration::from_secs(60), "the hour takes no time");
    }
}

#[test]
fn advance_fires_what_is_due() {
    paused(1).block_on(async {
        let sleeper = heist::spawn(time::sleep(Duration::from_millis(10)));
        heist::task::yield_now().await;
        time::advance(Duration::from_millis(9)).await;
        assert!(!sleeper.is_finished());
        time::advance(Duration::from_millis(1)).await;
        assert!(sleeper.is_finished());
        time::resume();
        let start = Instant::now();
        time::sleep(Duration::from_millis(2)).await;
        assert!(start.elapsed() >= Duration::from_millis(2));
        time::pause();
        let start = Instant::now();
        time::sleep(Duration::from_secs(100)).await;
        assert_eq!(start.elapsed(), Duration::from_secs(100));
    });
}

#[test]
fn intervals_tick_on_their_schedule_and_miss_ticks_as_told() {
    paused(1).block_on(async {
        let start = Instant::now();
        let ms = Duration::from_millis;
        for (behavior, expected) in [
            // The two that were missed come at once, and the third is on time.
            (MissedTickBehavior::Burst, [250, 250, 300, 400]),
            (MissedTickBehavior::Delay, [250, 350, 450, 550]),
            (MissedTickBehavior::Skip, [250, 300, 400, 500]),
        ] {
            let begun = Instant::now();
            let mut interval = time::interval(ms(100));
            interval.set_missed_tick_behavior(behavior);
            interval.tick().await;
            assert_eq!(begun.elapsed(), Duration::ZERO);
            time::sleep(ms(250)).await;
            let mut ticks = Vec::new();
            for _ in 0..4 {
                interval.tick().await;
                ticks.push(begun.elapsed().as_millis());
            }
            assert_eq!(ticks, expected, "{behavior:?}");
        }
        assert!(start.elapsed() > ms(100));
    });
}

#[heist::test(start_paused = true, timeout = "30s")]
async fn an_interval_that_is_reset_goes_on_from_there() {
    let start = Instant::now();
    let ms = Duration::from_millis;
    let mut interval = time::interval(ms(100));
    let next_two = async |interval: &mut time::Interval| {
        let scheduled = [interval.tick().await, interval.tick().await];
        assert_eq!(start.elapsed(), scheduled[1] - start, "a tick comes when it is due");
        scheduled.map(|tick| (tick - start).as_millis())
    };
    assert_eq!(next_two(&mut interval).await, [0, 100]);
    time::sleep(ms(30)).await;
    interval.reset();
    assert_eq!(next_two(&mut interval).await, [230, 330], "a period from the reset");
    time::sleep(ms(30)).await;
    interval.reset_immediately();
    assert_eq!(next_two(&mut interval).await, [360, 460], "at the reset");
    interval.reset_after(ms(7));
    assert_eq!(next_two(&mut interval).await, [467, 567], "7 ms from the reset");
    interval.reset_at(start + ms(1000));
    assert_eq!(next_two(&mut interval).await, [1000, 1100], "at the time given");
    // One that has passed is a tick that was missed.
    interval.reset_at(start + ms(1050));
    assert_eq!(interval.tick().await - start, ms(1050));
    assert_eq!(start.elapsed(), ms(1100));
    assert_eq!(interval.period(), ms(100));
}

#[heist::test(start_paused = true, timeout = "30s")]
async fn a_future_has_until_its_deadline_and_is_dropped_then() {
    struct Flag(Arc<AtomicBool>);
    impl Drop for Flag {
        fn drop(&mut self) {
            self.0.store(true, Ordering::SeqCst);
        }
    }
    let start = Instant::now();
    let deadline = start + Duration::from_secs(10);
    let in_time = async {
        time::sleep(Duration::from_secs(9)).await;
        "in time"
    };
    assert_eq!(time::timeout_at(deadline, in_time).await, Ok("in time"));
    assert_eq!(start.elapsed(), Duration::from_secs(9));
    let dropped = Arc::new(AtomicBool::new(false));
    let flag = Flag(dropped.clone());
    let late = async move {
        let _flag = flag;
        time::sleep(Duration::from_secs(9)).await;
    };
    assert!(time::timeout_at(deadline, late).await.is_err());
    assert_eq!(start.elapsed(), Duration::from_secs(10), "what is left of the time, and no more");
    assert!(dropped.load(Ordering::SeqCst), "the future that was too late is dropped");
}

#[test]
fn sleeps_may_be_made_and_dropped_anywhere() {
    let outside = Box::pin(time::sleep(Duration::from_millis(1)));
    let (sender, receiver) = std::sync::mpsc::channel();
    on_two_workers(async move {
        outside.await;
        for _ in 0..100 {
            let mut pending = Box::pin(time::sleep(Duration::from_secs(3600)));
            assert!(futures_lite::future::poll_once(&mut pending).await.is_none());
            sender.send(pending).unwrap();
        }
    });
    // The runtime is gone: what was pending is dropped here, on a foreign thread.
    assert_eq!(receiver.into_iter().count(), 100);
}

#[heist::test(start_paused = true, timeout = "30s")]
async fn calls_are_made_when_they_are_due_and_not_when_they_were_taken_back() {
    let start = heist::time::Instant::now();
    let (calls, mut made) = heist::sync::mpsc::unbounded_channel();
    let timers = [3, 1, 2].map(|seconds| {
        let calls = calls.clone();
        heist::time::after(Duration::from_secs(seconds), move || calls.send(seconds).unwrap())
    });
    drop(calls);
    assert_eq!(timers[0].deadline() - start, Duration::from_secs(3));
    timers[2].cancel();
    assert_eq!(made.recv().await, Some(1));
    assert_eq!(start.elapsed(), Duration::from_secs(1));
    assert!(timers[1].is_finished() && timers[2].is_finished() && !timers[0].is_finished());
    // The senders of the call that was taken back are gone with it.
    assert_eq!((made.recv().await, made.recv().await), (Some(3), None));
    assert_eq!(start.elapsed(), Duration::from_secs(3));
    timers[0].cancel();
}
