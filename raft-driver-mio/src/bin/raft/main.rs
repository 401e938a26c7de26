//! One active instance of a program among several hosts.

mod config;
mod demo;
mod keygen;
mod keys;
mod log;
mod member;
mod node;
mod options;
mod reload;
mod status;
mod target;

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
#[expect(clippy::large_enum_variant, reason = "there is only one")]
enum Command {
    Node(node::Args),
    Keygen(keygen::Args),
    Status(status::Args),
    Demo(demo::Args),
}

fn main() -> ExitCode {
    match Cli::parse().command {
        Command::Node(args) => node::run(args),
        Command::Keygen(args) => keygen::run(args),
        Command::Status(args) => status::run(args),
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
