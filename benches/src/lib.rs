//! Heist beside tokio and smol: `cargo bench -p heist-benches`.
//!
//! Each cell (a shape on a contestant) runs in a process of its own, which is this program with
//! `--cell`. The cells of a round run in random order, the first round is thrown away, and the
//! ratio of Heist to the better peer is taken round by round; the table gives its median. See
//! README.md for the method and its traps.

mod peers;
mod report;
mod shapes;

use std::process::Command;
use std::time::Instant;

use peers::Peer;
use report::{Cell, Report};
use shapes::Shape;

struct Options {
    rounds: usize,
    only: Vec<String>,
    workers: usize,
}

/// The bench program.
pub fn main() {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    if let Some(at) = arguments.iter().position(|argument| argument == "--cell") {
        run_cell(&arguments[at + 1..]);
        return;
    }
    let options = match options(&arguments) {
        Ok(options) => options,
        Err(message) => {
            eprintln!("{message}");
            std::process::exit(2);
        }
    };
    let shapes: Vec<&Shape> = shapes::ALL
        .iter()
        .filter(|s| options.only.is_empty() || options.only.iter().any(|name| name == s.name))
        .collect();
    let mut report = Report::default();
    let total = options.rounds * shapes.len() * Peer::ALL.len();
    let start = Instant::now();
    let mut done = 0;
    let mut random = 0x9E37_79B9_7F4A_7C15_u64;
    for round in 0..options.rounds {
        for shape in &shapes {
            let mut peers = Peer::ALL;
            shuffle(&mut peers, &mut random);
            for peer in peers {
                let cell = spawn_cell(shape.name, peer, options.workers);
                done += 1;
                let left = start.elapsed().as_secs_f64() / done as f64 * (total - done) as f64;
                eprint!(
                    "\r{done}/{total}, {left:.0} s left, {} {}        ",
                    shape.name,
                    peer.name()
                );
                // The first round warms up the machine.
                if round > 0 || options.rounds == 1 {
                    report.add(shape, peer, round, cell);
                }
            }
        }
    }
    eprintln!();
    println!("{}", report.table(&shapes));
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/results");
    report.write(std::path::Path::new(folder), &shapes);
    eprintln!("written to {folder}");
}

fn options(arguments: &[String]) -> Result<Options, String> {
    let mut options = Options { rounds: 7, only: Vec::new(), workers: 2 };
    let mut arguments = arguments.iter();
    while let Some(argument) = arguments.next() {
        let mut value = || arguments.next().ok_or(format!("`{argument}` needs a value"));
        match argument.as_str() {
            "--quick" => options.rounds = 3,
            "--full" => options.rounds = 25,
            "--rounds" => options.rounds = value()?.parse().map_err(|_| "a number of rounds")?,
            "--workers" => options.workers = value()?.parse().map_err(|_| "a number of workers")?,
            "--only" => options.only = value()?.split(',').map(str::to_owned).collect(),
            "--list" => {
                for shape in shapes::ALL {
                    println!("{:16} {}", shape.name, shape.question);
                }
                std::process::exit(0);
            }
            // What cargo passes to every bench.
            "--bench" => {}
            other => {
                return Err(format!(
                    "no such argument: {other}; there are --quick, --full, --rounds N, --workers N, \
                     --only SHAPE[,SHAPE] and --list"
                ));
            }
        }
    }
    if let Some(name) =
        options.only.iter().find(|name| shapes::ALL.iter().all(|s| s.name != **name))
    {
        return Err(format!("no such shape: {name}; see --list"));
    }
    Ok(options)
}

fn shuffle(peers: &mut [Peer], random: &mut u64) {
    for last in (1..peers.len()).rev() {
        *random ^= *random << 13;
        *random ^= *random >> 7;
        *random ^= *random << 17;
        peers.swap(last, (*random >> 33) as usize % (last + 1));
    }
}

fn spawn_cell(shape: &str, peer: Peer, workers: usize) -> Cell {
    let output = Command::new(std::env::current_exe().expect("this program has a path"))
        .args(["--cell", shape, peer.name(), &workers.to_string()])
        .output()
        .expect("cannot start a cell");
    assert!(
        output.status.success(),
        "{shape} on {} failed: {}",
        peer.name(),
        String::from_utf8_lossy(&output.stderr)
    );
    Cell::parse(&String::from_utf8_lossy(&output.stdout))
}

/// Inside a cell's process.
fn run_cell(arguments: &[String]) {
    let [shape, peer, workers] = arguments else { panic!("a cell has three arguments") };
    if shape == "client" {
        return shapes::net::client(peer, workers);
    }
    let shape = shapes::ALL.iter().find(|s| s.name == shape).expect("a known shape");
    let workers = workers.parse().expect("a number of workers");
    let before = report::Usage::now();
    let figures = (shape.run)(Peer::by_name(peer), workers);
    println!("{}", Cell::new(figures, &before));
}
