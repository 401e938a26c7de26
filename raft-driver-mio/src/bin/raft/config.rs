//! A node's options, from the command line and from a file, made into settings.

use std::collections::BTreeMap;

use raft_core::{NodeId, Options};
use raft_driver_mio::config_file::{File, parse_peer};
use raft_driver_mio::{Keyring, Settings};

use crate::options;

/// What is missing, and how to give it.
fn required<T>(value: Option<T>, name: &str) -> Result<T, String> {
    value.ok_or_else(|| {
        format!("{name}: it is missing: give --{name}, or `{name}` in the file of --config")
    })
}

/// The node's settings and the log's level. An error is one line or more that say what to do.
pub(crate) fn settings(args: options::Options) -> Result<(Settings, tracing::Level), String> {
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
