//! The gallery: every example prints what it should, with one worker as with two, in its time.
//!
//! Examples that only wait run on a paused clock, where their time is exact, and once more, faster,
//! on the real one. Those with sockets, files and threads have the real one alone, with bounds that
//! a busy machine keeps.

mod support;
// Its tests are tests here, too.
#[allow(dead_code)]
#[path = "../examples/testing.rs"]
mod testing;

use std::collections::HashMap;
use std::io::{BufRead, BufReader, Write};
use std::net::TcpStream;
use std::path::Path;
use std::process::{Child, Command, Output, Stdio};

use support::program;

/// What a run of an example has printed.
struct Run {
    lines: Vec<String>,
    /// Lines on standard error: what was measured.
    measured: Vec<String>,
}

impl Run {
    fn of(example: &str, arguments: &[&str], workers: usize) -> Run {
        let output = example_with(example, arguments, workers).output().unwrap();
        let errors = text(&output.stderr);
        assert!(output.status.success(), "{example}: {errors}");
        let lines = |text: &str| text.lines().map(str::to_owned).collect();
        Run { lines: lines(&text(&output.stdout)), measured: lines(&errors) }
    }

    /// The lines in an order that does not depend on which of two things at one time was first.
    fn sorted(&self) -> Vec<&str> {
        let mut lines: Vec<_> = self.lines.iter().map(String::as_str).collect();
        lines.sort_unstable();
        lines
    }

    fn took(&self, what: &str) -> f64 {
        let times: HashMap<_, _> =
            self.measured.iter().filter_map(|line| line.split_once(" took ")).collect();
        times[what].strip_suffix(" s").unwrap().parse().unwrap()
    }

    /// Where a line is.
    #[track_caller]
    fn at(&self, line: &str) -> usize {
        let place = self.lines.iter().position(|other| other == line);
        place.unwrap_or_else(|| panic!("`{line}` is not among {:#?}", self.lines))
    }

    #[track_caller]
    fn assert_order(&self, lines: &[&str]) {
        assert!(lines.is_sorted_by_key(|line| self.at(line)), "{:#?}", self.lines);
    }
}

fn example_with(example: &str, arguments: &[&str], workers: usize) -> Command {
    let mut command = Command::new(program(example));
    command.args(arguments).env("HEIST_WORKER_THREADS", workers.to_string());
    command
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8(bytes.to_vec()).unwrap()
}

/// Runs an example that takes so many seconds, on paused clocks and on a real one. Returns the runs
/// on paused clocks, with one worker and with two.
#[track_caller]
fn timed(example: &str, seconds: f64) -> [Run; 2] {
    let paused = [1, 2].map(|workers| Run::of(example, &["--paused"], workers));
    for run in &paused {
        assert_eq!(run.took("all"), seconds, "{example} on a paused clock");
    }
    let real = undisturbed(|| {
        let real = Run::of(example, &["--scale", "0.05"], 2);
        let took = real.took("all");
        assert_time(took, 0.05 * seconds);
        (took - 0.05 * seconds, real)
    });
    for run in [&paused[1], &real] {
        assert_eq!(run.sorted(), paused[0].sorted());
    }
    paused
}

/// A run on the real clock, where what is a second apart is 50 ms apart. One that was late by as much
/// says nothing about the order of things, as the machine has let them fall together: it is done again.
fn undisturbed(run: impl Fn() -> (f64, Run)) -> Run {
    (0..20).map(|_| run()).find(|(late, _)| *late < 0.04).unwrap_or_else(&run).1
}

/// Runs an example on the real clock, with one worker and with two.
#[track_caller]
fn scaled(example: &str, scale: &str) -> [Run; 2] {
    let runs = [1, 2].map(|workers| Run::of(example, &["--scale", scale], workers));
    assert_eq!(runs[0].sorted(), runs[1].sorted());
    runs
}

/// Not earlier, and later only as far as a busy machine may make it.
#[track_caller]
fn assert_time(took: f64, seconds: f64) {
    // The figure is rounded to milliseconds.
    assert!(took + 0.001 > seconds && took < seconds + 5.0, "{took} s instead of {seconds} s");
}

#[test]
fn hello() {
    for run in timed("hello", 1.0) {
        assert_eq!(run.lines, ["Hello", "World"]);
    }
}

#[test]
fn sync_baseline() {
    for run in scaled("sync_baseline", "0.05") {
        let jobs = (1..=3).flat_map(|n| [format!("Starting {n}"), format!("Finished {n}")]);
        assert_time(run.took("all"), 0.3);
        assert!(run.lines.into_iter().eq(jobs));
    }
}

#[test]
fn gather3() {
    let jobs = |verb: &str| (1..=3).map(|n| format!("{verb} {n}")).collect::<Vec<_>>();
    for mut run in timed("gather3", 2.0) {
        run.lines[..3].sort();
        run.lines[3..].sort();
        assert_eq!(run.lines, [jobs("Starting"), jobs("Finished")].concat());
    }
}

#[test]
fn gather_order() {
    for mut run in timed("gather_order", 2.0) {
        run.lines[..2].sort();
        let results = "Results: result of task 1, result of task 2";
        let starts = ["Task 1 starts", "Task 2 starts"];
        assert_eq!(
            run.lines,
            [&starts[..], &["Task 2 completes", "Task 1 completes", results]].concat()
        );
    }
}

#[test]
fn create_task() {
    for run in timed("create_task", 2.0) {
        let end = "They said hello and world";
        assert_eq!(run.lines, ["Both are under way", "hello", "world", end]);
    }
}

#[test]
fn task_group() {
    for run in timed("task_group", 3.0) {
        let dinner = ["The salad is ready", "The soup is ready", "Dinner is soup and salad"];
        // The soup that is on the fire then is never ready.
        assert_eq!(run.lines, [&dinner[..], &["No dinner: something has burned"]].concat());
    }
}

#[test]
fn wait_for() {
    for run in timed("wait_for", 5.0) {
        let lines = ["The task begins", "The task's desk is cleared", "The task took too long"];
        assert_eq!(run.lines, lines);
    }
}

#[test]
fn cancel() {
    for run in timed("cancel", 2.0) {
        let lines = ["Working", "Cleaning up, because of closing time", "Cleaned up"];
        assert_eq!(run.lines, [&lines[..], &["Task was cancelled: closing time"]].concat());
    }
}

#[test]
fn lock() {
    for run in timed("lock", 3.0) {
        // One after the other, whoever is first.
        for pair in run.lines[..6].chunks(2) {
            let task = pair[0].strip_suffix(" has the lock").unwrap();
            assert_eq!(pair[1], format!("{task} gives it up"));
        }
        assert_eq!(run.lines[6..], ["The total is 6"]);
    }
}

#[test]
fn semaphore() {
    for run in timed("semaphore", 3.0) {
        assert_eq!(run.lines.len(), 10);
        assert_eq!(run.lines[9], "Never more than 3 at a time");
    }
}

#[test]
fn event() {
    for run in timed("event", 1.0) {
        for n in 1..=3 {
            let (ready, runs) = (format!("Runner {n} is ready"), format!("Runner {n} runs"));
            run.assert_order(&[&ready, "Go!", &runs, "Runner 4 is ready", "Runner 4 runs"]);
        }
    }
}

#[test]
fn condition() {
    for run in timed("condition", 3.0) {
        let dish = |n| [format!("Dish {n} is served"), "A guest eats".to_owned()];
        let end = ["The table is empty: true".to_owned()];
        assert!(run.lines.into_iter().eq((1..=3).flat_map(dish).chain(end)));
    }
}

#[test]
fn queue() {
    for run in timed("queue", 0.8) {
        let consumed = |n| format!("Consumed {n}");
        for n in 0..15 {
            run.assert_order(&[&consumed(n), "Everything is consumed"]);
        }
        assert_eq!(run.lines.len(), 18);
        let end = ["Everything is consumed", "The queue is ours again: true"];
        assert_eq!(run.lines[16..], end);
    }
}

#[test]
fn pipeline() {
    for run in timed("pipeline", 2.2) {
        let squares = (1..=20).map(|n| format!("{n} x {n} = {}", n * n));
        assert!(run.lines.into_iter().eq(squares.chain(["20 items went through".to_owned()])));
    }
}

#[test]
fn ten_k_sleepers() {
    for run in timed("ten_k_sleepers", 1.0) {
        let lines = ["10000 tasks are asleep", "10000 tasks have slept their second"];
        assert_eq!(run.lines, lines);
    }
}

#[test]
fn cpu_parallel() {
    for run in scaled("cpu_parallel", "0.025") {
        let line = |workers| format!("{workers}: there are 9592 primes below 100000");
        assert_eq!(run.lines, [line("one worker"), line("all workers")]);
    }
}

#[test]
fn to_thread() {
    for run in scaled("to_thread", "0.5") {
        assert_eq!(run.lines, ["The call blocks its thread", "The call returned 42"]);
        assert_time(run.took("all"), 1.0);
        let (ticks, _) = run.measured[0].split_once(" ticks, none later than ").unwrap();
        assert!(ticks.parse::<u32>().unwrap() > 10, "the call held the ticker up");
    }
    // Late by 10 ms at most, less what threads had to wait for a core. That a core as a whole was gone,
    // to interrupts or to another machine, nobody tells the example. So it has three tries, which are
    // of no use to a runtime that lets the call hold up the ticker.
    for workers in [1, 2] {
        let late = || {
            let run = Run::of("to_thread", &["--scale", "0.5"], workers);
            let (_, own) = run.measured[0].split_once(" ms; ").unwrap();
            let (own, _) = own.split_once(" ms without what the system withheld").unwrap();
            own.parse::<f64>().unwrap()
        };
        let tries: Vec<_> = (0..3).map(|_| late()).take_while(|&late| late > 10.0).collect();
        assert!(tries.len() < 3, "beside {workers} workers ticks were late, by ms: {tries:?}");
    }
}

#[test]
fn http_hello() {
    for run in scaled("http_hello", "0.2") {
        assert_eq!(run.lines, ["Hello, World!", "100 answers; all alike: true"]);
        assert_time(run.took("one request"), 0.2);
        // One after the other it would be 20 s.
        assert_time(run.took("a hundred requests"), 0.2);
    }
}

#[test]
fn fetch_many() {
    for run in scaled("fetch_many", "0.5") {
        let pages = (1..=20).map(|n| format!("/{n}: page {n} (attempt 1)"));
        assert!(pages.eq(run.lines[..20].iter().map(String::as_str)), "{:#?}", run.lines);
        let busy = ["/busy: page busy (attempt 2)", "/hangs: page hangs (attempt 2)"];
        assert_eq!(run.lines[20..], [&busy[..], &["/none: 404 Not Found"]].concat());
        let took = run.took("twenty pages");
        assert!((0.399..2.0).contains(&took), "{took} s; one after the other, it would be 2 s");
    }
}

#[test]
fn crawl() {
    for run in scaled("crawl", "0.25") {
        assert_eq!(run.lines.len(), 8, "each page once: {:#?}", run.lines);
        run.assert_order(&["/ has 2 links", "/news has 3 links", "/news/1 has 1 links"]);
        run.assert_order(&[
            "/shop has 2 links",
            "/shop/tea&milk has 2 links",
            "/gone is not there",
        ]);
        let all = "/ /gone /news /news/1 /news/2 /shop /shop/tea&milk";
        assert_eq!(run.lines[7], format!("7 pages: {all}"));
        assert_time(run.took("all"), 0.2);
    }
}

#[test]
fn copy_file() {
    for workers in [1, 2] {
        let name = format!("gallery-{workers}-{}", std::process::id());
        let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join(name);
        std::fs::create_dir(&folder).unwrap();
        let mut command = example_with("copy_file", &["--scale", "0.01"], workers);
        let output = command.env("TMPDIR", &folder).output().unwrap();
        assert_eq!(text(&output.stdout), "10737418 bytes copied, and 10737418 arrived\n");
        assert!(text(&output.stderr).contains("ticks, none later than"));
        std::fs::remove_dir(&folder).expect("it cleans up, so the folder is empty");
    }
}

#[test]
fn db_pool() {
    for run in scaled("db_pool", "0.5") {
        let items = (1..=20).map(|n| format!("item {n}"));
        let end = ["The query took too long", "All 5 connections are free again"];
        assert!(items.chain(end.map(str::to_owned)).eq(run.lines.iter().cloned()));
        let took = run.took("twenty queries");
        assert!((0.199..1.0).contains(&took), "{took} s; over one connection, it would be 1 s");
    }
}

#[test]
fn chat() {
    for workers in [1, 2] {
        let run = Run::of("chat", &[], workers);
        run.assert_order(&["Anna reads: Ben joins", "Anna reads: Carl joins"]);
        run.at("Ben reads: Carl joins");
        let names = ["Anna", "Ben", "Carl"];
        for (reader, writer) in names.iter().flat_map(|r| names.iter().map(move |w| (r, w))) {
            if reader != writer {
                run.at(&format!("{reader} reads: {writer}: Hello, everybody"));
            }
        }
        assert_eq!(run.lines.len(), 9);
    }
}

#[test]
fn chat_serves_whoever_comes() {
    let mut command = example_with("chat", &["127.0.0.1:0"], 2);
    let mut server = Killed(command.stdout(Stdio::piped()).spawn().unwrap());
    let mut line = String::new();
    BufReader::new(server.0.stdout.take().unwrap()).read_line(&mut line).unwrap();
    let addr = line.trim().strip_prefix("Listening on ").unwrap();
    let join = |name: &str| {
        let mut stream = TcpStream::connect(addr).unwrap();
        writeln!(stream, "{name}").unwrap();
        let mut lines = BufReader::new(stream.try_clone().unwrap()).lines().map(Result::unwrap);
        assert_eq!(lines.next().unwrap(), format!("Welcome, {name}"));
        (stream, lines)
    };
    let (_stream, mut lines) = join("Dora");
    let (mut other, other_lines) = join("Emil");
    write!(other, "hi\nbye\n").unwrap();
    drop((other, other_lines));
    for line in ["Emil joins", "Emil: hi", "Emil: bye", "Emil leaves"] {
        assert_eq!(lines.next().unwrap(), line);
    }
}

/// A program that runs until the end of the test.
struct Killed(Child);

impl Drop for Killed {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

#[test]
fn stdin_lines() {
    for workers in [1, 2] {
        let mut child = example_with("stdin_lines", &["--scale", "0.02"], workers)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let mut input = child.stdin.take().unwrap();
        let lines = BufReader::new(child.stdout.take().unwrap()).lines();
        let mut lines = lines.map(Result::unwrap);
        assert_eq!(lines.next().unwrap(), "Say something, or quit");
        let mut answer = |said: &str| {
            // It ticks while it waits for the line.
            for _ in 0..3 {
                assert_eq!(lines.next().unwrap(), "Tick");
            }
            writeln!(input, "{said}").unwrap();
            lines.find(|line| line != "Tick").unwrap()
        };
        assert_eq!(answer("hello"), "You said hello");
        assert_eq!(answer("1 2 3"), "You said 1 2 3");
        assert_eq!(answer("quit"), "Goodbye");
        assert!(child.wait().unwrap().success());
        // The end of the input is an end, too.
        let mut command = example_with("stdin_lines", &[], workers);
        let output = command.stdin(Stdio::null()).output().unwrap();
        assert!(text(&output.stdout).ends_with("Goodbye\n"));
    }
}

#[test]
fn the_program_of_testing() {
    for workers in [1, 2] {
        let run = Run::of("testing", &[], workers);
        assert_eq!(run.lines, ["Err(\"no luck\") after 3603 s"]);
        assert_time(run.took("all"), 0.0);
    }
}

#[test]
fn wrong_options_are_named() {
    let fails = |arguments: &[&str], words: &str| {
        let Output { status, stderr, .. } = example_with("hello", arguments, 2).output().unwrap();
        assert_eq!(status.code(), Some(2));
        assert!(text(&stderr).contains(words), "{}", text(&stderr));
    };
    fails(&["--fast"], "no such option: `--fast`; there are `--scale S` and `--paused`");
    fails(&["--scale"], "`--scale` needs a number");
    fails(&["--scale", "0"], "`--scale` needs a number above zero");
}

/// Whoever adds an example is told here that it wants a test, and a line in the table.
#[test]
fn every_example_is_tested_and_listed() {
    let table = include_str!("../examples/README.md");
    let tests =
        concat!(include_str!("gallery.rs"), include_str!("postgres.rs"), include_str!("server.rs"));
    for entry in std::fs::read_dir(concat!(env!("CARGO_MANIFEST_DIR"), "/examples")).unwrap() {
        let path = entry.unwrap().path();
        let name = path.file_stem().unwrap().to_str().unwrap();
        let is_example =
            path.extension().is_some_and(|e| e == "rs") || path.join("main.rs").exists();
        let is_tested = || tests.contains(&format!("\"{name}\""));
        let is_listed = || table.contains(&format!("| `{name}` |"));
        assert!(!is_example || is_tested() && is_listed(), "{name} has no test, or no line");
    }
}
