//! What postponing elections is worth: two measurements of a write-up of this lab, beside ours.

use core::fmt;

use raft_core::Protocol;
use serde::Serialize;

use super::{Lab, Network, Summary, Test};
use crate::settings::Postponing;

/// What is compared.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Variant {
    /// The document, with elections postponed by heartbeats and votes.
    DocumentPostponing,
    /// Plain Raft of section 5.2, the same way.
    PlainPostponing,
    /// All rules: pre-vote, stickiness, check-quorum.
    Standard,
    /// The document, with nothing postponed: an election whenever a timer ends.
    DocumentWithout,
    /// Plain Raft, with a simulator that does not set the running timer anew.
    PlainWithout,
}

impl Variant {
    /// All of them, in the order of the table.
    pub const ALL: [Variant; 5] = [
        Variant::DocumentPostponing,
        Variant::PlainPostponing,
        Variant::Standard,
        Variant::DocumentWithout,
        Variant::PlainWithout,
    ];

    const fn title(self) -> &'static str {
        match self {
            Variant::DocumentPostponing => "postponed, the document (Go)",
            Variant::PlainPostponing => "postponed, plain Raft",
            Variant::Standard => "postponed, all rules (default)",
            Variant::DocumentWithout => "not postponed, the document (Go)",
            Variant::PlainWithout => "not postponed, plain Raft",
        }
    }

    fn lab(self) -> Option<Lab> {
        let (protocol, postponing) = match self {
            Variant::DocumentPostponing | Variant::DocumentWithout => return None,
            Variant::PlainPostponing => (Protocol::Plain, Postponing::On),
            Variant::Standard => (Protocol::Standard, Postponing::On),
            Variant::PlainWithout => (Protocol::Plain, Postponing::Off),
        };
        Some(Lab {
            network: Network::Reliable,
            protocol,
            postponing,
        })
    }

    /// The document's single run of each test: RPCs, bytes, highest term.
    const fn document(self, test: Test) -> Option<[u64; 3]> {
        let postpones = match self {
            Variant::DocumentPostponing => true,
            Variant::DocumentWithout => false,
            Variant::PlainPostponing | Variant::Standard | Variant::PlainWithout => return None,
        };
        Some(match (test, postpones) {
            (Test::Initial, true) => [100, 25_276, 1],
            (Test::Reelection, true) => [166, 32_837, 8],
            (Test::Many, true) => [786, 150_094, 13],
            (Test::Initial, false) => [198, 48_454, 22],
            (Test::Reelection, false) => [250, 49_785, 23],
            (Test::Many, false) => [1_980, 411_222, 72],
        })
    }
}

/// A line of the table.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Row {
    /// The test.
    pub test: Test,
    /// What was run.
    pub variant: Variant,
    /// How many runs: the document's is one, and ours are given as medians.
    pub runs: usize,
    /// RPCs of a run.
    pub rpcs: f64,
    /// Bytes of a run.
    pub bytes: f64,
    /// The highest term of a run.
    pub terms: f64,
    /// The highest term of all runs.
    pub most_terms: f64,
    /// Runs in which the suite's limits were broken; the document's are not known.
    pub failed_runs: Option<usize>,
}

/// The whole table.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Comparison {
    /// Its lines: for each test, each variant.
    pub rows: Vec<Row>,
}

impl Comparison {
    /// Runs each test in each variant with each of these seeds.
    pub fn run(tests: &[Test], seeds: impl IntoIterator<Item = u64> + Clone) -> Self {
        let rows = tests
            .iter()
            .flat_map(|test| Variant::ALL.map(|variant| (*test, variant)))
            .filter_map(|(test, variant)| row(test, variant, seeds.clone()))
            .collect();
        Comparison { rows }
    }

    /// The line of a test and a variant.
    pub fn row(&self, test: Test, variant: Variant) -> Option<&Row> {
        self.rows
            .iter()
            .find(|row| row.test == test && row.variant == variant)
    }
}

fn row(test: Test, variant: Variant, seeds: impl IntoIterator<Item = u64>) -> Option<Row> {
    if let Some(lab) = variant.lab() {
        let summary = Summary::run(&lab, test, seeds);
        return Some(Row {
            test,
            variant,
            runs: summary.runs,
            rpcs: summary.rpcs.median,
            bytes: summary.bytes.median,
            terms: summary.terms.median,
            most_terms: summary.terms.max,
            failed_runs: Some(summary.failures.len()),
        });
    }
    let [rpcs, bytes, terms] = variant.document(test)?.map(|figure| figure as f64);
    Some(Row {
        test,
        variant,
        runs: 1,
        rpcs,
        bytes,
        terms,
        most_terms: terms,
        failed_runs: None,
    })
}

impl fmt::Display for Comparison {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut test = None;
        for row in &self.rows {
            if test != Some(row.test) {
                writeln!(
                    f,
                    "{:<34} {:>7} {:>8} {:>6} {:>7} {:>7}",
                    row.test.title(),
                    "RPCs",
                    "bytes",
                    "terms",
                    "at most",
                    "failed"
                )?;
                test = Some(row.test);
            }
            let failed = match row.failed_runs {
                Some(failed) => format!("{failed}/{}", row.runs),
                None => "-".to_owned(),
            };
            writeln!(
                f,
                "  {:<32} {:>7} {:>8} {:>6} {:>7} {failed:>7}",
                row.variant.title(),
                row.rpcs,
                row.bytes,
                row.terms,
                row.most_terms
            )?;
        }
        Ok(())
    }
}
