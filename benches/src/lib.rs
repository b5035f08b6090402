//! Heist beside tokio and smol, and beside what the machine itself charges.
//!
//! A *shape* asks one question (what does a spawn cost? how late is a timer?) in the same words of
//! every *contestant*: the runtimes, and *limits*, which are hand-written programs that do the least
//! that any runtime would have to do. One measurement is a *cell*: a shape, one of its *cases*
//! (number of connections, kind of channel), a contestant, in a process of its own.
//!
//! * [`shapes`]: the questions, one a file.
//! * [`peers`]: the runtimes behind one trait; [`probes`]: the limits.
//! * [`cell`]: what a cell is told and what it answers; [`meter`], [`histogram`], [`counting`]: how
//!   time, latencies and heap bytes are taken; [`load`]: the clients of servers, in a process of
//!   their own.
//! * [`rounds`]: which cells run when; [`child`]: running them; [`report`]: what is made of them.
//!
//! What it deliberately lacks: comparison with figures of another run or another machine. Only
//! ratios of cells that ran within seconds of each other mean anything on a shared machine.

pub mod cell;
pub mod child;
pub mod counting;
pub mod histogram;
pub mod load;
pub mod meter;
pub mod neutral;
pub mod options;
pub mod peers;
pub mod probes;
pub mod report;
pub mod rounds;
pub mod shapes;
pub mod stats;

use std::process::ExitCode;

use options::{Command, Options};

/// The bench program: the duel itself, or, in a process that the duel started, a cell or the
/// clients of a cell.
pub fn main() -> ExitCode {
    let command = match options::parse(std::env::args().skip(1)) {
        Ok(command) => command,
        Err(message) => {
            eprintln!("{message}\n\n{}", options::HELP);
            return ExitCode::from(2);
        }
    };
    match command {
        Command::Help => println!("{}", options::HELP),
        Command::List => list(),
        Command::Cell(cell) => {
            child::settle();
            child::answer(&shapes::run(&cell));
        }
        Command::Load(order) => {
            child::settle();
            load::attack(&order);
        }
        Command::Duel(options) => return duel(&options),
    }
    ExitCode::SUCCESS
}

fn list() {
    for shape in shapes::all() {
        let case = &(shape.cases)(options::Effort::Full)[0];
        let contestants: Vec<_> = shape.contestants(case).iter().map(|c| c.name).collect();
        println!("{:16} {}\n{:16}   [{}]", shape.name, shape.asks, "", contestants.join(", "));
    }
}

fn duel(options: &Options) -> ExitCode {
    let run = match rounds::run(options) {
        Ok(run) => run,
        Err(message) => {
            eprintln!("{message}");
            return ExitCode::from(2);
        }
    };
    match report::publish(&run, &options.out) {
        Ok(()) if run.failures() == 0 => ExitCode::SUCCESS,
        Ok(()) => {
            eprintln!("{} cells failed: see the table", run.failures());
            ExitCode::FAILURE
        }
        Err(error) => {
            eprintln!("cannot write the results to {}: {error}", options.out.display());
            ExitCode::FAILURE
        }
    }
}
