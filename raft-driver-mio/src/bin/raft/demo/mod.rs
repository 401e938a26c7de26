//! `raft demo`: a cluster on this machine, whose leader is killed again and again.

use std::process::ExitCode;

/// Starts a cluster on this machine, kills its leader again and again, and shows who takes over.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// How many nodes
    #[arg(long, default_value_t = 3)]
    nodes: usize,
    /// How often the leader is killed
    #[arg(long, default_value_t = 3)]
    kills: usize,
}

pub(crate) fn run(args: Args) -> ExitCode {
    eprintln!(
        "raft demo: {} nodes, {} kills: not supported",
        args.nodes, args.kills
    );
    ExitCode::FAILURE
}
