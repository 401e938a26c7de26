//! `raft-sim lab3a`.

use std::io;
use std::process::ExitCode;

use clap::{Args, ValueEnum};
use raft_driver_sim::Trace;
use raft_driver_sim::lab3a::{Comparison, Distribution, Lab, Network, Outcome, Summary, Test};
use serde_json::json;

/// How many seeds a comparison runs unless it is told.
const COMPARED: u64 = 200;
/// How many failing seeds are printed in full.
const PRINTED_FAILURES: usize = 10;

#[derive(Debug, Args)]
pub(crate) struct Arguments {
    /// The seed, or the first of them.
    #[arg(long, value_name = "N", default_value_t = 1)]
    seed: u64,
    /// Run so many seeds and print distributions instead of single lines.
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u64).range(1..))]
    runs: Option<u64>,
    /// Run one test only.
    #[arg(long, value_enum)]
    test: Option<TestName>,
    /// The lab's unreliable network: requests are delayed by 0 to 26 ms, a tenth of requests and responses is lost.
    #[arg(long, conflicts_with = "compare")]
    unreliable: bool,
    /// Compare with a write-up of the lab, with and without postponing elections (200 seeds unless --runs says otherwise).
    #[arg(long)]
    compare: bool,
    /// Print one JSON object.
    #[arg(long)]
    json: bool,
    /// Write everything that happens to standard error, one line each.
    #[arg(long, conflicts_with_all = ["runs", "compare"])]
    trace: bool,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
enum TestName {
    /// A leader is elected and stays.
    Initial,
    /// Leaders are cut off and return.
    Reelection,
    /// Up to three of seven servers are cut off, nine times.
    Many,
}

impl Arguments {
    fn tests(&self) -> Vec<Test> {
        match self.test {
            None => Test::ALL.to_vec(),
            Some(TestName::Initial) => vec![Test::Initial],
            Some(TestName::Reelection) => vec![Test::Reelection],
            Some(TestName::Many) => vec![Test::Many],
        }
    }

    fn seeds(&self, runs: u64) -> impl Iterator<Item = u64> + Clone + use<> {
        let first = self.seed;
        (0..runs).map(move |number| first.wrapping_add(number))
    }
}

pub(crate) fn run(arguments: &Arguments) -> ExitCode {
    if arguments.compare {
        return compare(arguments);
    }
    let network = if arguments.unreliable {
        Network::Unreliable
    } else {
        Network::Reliable
    };
    let lab = Lab {
        network,
        ..Lab::default()
    };
    match arguments.runs {
        None => run_once(arguments, &lab),
        Some(runs) => run_many(arguments, &lab, runs),
    }
}

fn run_once(arguments: &Arguments, lab: &Lab) -> ExitCode {
    let mut outcomes = Vec::new();
    for test in arguments.tests() {
        let outcome = if arguments.trace {
            let trace = Trace::new(io::BufWriter::new(io::stderr().lock()));
            lab.run_observed(test, arguments.seed, trace).0
        } else {
            lab.run(test, arguments.seed)
        };
        if !arguments.json {
            say!("{outcome}");
            if !outcome.passed() {
                say!("      repeat: {}", lab.replay(test, arguments.seed));
            }
        }
        outcomes.push(outcome);
    }
    let passed = outcomes.iter().all(Outcome::passed);
    if arguments.json {
        say!(
            "{}",
            json!({
                "seed": arguments.seed,
                "network": lab.network,
                "passed": passed,
                "tests": outcomes,
            })
        );
    } else {
        say!("{}", verdict(passed));
    }
    exit_code(passed)
}

fn run_many(arguments: &Arguments, lab: &Lab, runs: u64) -> ExitCode {
    let summaries: Vec<Summary> = arguments
        .tests()
        .into_iter()
        .map(|test| {
            let summary = Summary::run(lab, test, arguments.seeds(runs));
            if !arguments.json {
                print_summary(&summary);
            }
            summary
        })
        .collect();
    let passed = summaries.iter().all(Summary::passed);
    if arguments.json {
        say!(
            "{}",
            json!({
                "seed": arguments.seed,
                "runs": runs,
                "network": lab.network,
                "passed": passed,
                "tests": summaries,
            })
        );
    } else {
        say!("{}", verdict(passed));
    }
    exit_code(passed)
}

fn print_summary(summary: &Summary) {
    let passed = summary.runs - summary.failures.len();
    say!("Test (3A): {} ...", summary.test.title());
    say!("  ... {passed} of {} passed", summary.runs);
    say!(
        "{:>26} {:>9} {:>9} {:>9} {:>9}",
        "",
        "min",
        "median",
        "p99",
        "max"
    );
    let milliseconds = |value: f64| format!("{:.1}", value * 1000.0);
    let whole = |value: f64| format!("{value}");
    let line = |title: &str, spread: Distribution, format: &dyn Fn(f64) -> String| {
        say!(
            "{title:>26} {:>9} {:>9} {:>9} {:>9}",
            format(spread.min),
            format(spread.median),
            format(spread.p99),
            format(spread.max)
        );
    };
    line("ms to a leader", summary.seconds_to_leader, &milliseconds);
    line("terms", summary.terms, &whole);
    line("beyond 1 + leaders lost", summary.excess_terms, &whole);
    line("RPCs", summary.rpcs, &whole);
    line("bytes", summary.bytes, &whole);
    say!(
        "  {} runs had a split vote ({:.2} %)",
        summary.runs_with_excess_terms,
        summary.runs_with_excess_terms as f64 * 100.0 / summary.runs as f64
    );
    for failed in summary.failures.iter().take(PRINTED_FAILURES) {
        say!("  seed {} FAILED: {}", failed.seed, failed.failure);
        say!("      repeat: {}", failed.replay);
    }
    if let Some(rest) = summary
        .failures
        .get(PRINTED_FAILURES..)
        .filter(|rest| !rest.is_empty())
    {
        let seeds: Vec<String> = rest.iter().map(|failed| failed.seed.to_string()).collect();
        say!("  and the seeds {}", seeds.join(", "));
    }
}

fn compare(arguments: &Arguments) -> ExitCode {
    let runs = arguments.runs.unwrap_or(COMPARED);
    let comparison = Comparison::run(&arguments.tests(), arguments.seeds(runs));
    if arguments.json {
        say!(
            "{}",
            json!({ "seed": arguments.seed, "runs": runs, "rows": comparison.rows })
        );
    } else {
        say!(
            "{runs} seeds from {} on; ours are medians, the document's are single runs\n",
            arguments.seed
        );
        say!("{comparison}");
    }
    ExitCode::SUCCESS
}

fn verdict(passed: bool) -> &'static str {
    if passed { "PASS" } else { "FAIL" }
}

fn exit_code(passed: bool) -> ExitCode {
    if passed {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    }
}
