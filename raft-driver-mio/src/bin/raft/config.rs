//! A node's options, from the command line and from a file, made into settings.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::time::Duration;

use raft_core::{NodeId, Options};
use raft_driver_mio::{Keyring, PeerAddress, Settings};
use serde::{Deserialize, Deserializer};

use crate::duration;
use crate::node::Args;

/// The file of `--config`: the options of the command line, under the same names.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case", default)]
struct File {
    cluster: Option<String>,
    id: Option<u64>,
    #[serde(deserialize_with = "optional_address")]
    listen: Option<SocketAddr>,
    peer: Vec<String>,
    alone: bool,
    state_dir: Option<PathBuf>,
    key_file: Option<PathBuf>,
    #[serde(deserialize_with = "optional_duration")]
    heartbeat: Option<Duration>,
    #[serde(deserialize_with = "optional_duration")]
    election_timeout: Option<Duration>,
    witness: bool,
    insecure: bool,
    log_level: Option<String>,
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
pub(crate) fn parse_listen(text: &str) -> Result<SocketAddr, String> {
    text.parse().map_err(|_| {
        format!(
            "`{text}` is no address to listen on: write ADDRESS:PORT, as in 10.0.0.1:7400 or [::1]:7400; \
             a host name will not do"
        )
    })
}

impl File {
    fn read(path: &Path) -> Result<File, String> {
        let in_file = |error: &dyn std::fmt::Display| format!("{}: {error}", path.display());
        let text = std::fs::read_to_string(path).map_err(|error| in_file(&error))?;
        toml::from_str(&text).map_err(|error| in_file(&error))
    }
}

/// What is missing, and how to give it.
fn required<T>(value: Option<T>, name: &str) -> Result<T, String> {
    value.ok_or_else(|| {
        format!("{name}: it is missing: give --{name}, or `{name}` in the file of --config")
    })
}

/// The node's settings and the log's level. An error is one line or more that say what to do.
pub(crate) fn settings(args: Args) -> Result<(Settings, tracing::Level), String> {
    let file = match &args.config {
        Some(path) => File::read(path)?,
        None => File::default(),
    };
    let level = args
        .log_level
        .or(file.log_level)
        .unwrap_or_else(|| "info".to_owned());
    let level = level.parse().map_err(|_| {
        format!("log-level: `{level}` is none of error, warn, info, debug and trace")
    })?;
    let id = NodeId(required(args.id.or(file.id), "id")?);
    let listen = required(args.listen.or(file.listen), "listen")?;
    let state_dir = required(args.state_dir.or(file.state_dir), "state-dir")?;
    let cluster = args
        .cluster
        .or(file.cluster)
        .unwrap_or_else(|| "raft".to_owned());
    let mut settings = Settings::new(cluster, id, listen, state_dir);
    let peers = if args.peer.is_empty() {
        file.peer
    } else {
        args.peer
    };
    settings.peers = peers
        .iter()
        .map(|peer| parse_peer(peer))
        .collect::<Result<_, _>>()?;
    one_address_each(&settings)?;
    settings.alone = args.alone || file.alone;
    settings.first_start = args.init;
    settings.keys = match args.key_file.or(file.key_file) {
        Some(path) => Some(Keyring::read(&path).map_err(|error| error.to_string())?),
        None => None,
    };
    settings.insecure = args.insecure || file.insecure;
    settings.control_socket = true;
    let defaults = Options::default();
    settings.options = Options {
        heartbeat_interval: args
            .heartbeat
            .or(file.heartbeat)
            .unwrap_or(defaults.heartbeat_interval),
        election_timeout: args
            .election_timeout
            .or(file.election_timeout)
            .unwrap_or(defaults.election_timeout),
        witness: args.witness || file.witness,
        ..defaults
    };
    Ok((settings, level))
}

fn parse_peer(text: &str) -> Result<(NodeId, PeerAddress), String> {
    let parsed = text
        .split_once('=')
        .and_then(|(id, address)| Some((id.parse().ok()?, address)));
    let Some((id, address)) = parsed else {
        return Err(format!(
            "peer: `{text}` is no peer: write ID=HOST:PORT, as in 2=10.0.0.2:7400"
        ));
    };
    match address.parse() {
        Ok(address) => Ok((NodeId(id), address)),
        Err(error) => Err(format!("peer: node {id}: {error}")),
    }
}

/// Two nodes at one address are a slip of the pen that no node could otherwise tell from silence.
fn one_address_each(settings: &Settings) -> Result<(), String> {
    let mut seen = BTreeMap::new();
    for (id, address) in &settings.peers {
        if let Some(other) = seen.insert(address.to_string(), id)
            && other != id
        {
            return Err(format!(
                "peer: nodes {other} and {id} have the same address, {address}"
            ));
        }
    }
    Ok(())
}
