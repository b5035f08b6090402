//! A distribution of times, kept in buckets 1.6 % wide: as HDR histograms are.
//!
//! Buckets are linear below 64 ns and logarithmic above, 64 to each doubling. Counts, not values,
//! are kept, so that distributions of rounds can be added up.

use serde::{Deserialize, Serialize};

const SUB_BITS: u32 = 6;
const SUB: u64 = 1 << SUB_BITS;

/// How often each latency, in nanoseconds, was seen.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(from = "Sparse", into = "Sparse")]
pub struct Histogram {
    counts: Vec<u64>,
    total: u64,
    max: u64,
}

impl Histogram {
    /// Counts one latency.
    pub fn record(&mut self, nanos: u64) {
        let index = index(nanos);
        if index >= self.counts.len() {
            self.counts.resize(index + 1, 0);
        }
        self.counts[index] += 1;
        self.total += 1;
        self.max = self.max.max(nanos);
    }

    /// Adds all that another one has counted.
    pub fn merge(&mut self, other: &Histogram) {
        if other.counts.len() > self.counts.len() {
            self.counts.resize(other.counts.len(), 0);
        }
        for (count, more) in self.counts.iter_mut().zip(&other.counts) {
            *count += more;
        }
        self.total += other.total;
        self.max = self.max.max(other.max);
    }

    /// How many latencies were counted.
    pub fn total(&self) -> u64 {
        self.total
    }

    /// The latency that the share `q` of all did not exceed; `q` of 1 is the largest. In
    /// nanoseconds; zero if nothing was counted.
    pub fn quantile(&self, q: f64) -> f64 {
        let rank = (q * self.total as f64).ceil().max(1.0) as u64;
        if rank >= self.total {
            return self.max as f64;
        }
        let mut seen = 0;
        for (index, count) in self.counts.iter().enumerate() {
            seen += count;
            if seen >= rank {
                return middle(index).min(self.max as f64);
            }
        }
        self.max as f64
    }
}

impl FromIterator<u64> for Histogram {
    fn from_iter<I: IntoIterator<Item = u64>>(nanos: I) -> Histogram {
        let mut histogram = Histogram::default();
        for nanos in nanos {
            histogram.record(nanos);
        }
        histogram
    }
}

fn index(nanos: u64) -> usize {
    if nanos < SUB {
        return nanos as usize;
    }
    let shift = nanos.ilog2() - SUB_BITS;
    (u64::from(shift + 1) * SUB + (nanos >> shift) - SUB) as usize
}

/// The middle of a bucket.
fn middle(index: usize) -> f64 {
    let index = index as u64;
    if index < SUB {
        return index as f64;
    }
    let shift = index / SUB - 1;
    let low = (index % SUB + SUB) << shift;
    low as f64 + ((1_u64 << shift) - 1) as f64 / 2.0
}

/// As it is written down: only the buckets that hold something.
#[derive(Serialize, Deserialize)]
struct Sparse {
    max: u64,
    counts: Vec<(usize, u64)>,
}

impl From<Histogram> for Sparse {
    fn from(histogram: Histogram) -> Sparse {
        let counts = histogram.counts.into_iter().enumerate().filter(|(_, count)| *count > 0);
        Sparse { max: histogram.max, counts: counts.collect() }
    }
}

impl From<Sparse> for Histogram {
    fn from(sparse: Sparse) -> Histogram {
        let buckets = sparse.counts.last().map_or(0, |(index, _)| index + 1);
        let mut counts = vec![0; buckets];
        let mut total = 0;
        for (index, count) in sparse.counts {
            counts[index] += count;
            total += count;
        }
        Histogram { counts, total, max: sparse.max }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn buckets_are_narrow_and_in_order() {
        let mut last = 0;
        for nanos in (0..1_000_000).chain([u64::MAX / 3, u64::MAX]) {
            let index = index(nanos);
            assert!(index == last || index == last + 1 || nanos > 1_000_000);
            last = index;
            assert!((middle(index) - nanos as f64).abs() <= nanos as f64 * 0.016);
        }
    }

    #[test]
    fn quantiles_survive_being_written_down() {
        let histogram: Histogram = (1..=1000).map(|n| n * 1000).collect();
        let text = serde_json::to_string(&histogram).unwrap();
        let read: Histogram = serde_json::from_str(&text).unwrap();
        assert_eq!(read, histogram);
        assert!((read.quantile(0.5) / 500_000.0 - 1.0).abs() < 0.02);
        assert!((read.quantile(0.99) / 990_000.0 - 1.0).abs() < 0.02);
        assert_eq!(read.quantile(1.0), 1_000_000.0);
    }
}
