//! The options of a member, whatever subcommand runs it.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

use raft_driver_mio::{config_file, duration};

// No doc comment: clap would take it for the description of the subcommand.
#[derive(Debug, clap::Args)]
pub(crate) struct Options {
    /// The cluster's name, the same on all nodes. Nodes of other clusters are not heard [default: raft]
    #[arg(long, value_name = "NAME")]
    pub(crate) cluster: Option<String>,
    /// This node's number, unlike any other in the cluster
    #[arg(long)]
    pub(crate) id: Option<u64>,
    /// The UDP address to listen on. Anything but loopback needs --key-file
    #[arg(long, value_name = "ADDRESS:PORT", value_parser = config_file::parse_listen)]
    pub(crate) listen: Option<SocketAddr>,
    /// Another voter: its number and its address or host name. Once for each
    #[arg(long, value_name = "ID=HOST:PORT")]
    pub(crate) peer: Vec<String>,
    /// Run without any --peer, as a cluster of one node, which leads without anybody's vote: a node of a
    /// larger cluster that is started so is a second leader
    #[arg(long)]
    pub(crate) alone: bool,
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
