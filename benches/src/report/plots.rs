//! The plots: ratios as bars, latencies as curves, costs against whatever is swept.

use std::collections::BTreeMap;

use super::markdown::number;
use super::svg::{COLOURS, Drawing, LogAxis};
use super::{Row, Standing, answers, row};
use crate::histogram::Histogram;
use crate::peers::OURS;
use crate::rounds::{Entry, Run};
use crate::stats::Spread;

const WIDTH: f64 = 760.0;
const HEIGHT: f64 = 400.0;
/// Room for the marks and the title around a plot's field.
const LEFT: f64 = 80.0;
const RIGHT: f64 = 150.0;
const TOP: f64 = 36.0;
const BOTTOM: f64 = 44.0;
const AXIS: &str = "stroke='#333333'";
const GRID: &str = "stroke='#dddddd'";

/// All plots of a run, with the names of their files.
pub fn all(run: &Run, rows: &[Row]) -> Vec<(String, String)> {
    let mut plots = vec![("ratios.svg".to_owned(), ratios(rows))];
    for entry in &run.entries {
        plots.extend(latencies(run, entry));
    }
    for group in swept(run) {
        plots.extend(sweep(run, &group));
    }
    plots
}

/// Ours over the best peer's, a bar a row, on a logarithmic axis with the quartiles as whiskers.
fn ratios(rows: &[Row]) -> String {
    const ROW: f64 = 18.0;
    const LABELS: f64 = 330.0;
    let bars: Vec<(&Row, Spread)> =
        rows.iter().filter_map(|row| Some((row, row.against_best?))).collect();
    let height = TOP + BOTTOM + ROW * bars.len() as f64;
    let mut drawing = Drawing::new(WIDTH, height);
    drawing.text((12.0, 20.0), "start", "ours / best peer, less is better; the notch is the goal");
    let ends = bars.iter().flat_map(|(row, s)| [s.low, s.high, row.goal.unwrap_or(1.0)]);
    let Some(axis) = LogAxis::over(ends.chain([0.5, 2.0]), LABELS, WIDTH - 60.0) else {
        return drawing.finish();
    };
    let foot = height - BOTTOM;
    for mark in axis.marks() {
        drawing.line((axis.at(mark), TOP), (axis.at(mark), foot), GRID);
        drawing.text((axis.at(mark), foot + 16.0), "middle", &number(mark));
    }
    for (index, (row, ratio)) in bars.iter().enumerate() {
        let y = TOP + ROW * index as f64;
        let label = format!("{} {} {}", row.shape, row.case, row.figure);
        drawing.text((LABELS - 8.0, y + 13.0), "end", &label);
        let (one, end) = (axis.at(1.0), axis.at(ratio.median));
        let colour = match row.standing() {
            Standing::Reached | Standing::Ahead => "#3f8f4f",
            Standing::Even | Standing::Unknown => "#aaaaaa",
            Standing::Behind => "#c8501e",
        };
        drawing.bar((one.min(end), y + 3.0), ((one - end).abs().max(1.0), ROW - 6.0), colour);
        let middle = y + ROW / 2.0;
        drawing.line((axis.at(ratio.low), middle), (axis.at(ratio.high), middle), AXIS);
        if let Some(goal) = row.goal {
            drawing.line(
                (axis.at(goal), y + 1.0),
                (axis.at(goal), y + ROW - 1.0),
                "stroke='black' stroke-width='2'",
            );
        }
        drawing.text((WIDTH - 54.0, y + 13.0), "start", &format!("{:.2}", ratio.median));
    }
    drawing.line((axis.at(1.0), TOP), (axis.at(1.0), foot), AXIS);
    drawing.finish()
}

/// For each distribution of a case: latency against the share of all that were slower.
fn latencies(run: &Run, entry: &Entry) -> Vec<(String, String)> {
    let mut merged: BTreeMap<&str, BTreeMap<&'static str, Histogram>> = BTreeMap::new();
    for (sample, answer) in answers(run, entry) {
        for (name, histogram) in &answer.latency {
            let of_name = merged.entry(name).or_default();
            of_name.entry(sample.contestant).or_default().merge(histogram);
        }
    }
    let plot = |(name, histograms): (&str, BTreeMap<_, _>)| {
        let title =
            format!("{} {} ({name}): latency in us by percentile", entry.shape.name, entry.case);
        let curve = |histogram: &Histogram| {
            let last = (histogram.total() as f64).max(10.0);
            let steps = (last.log10() * 12.0) as u32;
            let slower = (0..=steps).map(|step| 10_f64.powf(-f64::from(step) / 12.0));
            slower.map(|s| (1.0 / s, histogram.quantile(1.0 - s) / 1000.0)).collect::<Vec<_>>()
        };
        let curves: Vec<_> = histograms
            .iter()
            .map(|(contestant, histogram)| (*contestant, curve(histogram)))
            .collect();
        let percentile = |x: f64| match x {
            x if x < 1.5 => "0 %".to_owned(),
            x => format!("{} %", 100.0 - 100.0 / x),
        };
        let file = format!("latency-{}-{name}.svg", slug(entry));
        Some((file, chart(entry, &title, &curves, percentile)?))
    };
    merged.into_iter().filter_map(plot).collect()
}

/// The cases of a shape that differ in size alone, where there are several.
fn swept(run: &Run) -> Vec<Vec<&Entry>> {
    let mut groups: BTreeMap<(&str, &str), Vec<&Entry>> = BTreeMap::new();
    for entry in &run.entries {
        groups.entry((entry.shape.name, &entry.case.variant)).or_default().push(entry);
    }
    groups.into_values().filter(|group| group.len() > 1).collect()
}

/// The first figure against the size.
fn sweep(run: &Run, group: &[&Entry]) -> Option<(String, String)> {
    let entry = group[0];
    let figure = (entry.shape.figures)(&entry.case).into_iter().next()?;
    let title = format!("{} {}: {}", entry.shape.name, entry.case.variant, figure.label);
    let mut curves: BTreeMap<&'static str, Vec<(f64, f64)>> = BTreeMap::new();
    for entry in group {
        for (name, spread) in row(run, entry, &figure).values {
            curves.entry(name).or_default().push((entry.case.size as f64, spread.median));
        }
    }
    let curves: Vec<_> = curves.into_iter().collect();
    let file = format!("cost-{}-{}.svg", entry.shape.name, entry.case.variant).replace("-.", ".");
    Some((file, chart(entry, &title, &curves, number)?))
}

/// Curves on two logarithmic axes, a colour for each contestant.
fn chart(
    entry: &Entry,
    title: &str,
    curves: &[(&'static str, Vec<(f64, f64)>)],
    mark_x: impl Fn(f64) -> String,
) -> Option<String> {
    let points = || curves.iter().flat_map(|(_, points)| points.iter().copied());
    let x_axis = LogAxis::over(points().map(|(x, _)| x), LEFT, WIDTH - RIGHT)?;
    let y_axis = LogAxis::over(points().map(|(_, y)| y), HEIGHT - BOTTOM, TOP)?;
    let mut drawing = Drawing::new(WIDTH, HEIGHT);
    drawing.text((12.0, 20.0), "start", title);
    for mark in x_axis.marks() {
        let x = x_axis.at(mark);
        drawing.line((x, TOP), (x, HEIGHT - BOTTOM), GRID);
        drawing.text((x, HEIGHT - BOTTOM + 18.0), "middle", &mark_x(mark));
    }
    for mark in y_axis.marks() {
        let y = y_axis.at(mark);
        drawing.line((LEFT, y), (WIDTH - RIGHT, y), GRID);
        drawing.text((LEFT - 8.0, y + 4.0), "end", &number(mark));
    }
    let mut names = Vec::new();
    let mut curves: Vec<_> = curves.iter().collect();
    curves.sort_by_key(|(name, _)| COLOURS.iter().position(|c| *c == colour(entry, name)));
    for (name, points) in curves {
        let colour = colour(entry, name);
        names.push((*name, colour));
        let points: Vec<_> = points.iter().map(|(x, y)| (x_axis.at(*x), y_axis.at(*y))).collect();
        drawing.path(&points, colour);
        if points.len() < 12 {
            points.iter().for_each(|point| drawing.dot(*point, colour));
        }
    }
    drawing.line((LEFT, HEIGHT - BOTTOM), (WIDTH - RIGHT, HEIGHT - BOTTOM), AXIS);
    drawing.line((LEFT, TOP), (LEFT, HEIGHT - BOTTOM), AXIS);
    drawing.legend((WIDTH - RIGHT + 16.0, TOP + 12.0), &names);
    Some(drawing.finish())
}

/// Ours is the first colour; limits share the last.
fn colour(entry: &Entry, name: &str) -> &'static str {
    let runtimes = entry.shape.runtimes.iter();
    let place = runtimes.filter(|c| c.name != OURS).position(|c| c.name == name);
    let limit = COLOURS.len() - 1;
    match place {
        _ if name == OURS => COLOURS[0],
        Some(place) => COLOURS[(place + 1).min(limit - 1)],
        None => COLOURS[limit],
    }
}

fn slug(entry: &Entry) -> String {
    format!("{} {}", entry.shape.name, entry.case).trim_end().replace(' ', "-")
}
