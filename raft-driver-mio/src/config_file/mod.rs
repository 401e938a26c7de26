//! The file of `raft node --config` (feature `config-file`). It is here, and not in the program, so that it can be fuzzed.

mod error;
mod nodes;

use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::time::Duration;

use raft_core::NodeId;
use serde::{Deserialize, Deserializer};

use crate::PeerAddress;
use crate::duration;

pub use error::{FileError, OptionError};
pub use nodes::Node;

/// The file of `--config`: the options of the command line, under the same names; or one for all hosts, in
/// which a table of nodes takes the place of what differs between them.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case", default)]
#[non_exhaustive]
pub struct File {
    /// The cluster's name.
    pub cluster: Option<String>,
    /// This node's number.
    pub id: Option<u64>,
    /// The UDP address to listen on.
    #[serde(deserialize_with = "optional_address")]
    pub listen: Option<SocketAddr>,
    /// The other voters, each as [`parse_peer`] reads it.
    pub peer: Vec<String>,
    /// Whether it runs without any peer.
    pub alone: bool,
    /// The directory of the durable state.
    pub state_dir: Option<PathBuf>,
    /// The file of the keys.
    pub key_file: Option<PathBuf>,
    /// The time between a leader's heartbeats.
    #[serde(deserialize_with = "optional_duration")]
    pub heartbeat: Option<Duration>,
    /// T, the election timeout.
    #[serde(deserialize_with = "optional_duration")]
    pub election_timeout: Option<Duration>,
    /// How long after the end of a lease what ran under it is dead at the latest.
    #[serde(deserialize_with = "optional_duration")]
    pub kill_delay: Option<Duration>,
    /// The voters that should rather lead, in order.
    pub prefer: Vec<u64>,
    /// Whether a leader hands over to one that comes before it.
    pub take_back: bool,
    /// Whether it votes and never leads.
    pub witness: bool,
    /// Whether an address other than loopback may do without a key.
    pub insecure: bool,
    /// Where to serve HTTP.
    #[serde(deserialize_with = "optional_address")]
    pub http: Option<SocketAddr>,
    /// Whether that may be another address than loopback.
    pub http_public: bool,
    /// Where to write a trace, if anywhere.
    pub trace: Option<PathBuf>,
    /// The least important lines to log.
    pub log_level: Option<String>,
    /// How to write them.
    pub log_format: Option<String>,
    /// How long the program of `raft exec` may take to end.
    #[serde(deserialize_with = "optional_duration")]
    pub stop_timeout: Option<Duration>,
    /// The signal that asks it to end.
    pub stop_signal: Option<String>,
    /// How long it may take to end when the lease is lost.
    #[serde(deserialize_with = "optional_duration")]
    pub grace: Option<Duration>,
    /// The signals that are passed on to it.
    pub forward: Option<String>,
    /// Whether it starts again after it ended by itself.
    pub restart: bool,
    /// Whether the member ends when it lost the leadership.
    pub once: bool,
    /// The program that `raft node` runs when it leads.
    pub on_leader: Option<PathBuf>,
    /// The one when it no longer does.
    pub on_follower: Option<PathBuf>,
    /// The one when the leader changes.
    pub on_change: Option<PathBuf>,
    /// How long each may take.
    #[serde(deserialize_with = "optional_duration")]
    pub hook_timeout: Option<Duration>,
    /// All nodes of the cluster, in a file for all hosts.
    pub node: Vec<Node>,
}

fn optional_duration<'de, D: Deserializer<'de>>(from: D) -> Result<Option<Duration>, D::Error> {
    // What is no text, such as a number without a unit, is told how to write one as well.
    let text = match toml::Value::deserialize(from)? {
        toml::Value::String(text) => text,
        other => other.to_string(),
    };
    duration::parse(&text)
        .map(Some)
        .map_err(serde::de::Error::custom)
}

fn optional_address<'de, D: Deserializer<'de>>(from: D) -> Result<Option<SocketAddr>, D::Error> {
    let text = String::deserialize(from)?;
    parse_listen(&text)
        .map(Some)
        .map_err(serde::de::Error::custom)
}

/// Reads the address to listen on.
///
/// # Errors
///
/// What is wrong with it, and how to write one.
pub fn parse_listen(text: &str) -> Result<SocketAddr, OptionError> {
    text.parse().map_err(|_| {
        OptionError::of(format!(
            "`{text}` is no address to listen on: write ADDRESS:PORT, as in 10.0.0.1:7400 or [::1]:7400; \
             a host name will not do"
        ))
    })
}

impl File {
    /// Reads a file.
    ///
    /// # Errors
    ///
    /// The file's name, and why it cannot be read or what is wrong in it.
    pub fn read(path: &Path) -> Result<File, FileError> {
        let path_of = || path.to_owned();
        let text = std::fs::read_to_string(path).map_err(|source| FileError::Unreadable {
            path: path_of(),
            source,
        })?;
        File::parse(&text).map_err(|error| FileError::Content {
            path: path_of(),
            error,
        })
    }

    /// Reads what a file holds.
    ///
    /// # Errors
    ///
    /// The line and what is wrong in it.
    pub fn parse(text: &str) -> Result<File, OptionError> {
        let file: File =
            toml::from_str(text).map_err(|error| OptionError::of_toml(&error, text))?;
        file.check_nodes()?;
        Ok(file)
    }
}

/// Reads another voter: `ID=HOST:PORT`.
///
/// # Errors
///
/// What is wrong with it, and how to write one.
pub fn parse_peer(text: &str) -> Result<(NodeId, PeerAddress), OptionError> {
    let parsed = text
        .split_once('=')
        .and_then(|(id, address)| Some((id.parse().ok()?, address)));
    let Some((id, address)) = parsed else {
        return Err(OptionError::of(format!(
            "peer: `{text}` is no peer: write ID=HOST:PORT, as in 2=10.0.0.2:7400"
        )));
    };
    match address.parse() {
        Ok(address) => Ok((NodeId(id), address)),
        Err(error) => Err(OptionError::of(format!("peer: node {id}: {error}"))),
    }
}
