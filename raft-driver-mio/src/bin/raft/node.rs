//! `raft node`: one node in the foreground.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Duration;

use raft_core::ConfigError;
use raft_driver_mio::{Handle, SettingsError, StartError, StoreError, config_file, duration};
use signal_hook::consts::{SIGHUP, SIGINT, SIGTERM};
use signal_hook::iterator::Signals;

use crate::{config, log};

/// Runs one node of a cluster in the foreground.
///
/// Logs one line for each transition on standard error. SIGTERM, SIGINT and SIGHUP hand the
/// leadership to another node and end this one with status 0; a second signal ends it at once.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Exit status:
  0   it was told to stop
  1   it failed while it ran, or could not get what it needs (a port, the state's lock, the disk)
  2   a wrong option
  78  a wrong configuration, or state that is missing, damaged or another node's: starting it again
      does not help

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
    /// Stop as a crash would when standard input ends: no orphan survives the program that started this one
    #[arg(long, hide = true)]
    pub(crate) exit_on_stdin_eof: bool,
}

/// The exit status of what only the operator can mend, EX_CONFIG of sysexits.h.
const EX_CONFIG: u8 = 78;

pub(crate) fn run(args: Args) -> ExitCode {
    let exit_on_stdin_eof = args.exit_on_stdin_eof;
    let (settings, level) = match config::settings(args) {
        Ok(settings) => settings,
        Err(error) => return fail(&error, EX_CONFIG),
    };
    // Before the node starts, so that no signal is missed.
    let signals = match Signals::new([SIGTERM, SIGINT, SIGHUP]) {
        Ok(signals) => signals,
        Err(error) => return fail(&format!("signals: {error}"), 1),
    };
    let log = match log::start(level) {
        Ok(log) => log,
        Err(error) => return fail(&format!("a thread: {error}"), 1),
    };
    let handle = match raft_driver_mio::start(settings) {
        Ok(handle) => handle,
        Err(error) => return fail(&explain(&error), status_of(&error)),
    };
    stop_on_signals(signals, handle.clone());
    if exit_on_stdin_eof {
        stop_with_stdin(handle.clone());
    }
    let ended = handle.join();
    drop(log);
    match ended {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => fail(&error.to_string(), 1),
    }
}

/// The first signal stops the node in order, the second ends the process.
fn stop_on_signals(mut signals: Signals, handle: Handle) {
    std::thread::spawn(move || {
        let mut signals = signals.forever();
        if signals.next().is_some() {
            handle.shutdown();
        }
        if let Some(signal) = signals.next() {
            std::process::exit(128 + signal);
        }
    });
}

/// The node stops when whoever holds the other end of standard input is gone.
fn stop_with_stdin(handle: Handle) {
    std::thread::spawn(move || {
        let _ = std::io::copy(&mut std::io::stdin(), &mut std::io::sink());
        handle.abort();
    });
}

/// The library names its own fields, which for the timing are not the names of our options.
fn explain(error: &StartError) -> String {
    match error {
        StartError::Settings(SettingsError::Core(
            ConfigError::HeartbeatInterval { .. } | ConfigError::ElectionTimeout { .. },
        )) => format!("{error}: choose others with --heartbeat and --election-timeout"),
        _ => error.to_string(),
    }
}

/// Whether the configuration or the state is at fault, which no restart mends, or the moment.
fn status_of(error: &StartError) -> u8 {
    match error {
        StartError::Settings(_)
        | StartError::Restore(_)
        | StartError::Store(
            StoreError::Absent { .. }
            | StoreError::Exists { .. }
            | StoreError::Truncated { .. }
            | StoreError::Damaged { .. }
            | StoreError::Version { .. }
            | StoreError::ImplausibleTerm { .. }
            | StoreError::OtherCluster { .. }
            | StoreError::OtherNode { .. }
            | StoreError::ClusterName { .. },
        ) => EX_CONFIG,
        _ => 1,
    }
}

fn fail(error: &str, status: u8) -> ExitCode {
    crate::complain("node", error);
    ExitCode::from(status)
}
