//! One active instance of a program among several hosts.

mod config;
mod demo;
mod handover;
mod keygen;
mod keys;
mod leader;
mod log;
mod member;
mod node;
mod options;
mod reload;
mod status;
mod target;
mod watch;

use std::fmt::Display;
use std::io::Write;
use std::process::ExitCode;

use clap::{Parser, Subcommand};

/// Leader election among a few hosts, over UDP, without a server cluster.
#[derive(Debug, Parser)]
#[command(name = "raft", version, propagate_version = true, max_term_width = 100)]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    Node(node::Args),
    Keygen(keygen::Args),
    Status(status::Args),
    Leader(leader::LeaderArgs),
    IsLeader(leader::IsLeaderArgs),
    Watch(watch::WatchArgs),
    Wait(watch::WaitArgs),
    Transfer(handover::TransferArgs),
    StepDown(handover::StepDownArgs),
    Pause(handover::PauseArgs),
    Resume(handover::ResumeArgs),
    Demo(demo::Args),
}

fn main() -> ExitCode {
    match Cli::parse().command {
        Command::Node(args) => node::run(args),
        Command::Keygen(args) => keygen::run(args),
        Command::Status(args) => status::run(args),
        Command::Leader(args) => leader::leader(args),
        Command::IsLeader(args) => leader::is_leader(args),
        Command::Watch(args) => watch::watch(args),
        Command::Wait(args) => watch::wait(args),
        Command::Transfer(args) => handover::transfer(args),
        Command::StepDown(args) => handover::step_down(args),
        Command::Pause(args) => handover::pause(args),
        Command::Resume(args) => handover::resume(args),
        Command::Demo(args) => demo::run(args),
    }
}

/// Says on standard error why a subcommand fails. One that cannot be told, because the other end of
/// standard error is gone, still gets the exit status.
fn complain(subcommand: &str, error: impl Display) {
    let _ = writeln!(std::io::stderr(), "raft {subcommand}: {error}");
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_options_are_consistent() {
        use clap::CommandFactory;
        Cli::command().debug_assert();
    }
}
