//! `raft status`: what a running node says of itself.

use std::path::PathBuf;
use std::process::ExitCode;

/// Shows the state of a running node.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Exit status:
  0   a leader is known
  2   no leader is known
  3   no node answers

Examples:
  raft status --state-dir /var/lib/raft
  raft status --state-dir /var/lib/raft --json | jq .leader")]
pub(crate) struct Args {
    /// The node's state directory
    #[arg(long, value_name = "DIR")]
    state_dir: PathBuf,
    /// Print one JSON object
    #[arg(long)]
    json: bool,
}

pub(crate) fn run(args: Args) -> ExitCode {
    let Args { state_dir, json: _ } = args;
    eprintln!("raft status: {}: not supported", state_dir.display());
    ExitCode::FAILURE
}
