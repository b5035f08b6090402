//! Whether the runtime stalls: a task that ticks each millisecond and sees how late it is, and beside it
//! a count of what the operating system withheld in the same span.
//!
//! The system may withhold time in two ways. It lets a thread wait that wants to run: that is its run
//! delay. Or a core as a whole is gone, to another virtual machine or to interrupts: a thread bound to
//! each core ticks too, and sees how late it is without having waited for other threads.
//!
//! A tick may depend on several threads in turn: on the worker in the reactor, on the watchdog, on the
//! worker in whose queue the ticker lies, and on anyone who holds a lock of the allocator or of the
//! kernel. So the delays of all are added up, which favours the runtime where cores are short. What
//! is left of a tick's lateness is the runtime's doing for certain.
//! Deliberately without a judgement on what the system explains: on a machine with other
//! work there is much of that.

use std::fmt;
use std::fs::File;
use std::os::unix::fs::FileExt;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Barrier, Mutex};
use std::thread::{self, ThreadId};
use std::time::{Duration, Instant};

use heist::runtime::{Builder, Runtime};
use rustix::thread::CpuSet;

/// A tick that is later than this is a stall.
const LIMIT: Duration = Duration::from_millis(10);

const PERIOD: Duration = Duration::from_millis(1);

/// A wake takes about so long at the best of times.
const NEGLIGIBLE: Duration = Duration::from_micros(200);

/// So many periods a thread that does not run is waited for.
const SETTLE_MAX: u32 = 1000;

const SCHEDSTAT: &str = "/proc/thread-self/schedstat";

/// See the module's documentation.
pub(crate) struct StallWatch {
    threads: Mutex<Threads>,
    cores: Vec<Core>,
    seen: Mutex<Stalls>,
}

/// The threads of runtimes.
#[derive(Default)]
struct Threads {
    alive: Vec<Thread>,
    /// The delays of those that have ended.
    ended: Delays,
}

struct Thread {
    id: ThreadId,
    /// Whether ticks go through it: a worker or the watchdog.
    is_essential: bool,
    schedstat: File,
}

/// How long threads were ready to run and were not let.
#[derive(Clone, Copy, Default)]
struct Delays {
    essential: Duration,
    others: Duration,
}

/// How long one core was gone, by the thread that is bound to it.
#[derive(Default)]
struct Core {
    gone_ns: AtomicU64,
}

/// What the system has withheld up to a moment.
#[derive(Default)]
struct Withheld {
    delays: Delays,
    cores: Vec<Duration>,
}

/// How late the ticks were.
#[derive(Clone, Copy, Default)]
pub(crate) struct Stalls {
    ticks: u64,
    latest: Duration,
    /// The same, less what the system withheld.
    latest_of_its_own: Duration,
    explained: u64,
    unexplained: u64,
}

impl StallWatch {
    /// Watches the runtime that `builder` builds next.
    pub(crate) fn on(builder: &mut Builder) -> Arc<StallWatch> {
        let allowed = rustix::thread::sched_getaffinity(None).expect("threads have cores");
        let cores: Vec<_> = (0..CpuSet::MAX_CPU).filter(|&core| allowed.is_set(core)).collect();
        let watch = Arc::new(StallWatch {
            threads: Mutex::default(),
            cores: cores.iter().map(|_| Core::default()).collect(),
            seen: Mutex::default(),
        });
        for (index, core) in cores.into_iter().enumerate() {
            let watch = watch.clone();
            thread::spawn(move || watch.cores[index].tick(core));
        }
        watch.heed(builder, true);
        watch
    }

    /// Heeds the threads of the runtime that `builder` builds next, be it the one that is watched.
    pub(crate) fn heed(self: &Arc<StallWatch>, builder: &mut Builder, is_watched: bool) {
        let (starting, stopping) = (self.clone(), self.clone());
        builder.on_thread_start(move || starting.threads.lock().unwrap().begin(is_watched));
        builder.on_thread_stop(move || stopping.threads.lock().unwrap().end());
    }

    /// Ticks until it is dropped.
    pub(crate) async fn tick(self: Arc<StallWatch>) {
        let (mut before, mut after) = (Withheld::default(), Withheld::default());
        self.look(&mut before);
        let mut next = Instant::now() + PERIOD;
        loop {
            heist::time::sleep_until(next.into()).await;
            let late = next.elapsed();
            self.look(&mut after);
            if late > LIMIT {
                self.settle().await;
                let others = after.delays.others;
                self.look(&mut after);
                after.delays.others = others;
            }
            self.seen.lock().unwrap().note(late, late.saturating_sub(after.since(&before)));
            std::mem::swap(&mut before, &mut after);
            next = (next + PERIOD).max(Instant::now());
        }
    }

    /// Waits until each essential thread has been let run again, since only then the system says
    /// how long it has waited. In a soak none of them sleeps for long. One that was started and has
    /// not been let run yet is waited for, too: it may be the one that a worker was given to.
    async fn settle(&self) {
        let slices = || self.threads.lock().unwrap().slices();
        let (before, unborn) = (slices(), unborn());
        for _ in 0..SETTLE_MAX {
            heist::time::sleep(PERIOD).await;
            let now = slices();
            if before.iter().all(|thread| !now.contains(thread)) && !unborn.iter().any(is_unborn) {
                return;
            }
        }
    }

    /// What was seen since the last time.
    pub(crate) fn take(&self) -> Stalls {
        std::mem::take(&mut self.seen.lock().unwrap())
    }

    fn look(&self, withheld: &mut Withheld) {
        withheld.delays = self.threads.lock().unwrap().delays();
        withheld.cores.clear();
        withheld.cores.extend(self.cores.iter().map(Core::gone));
    }
}

impl Threads {
    /// The calling thread has begun.
    fn begin(&mut self, is_watched: bool) {
        let thread = thread::current();
        let is_blocking = thread.name().is_some_and(|name| name.starts_with("heist-blocking"));
        let (id, is_essential) = (thread.id(), is_watched && !is_blocking);
        // A kernel without these statistics leaves more to explain, and that is all.
        if let Ok(schedstat) = File::open(SCHEDSTAT) {
            self.alive.push(Thread { id, is_essential, schedstat });
        }
    }

    /// The calling thread ends.
    fn end(&mut self) {
        let this = thread::current().id();
        if let Some(index) = self.alive.iter().position(|thread| thread.id == this) {
            let thread = self.alive.swap_remove(index);
            self.ended.add(&thread);
        }
    }

    fn delays(&self) -> Delays {
        let mut delays = self.ended;
        self.alive.iter().for_each(|thread| delays.add(thread));
        delays
    }

    /// How often each essential one was let run.
    fn slices(&self) -> Vec<(ThreadId, u64)> {
        let essential = self.alive.iter().filter(|thread| thread.is_essential);
        essential.map(|thread| (thread.id, schedstat(&thread.schedstat)[2])).collect()
    }
}

impl Delays {
    fn add(&mut self, thread: &Thread) {
        let delays = if thread.is_essential { &mut self.essential } else { &mut self.others };
        *delays += run_delay(&thread.schedstat);
    }
}

/// The threads of this process that have never run.
fn unborn() -> Vec<File> {
    let Ok(threads) = std::fs::read_dir("/proc/self/task") else { return Vec::new() };
    let schedstats = threads.flatten().map(|thread| File::open(thread.path().join("schedstat")));
    schedstats.flatten().filter(is_unborn).collect()
}

fn is_unborn(file: &File) -> bool {
    // Nothing can be read of one that has ended.
    read_schedstat(file).is_some_and(|[_, _, slices]| slices == 0)
}

fn run_delay(file: &File) -> Duration {
    Duration::from_nanos(schedstat(file)[1])
}

/// Three numbers: how many nanoseconds a thread has run, how many it has waited to be let, and how
/// often it was let.
fn schedstat(file: &File) -> [u64; 3] {
    read_schedstat(file).unwrap_or_default()
}

fn read_schedstat(file: &File) -> Option<[u64; 3]> {
    let mut text = [0; 64];
    let length = file.read_at(&mut text, 0).ok()?;
    let mut numbers = std::str::from_utf8(&text[..length]).ok()?.split_ascii_whitespace();
    let mut next = || numbers.next()?.parse().ok();
    Some([next()?, next()?, next()?])
}

impl Core {
    /// The life of the thread on core `core`.
    fn tick(&self, core: usize) {
        let mut here = CpuSet::new();
        here.set(core);
        // A refusal leaves a thread that sees less. While this one waits for others it cannot tell
        // their time from that of a core that is gone, so it goes before them.
        let _ = rustix::thread::sched_setaffinity(None, &here);
        let _ = rustix::process::setpriority_process(Some(rustix::thread::gettid()), -20);
        let schedstat = File::open(SCHEDSTAT).ok();
        let delay = || schedstat.as_ref().map(run_delay).unwrap_or_default();
        loop {
            let (start, before) = (Instant::now(), delay());
            thread::sleep(PERIOD);
            // What other threads have had of the core is no reason for the runtime's not to run.
            let gone = start.elapsed().saturating_sub(PERIOD + delay().saturating_sub(before));
            if gone > NEGLIGIBLE {
                // Ordering: Relaxed; a count.
                self.gone_ns.fetch_add(gone.as_nanos() as u64, Ordering::Relaxed);
            }
        }
    }

    fn gone(&self) -> Duration {
        // Ordering: Relaxed; a count.
        Duration::from_nanos(self.gone_ns.load(Ordering::Relaxed))
    }
}

impl Withheld {
    /// What was withheld after `before`. Of the cores, the one that was gone for longest counts.
    fn since(&self, before: &Withheld) -> Duration {
        let cores = self.cores.iter().zip(&before.cores).map(|(now, was)| now.saturating_sub(*was));
        let essential = self.delays.essential.saturating_sub(before.delays.essential);
        let others = self.delays.others.saturating_sub(before.delays.others);
        essential + others + cores.max().unwrap_or_default()
    }
}

impl Stalls {
    fn note(&mut self, late: Duration, of_its_own: Duration) {
        self.ticks += 1;
        self.latest = self.latest.max(late);
        self.latest_of_its_own = self.latest_of_its_own.max(of_its_own);
        // Over a long time the system's counts are a few percent off.
        let is_explained = of_its_own <= LIMIT.max(late / 10);
        self.explained += u64::from(late > LIMIT && is_explained);
        self.unexplained += u64::from(late > LIMIT && !is_explained);
    }

    /// Adds what was seen later.
    pub(crate) fn add(&mut self, later: &Stalls) {
        self.ticks += later.ticks;
        self.latest = self.latest.max(later.latest);
        self.latest_of_its_own = self.latest_of_its_own.max(later.latest_of_its_own);
        self.explained += later.explained;
        self.unexplained += later.unexplained;
    }

    /// For a table: latest, latest of its own, stalls explained and not.
    pub(crate) fn columns(&self) -> String {
        let (latest, of_its_own) =
            (format!("{:.1?}", self.latest), format!("{:.1?}", self.latest_of_its_own));
        let stalls = format!("{}+{}", self.explained, self.unexplained);
        format!("{latest:>8}  {of_its_own:>8}  {stalls:>8}")
    }

    /// Whether there was one that the system does not explain.
    pub(crate) fn is_bad(&self) -> bool {
        self.unexplained > 0
    }
}

impl fmt::Display for Stalls {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Stalls { ticks, latest, latest_of_its_own, explained, unexplained } = self;
        write!(
            f,
            "{ticks} ticks, {latest:.1?} late at most, {latest_of_its_own:.1?} without what the \
             system withheld; {explained} stalls explained by that, {unexplained} not"
        )
    }
}

/// Keeps all workers inside polls at the same time, for so long that the watch must see it.
pub(crate) fn block_all(runtime: &Runtime, workers: usize) {
    let all_inside = Arc::new(Barrier::new(workers));
    for _ in 0..workers {
        let all_inside = all_inside.clone();
        runtime.spawn(async move {
            all_inside.wait();
            thread::sleep(LIMIT * 50);
        });
    }
}
