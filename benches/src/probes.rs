//! Limits: hand-written programs that do the least that any runtime would have to do.
//!
//! They run as further contestants, in the same rounds, so that a figure can be given as a multiple
//! of what the machine itself charges. What belongs to no shape is a shape of its own, [`machine`].

pub mod atomics;
pub mod epoll_server;
pub mod files;
pub mod futex;
pub mod memory;
pub mod ring;
pub mod syscalls;

use crate::cell::{Answer, Case, Cell};
use crate::meter::Meter;
use crate::options::Effort;
use crate::peers::Contestant;
use crate::shapes::{Figure, Shape};

/// A limit as a contestant.
pub fn limit(name: &'static str, answer: fn(&Cell) -> Answer) -> Contestant {
    Contestant { name, is_runtime: false, answer }
}

type Charge = (&'static str, fn(&Cell) -> Answer);

/// What the machine charges for the parts that runtimes are made of, a case each.
const CHARGES: [Charge; 9] = [
    ("lock xadd, own line", atomics::add),
    ("line to the other core", atomics::bounce),
    ("clock read", syscalls::clock),
    ("malloc + free, 128 bytes", memory::pairs),
    ("malloc burst, 128 bytes", memory::bursts),
    ("eventfd write", syscalls::eventfd),
    ("epoll_wait(0)", syscalls::epoll),
    ("futex, there and back", futex::there_and_back),
    ("socket, write and read", syscalls::socket),
];

/// The shape that only the machine answers.
pub fn machine() -> Shape {
    Shape {
        name: "machine",
        asks: "what the machine charges for atomics, memory, system calls",
        slow: false,
        cases: |_: Effort| CHARGES.iter().map(|(name, _)| Case::named(name)).collect(),
        figures: |_: &Case| vec![Figure::wall("ns")],
        time: |_: &Case, effort: Effort| effort.cell() / 2,
        runtimes: Vec::new(),
        limits: |_: &Case| vec![limit("machine", charge)],
    }
}

fn charge(cell: &Cell) -> Answer {
    let charge = CHARGES.iter().find(|(name, _)| *name == cell.case.variant);
    let (_, answer) = charge.expect("cases are made from these names");
    answer(cell)
}

/// Does something that takes nanoseconds until the cell's time is used up.
fn repeat(cell: &Cell, mut once: impl FnMut()) -> Answer {
    const A_LOOK: u64 = 1_000;
    let looks = repeat_slow(cell, || (0..A_LOOK).for_each(|_| once()));
    Answer { operations: looks.operations * A_LOOK, ..looks }
}

/// Does something that takes microseconds until the cell's time is used up.
fn repeat_slow(cell: &Cell, mut once: impl FnMut()) -> Answer {
    once();
    let meter = Meter::start();
    let mut times = 0;
    while meter.elapsed() < cell.time {
        once();
        times += 1;
    }
    meter.stop(times)
}
