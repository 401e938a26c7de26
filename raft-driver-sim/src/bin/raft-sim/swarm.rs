//! `raft-sim swarm`.

use std::io;
use std::process::ExitCode;

use clap::Args;
use raft_driver_sim::Trace;
use raft_driver_sim::swarm::Swarm;

#[derive(Debug, Args)]
pub(crate) struct Arguments {
    /// The seed, or the first of them.
    #[arg(long, value_name = "N", default_value_t = 1)]
    seed: u64,
    /// Run so many seeds.
    #[arg(long, value_name = "N", default_value_t = 1, value_parser = clap::value_parser!(u64).range(1..))]
    runs: u64,
    /// Write everything that happens to standard error, one line each.
    #[arg(long)]
    trace: bool,
}

pub(crate) fn run(arguments: &Arguments) -> ExitCode {
    let (mut events, mut leaderships, mut failed) = (0, 0, 0_u64);
    for number in 0..arguments.runs {
        let swarm = Swarm::new(arguments.seed.wrapping_add(number));
        let trace = arguments
            .trace
            .then(|| Trace::new(io::BufWriter::new(io::stderr().lock())));
        match swarm.run_observed(trace).0 {
            Ok(calm) => {
                events += calm.stats.events;
                leaderships += calm.stats.leaderships;
            }
            Err(failure) => {
                failed += 1;
                say!("FAILED: {failure}");
            }
        }
    }
    let passed = arguments.runs - failed;
    say!(
        "{passed} of {} runs passed: {events} events, {leaderships} leaderships",
        arguments.runs
    );
    say!("{}", if failed == 0 { "PASS" } else { "FAIL" });
    if failed == 0 {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    }
}
