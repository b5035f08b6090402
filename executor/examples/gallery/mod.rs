//! What the examples of the gallery share: two options, and how long an example has taken.
//!
//! * `--scale S` makes a second of the example last S seconds. Where there is no time to scale, it
//!   scales the work.
//! * `--paused` runs it on a clock that stands still while there is something to do, and else jumps
//!   to the next timer. The example then takes its nominal time exactly, and no real time.
//!
//! What an example shows goes to standard output and is the same every time, but for the order of
//! what happens at the same time. What it measures goes to standard error.
//!
//! Not part of it: anything that belongs to Heist. An example is whole without this module, if its
//! `seconds` are read as `Duration::from_secs`.

// No example uses all of it.
#![allow(dead_code)]

use std::pin::pin;
use std::sync::OnceLock;
use std::time::Duration;

use heist::runtime::Handle;
use heist::time::{Instant, interval};

/// So many seconds, scaled.
pub(crate) fn seconds(n: impl Into<f64>) -> Duration {
    Duration::from_secs_f64(n.into() * scale())
}

/// By how much everything is scaled.
pub(crate) fn scale() -> f64 {
    options().scale
}

/// Says how long an example has taken when it is dropped.
pub(crate) struct Stopwatch {
    what: &'static str,
    start: Instant,
}

impl Stopwatch {
    /// Starts the example's time, on a paused clock if that was asked for.
    pub(crate) fn start() -> Stopwatch {
        if options().paused && Handle::try_current().is_ok() {
            heist::time::pause();
        }
        Stopwatch::for_("all")
    }

    /// Starts the time of a part.
    pub(crate) fn for_(what: &'static str) -> Stopwatch {
        Stopwatch { what, start: Instant::now() }
    }
}

impl Drop for Stopwatch {
    fn drop(&mut self) {
        eprintln!("{} took {:.3} s", self.what, self.start.elapsed().as_secs_f64());
    }
}

/// Runs a future while a ticker ticks beside it, and says how late the worst tick was. Whatever
/// holds up the worker of the two makes ticks late; so does a system that lets threads wait, which is
/// told apart.
pub(crate) async fn ticking<F: Future>(period: Duration, future: F) -> F::Output {
    let mut future = pin!(future);
    let mut ticks = interval(period);
    let (mut count, mut latest, mut latest_of_its_own) = (0, Duration::ZERO, Duration::ZERO);
    let mut looked = (Instant::now(), withheld());
    let mut withheld_before = looked.1;
    loop {
        heist::select! {
            due = ticks.tick() => {
                // Those that were due before the last look are late for what came before it.
                if due >= looked.0 {
                    withheld_before = looked.1;
                }
                looked = (Instant::now(), withheld());
                let late = looked.0 - due;
                let of_its_own = late.saturating_sub(looked.1.saturating_sub(withheld_before));
                count += 1;
                latest = latest.max(late);
                latest_of_its_own = latest_of_its_own.max(of_its_own);
            }
            output = &mut future => {
                let [latest, own] = [latest, latest_of_its_own].map(|late| late.as_secs_f64() * 1e3);
                eprintln!(
                    "{count} ticks, none later than {latest:.1} ms; {own:.1} ms without what the \
                     system withheld"
                );
                return output;
            }
        }
    }
}

/// For how long the threads of this process, added up, were ready to run and were not let. Systems that
/// do not tell leave it at nothing.
fn withheld() -> Duration {
    let threads = std::fs::read_dir("/proc/self/task").into_iter().flatten().flatten();
    let delay = |thread: std::fs::DirEntry| {
        let counts = std::fs::read_to_string(thread.path().join("schedstat")).ok()?;
        counts.split_ascii_whitespace().nth(1)?.parse().ok().map(Duration::from_nanos)
    };
    threads.filter_map(delay).sum()
}

struct Options {
    scale: f64,
    paused: bool,
}

fn options() -> &'static Options {
    static OPTIONS: OnceLock<Options> = OnceLock::new();
    OPTIONS.get_or_init(|| {
        let parsed = Options::parse(std::env::args().skip(1));
        parsed.unwrap_or_else(|wrong| {
            eprintln!("{wrong}; there are `--scale S` and `--paused`");
            std::process::exit(2);
        })
    })
}

impl Options {
    fn parse(mut args: impl Iterator<Item = String>) -> Result<Options, String> {
        let mut options = Options { scale: 1.0, paused: false };
        while let Some(name) = args.next() {
            match name.as_str() {
                "--paused" => options.paused = true,
                "--scale" => {
                    let scale = args.next().and_then(|scale| scale.parse().ok());
                    options.scale = scale
                        .filter(|&scale| 0.0 < scale && scale <= 1000.0)
                        .ok_or("`--scale` needs a number above zero, as 0.1")?;
                }
                _ => return Err(format!("no such option: `{name}`")),
            }
        }
        Ok(options)
    }
}
