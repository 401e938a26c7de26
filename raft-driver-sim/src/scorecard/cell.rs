//! A figure, and how sure it is.

use core::fmt;

use serde::Serialize;

/// The quantile of the normal distribution that leaves 2.5 % on each side.
const Z: f64 = 1.96;

/// A figure of the card.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Cell {
    /// What it is, with its unit.
    pub name: &'static str,
    /// The figure.
    pub value: f64,
    /// The lower end of its 95 % interval.
    pub low: f64,
    /// The upper end of it.
    pub high: f64,
    /// Whether more is better; otherwise less is.
    pub more_is_better: bool,
}

impl Cell {
    /// The mean of some samples.
    pub(super) fn mean(name: &'static str, samples: &[f64]) -> Cell {
        let count = samples.len().max(1) as f64;
        let mean = samples.iter().sum::<f64>() / count;
        let squares = samples.iter().map(|sample| (sample - mean).powi(2));
        let error = Z * (squares.sum::<f64>() / (count - 1.0).max(1.0) / count).sqrt();
        Cell {
            name,
            value: mean,
            low: mean - error,
            high: mean + error,
            more_is_better: false,
        }
    }

    /// A quantile of some samples, by their order: its interval is that of the binomial distribution.
    pub(super) fn quantile(name: &'static str, samples: &[f64], quantile: f64) -> Cell {
        let mut sorted = samples.to_vec();
        sorted.sort_by(f64::total_cmp);
        let count = sorted.len() as f64;
        let at = |rank: f64| {
            let last = sorted.len().saturating_sub(1);
            sorted
                .get((rank.max(0.0) as usize).min(last))
                .copied()
                .unwrap_or_default()
        };
        let error = Z * (count * quantile * (1.0 - quantile)).sqrt();
        Cell {
            name,
            value: at(count * quantile),
            low: at(count * quantile - error),
            high: at(count * quantile + error),
            more_is_better: false,
        }
    }

    /// The largest of some samples. Its interval begins at the fourth largest: of samples that are drawn again from these, one
    /// set in twenty (e^-3) lacks the three above it.
    pub(super) fn max(name: &'static str, samples: &[f64]) -> Cell {
        let mut sorted = samples.to_vec();
        sorted.sort_by(|a, b| b.total_cmp(a));
        let max = sorted.first().copied().unwrap_or_default();
        Cell {
            name,
            value: max,
            low: sorted.get(3).copied().unwrap_or_default(),
            high: max,
            more_is_better: false,
        }
    }

    /// Which share of the samples is true, in percent. More of it is better.
    pub(super) fn share(name: &'static str, samples: impl Iterator<Item = bool>) -> Cell {
        let percent: Vec<f64> = samples
            .map(|holds| if holds { 100.0 } else { 0.0 })
            .collect();
        Cell {
            more_is_better: true,
            ..Cell::mean(name, &percent)
        }
    }

    /// Whether this figure is the better one, by however little.
    pub(super) fn beats(&self, other: &Cell) -> bool {
        if self.more_is_better {
            self.value > other.value
        } else {
            self.value < other.value
        }
    }

    pub(super) fn more_is_better(self) -> Cell {
        Cell {
            more_is_better: true,
            ..self
        }
    }
}

impl fmt::Display for Cell {
    /// The figure, with as many decimals as it bears.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let decimals = match self.value {
            value if value == value.round() => 0,
            value if value >= 100.0 => 0,
            value if value >= 10.0 => 1,
            value if value >= 1.0 => 2,
            _ => 3,
        };
        f.pad(&format!("{:.decimals$}", self.value))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn figures_are_those_of_the_samples_and_within_their_intervals() {
        let samples: Vec<f64> = (1..=1_000).map(f64::from).collect();
        let mean = Cell::mean("", &samples);
        assert!((mean.value - 500.5).abs() < 1e-9);
        // The deviation of 1..=1000 is 288.8, so that of its mean is 9.13.
        assert!((mean.high - mean.value - 1.96 * 9.13).abs() < 0.1);
        let p99 = Cell::quantile("", &samples, 0.99);
        assert_eq!((p99.low, p99.value, p99.high), (984.0, 991.0, 997.0));
        let max = Cell::max("", &samples);
        assert_eq!((max.low, max.value, max.high), (997.0, 1_000.0, 1_000.0));
        let share = Cell::share("", samples.iter().map(|sample| *sample <= 250.0));
        assert!(share.more_is_better && (share.value - 25.0).abs() < 1e-9);
    }

    #[test]
    fn no_samples_are_no_panic() {
        assert_eq!(Cell::quantile("", &[], 0.5).value, 0.0);
        assert_eq!(Cell::mean("", &[]).value, 0.0);
        assert_eq!(Cell::max("", &[]).value, 0.0);
    }
}
