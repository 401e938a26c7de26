//! The command line of the simulator.

/// `println!`, but whoever stops reading has seen enough: that is no reason to panic.
macro_rules! say {
    ($($argument:tt)*) => {
        $crate::write_line(format_args!($($argument)*))
    };
}

mod bench;
mod explore;
mod explored;
mod lab3a;
mod run;
mod scenarios;
mod scorecard;
mod swarm;
mod view;

use std::io::Write;
use std::process::ExitCode;

use clap::{Parser, Subcommand};

/// Raft in a simulated world: the same seed, the same run, on any machine.
#[derive(Debug, Parser)]
#[command(name = "raft-sim", version, after_help = EXIT_STATUS)]
struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Run the three tests of MIT 6.5840 Lab 3A in simulated time.
    #[command(name = "lab3a", after_help = EXIT_STATUS)]
    Lab3a(lab3a::Arguments),
    /// Run random clusters under random faults, then without any: a leader must come and stay.
    #[command(after_help = EXIT_STATUS)]
    Swarm(swarm::Arguments),
    /// Search every reachable state of a small cluster of real nodes.
    #[command(after_help = explore::EXIT_STATUS)]
    Explore(explore::Arguments),
    /// Run a scenario, or what a seed makes, and draw what happened: a page, a picture, a trace.
    #[command(after_help = run::EXIT_STATUS)]
    Run(run::Arguments),
    /// Draw what traces tell, also those of real nodes.
    #[command(after_help = run::EXIT_STATUS)]
    View(view::Arguments),
    /// Play the known bad networks and machines: what plain Raft and the defaults make of each.
    #[command(after_help = EXIT_STATUS)]
    Scenarios(scenarios::Arguments),
    /// Measure how well leaders are elected: failover, needless elections, messages, bad networks.
    Scorecard(scorecard::Arguments),
    /// Measure how many events a second a world handles on this machine.
    Bench(bench::Arguments),
}

const EXIT_STATUS: &str =
    "Exit status: 0 all passed, 1 something failed, 2 the command line is wrong.";

fn main() -> ExitCode {
    // clap ends the program with status 2 and a message if the command line is wrong.
    match Arguments::parse().command {
        Command::Lab3a(arguments) => lab3a::run(&arguments),
        Command::Swarm(arguments) => swarm::run(&arguments),
        Command::Explore(arguments) => explore::run(&arguments),
        Command::Run(arguments) => run::run(&arguments),
        Command::View(arguments) => view::run(&arguments),
        Command::Scenarios(arguments) => scenarios::run(&arguments),
        Command::Scorecard(arguments) => scorecard::run(&arguments),
        Command::Bench(arguments) => bench::run(&arguments),
    }
}

fn write_line(line: std::fmt::Arguments<'_>) {
    if writeln!(std::io::stdout(), "{line}").is_err() {
        std::process::exit(1);
    }
}
