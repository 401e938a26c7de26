//! A member's options, from the command line and from a file, made into settings.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::path::PathBuf;

use raft_core::{NodeId, Options};
use raft_driver_mio::Settings;
use raft_driver_mio::config_file::{File, parse_peer};

use crate::log::Format;
use crate::{keys, options};

fn file(given: &options::Options) -> Result<File, String> {
    match &given.config {
        Some(path) => File::read(path).map_err(|error| error.to_string()),
        None => Ok(File::default()),
    }
}

/// Puts what a file for all hosts says of this node where a file of its own has it.
fn narrow(file: &mut File, given: &options::Options) -> Result<(), String> {
    if file.node.is_empty() {
        return Ok(());
    }
    if !given.peer.is_empty() {
        return Err(
            "peer: the file of --config names the nodes in its [[node]] table: leave one of the two out"
                .to_owned(),
        );
    }
    let host = rustix::system::uname();
    let host = host.nodename().to_string_lossy().into_owned();
    let me = file.pick(given.id, &host);
    me.and_then(|me| file.narrow(me, given.listen))
        .map_err(|error| error.to_string())
}

/// What is missing, and how to give it.
fn required<T>(value: Option<T>, name: &str) -> Result<T, String> {
    value.ok_or_else(|| {
        format!("{name}: it is missing: give --{name}, or `{name}` in the file of --config")
    })
}

/// How a member logs.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Logging {
    pub(crate) level: tracing::Level,
    pub(crate) format: Format,
}

/// What a member was given: its node's settings, and what is around the node.
#[derive(Debug)]
pub(crate) struct Given {
    pub(crate) settings: Settings,
    pub(crate) logging: Logging,
    /// Where to serve HTTP.
    pub(crate) http: Option<SocketAddr>,
    /// What the file says, for what subcommands have beside.
    pub(crate) file: File,
}

/// Reads the options, the file and the key. An error is one line or more that say what to do.
pub(crate) fn read(given: options::Options) -> Result<Given, String> {
    let mut file = file(&given)?;
    narrow(&mut file, &given)?;
    let all = file.clone();
    let logging = logging(
        given.log_level.or(file.log_level),
        given.log_format.or(file.log_format),
    )?;
    let http = http(
        given.http.or(file.http),
        given.http_public || file.http_public,
    )?;
    let id = NodeId(required(given.id.or(file.id), "id")?);
    let listen = required(given.listen.or(file.listen), "listen")?;
    let state_dir = required(given.state_dir.or(file.state_dir), "state-dir")?;
    let cluster = given
        .cluster
        .or(file.cluster)
        .unwrap_or_else(|| "raft".to_owned());
    let mut settings = Settings::new(cluster, id, listen, state_dir);
    let peers = if given.peer.is_empty() {
        file.peer
    } else {
        given.peer
    };
    settings.peers = peers
        .iter()
        .map(|peer| parse_peer(peer).map_err(|error| error.to_string()))
        .collect::<Result<_, _>>()?;
    one_address_each(&settings)?;
    settings.alone = given.alone || file.alone;
    settings.first_start = given.init;
    settings.keys = match given.key_file.or(file.key_file) {
        Some(path) => Some(keys::read(&path)?),
        None => None,
    };
    settings.insecure = given.insecure || file.insecure;
    settings.kill_delay = given.kill_delay.or(file.kill_delay).unwrap_or_default();
    let prefer = if given.prefer.is_empty() {
        file.prefer
    } else {
        given.prefer
    };
    settings.prefer = prefer.into_iter().map(NodeId).collect();
    settings.take_back = given.take_back || file.take_back;
    settings.control_socket = true;
    settings.trace = given.trace.or(file.trace);
    let defaults = Options::default();
    settings.options = Options {
        heartbeat_interval: given
            .heartbeat
            .or(file.heartbeat)
            .unwrap_or(defaults.heartbeat_interval),
        election_timeout: given
            .election_timeout
            .or(file.election_timeout)
            .unwrap_or(defaults.election_timeout),
        witness: given.witness || file.witness,
        ..defaults
    };
    Ok(Given {
        settings,
        logging,
        http,
        file: all,
    })
}

fn logging(level: Option<String>, format: Option<String>) -> Result<Logging, String> {
    let level = level.as_deref().unwrap_or("info");
    let level = level.parse().map_err(|_| {
        format!("log-level: `{level}` is none of error, warn, info, debug and trace")
    })?;
    let format = match format {
        Some(format) => Format::parse(&format).map_err(|error| format!("log-format: {error}"))?,
        None => Format::default(),
    };
    Ok(Logging { level, format })
}

fn http(address: Option<SocketAddr>, public: bool) -> Result<Option<SocketAddr>, String> {
    match address {
        Some(address) if !address.ip().is_loopback() && !public => Err(format!(
            "http: {address} is not loopback: whoever reaches it could read the status; take 127.0.0.1 or ::1, or \
             insist with --http-public"
        )),
        address => Ok(address),
    }
}

/// The ids of all nodes in the table of the options' file: none if it has none.
pub(crate) fn nodes(given: &options::Options) -> Result<Vec<u64>, String> {
    Ok(file(given)?.node.iter().map(|node| node.id).collect())
}

/// The state directory that the options or their file name.
pub(crate) fn state_dir(given: &options::Options) -> Result<PathBuf, String> {
    let dir = match &given.state_dir {
        Some(dir) => Some(dir.clone()),
        None => file(given)?.state_dir,
    };
    required(dir, "state-dir")
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
