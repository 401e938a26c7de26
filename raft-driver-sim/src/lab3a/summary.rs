//! What came of a test over many seeds.

use core::time::Duration;

use serde::Serialize;

use super::{Lab, Outcome, Test};

/// How values are spread. Empty distributions are all zero.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize)]
pub struct Distribution {
    /// The smallest.
    pub min: f64,
    /// The middle one.
    pub median: f64,
    /// Ninety-nine in a hundred are no larger.
    pub p99: f64,
    /// The largest.
    pub max: f64,
}

impl Distribution {
    /// Of these values.
    pub fn of(values: impl IntoIterator<Item = f64>) -> Self {
        let mut values: Vec<f64> = values.into_iter().collect();
        values.sort_unstable_by(f64::total_cmp);
        // The nearest rank: the smallest value that so many percent do not exceed.
        let rank = |percent: usize| {
            let rank = (values.len() * percent).div_ceil(100).max(1);
            values.get(rank - 1).copied().unwrap_or_default()
        };
        Distribution {
            min: rank(0),
            median: rank(50),
            p99: rank(99),
            max: rank(100),
        }
    }
}

/// A test over many seeds.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Summary {
    /// The test.
    pub test: Test,
    /// How many seeds were run.
    pub runs: usize,
    /// The seeds that failed, with the command that repeats each and why it failed.
    pub failures: Vec<FailedRun>,
    /// Seconds to a leader, over all elections of all runs.
    pub seconds_to_leader: Distribution,
    /// Terms that a run came to.
    pub terms: Distribution,
    /// Terms of a run beyond one and one for each leader that was lost.
    pub excess_terms: Distribution,
    /// How many runs needed more terms than that: split votes.
    pub runs_with_excess_terms: usize,
    /// Requests sent in a run.
    pub rpcs: Distribution,
    /// Bytes of a run.
    pub bytes: Distribution,
    /// What sealing would add to the bytes of a run, at the least.
    pub seal_bytes: Distribution,
}

/// A seed that failed.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct FailedRun {
    /// The seed.
    pub seed: u64,
    /// Why.
    pub failure: String,
    /// The command that repeats it.
    pub replay: String,
}

impl Summary {
    /// Runs a test with each of these seeds.
    pub fn run(lab: &Lab, test: Test, seeds: impl IntoIterator<Item = u64>) -> Self {
        let outcomes: Vec<Outcome> = seeds.into_iter().map(|seed| lab.run(test, seed)).collect();
        let spread = |value: fn(&Outcome) -> u64| {
            Distribution::of(outcomes.iter().map(|outcome| value(outcome) as f64))
        };
        let failed = |outcome: &Outcome| {
            let failure = outcome.failure.as_ref()?.to_string();
            Some(FailedRun {
                seed: outcome.seed,
                failure,
                replay: lab.replay(test, outcome.seed),
            })
        };
        let elections = outcomes.iter().flat_map(|outcome| &outcome.to_leader);
        Summary {
            test,
            runs: outcomes.len(),
            failures: outcomes.iter().filter_map(failed).collect(),
            seconds_to_leader: Distribution::of(elections.map(Duration::as_secs_f64)),
            terms: spread(|outcome| outcome.terms),
            excess_terms: spread(|outcome| outcome.excess_terms),
            runs_with_excess_terms: outcomes.iter().filter(|o| o.excess_terms > 0).count(),
            rpcs: spread(|outcome| outcome.rpcs),
            bytes: spread(|outcome| outcome.bytes),
            seal_bytes: spread(|outcome| outcome.seal_bytes),
        }
    }

    /// Whether all runs passed.
    pub fn passed(&self) -> bool {
        self.failures.is_empty()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_distribution_names_values_that_occurred() {
        let values = (1..=200).rev().map(f64::from);
        let expected = Distribution {
            min: 1.0,
            median: 100.0,
            p99: 198.0,
            max: 200.0,
        };
        assert_eq!(Distribution::of(values), expected);
        assert_eq!(Distribution::of([7.0]).p99, 7.0);
        assert_eq!(Distribution::of([]), Distribution::default());
    }
}
