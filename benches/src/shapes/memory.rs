//! How much heap does a task take that waits?
//!
//! `idle`: on a future that is never ready; `sleeping`: for an hour. Bytes as asked of the allocator,
//! 10 000 tasks together, divided. They are spawned a hundred at a time, so that the ready queue
//! need not grow, and their handles lie in a vector that was there before.

use std::future::pending;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::time::Duration;

use super::{Figure, Question};
use crate::cell::{Answer, Case, Cell};
use crate::counting;
use crate::options::Effort;
use crate::peers::Runtime;

const TASKS: u64 = 10_000;
const AT_ONCE: u64 = 100;
const BYTES: &str = "bytes";

/// Tasks that have begun. Static, so that the futures need not carry it.
static BEGUN: AtomicU64 = AtomicU64::new(0);

/// See the module.
#[derive(Debug)]
pub struct Memory;

impl Question for Memory {
    const NAME: &'static str = "memory";
    const ASKS: &'static str = "heap bytes of an idle and of a sleeping task";

    fn cases(_effort: Effort) -> Vec<Case> {
        vec![Case::named("idle"), Case::named("sleeping")]
    }

    fn figures(case: &Case) -> Vec<Figure> {
        let bytes = Figure::gauge("bytes a task", BYTES);
        vec![bytes.cap(if case.variant == "idle" { 128.0 } else { 224.0 })]
    }

    fn answer<R: Runtime>(cell: &Cell) -> Answer {
        let runtime = R::start(cell.workers);
        let sleeping = cell.case.variant == "sleeping";
        let spawn = move |_| {
            if sleeping {
                R::spawn(async {
                    BEGUN.fetch_add(1, Relaxed);
                    R::sleep(Duration::from_secs(3600)).await;
                })
            } else {
                R::spawn(async {
                    BEGUN.fetch_add(1, Relaxed);
                    pending::<()>().await;
                })
            }
        };
        let mut handles = Vec::with_capacity((TASKS + AT_ONCE) as usize);
        // Ordering: Relaxed, the counter hands nothing over.
        let batches = |mut handles: Vec<_>, tasks: u64| {
            let end = BEGUN.load(Relaxed) + tasks;
            runtime.run(async move {
                while BEGUN.load(Relaxed) < end {
                    let batch = BEGUN.load(Relaxed) + AT_ONCE;
                    handles.extend((0..AT_ONCE).map(spawn));
                    while BEGUN.load(Relaxed) < batch {
                        R::yield_now().await;
                    }
                }
                R::sleep(Duration::from_millis(5)).await;
                handles
            })
        };
        // What the runtime sets up once is not counted.
        handles = batches(handles, AT_ONCE);
        let (handles, bytes) = counting::growth(|| batches(handles, TASKS));
        drop(handles);
        runtime.stop();
        Answer::default().with_gauge(BYTES, bytes as f64 / TASKS as f64)
    }
}
