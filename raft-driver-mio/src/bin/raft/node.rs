//! `raft node`: one node in the foreground.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Duration;

use crate::duration;

/// Runs one node of a cluster in the foreground.
///
/// Logs one line for each transition on standard error. SIGTERM and SIGINT hand the leadership to
/// another node and end this one with status 0; a second signal ends it at once.
#[derive(Debug, Default, clap::Args)]
#[command(after_help = "\
Exit status:
  0   it was told to stop
  1   it failed while it ran, or could not get what it needs (a port, the state's lock, the disk)
  2   a wrong option
  78  a wrong configuration

Example, the first of three hosts, at its very first start:
  raft node --cluster billing --id 1 --listen 10.0.0.1:7400 \\
    --peer 2=10.0.0.2:7400 --peer 3=host3.example:7400 \\
    --state-dir /var/lib/raft --key-file /etc/raft/key --init

The same as a file, raft node --config /etc/raft/node.toml --init:
  cluster = \"billing\"
  id = 1
  listen = \"10.0.0.1:7400\"
  peer = [\"2=10.0.0.2:7400\", \"3=host3.example:7400\"]
  state-dir = \"/var/lib/raft\"
  key-file = \"/etc/raft/key\"")]
pub(crate) struct Args {
    /// The cluster's name, the same on all nodes. Nodes of other clusters are not heard [default: raft]
    #[arg(long, value_name = "NAME")]
    pub(crate) cluster: Option<String>,
    /// This node's number, unlike any other in the cluster
    #[arg(long)]
    pub(crate) id: Option<u64>,
    /// The UDP address to listen on. Anything but loopback needs --key-file
    #[arg(long, value_name = "ADDRESS:PORT")]
    pub(crate) listen: Option<SocketAddr>,
    /// Another node: its number and its address or host name. Once for each
    #[arg(long, value_name = "ID=HOST:PORT")]
    pub(crate) peer: Vec<String>,
    /// The directory of this node's durable state and control socket
    #[arg(long, value_name = "DIR")]
    pub(crate) state_dir: Option<PathBuf>,
    /// Make the state: at this node's very first start, and never again. A node whose state was lost
    /// comes back under a new number
    #[arg(long)]
    pub(crate) init: bool,
    /// The file of the key that all nodes share (see raft keygen)
    #[arg(long, value_name = "FILE")]
    pub(crate) key_file: Option<PathBuf>,
    /// The time between a leader's heartbeats, the same on all nodes [default: 50ms]
    #[arg(long, value_name = "DURATION", value_parser = duration::parse)]
    pub(crate) heartbeat: Option<Duration>,
    /// How long a silent leader is waited for, at least three heartbeats, the same on all nodes
    /// [default: 500ms]
    #[arg(long, value_name = "DURATION", value_parser = duration::parse)]
    pub(crate) election_timeout: Option<Duration>,
    /// Vote, but never lead
    #[arg(long)]
    pub(crate) witness: bool,
    /// Allow an address other than loopback without a key: whoever can send datagrams to it can take part
    #[arg(long)]
    pub(crate) insecure: bool,
    /// A TOML file with the same options; those on the command line win
    #[arg(long, value_name = "FILE")]
    pub(crate) config: Option<PathBuf>,
    /// The least important lines to log: error, warn, info, debug or trace [default: info]
    #[arg(long, value_name = "LEVEL")]
    pub(crate) log_level: Option<String>,
}

pub(crate) fn run(args: Args) -> ExitCode {
    eprintln!("raft node: {:?}: not supported", args.id);
    ExitCode::FAILURE
}
