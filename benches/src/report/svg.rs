//! A drawing in SVG: lines, bars and words on axes, nothing more.

use std::fmt::Write;

/// The colours of contestants, ours first; the last is for limits.
pub const COLOURS: [&str; 5] = ["#c8501e", "#2a6fb0", "#3f8f4f", "#8a63b3", "#777777"];

/// A drawing.
#[derive(Debug)]
pub struct Drawing {
    width: f64,
    height: f64,
    body: String,
}

impl Drawing {
    /// An empty drawing of so many pixels.
    pub fn new(width: f64, height: f64) -> Drawing {
        Drawing { width, height, body: String::new() }
    }

    /// A straight line.
    pub fn line(&mut self, from: (f64, f64), to: (f64, f64), style: &str) {
        self.put(&format!(
            "<line x1='{:.1}' y1='{:.1}' x2='{:.1}' y2='{:.1}' {style}/>",
            from.0, from.1, to.0, to.1
        ));
    }

    /// A line through points.
    pub fn path(&mut self, points: &[(f64, f64)], colour: &str) {
        let points: Vec<_> = points.iter().map(|(x, y)| format!("{x:.1},{y:.1}")).collect();
        self.put(&format!(
            "<polyline points='{}' fill='none' stroke='{colour}' stroke-width='2'/>",
            points.join(" ")
        ));
    }

    /// A dot.
    pub fn dot(&mut self, at: (f64, f64), colour: &str) {
        self.put(&format!("<circle cx='{:.1}' cy='{:.1}' r='3' fill='{colour}'/>", at.0, at.1));
    }

    /// A filled rectangle, from its upper left corner.
    pub fn bar(&mut self, at: (f64, f64), size: (f64, f64), colour: &str) {
        self.put(&format!(
            "<rect x='{:.1}' y='{:.1}' width='{:.1}' height='{:.1}' fill='{colour}'/>",
            at.0, at.1, size.0, size.1
        ));
    }

    /// Words; `anchor` is `start`, `middle` or `end`.
    pub fn text(&mut self, at: (f64, f64), anchor: &str, words: &str) {
        let words = words.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;");
        self.put(&format!(
            "<text x='{:.1}' y='{:.1}' text-anchor='{anchor}'>{words}</text>",
            at.0, at.1
        ));
    }

    /// The names of things with their colours, one under the other.
    pub fn legend(&mut self, at: (f64, f64), names: &[(&str, &str)]) {
        for (row, (name, colour)) in names.iter().enumerate() {
            let y = at.1 + row as f64 * 18.0;
            self.bar((at.0, y - 9.0), (12.0, 10.0), colour);
            self.text((at.0 + 18.0, y), "start", name);
        }
    }

    /// The whole file.
    pub fn finish(self) -> String {
        let Drawing { width, height, body } = self;
        format!(
            "<svg xmlns='http://www.w3.org/2000/svg' viewBox='0 0 {width} {height}' \
             width='{width}' height='{height}' font-family='sans-serif' font-size='12'>\n\
             <rect width='100%' height='100%' fill='white'/>\n{body}</svg>\n"
        )
    }

    fn put(&mut self, element: &str) {
        writeln!(self.body, "{element}").expect("strings take all that is written");
    }
}

/// Puts values on a logarithmic axis.
#[derive(Clone, Copy, Debug)]
pub struct LogAxis {
    low: f64,
    high: f64,
    from: f64,
    to: f64,
}

impl LogAxis {
    /// An axis on which all values have room, from one pixel to another. Values of zero and below
    /// lie at its beginning; `None` if there are no others.
    pub fn over(values: impl Iterator<Item = f64>, from: f64, to: f64) -> Option<LogAxis> {
        let positive: Vec<f64> = values.filter(|v| *v > 0.0 && v.is_finite()).collect();
        let low = positive.iter().copied().reduce(f64::min)?.log10();
        let high = positive.iter().copied().reduce(f64::max)?.log10();
        let margin = ((high - low) * 0.05).max(0.05);
        Some(LogAxis { low: low - margin, high: high + margin, from, to })
    }

    /// Where a value lies.
    pub fn at(&self, value: f64) -> f64 {
        let share = (value.max(f64::MIN_POSITIVE).log10() - self.low) / (self.high - self.low);
        self.from + share.clamp(0.0, 1.0) * (self.to - self.from)
    }

    /// Values worth a mark: 1, 2 and 5 of each power of ten, or the powers alone if they are many.
    pub fn marks(&self) -> Vec<f64> {
        let steps: &[f64] = if self.high - self.low > 2.5 { &[1.0] } else { &[1.0, 2.0, 5.0] };
        (self.low.floor() as i32..=self.high.ceil() as i32)
            .flat_map(|power| steps.iter().map(move |step| step * 10_f64.powi(power)))
            .filter(|mark| (self.low..=self.high).contains(&mark.log10()))
            .collect()
    }
}
