//! The tables: what counts, and what it costs beside.

use std::fmt::Write;

use super::{Machine, Row, Standing, row};
use crate::peers::OURS;
use crate::rounds::Run;
use crate::shapes::Figure;
use crate::stats::Spread;

/// Everything, as Markdown.
pub fn report(run: &Run, machine: &Machine, rows: &[Row]) -> String {
    let mut text = String::new();
    head(&mut text, run, machine);
    figures(&mut text, run, rows);
    costs(&mut text, run);
    failures(&mut text, run);
    text
}

/// The runtimes that took part, ours first, and whether any limit did.
fn columns(run: &Run) -> (Vec<&'static str>, bool) {
    let mut names: Vec<&'static str> = Vec::new();
    let mut limits = false;
    for contestant in run.entries.iter().flat_map(|entry| &entry.contestants) {
        limits |= !contestant.is_runtime;
        if contestant.is_runtime && !names.contains(&contestant.name) {
            names.push(contestant.name);
        }
    }
    names.sort_by_key(|name| *name != OURS);
    (names, limits)
}

fn head(text: &mut String, run: &Run, machine: &Machine) {
    let Machine { processor, cpus, kernel, .. } = machine;
    let counted = if run.rounds >= 3 { run.rounds - 1 } else { run.rounds };
    line(
        text,
        &format!("{processor}, {cpus} CPUs, Linux {kernel}; {} workers.", run.options.workers),
    );
    let mut took = format!("{:?} run: {counted} rounds, {:.0?}", run.options.effort, run.took);
    if run.rate > 0.0 {
        took.push_str(&format!("; open loops at {:.0} messages/s", run.rate));
    }
    if run.stolen > 0 {
        let cases = run.stolen;
        took.push_str(&format!("; {cases} times a case's round was dropped for stolen time"));
    }
    line(text, &format!("{took}."));
    line(text, "Less is better everywhere. Ratios are medians over rounds, with quartiles.\n");
}

fn figures(text: &mut String, run: &Run, rows: &[Row]) {
    let (names, limits) = columns(run);
    let peers: Vec<_> = names.iter().copied().filter(|name| *name != OURS).collect();
    let mut head: Vec<String> = ["shape", "case", "figure"].map(str::to_owned).into();
    head.extend(names.iter().map(|name| (*name).to_owned()));
    if limits {
        head.push("limit".to_owned());
    }
    head.push("ours / best peer".to_owned());
    head.extend(peers.iter().map(|name| format!("/ {name}")));
    head.extend(["goal", "standing"].map(str::to_owned));
    header(text, &head);
    for row in rows {
        let mut cells = vec![row.shape.to_owned(), row.case.to_string(), row.figure.clone()];
        cells.extend(names.iter().map(|name| row.values.get(name).map_or(String::new(), value)));
        if limits {
            let is_limit = |name: &&str| !names.contains(name);
            let limits = row.values.iter().filter(|(name, _)| is_limit(name));
            let limits = limits.map(|(name, spread)| format!("{} ({name})", value(spread)));
            cells.push(limits.collect::<Vec<_>>().join(", "));
        }
        cells.push(row.against_best.map_or(String::new(), |ratio| {
            format!("**{:.2}** ({:.2} to {:.2})", ratio.median, ratio.low, ratio.high)
        }));
        cells.extend(peers.iter().map(|name| {
            row.against.get(name).map_or(String::new(), |ratio| format!("{:.2}", ratio.median))
        }));
        cells.push(goal(row));
        cells.push(word(row.standing()).to_owned());
        line(text, &format!("| {} |", cells.join(" | ")));
    }
    text.push('\n');
}

fn goal(row: &Row) -> String {
    let ratio = row.goal.map(|goal| format!("{goal:.2}"));
    let cap = row.cap.map(|cap| format!("<= {cap}"));
    [ratio, cap].into_iter().flatten().collect::<Vec<_>>().join(", ")
}

fn word(standing: Standing) -> &'static str {
    match standing {
        Standing::Reached => "reached",
        Standing::Ahead => "ahead",
        Standing::Even => "even",
        Standing::Behind => "**behind**",
        Standing::Unknown => "",
    }
}

/// CPU time and context switches of every case that counts operations.
fn costs(text: &mut String, run: &Run) {
    let (names, _) = columns(run);
    let mut head: Vec<String> = ["shape", "case"].map(str::to_owned).into();
    head.extend(names.iter().map(|name| format!("CPU ns, {name}")));
    head.push("ours / best peer".to_owned());
    head.extend(names.iter().map(|name| format!("switches, {name}")));
    line(text, "CPU time and context switches of the whole process, an operation:\n");
    header(text, &head);
    for entry in &run.entries {
        let cpu = row(run, entry, &Figure::cpu(""));
        let switches = row(run, entry, &Figure::switches(""));
        if !entry.contestants.iter().any(|c| c.is_runtime) || cpu.values.is_empty() {
            continue;
        }
        let mut cells = vec![cpu.shape.to_owned(), cpu.case.to_string()];
        cells.extend(names.iter().map(|name| cpu.values.get(name).map_or(String::new(), value)));
        cells.push(cpu.against_best.map_or(String::new(), |ratio| format!("{:.2}", ratio.median)));
        cells.extend(names.iter().map(|name| {
            switches.values.get(name).map_or(String::new(), |s| format!("{:.4}", s.median))
        }));
        line(text, &format!("| {} |", cells.join(" | ")));
    }
    text.push('\n');
}

fn failures(text: &mut String, run: &Run) {
    for sample in &run.samples {
        if let Err(what) = &sample.outcome {
            let of = format!("{} {} {}", sample.shape, sample.case, sample.contestant);
            line(text, &format!("* FAILED, round {}: {of}: {what}", sample.round + 1));
        }
    }
}

/// A value with three digits that say something.
pub fn value(spread: &Spread) -> String {
    number(spread.median)
}

/// A number with three digits that say something.
pub fn number(number: f64) -> String {
    match number.abs() {
        size if size >= 100.0 => format!("{number:.0}"),
        size if size >= 10.0 => format!("{number:.1}"),
        0.0 => "0".to_owned(),
        _ => format!("{number:.2}"),
    }
}

fn header(text: &mut String, cells: &[String]) {
    line(text, &format!("| {} |", cells.join(" | ")));
    line(text, &format!("|{}", "---|".repeat(cells.len())));
}

fn line(text: &mut String, line: &str) {
    writeln!(text, "{line}").expect("strings take all that is written");
}
