//! Threads that wait on futexes: what is left of a wake when there is no runtime.

use std::sync::atomic::{AtomicU32, AtomicU64, Ordering::SeqCst};
use std::thread;
use std::time::Duration;

use rustix::thread::futex::{self, Flags};

use super::repeat_slow;
use crate::cell::{Answer, Cell};
use crate::histogram::Histogram;
use crate::meter::Meter;
use crate::neutral::{compute_for, now_ns, pause};

const END: u32 = u32::MAX;

/// Waits until the word is not what it was, and returns what it is.
fn wait_for_change(word: &AtomicU32, was: u32) -> u32 {
    loop {
        match word.load(SeqCst) {
            is if is != was => return is,
            // Ignored: an error says that the word has changed, or a signal came.
            _ => drop(futex::wait(word, Flags::PRIVATE, was, None)),
        }
    }
}

fn change(word: &AtomicU32, to: u32) {
    word.store(to, SeqCst);
    futex::wake(word, Flags::PRIVATE, 1).expect("the word is mapped");
}

/// Two threads that wake each other and wait, with nothing in between: a round trip.
pub fn there_and_back(cell: &Cell) -> Answer {
    let (there, back) = (AtomicU32::new(0), AtomicU32::new(0));
    thread::scope(|scope| {
        scope.spawn(|| {
            let mut turn = 0;
            while turn != END {
                turn = wait_for_change(&there, turn);
                change(&back, turn);
            }
        });
        let mut turn = 0;
        let answer = repeat_slow(cell, || {
            let last = turn;
            turn += 1;
            change(&there, turn);
            wait_for_change(&back, last);
        });
        change(&there, END);
        answer
    })
}

/// A thread that sleeps is woken after pauses by one that then computes, as the tasks of the shapes
/// `wake_idle` and `stuck_behind` are. The delays are called `delay`.
pub fn wake(cell: &Cell, gap: Duration, work: Duration, delay: &'static str) -> Answer {
    let (word, rung_at, heard) = (AtomicU32::new(0), AtomicU64::new(0), AtomicU32::new(0));
    thread::scope(|scope| {
        let sleeper = scope.spawn(|| {
            let mut delays = Histogram::default();
            let mut turn = 0;
            loop {
                turn = wait_for_change(&word, turn);
                if turn == END {
                    return delays;
                }
                delays.record(now_ns().saturating_sub(rung_at.load(SeqCst)));
                heard.store(turn, SeqCst);
            }
        });
        let meter = Meter::start();
        let mut turn = 0;
        while meter.elapsed() < cell.time {
            pause(gap);
            turn += 1;
            rung_at.store(now_ns(), SeqCst);
            change(&word, turn);
            compute_for(work);
            while heard.load(SeqCst) != turn {
                thread::yield_now();
            }
        }
        let answer = meter.stop(turn.into());
        change(&word, END);
        answer.with_latency(delay, sleeper.join().expect("the sleeper does not panic"))
    })
}
