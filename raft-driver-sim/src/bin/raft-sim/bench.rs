//! `raft-sim bench`: how fast the world turns.

use std::process::ExitCode;
use std::time::{Duration, Instant};

use clap::Args;
use raft_driver_sim::{Chance, Conditions, Settings, World};

#[derive(Debug, Args)]
pub(crate) struct Arguments {
    /// The seed of each world.
    #[arg(long, value_name = "N", default_value_t = 1)]
    seed: u64,
    /// Simulated seconds of each world.
    #[arg(long, value_name = "N", default_value_t = 2_000, value_parser = clap::value_parser!(u64).range(1..))]
    seconds: u64,
    /// How often each is run; the fastest counts, since what else the machine does can only slow it down.
    #[arg(long, value_name = "N", default_value_t = 5, value_parser = clap::value_parser!(u32).range(1..))]
    repeat: u32,
}

pub(crate) fn run(arguments: &Arguments) -> ExitCode {
    let quiet = Conditions::default();
    let rough = quiet
        .with_loss(Chance::percent(10))
        .with_duplication(Chance::percent(5))
        .with_stragglers(Chance::percent(5), Duration::from_millis(200));
    say!(
        "{:<42} {:>10} {:>12} {:>14}",
        "world (one core)",
        "events",
        "events/s",
        "simulated/real"
    );
    for (nodes, name, conditions) in [
        (3, "quiet", quiet),
        (5, "quiet", quiet),
        (7, "quiet", quiet),
        (5, "10 % loss, copies, stragglers", rough),
    ] {
        for check in [true, false] {
            let settings = Settings {
                nodes,
                check,
                ..Settings::default()
            }
            .with_conditions(conditions);
            if let Err(error) = measure(arguments, &settings, name) {
                eprintln!("raft-sim: {error}");
                return ExitCode::FAILURE;
            }
        }
    }
    ExitCode::SUCCESS
}

fn measure(
    arguments: &Arguments,
    settings: &Settings,
    name: &str,
) -> Result<(), Box<dyn std::error::Error>> {
    let mut events = 0;
    let mut took = f64::INFINITY;
    for _ in 0..arguments.repeat {
        let mut world = World::new(settings, arguments.seed)?;
        let begin = Instant::now();
        world.run_for(Duration::from_secs(arguments.seconds))?;
        took = took.min(begin.elapsed().as_secs_f64());
        events = world.stats().events;
    }
    let checker = if settings.check {
        "checked"
    } else {
        "unchecked"
    };
    say!(
        "{:<42} {events:>10} {:>12.0} {:>14.0}",
        format!("{} nodes, {name}, {checker}", settings.nodes),
        events as f64 / took,
        arguments.seconds as f64 / took
    );
    Ok(())
}
