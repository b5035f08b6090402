//! Processes of cells: started, watched, always reaped.

use std::io::{BufRead, BufReader, Read};
use std::process::{Child, Command, Stdio};
use std::sync::mpsc;
use std::thread;
use std::time::{Duration, Instant};

use rustix::process::{Resource, Rlimit, Signal, getrlimit, setrlimit};

use crate::cell::{Answer, Cell};

/// A child process that does not outlive this value.
#[derive(Debug)]
pub struct Reaped(Child);

impl Drop for Reaped {
    fn drop(&mut self) {
        // Ignored: both fail only if the process has been reaped already.
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

impl Reaped {
    /// Starts this very program with a hidden argument, its output to be read by us.
    ///
    /// # Panics
    /// If it cannot be started.
    pub fn start(argument: &str, order: &impl serde::Serialize) -> Reaped {
        let program = std::env::current_exe().expect("this program has a path");
        let order = serde_json::to_string(order).expect("orders can be written as JSON");
        Reaped::spawn(Command::new(program).args([argument, &order]).stderr(Stdio::piped()))
    }

    /// Starts a program, its output to be read by us.
    ///
    /// # Panics
    /// If it cannot be started.
    pub fn spawn(command: &mut Command) -> Reaped {
        let child = command.stdin(Stdio::null()).stdout(Stdio::piped()).spawn();
        Reaped(child.unwrap_or_else(|error| panic!("cannot start {command:?}: {error}")))
    }

    /// Ends it, and returns what it wrote to standard error.
    pub fn complaints(&mut self) -> String {
        // Ignored: it may have ended already.
        let _ = self.0.kill();
        let mut text = Vec::new();
        if let Some(mut errors) = self.0.stderr.take() {
            // Ignored: what was read so far is better than nothing.
            let _ = errors.read_to_end(&mut text);
        }
        String::from_utf8_lossy(&text).into_owned()
    }

    /// Its standard output, to be taken once.
    ///
    /// # Panics
    /// The second time.
    pub fn output(&mut self) -> impl BufRead + Send + 'static {
        BufReader::new(self.0.stdout.take().expect("the output is taken once"))
    }
}

/// Runs a cell in a process of its own.
///
/// # Errors
/// What went wrong, in a few words: it ended badly, or it did not end in time and was killed.
pub fn run(cell: &Cell, patience: Duration) -> Result<Answer, String> {
    let mut child = Reaped::start("--cell", cell);
    let mut output = child.output();
    let mut errors = child.0.stderr.take().expect("it was piped");
    let (done, watch) = mpsc::channel();
    let reader = thread::spawn(move || {
        let mut text = String::new();
        // Ignored: bytes that are no text show up as an answer that cannot be read.
        let _ = output.read_to_string(&mut text);
        let _ = done.send(text);
    });
    let complaints = thread::spawn(move || {
        let mut text = Vec::new();
        let _ = errors.read_to_end(&mut text);
        String::from_utf8_lossy(&text).into_owned()
    });
    let start = Instant::now();
    let text = watch.recv_timeout(patience);
    let outcome = match text {
        Err(_) => Err(format!("hang: killed after {:.0?}", start.elapsed())),
        Ok(text) => {
            let status = child.0.wait().map_err(|error| error.to_string())?;
            if status.success() {
                serde_json::from_str(text.trim()).map_err(|error| format!("no answer: {error}"))
            } else {
                Err(format!("crash: {status}"))
            }
        }
    };
    // Killed or waited for above, so that both pipes are closed by now.
    drop(child);
    reader.join().expect("reading does not panic");
    let complaints = complaints.join().expect("reading does not panic");
    outcome.map_err(|what| match first_lines(&complaints) {
        lines if lines.is_empty() => what,
        lines => format!("{what}: {lines}"),
    })
}

fn first_lines(text: &str) -> String {
    text.lines().map(str::trim).filter(|l| !l.is_empty()).take(3).collect::<Vec<_>>().join(" / ")
}

/// To be called first in a child: ends it with its parent, and lets it open many sockets.
pub fn settle() {
    // Ignored: without it, children of a killed parent live on until they are done.
    let _ = rustix::process::set_parent_process_death_signal(Some(Signal::KILL));
    let limit = getrlimit(Resource::Nofile);
    // Ignored: then the shapes with many connections say so.
    let _ = setrlimit(Resource::Nofile, Rlimit { current: limit.maximum, ..limit });
}

/// Hands the answer of a cell to the parent.
pub fn answer(answer: &Answer) {
    println!("{}", serde_json::to_string(answer).expect("answers can be written as JSON"));
}
