//! `raft-sim swarm`.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::Duration;

use clap::Args;
use raft_driver_sim::Trace;
use raft_driver_sim::swarm::{Calm, Failure, Swarm};
use serde_json::json;

#[derive(Debug, Args)]
pub(crate) struct Arguments {
    /// The seed, or the first of them.
    #[arg(long, value_name = "N", default_value_t = 1)]
    seed: u64,
    /// Run so many seeds.
    #[arg(long, value_name = "N", default_value_t = 1, value_parser = clap::value_parser!(u64).range(1..))]
    runs: u64,
    /// So many nodes, instead of 1 to 9 as the seed draws.
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u64).range(1..=64))]
    nodes: Option<u64>,
    /// Write everything that happens to standard error, one line each.
    #[arg(long)]
    trace: bool,
    /// Print one JSON object.
    #[arg(long)]
    json: bool,
    /// Where the first failure is written, made as short as it can be.
    #[arg(long, value_name = "FILE", default_value = "raft-sim-failure.json")]
    failure: PathBuf,
    /// Run what such a file holds, instead of seeds.
    #[arg(long, value_name = "FILE", conflicts_with_all = ["seed", "runs", "nodes", "json", "failure"])]
    replay: Option<PathBuf>,
}

pub(crate) fn run(arguments: &Arguments) -> ExitCode {
    let passed = match &arguments.replay {
        Some(file) => replay(file, arguments.trace),
        None => campaign(arguments),
    };
    match passed {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(error) => {
            eprintln!("raft-sim: {error}");
            ExitCode::from(2)
        }
    }
}

fn run_one(swarm: &Swarm, trace: bool) -> Result<Calm, Failure> {
    let trace = trace.then(|| Trace::new(io::BufWriter::new(io::stderr().lock())));
    swarm.run_observed(trace).0
}

/// What came of many runs.
#[derive(Default)]
struct Sum {
    events: u64,
    leaderships: u64,
    simulated: Duration,
    /// The longest time that a recovery took, as a share of what it may take.
    recovery: f64,
    failed: Vec<u64>,
}

fn campaign(arguments: &Arguments) -> Result<bool, String> {
    let mut sum = Sum::default();
    for number in 0..arguments.runs {
        let seed = arguments.seed.wrapping_add(number);
        let swarm = match arguments.nodes {
            Some(nodes) => Swarm::with_nodes(seed, nodes as usize),
            None => Swarm::new(seed),
        };
        match run_one(&swarm, arguments.trace) {
            Ok(calm) => {
                sum.events += calm.stats.events;
                sum.leaderships += calm.stats.leaderships;
                sum.simulated += calm.simulated;
                let bound = swarm.recovery_bound().as_secs_f64();
                let share = calm.recovered_after.as_secs_f64() / bound;
                sum.recovery = sum.recovery.max(share);
            }
            Err(failure) => {
                eprintln!("FAILED: {failure}");
                if sum.failed.is_empty() {
                    shrink(&swarm, &failure, &arguments.failure)?;
                }
                sum.failed.push(seed);
            }
        }
    }
    report(arguments, &sum);
    Ok(sum.failed.is_empty())
}

fn report(arguments: &Arguments, sum: &Sum) {
    let hours = sum.simulated.as_secs_f64() / 3_600.0;
    let minutes = busy().map(|busy| busy.as_secs_f64() / 60.0);
    if arguments.json {
        say!(
            "{}",
            json!({
                "seed": arguments.seed,
                "runs": arguments.runs,
                "nodes": arguments.nodes,
                "failed": sum.failed,
                "events": sum.events,
                "leaderships": sum.leaderships,
                "cluster_hours": hours,
                "cpu_minutes": minutes,
                "longest_recovery_of_bound": sum.recovery,
            })
        );
        return;
    }
    say!(
        "{} of {} runs passed: {} events, {} leaderships, {hours:.1} cluster-hours",
        arguments.runs - sum.failed.len() as u64,
        arguments.runs,
        sum.events,
        sum.leaderships
    );
    say!(
        "the longest recovery took {:.0} % of what it may take",
        sum.recovery * 100.0
    );
    if let Some(minutes) = minutes {
        say!(
            "{minutes:.2} minutes of CPU: {:.0} cluster-hours a minute",
            hours / minutes
        );
    }
    let passed = sum.failed.is_empty();
    say!("{}", if passed { "PASS" } else { "FAIL" });
}

/// How long this thread, the only one, was on a CPU; on Linux.
fn busy() -> Option<Duration> {
    let text = fs::read_to_string("/proc/self/schedstat").ok()?;
    let nanos = text.split(' ').next()?.parse().ok()?;
    Some(Duration::from_nanos(nanos))
}

/// Makes a failing run short, prints it and writes it to a file.
fn shrink(swarm: &Swarm, failure: &Failure, file: &Path) -> Result<(), String> {
    let mut shrunk = swarm.shrink(failure);
    shrunk.swarm.settings.replay = Some(format!("raft-sim swarm --replay {}", file.display()));
    let text = serde_json::to_string_pretty(&shrunk.swarm).map_err(|error| error.to_string())?;
    fs::write(file, text + "\n").map_err(|error| format!("{}: {error}", file.display()))?;
    eprintln!(
        "The shortest run that was found to fail like it, in {} runs:",
        shrunk.runs
    );
    eprintln!("{}", shrunk.swarm);
    eprintln!("{}", shrunk.failure);
    eprintln!("to repeat it: raft-sim swarm --replay {}", file.display());
    Ok(())
}

fn replay(file: &Path, trace: bool) -> Result<bool, String> {
    let named = |error: &dyn std::fmt::Display| format!("{}: {error}", file.display());
    let text = fs::read_to_string(file).map_err(|error| named(&error))?;
    let swarm: Swarm = serde_json::from_str(&text).map_err(|error| named(&error))?;
    swarm.check().map_err(|error| named(&error))?;
    say!("{swarm}");
    match run_one(&swarm, trace) {
        Ok(_) => {
            say!("nothing is violated, and a leader came and stayed");
            Ok(true)
        }
        Err(failure) => {
            say!("FAILED: {failure}");
            Ok(false)
        }
    }
}
