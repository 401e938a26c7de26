//! How long something took, over and over.

use std::time::Duration;

use serde::{Deserialize, Serialize};

/// The upper bounds of the buckets of [`Timings`], in seconds, ascending. What took longer is in none of them.
pub const TIMING_BOUNDS: [f64; 13] = [
    0.000_05, 0.000_1, 0.000_25, 0.000_5, 0.001, 0.002_5, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 1.0,
];

/// How long something took, over and over: a histogram, in seconds.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
#[non_exhaustive]
pub struct Timings {
    /// How often.
    pub count: u64,
    /// How long in all.
    pub sum: f64,
    /// How long, the last time.
    pub last: f64,
    /// How long at the most.
    pub max: f64,
    /// How often it took no longer than each of [`TIMING_BOUNDS`].
    pub buckets: [u64; TIMING_BOUNDS.len()],
}

impl Timings {
    pub(crate) fn add(&mut self, took: Duration) {
        let seconds = took.as_secs_f64();
        self.count += 1;
        self.sum += seconds;
        self.last = seconds;
        self.max = self.max.max(seconds);
        for (count, bound) in self.buckets.iter_mut().zip(TIMING_BOUNDS) {
            *count += u64::from(seconds <= bound);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_bucket_counts_what_took_no_longer() {
        let mut timings = Timings::default();
        for ms in [1, 3, 2_000] {
            timings.add(Duration::from_millis(ms));
        }
        assert_eq!((timings.count, timings.last, timings.max), (3, 2.0, 2.0));
        assert!((timings.sum - 2.004).abs() < 1e-9);
        assert_eq!(timings.buckets, [0, 0, 0, 0, 1, 1, 2, 2, 2, 2, 2, 2, 2]);
    }
}
