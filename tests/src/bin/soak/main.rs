//! Everything at once, for as long as one likes: `soak --minutes 3`.
//!
//! It goes in rounds of a few seconds. In each, tasks of every kind run side by side and check what
//! they see; then all of them end, and what is left is compared with what the second round left:
//! no task, no timer, no socket, and not a byte, thread or descriptor more. The first failure
//! ends it, with a dump of the tasks if they are stuck, and with exit code 1.
//!
//! What runs is in [`loads`]; deliberately without any measurement of speed, which is what the
//! benches are for.

mod loads;

use std::process::ExitCode;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::{Duration, Instant};

use heist::runtime::{Builder, Runtime};
use heist_tests::footprint::{CountingAllocator, Footprint};
use loads::{LOADS, Load, Round};

#[global_allocator]
static ALLOCATOR: CountingAllocator = CountingAllocator;

const ROUND: Duration = Duration::from_secs(5);

/// So long may tasks take to end at the end of a round before they count as stuck.
const PATIENCE: Duration = Duration::from_secs(60);

/// The round whose end is what later ones are compared with: by then every table has grown.
const WARM: u64 = 2;

/// How often each load's step has been done.
static STEPS: [AtomicU64; LOADS.len()] = [const { AtomicU64::new(0) }; LOADS.len()];

/// What the rounds leave behind.
#[derive(Default)]
struct Results {
    rounds: u64,
    warm: Option<Footprint>,
    last: Option<Footprint>,
}

fn main() -> ExitCode {
    let Some(time) = minutes() else {
        eprintln!("usage: soak [--minutes N]");
        return ExitCode::from(2);
    };
    heist_tests::foreign::hush();
    let runtime = Builder::new_multi_thread()
        .worker_threads(std::thread::available_parallelism().map_or(2, usize::from).max(2))
        .thread_keep_alive(Duration::from_millis(100))
        .on_unhandled_failure(|failure| {
            // Those that are meant are read by nobody on purpose.
            if !failure.to_string().contains(heist_tests::foreign::MEANT) {
                eprintln!("{failure}");
                std::process::exit(1);
            }
        })
        .build()
        .expect("the system has threads for it");
    let mut results = Results::default();
    let start = Instant::now();
    println!("   time  round      steps  left behind");
    while start.elapsed() < time {
        if let Err(failure) = round(&runtime, &mut results) {
            eprintln!("after {:.0?}, in round {}: {failure}", start.elapsed(), results.rounds);
            return ExitCode::FAILURE;
        }
        let steps: u64 = STEPS.iter().map(|steps| steps.load(Ordering::Relaxed)).sum();
        let left = results.last.expect("a round has ended");
        let elapsed = start.elapsed().as_secs();
        println!("{elapsed:>5} s  {:>5}  {steps:>9}  {left}", results.rounds);
    }
    let report = runtime.shutdown(Duration::from_secs(60));
    if !report.is_clean() {
        eprintln!("{report}");
        return ExitCode::FAILURE;
    }
    table(&results, start.elapsed());
    ExitCode::SUCCESS
}

fn minutes() -> Option<Duration> {
    let args: Vec<_> = std::env::args().skip(1).collect();
    let minutes = match args.iter().map(String::as_str).collect::<Vec<_>>()[..] {
        [] => 1.0,
        ["--minutes", minutes] => minutes.parse().ok()?,
        _ => return None,
    };
    Duration::try_from_secs_f64(minutes * 60.0).ok()
}

/// Runs all loads side by side for a while, ends them, and looks at what is left.
fn round(runtime: &Runtime, results: &mut Results) -> Result<(), String> {
    results.rounds += 1;
    let before: Vec<_> = STEPS.iter().map(|steps| steps.load(Ordering::Relaxed)).collect();
    let stop = Arc::new(AtomicBool::new(false));
    let (ended, end) = std::sync::mpsc::channel();
    let (stopped, seed) = (stop.clone(), results.rounds);
    runtime.spawn(async move { ended.send(run_all(stopped, seed).await) });
    std::thread::sleep(ROUND);
    stop.store(true, Ordering::Relaxed);
    let Ok(outcome) = end.recv_timeout(PATIENCE) else {
        let tasks: Vec<_> =
            runtime.handle().tasks().iter().map(|task| format!("\n  {task}")).collect();
        return Err(format!("the tasks do not end:{}", tasks.concat()));
    };
    outcome?;
    for ((load, steps), before) in LOADS.iter().zip(&STEPS).zip(before) {
        if steps.load(Ordering::Relaxed) == before {
            return Err(format!("{} has made no progress", load.name));
        }
    }
    let warm = results.warm;
    let is_clean = || {
        let metrics = runtime.metrics();
        let left = metrics.num_alive_tasks() + metrics.num_timers() + metrics.num_io_sources();
        let blocking = metrics.num_blocking_threads() + metrics.blocking_queue_depth();
        let grown = warm.is_some_and(|warm| !Footprint::now().is_within(&warm));
        left + blocking == 0 && loads::tickets() == 0 && !grown
    };
    let start = Instant::now();
    while !is_clean() {
        if start.elapsed() > PATIENCE {
            let now = Footprint::now();
            let before = warm.unwrap_or(now);
            return Err(format!(
                "left behind: {} tickets, {:?}; {now} where it was {before}",
                loads::tickets(),
                runtime.metrics()
            ));
        }
        std::thread::sleep(Duration::from_millis(10));
    }
    let now = Footprint::now();
    results.last = Some(now);
    if results.rounds == WARM {
        results.warm = Some(now);
    }
    Ok(())
}

/// Runs so many of each load as it wants, until the round is over.
async fn run_all(stop: Arc<AtomicBool>, seed: u64) -> Result<(), String> {
    let round = Round::begin(stop).await.map_err(|error| error.to_string())?;
    let mut tasks = Vec::new();
    for (load, steps) in LOADS.iter().zip(&STEPS) {
        for n in 0..load.side_by_side {
            let task = repeat(load, steps, round.clone(), (seed << 32) | (tasks.len() as u64 + 1));
            tasks.push(heist::task::Builder::new().name(load.name).spawn(task));
            let _ = n;
        }
    }
    let mut failure = None;
    for task in tasks {
        if let Err(error) = task.await {
            failure = Some(error.to_string());
        }
    }
    round.end().await;
    failure.map_or(Ok(()), Err)
}

async fn repeat(load: &'static Load, steps: &AtomicU64, round: Arc<Round>, seed: u64) {
    let mut dice = loads::Dice::new(seed);
    while !round.is_over() {
        (load.step)(round.clone(), dice.next()).await;
        steps.fetch_add(1, Ordering::Relaxed);
    }
}

fn table(results: &Results, elapsed: Duration) {
    println!("\n{:<12} {:>12}  what was checked", "load", "steps");
    for (load, steps) in LOADS.iter().zip(&STEPS) {
        let steps = steps.load(Ordering::Relaxed);
        println!("{:<12} {steps:>12}  {}", load.name, load.promise);
    }
    println!("\n{} rounds in {:.1?}, all invariants held", results.rounds, elapsed);
    if let (Some(warm), Some(last)) = (results.warm, results.last) {
        println!("after round {WARM}: {warm}\nafter the last:  {last}");
    }
    println!("latest timer: {:.1?} late", loads::latest());
}
