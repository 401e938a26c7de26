//! The options of a member, whatever subcommand runs it, on the command line and in the environment.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

use raft_driver_mio::{config_file, duration};

// No doc comment: clap would take it for the description of the subcommand.
#[derive(Clone, Debug, Default, clap::Args)]
pub(crate) struct Options {
    /// The cluster's name, the same on all nodes. Nodes of other clusters are not heard [default: raft]
    #[arg(
        long,
        value_name = "NAME",
        env = "RAFT_CLUSTER",
        hide_env_values = true
    )]
    pub(crate) cluster: Option<String>,
    /// This node's number, unlike any other in the cluster
    #[arg(long, env = "RAFT_ID", hide_env_values = true)]
    pub(crate) id: Option<u64>,
    /// The UDP address to listen on. Anything but loopback needs --key-file
    #[arg(long, value_name = "ADDRESS:PORT", value_parser = config_file::parse_listen, env = "RAFT_LISTEN", hide_env_values = true)]
    pub(crate) listen: Option<SocketAddr>,
    /// Another voter: its number and its address or host name. Once for each, or several with commas between
    #[arg(
        long,
        value_name = "ID=HOST:PORT",
        value_delimiter = ',',
        env = "RAFT_PEER",
        hide_env_values = true
    )]
    pub(crate) peer: Vec<String>,
    /// Run without any --peer, as a cluster of one node, which leads without anybody's vote: a node of a
    /// larger cluster that is started so is a second leader
    #[arg(long, env = "RAFT_ALONE", hide_env_values = true)]
    pub(crate) alone: bool,
    /// The directory of this node's durable state and control socket
    #[arg(
        long,
        value_name = "DIR",
        env = "RAFT_STATE_DIR",
        hide_env_values = true
    )]
    pub(crate) state_dir: Option<PathBuf>,
    /// Make the state: at this node's very first start, and never again. A node whose state was lost
    /// comes back under a new number
    #[arg(long)]
    pub(crate) init: bool,
    /// The file of the keys that all nodes share (see raft keygen). $CREDENTIALS_DIRECTORY/NAME is a
    /// credential of systemd
    #[arg(
        long,
        value_name = "FILE",
        env = "RAFT_KEY_FILE",
        hide_env_values = true
    )]
    pub(crate) key_file: Option<PathBuf>,
    /// The time between a leader's heartbeats, the same on all nodes [default: 50ms]
    #[arg(long, value_name = "DURATION", value_parser = duration::parse, env = "RAFT_HEARTBEAT", hide_env_values = true)]
    pub(crate) heartbeat: Option<Duration>,
    /// How long a silent leader is waited for, at least three heartbeats, the same on all nodes
    /// [default: 500ms]
    #[arg(long, value_name = "DURATION", value_parser = duration::parse, env = "RAFT_ELECTION_TIMEOUT", hide_env_values = true)]
    pub(crate) election_timeout: Option<Duration>,
    /// How long after the end of a lease what ran under it is dead at the latest, the same on all nodes. More than what the
    /// lease leaves of --election-timeout (90ms by default) has each new leader wait for the excess, unless the old one
    /// handed over in order [default: what is left]
    #[arg(long, value_name = "DURATION", value_parser = duration::parse, env = "RAFT_KILL_DELAY", hide_env_values = true)]
    pub(crate) kill_delay: Option<Duration>,
    /// The nodes that should rather lead than others, the most preferred first, the same on all nodes. Among
    /// those that run, the first is elected; a leader stays while others come back (see --take-back)
    #[arg(
        long,
        value_name = "ID,ID",
        value_delimiter = ',',
        env = "RAFT_PREFER",
        hide_env_values = true
    )]
    pub(crate) prefer: Vec<u64>,
    /// Hand the leadership, in order, to a node that comes before this one in --prefer and has answered without
    /// a break for ten election timeouts
    #[arg(long, env = "RAFT_TAKE_BACK", hide_env_values = true)]
    pub(crate) take_back: bool,
    /// Vote, but never lead
    #[arg(long, env = "RAFT_WITNESS", hide_env_values = true)]
    pub(crate) witness: bool,
    /// Allow an address other than loopback without a key: whoever can send datagrams to it can take part
    #[arg(long, env = "RAFT_INSECURE", hide_env_values = true)]
    pub(crate) insecure: bool,
    /// A TOML file with the same options, one for all hosts if it has a table of nodes (see raft check-config); what the command line or
    /// the environment says wins
    #[arg(long, value_name = "FILE", env = "RAFT_CONFIG", hide_env_values = true)]
    pub(crate) config: Option<PathBuf>,
    /// Serve /metrics, /leader, /livez, /readyz and /status over HTTP. Anything but loopback needs --http-public
    #[arg(long, value_name = "ADDRESS:PORT", value_parser = config_file::parse_listen, env = "RAFT_HTTP", hide_env_values = true)]
    pub(crate) http: Option<SocketAddr>,
    /// Allow --http on an address other than loopback: whoever reaches it reads the status, but changes nothing
    #[arg(long, env = "RAFT_HTTP_PUBLIC", hide_env_values = true)]
    pub(crate) http_public: bool,
    /// Write everything that the node is told and does to this file, one JSON object a line, to be drawn by raft-sim view. It
    /// grows by some 2.1 KB with each of a leader's heartbeats to two others; at 256 MiB it is put aside as
    /// FILE.1, in place of the one before
    #[arg(long, value_name = "FILE", env = "RAFT_TRACE", hide_env_values = true)]
    pub(crate) trace: Option<PathBuf>,
    /// The least important lines to log: error, warn, info, debug or trace [default: info]
    #[arg(
        long,
        value_name = "LEVEL",
        env = "RAFT_LOG_LEVEL",
        hide_env_values = true
    )]
    pub(crate) log_level: Option<String>,
    /// How to write them: logfmt or json [default: logfmt]
    #[arg(
        long,
        value_name = "FORMAT",
        env = "RAFT_LOG_FORMAT",
        hide_env_values = true
    )]
    pub(crate) log_format: Option<String>,
}
