//! Which running node a command is for.

use std::io::Write;
use std::path::PathBuf;
use std::process::ExitCode;

use raft_core::{NodeId, RoleKind};
use raft_driver_mio::control::client::AskError;

use crate::config;
use crate::member::EX_CONFIG;
use crate::options::Options;

/// The exit statuses beside 0 of the commands that ask a node.
pub(crate) const NO: u8 = 1;
pub(crate) const NO_LEADER: u8 = 2;
pub(crate) const UNREACHABLE: u8 = 3;
/// As timeout(1) has it.
pub(crate) const TIMED_OUT: u8 = 124;

/// The node that a command asks, over the control socket in its state directory.
#[derive(Clone, Debug, clap::Args)]
pub(crate) struct Target {
    /// The node's state directory
    #[arg(
        long,
        value_name = "DIR",
        env = "RAFT_STATE_DIR",
        hide_env_values = true
    )]
    state_dir: Option<PathBuf>,
    /// The node's TOML file, which names the state directory
    #[arg(long, value_name = "FILE", env = "RAFT_CONFIG", hide_env_values = true)]
    config: Option<PathBuf>,
}

impl Target {
    pub(crate) fn state_dir(&self) -> Result<PathBuf, Failure> {
        let options = Options {
            state_dir: self.state_dir.clone(),
            config: self.config.clone(),
            ..Options::default()
        };
        config::state_dir(&options).map_err(|error| Failure(error, EX_CONFIG))
    }
}

/// What a command that asks a node fails with, and its exit status.
pub(crate) struct Failure(pub(crate) String, pub(crate) u8);

impl From<AskError> for Failure {
    fn from(error: AskError) -> Failure {
        let status = match error {
            AskError::Refused(_) => NO,
            _ => UNREACHABLE,
        };
        Failure(error.to_string(), status)
    }
}

/// The exit status of a command, after it has said why it failed if it did.
pub(crate) fn exit(command: &str, result: Result<u8, Failure>) -> ExitCode {
    ExitCode::from(result.unwrap_or_else(|Failure(error, status)| {
        crate::complain(command, error);
        status
    }))
}

/// Writes on standard output. False if nobody reads it any more: a reader that went away, such as head, has what it
/// wanted.
pub(crate) fn print(text: &str) -> bool {
    let mut out = std::io::stdout();
    out.write_all(text.as_bytes())
        .and_then(|()| out.flush())
        .is_ok()
}

/// A role for people.
pub(crate) fn role(role: RoleKind) -> &'static str {
    match role {
        RoleKind::Follower => "follower",
        RoleKind::PreCandidate => "pre-candidate",
        RoleKind::Candidate => "candidate",
        RoleKind::Leader => "leader",
    }
}

/// A node for people: `2 at 10.0.0.2:7400`, or without the address if that is unknown.
pub(crate) fn place(id: NodeId, address: Option<std::net::SocketAddr>) -> String {
    match address {
        Some(address) => format!("{id} at {address}"),
        None => id.to_string(),
    }
}
