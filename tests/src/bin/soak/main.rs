//! Everything at once, for as long as one likes: `soak --minutes 3`.
//!
//! It goes in rounds of a few seconds. In each, tasks of every kind run side by side and check what
//! they see, and nothing may stall for longer than the system explains. Then all of them end, and
//! what is left is compared with what the second round left: no task, no timer, no socket, and not
//! a byte, thread or descriptor more. The first failure ends it, with a dump of the tasks if they are
//! stuck, and with exit code 1. With `--stall` all workers are blocked now and then, and it must fail.
//!
//! What runs is in [`loads`], and what watches it in [`stalls`]; deliberately without any
//! measurement of speed, which is what the benches are for.

mod loads;
mod stalls;

use std::process::ExitCode;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::{Duration, Instant};

use heist::runtime::{Builder, Runtime};
use heist_tests::footprint::{CountingAllocator, Footprint};
use loads::{LOADS, Load, Round};
use stalls::{StallWatch, Stalls};

#[global_allocator]
static ALLOCATOR: CountingAllocator = CountingAllocator;

const ROUND: Duration = Duration::from_secs(5);

/// So long may tasks take to end at the end of a round before they count as stuck.
const PATIENCE: Duration = Duration::from_secs(60);

/// The round whose end is what later ones are compared with: by then every table has grown.
const WARM: u64 = 2;

/// So many bytes more than then may each worker's thread keep of the memory of tasks. What leaks is told
/// from it by the number of rounds.
const KEPT: isize = 2 << 20;

/// How often each load's step has been done.
static STEPS: [AtomicU64; LOADS.len()] = [const { AtomicU64::new(0) }; LOADS.len()];

/// What the command line asks for.
struct Options {
    time: Duration,
    stall: bool,
}

/// What goes through all rounds.
struct Soak {
    runtime: Runtime,
    workers: usize,
    watch: Arc<StallWatch>,
    rounds: u64,
    stalls: Stalls,
    warm: Option<Footprint>,
    last: Option<Footprint>,
}

fn main() -> ExitCode {
    let Some(options) = options() else {
        eprintln!("usage: soak [--minutes N] [--stall]");
        return ExitCode::from(2);
    };
    heist_tests::foreign::hush();
    let mut soak = Soak::new();
    let start = Instant::now();
    println!("   time  round      steps    latest   its own    stalls  left behind");
    while start.elapsed() < options.time {
        if let Err(failure) = soak.round(options.stall) {
            eprintln!("after {:.0?}, in round {}: {failure}", start.elapsed(), soak.rounds);
            return ExitCode::FAILURE;
        }
        soak.print_line(start.elapsed());
    }
    soak.end(start.elapsed())
}

fn options() -> Option<Options> {
    let (mut minutes, mut stall) = (1.0, false);
    let mut args = std::env::args().skip(1);
    while let Some(arg) = args.next() {
        match arg.as_str() {
            "--minutes" => minutes = args.next()?.parse().ok()?,
            "--stall" => stall = true,
            _ => return None,
        }
    }
    Some(Options { time: Duration::try_from_secs_f64(minutes * 60.0).ok()?, stall })
}

impl Soak {
    fn new() -> Soak {
        let workers = std::thread::available_parallelism().map_or(2, usize::from).max(2);
        let mut builder = Builder::new_multi_thread();
        builder
            .worker_threads(workers)
            .thread_keep_alive(Duration::from_millis(100))
            .on_unhandled_failure(|failure| {
                // Those that are meant are read by nobody on purpose.
                if !failure.to_string().contains(heist_tests::foreign::MEANT) {
                    eprintln!("{failure}");
                    std::process::exit(1);
                }
            });
        let watch = StallWatch::on(&mut builder);
        let runtime = builder.build().expect("the system has threads for it");
        let stalls = Stalls::default();
        Soak { runtime, workers, watch, rounds: 0, stalls, warm: None, last: None }
    }

    /// Runs all loads side by side for a while, ends them, and looks at what is left.
    fn round(&mut self, stall: bool) -> Result<(), String> {
        self.rounds += 1;
        let before: Vec<_> = STEPS.iter().map(|steps| steps.load(Ordering::Relaxed)).collect();
        let stop = Arc::new(AtomicBool::new(false));
        let (ended, end) = std::sync::mpsc::channel();
        let (stopped, watch, seed) = (stop.clone(), self.watch.clone(), self.rounds);
        self.runtime.spawn(async move { ended.send(run_all(stopped, watch, seed).await) });
        std::thread::sleep(ROUND / 2);
        if stall {
            stalls::block_all(&self.runtime, self.workers);
        }
        std::thread::sleep(ROUND / 2);
        stop.store(true, Ordering::Relaxed);
        let Ok(outcome) = end.recv_timeout(PATIENCE) else {
            let tasks = self.runtime.handle().tasks();
            let tasks: Vec<_> = tasks.iter().map(|task| format!("\n  {task}")).collect();
            return Err(format!("the tasks do not end:{}", tasks.concat()));
        };
        outcome?;
        for ((load, steps), before) in LOADS.iter().zip(&STEPS).zip(before) {
            if steps.load(Ordering::Relaxed) == before {
                return Err(format!("{} has made no progress", load.name));
            }
        }
        let stalls = self.watch.take();
        self.stalls.add(&stalls);
        if stalls.is_bad() {
            return Err(format!("the runtime has stalled: {stalls}"));
        }
        self.look_for_leftovers()
    }

    fn look_for_leftovers(&mut self) -> Result<(), String> {
        let start = Instant::now();
        while !self.is_clean() {
            if start.elapsed() > PATIENCE {
                let now = Footprint::now();
                let before = self.warm.unwrap_or(now);
                return Err(format!(
                    "left behind: {} tickets, {:?}; {now} where it was {before}",
                    loads::tickets(),
                    self.runtime.metrics()
                ));
            }
            std::thread::sleep(Duration::from_millis(10));
        }
        self.last = Some(Footprint::now());
        if self.rounds == WARM {
            self.warm = self.last;
        }
        Ok(())
    }

    fn is_clean(&self) -> bool {
        let metrics = self.runtime.metrics();
        let left = metrics.num_alive_tasks() + metrics.num_timers() + metrics.num_io_sources();
        let blocking = metrics.num_blocking_threads() + metrics.blocking_queue_depth();
        let grown = self.warm.is_some_and(|warm| {
            let allowed = Footprint { bytes: warm.bytes + KEPT * self.workers as isize, ..warm };
            !Footprint::now().is_within(&allowed)
        });
        left + blocking == 0 && loads::tickets() == 0 && !grown
    }

    /// One line of the table, about the last round.
    fn print_line(&self, elapsed: Duration) {
        let steps: u64 = STEPS.iter().map(|steps| steps.load(Ordering::Relaxed)).sum();
        let left = self.last.expect("a round has ended");
        let (time, rounds) = (elapsed.as_secs(), self.rounds);
        println!("{time:>5} s  {rounds:>5}  {steps:>9}  {}  {left}", self.stalls.columns());
    }

    /// Ends the runtime, and says what there was.
    fn end(self, elapsed: Duration) -> ExitCode {
        let report = self.runtime.shutdown(Duration::from_secs(60));
        if !report.is_clean() {
            eprintln!("{report}");
            return ExitCode::FAILURE;
        }
        println!("\n{:<12} {:>12}  what was checked", "load", "steps");
        for (load, steps) in LOADS.iter().zip(&STEPS) {
            let steps = steps.load(Ordering::Relaxed);
            println!("{:<12} {steps:>12}  {}", load.name, load.promise);
        }
        println!("\n{} rounds in {elapsed:.1?}, all invariants held", self.rounds);
        if let (Some(warm), Some(last)) = (self.warm, self.last) {
            println!("after round {WARM}: {warm}\nafter the last:  {last}");
        }
        println!("{}", self.stalls);
        ExitCode::SUCCESS
    }
}

/// Runs so many of each load as it wants, until the round is over.
async fn run_all(stop: Arc<AtomicBool>, watch: Arc<StallWatch>, seed: u64) -> Result<(), String> {
    let ticker = heist::spawn(watch.clone().tick());
    let round = Round::begin(stop, watch).await.map_err(|error| error.to_string())?;
    let mut tasks = Vec::new();
    for (load, steps) in LOADS.iter().zip(&STEPS) {
        for _ in 0..load.side_by_side {
            let task = repeat(load, steps, round.clone(), (seed << 32) | (tasks.len() as u64 + 1));
            tasks.push(heist::task::Builder::new().name(load.name).spawn(task));
        }
    }
    let mut failure = None;
    for task in tasks {
        if let Err(error) = task.await {
            failure = Some(error.to_string());
        }
    }
    ticker.abort();
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
