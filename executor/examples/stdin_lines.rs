//! A prompt, while a clock ticks every second: type lines, and `quit` to end.
//!
//! In asyncio reading standard input needs `connect_read_pipe`, and a terminal that is then switched
//! to another mode for all who share it. Here a thread of the process reads, and only when somebody
//! wants a line; a read that is pending does not keep the program from ending.

mod gallery;

use std::io;

use gallery::{Stopwatch, seconds};
use heist::io::{AsyncBufReadExt, BufReader, stdin};
use heist::time::interval;

#[heist::main]
async fn main() -> io::Result<()> {
    let _stopwatch = Stopwatch::start();
    let mut lines = BufReader::new(stdin()).lines();
    let mut clock = interval(seconds(1));
    println!("Say something, or quit");
    loop {
        // Whichever is first; the other one loses nothing and is asked again.
        heist::select! {
            _ = clock.tick() => println!("Tick"),
            line = lines.next_line() => match line? {
                Some(line) if line != "quit" => println!("You said {line}"),
                _ => break,
            },
        }
    }
    println!("Goodbye");
    Ok(())
}
