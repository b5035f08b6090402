//! A pipeline of three stages that work at the same time. Takes 2.2 s; one after the other, 6 s.
//!
//! The stages are joined by channels with room for two, so a slow stage slows those before it and
//! the line between them does not grow. The end travels along: when a stage ends, it drops its
//! sender, and the next one's `recv` yields `None`. In asyncio a queue and a sentinel do that.

mod gallery;

use gallery::{Stopwatch, seconds};
use heist::sync::mpsc::{self, Receiver, Sender};
use heist::time::sleep;

const ITEMS: u32 = 20;

#[heist::main]
async fn main() {
    let _stopwatch = Stopwatch::start();
    let (numbers, to_square) = mpsc::channel(2);
    let (squares, to_print) = mpsc::channel(2);
    // Each is a task, so that stages that compute do so on several cores.
    let read = heist::spawn(read(numbers));
    let square = heist::spawn(square(to_square, squares));
    let print = heist::spawn(print(to_print));
    let (_, _, printed) = heist::try_join!(read, square, print).expect("no stage panics");
    println!("{printed} items went through");
}

async fn read(numbers: Sender<u32>) {
    for n in 1..=ITEMS {
        sleep(seconds(0.1)).await;
        // Fails when the next stage is gone: then there is nothing left to do.
        if numbers.send(n).await.is_err() {
            return;
        }
    }
}

async fn square(mut numbers: Receiver<u32>, squares: Sender<(u32, u32)>) {
    while let Some(n) = numbers.recv().await {
        sleep(seconds(0.1)).await;
        if squares.send((n, n * n)).await.is_err() {
            return;
        }
    }
}

async fn print(mut squares: Receiver<(u32, u32)>) -> u32 {
    let mut printed = 0;
    while let Some((n, square)) = squares.recv().await {
        sleep(seconds(0.1)).await;
        println!("{n} x {n} = {square}");
        printed += 1;
    }
    printed
}
