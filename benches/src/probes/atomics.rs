//! A locked instruction on a line that one core owns, and a line that two cores pass to and fro.

use std::sync::atomic::{AtomicU64, Ordering::SeqCst};
use std::thread;

use rustix::thread::{CpuSet, sched_getaffinity, sched_setaffinity};

use super::repeat;
use crate::cell::{Answer, Cell};
use crate::meter::Meter;

/// A `fetch_add` that nobody else wants.
pub fn add(cell: &Cell) -> Answer {
    let word = AtomicU64::new(0);
    repeat(cell, || {
        std::hint::black_box(&word).fetch_add(1, SeqCst);
    })
}

/// A word that two threads, on a CPU each, increment in turns: one way.
pub fn bounce(cell: &Cell) -> Answer {
    const END: u64 = u64::MAX;
    let word = AtomicU64::new(0);
    let cpus = two_cpus();
    thread::scope(|scope| {
        scope.spawn(|| {
            pin(cpus.1);
            loop {
                match word.load(SeqCst) {
                    END => return,
                    turn if turn % 2 == 1 => word.store(turn + 1, SeqCst),
                    _ => std::hint::spin_loop(),
                }
            }
        });
        pin(cpus.0);
        let meter = Meter::start();
        let mut turn = 0;
        while meter.elapsed() < cell.time {
            for _ in 0..100 {
                word.store(turn + 1, SeqCst);
                while word.load(SeqCst) != turn + 2 {
                    std::hint::spin_loop();
                }
                turn += 2;
            }
        }
        let answer = meter.stop(turn);
        word.store(END, SeqCst);
        answer
    })
}

/// Two different ones, if this process may use two.
fn two_cpus() -> (usize, usize) {
    let allowed = sched_getaffinity(None).expect("the kernel knows where we may run");
    let mut cpus = (0..CpuSet::MAX_CPU).filter(|cpu| allowed.is_set(*cpu));
    let first = cpus.next().expect("we do run somewhere");
    (first, cpus.next().unwrap_or(first))
}

fn pin(cpu: usize) {
    let mut cpus = CpuSet::new();
    cpus.set(cpu);
    sched_setaffinity(None, &cpus).expect("the CPU is one that we may use");
}
