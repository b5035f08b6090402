//! What does it cost to build a runtime, run one task and drop it again?

use super::{Figure, Question};
use crate::cell::{Answer, Case, Cell};
use crate::meter::Meter;
use crate::peers::Runtime;

/// See the module.
#[derive(Debug)]
pub struct Startup;

impl Question for Startup {
    const NAME: &'static str = "startup";
    const ASKS: &'static str = "runtime built, one task run, dropped";

    fn figures(_case: &Case) -> Vec<Figure> {
        vec![Figure::wall("ns a runtime").goal(0.60)]
    }

    fn answer<R: Runtime>(cell: &Cell) -> Answer {
        let once = || {
            let runtime = R::start(cell.workers);
            runtime.run(async {});
            runtime.stop();
        };
        once();
        let meter = Meter::start();
        let mut runtimes = 0;
        while meter.elapsed() < cell.time {
            once();
            runtimes += 1;
        }
        meter.stop(runtimes)
    }
}
