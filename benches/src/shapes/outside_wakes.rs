//! Not a shape: a thread outside that wakes a task again and again, for shapes that ask how long
//! that takes.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering::Relaxed};
use std::time::Duration;

use crate::cell::{Answer, Cell};
use crate::histogram::Histogram;
use crate::meter::Meter;
use crate::neutral::{Bell, pause};
use crate::peers::Runtime;

/// The name under which the latencies are answered.
pub const WAKE: &str = "wake";

/// So many wakes come first and are not measured: threads that are started when they are needed have
/// been started then, which is for `startup` to measure.
const FIRST: u64 = 3;

/// Wakes a task of the runtime from this thread, with pauses of `gap` between its being heard and
/// the next wake, until the cell's time is used up.
pub fn measure<R: Runtime>(cell: &Cell, runtime: &R, gap: Duration) -> Answer {
    let bell = Arc::new(Bell::default());
    // Ordering: Relaxed, as both only count; what is handed over goes through the bell.
    let heard = Arc::new(AtomicU64::new(0));
    let done = Arc::new(AtomicBool::new(false));
    let listener = runtime.spawn_outside({
        let (bell, heard, done) = (bell.clone(), heard.clone(), done.clone());
        async move {
            let mut delays = Histogram::default();
            loop {
                let delay = bell.heard().await;
                if done.load(Relaxed) {
                    return delays;
                }
                if heard.fetch_add(1, Relaxed) >= FIRST {
                    delays.record(delay);
                }
            }
        }
    });
    let mut rung = 0;
    let mut ring = || {
        pause(gap);
        bell.ring();
        rung += 1;
        while heard.load(Relaxed) < rung {
            // Gives the CPU up, should the worker want this very one.
            std::thread::yield_now();
        }
    };
    (0..FIRST).for_each(|_| ring());
    let meter = Meter::start();
    let mut rings = 0;
    while meter.elapsed() < cell.time {
        ring();
        rings += 1;
    }
    let answer = meter.stop(rings);
    done.store(true, Relaxed);
    bell.ring();
    answer.with_latency(WAKE, smol::future::block_on(listener))
}
