//! Figures of cells, and what is made of them: a table in Markdown, JSON, and a plot in SVG.

use std::collections::BTreeMap;
use std::fmt::{self, Write};
use std::path::Path;

use crate::peers::Peer;
use crate::shapes::Shape;

/// What this process has used so far.
pub(crate) struct Usage {
    cpu_ns: u64,
    switches: u64,
}

impl Usage {
    pub(crate) fn now() -> Usage {
        let clock = rustix::time::clock_gettime(rustix::time::ClockId::ProcessCPUTime);
        let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
        let switches = status
            .lines()
            .filter(|line| line.contains("ctxt_switches"))
            .filter_map(|line| line.split_whitespace().last()?.parse::<u64>().ok())
            .sum();
        Usage { cpu_ns: clock.tv_sec as u64 * 1_000_000_000 + clock.tv_nsec as u64, switches }
    }
}

/// What a shape has measured: its figure, and CPU time for as many operations.
pub(crate) struct Figures {
    /// The figure that is compared; less is better.
    pub(crate) figure: f64,
    /// Operations for which the CPU time of the process counts; zero if it does not matter.
    pub(crate) operations: f64,
    /// More to tell, by name.
    pub(crate) details: Vec<(&'static str, f64)>,
}

/// One run of a shape on a contestant.
#[derive(Clone, Debug)]
pub(crate) struct Cell {
    pub(crate) figure: f64,
    cpu_ns: f64,
    switches: f64,
    details: Vec<(String, f64)>,
}

impl Cell {
    pub(crate) fn new(figures: Figures, before: &Usage) -> Cell {
        let now = Usage::now();
        let each =
            |n: u64| if figures.operations > 0.0 { n as f64 / figures.operations } else { 0.0 };
        Cell {
            figure: figures.figure,
            cpu_ns: each(now.cpu_ns - before.cpu_ns),
            switches: each(now.switches.saturating_sub(before.switches)),
            details: figures.details.into_iter().map(|(n, v)| (n.to_owned(), v)).collect(),
        }
    }

    pub(crate) fn parse(line: &str) -> Cell {
        let value: serde_json::Value = serde_json::from_str(line.trim()).expect("a cell's line");
        let number = |name: &str| value[name].as_f64().unwrap_or_default();
        let details = value["details"].as_object().expect("details");
        Cell {
            figure: number("figure"),
            cpu_ns: number("cpu_ns"),
            switches: number("switches"),
            details: details
                .iter()
                .map(|(name, value)| (name.clone(), value.as_f64().unwrap_or_default()))
                .collect(),
        }
    }

    fn json(&self) -> serde_json::Value {
        serde_json::json!({
            "figure": self.figure,
            "cpu_ns": self.cpu_ns,
            "switches": self.switches,
            "details": self.details.iter().cloned().map(|(n, v)| (n, v.into()))
                .collect::<serde_json::Map<_, serde_json::Value>>(),
        })
    }
}

impl fmt::Display for Cell {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.json().fmt(f)
    }
}

/// All cells of a run.
#[derive(Default)]
pub(crate) struct Report {
    cells: BTreeMap<(&'static str, &'static str), BTreeMap<usize, Cell>>,
}

fn median(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    match values.len() {
        0 => f64::NAN,
        n => (values[(n - 1) / 2] + values[n / 2]) / 2.0,
    }
}

impl Report {
    pub(crate) fn add(&mut self, shape: &Shape, peer: Peer, round: usize, cell: Cell) {
        self.cells.entry((shape.name, peer.name())).or_default().insert(round, cell);
    }

    fn cells(&self, shape: &Shape, peer: Peer) -> impl Iterator<Item = (&usize, &Cell)> {
        self.cells.get(&(shape.name, peer.name())).into_iter().flatten()
    }

    fn median(&self, shape: &Shape, peer: Peer, of: impl Fn(&Cell) -> f64) -> f64 {
        median(self.cells(shape, peer).map(|(_, cell)| of(cell)).collect())
    }

    /// Heist's figure over that of the better peer, round by round.
    fn ratios(&self, shape: &Shape) -> Vec<f64> {
        let of = |peer, round: &usize| {
            self.cells(shape, peer).find(|(r, _)| *r == round).map(|(_, cell)| cell.figure)
        };
        self.cells(shape, Peer::Heist)
            .filter_map(|(round, ours)| {
                let best = of(Peer::Tokio, round)?.min(of(Peer::Smol, round)?);
                Some(ours.figure / best)
            })
            .collect()
    }

    /// A row a shape: medians, the ratio and its spread, and CPU time an operation.
    pub(crate) fn table(&self, shapes: &[&Shape]) -> String {
        let mut table = String::from(
            "| shape | unit | heist | tokio | smol | heist / best | spread | CPU ns/op: heist | tokio | smol |\n\
             |---|---|---|---|---|---|---|---|---|---|\n",
        );
        for shape in shapes {
            let mut ratios = self.ratios(shape);
            ratios.sort_by(f64::total_cmp);
            let (low, high) = (
                ratios.first().copied().unwrap_or(f64::NAN),
                ratios.last().copied().unwrap_or(f64::NAN),
            );
            write!(table, "| {} | {} ", shape.name, shape.unit).expect("a string");
            for peer in Peer::ALL {
                write!(table, "| {:.1} ", self.median(shape, peer, |c| c.figure))
                    .expect("a string");
            }
            write!(table, "| **{:.2}** | {low:.2} to {high:.2} ", median(ratios))
                .expect("a string");
            for peer in Peer::ALL {
                write!(table, "| {:.0} ", self.median(shape, peer, |c| c.cpu_ns))
                    .expect("a string");
            }
            table.push_str("|\n");
        }
        table
    }

    /// Writes `table.md`, `cells.json` and `ratios.svg`.
    pub(crate) fn write(&self, folder: &Path, shapes: &[&Shape]) {
        let cells: serde_json::Map<_, _> = self
            .cells
            .iter()
            .map(|((shape, peer), cells)| {
                let cells = cells.values().map(Cell::json).collect::<Vec<_>>();
                (format!("{shape}/{peer}"), cells.into())
            })
            .collect();
        let json = serde_json::Value::Object(cells).to_string();
        std::fs::create_dir_all(folder).expect("cannot make the folder for results");
        for (name, text) in [
            ("table.md", self.table(shapes)),
            ("cells.json", json),
            ("ratios.svg", self.plot(shapes)),
        ] {
            std::fs::write(folder.join(name), text).expect("cannot write results");
        }
    }

    /// A bar a shape: Heist's figure as a share of the better peer's.
    fn plot(&self, shapes: &[&Shape]) -> String {
        const ROW: usize = 24;
        const LEFT: usize = 150;
        const UNIT: f64 = 300.0;
        let height = shapes.len() * ROW + 50;
        let mut svg = format!(
            "<svg xmlns='http://www.w3.org/2000/svg' width='640' height='{height}' \
             font-family='sans-serif' font-size='13'>\
             <rect width='100%' height='100%' fill='white'/>\
             <text x='{LEFT}' y='20'>Heist / better of tokio and smol (shorter is better)</text>"
        );
        for (row, shape) in shapes.iter().enumerate() {
            let ratio = median(self.ratios(shape));
            let y = 32 + row * ROW;
            let colour = if ratio <= 1.0 { "#2a7f62" } else { "#b5483a" };
            write!(
                svg,
                "<text x='{}' y='{}' text-anchor='end'>{}</text>\
                 <rect x='{LEFT}' y='{y}' width='{:.0}' height='16' fill='{colour}'/>\
                 <text x='{:.0}' y='{}'>{ratio:.2}</text>",
                LEFT - 8,
                y + 13,
                shape.name,
                ratio.min(1.4) * UNIT,
                LEFT as f64 + ratio.min(1.4) * UNIT + 6.0,
                y + 13,
            )
            .expect("a string");
        }
        let x = LEFT as f64 + UNIT;
        write!(svg, "<line x1='{x}' x2='{x}' y1='26' y2='{}' stroke='black'/></svg>", height - 12)
            .expect("a string");
        svg
    }
}
