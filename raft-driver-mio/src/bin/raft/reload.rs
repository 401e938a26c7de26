//! SIGHUP: keys and addresses of peers are read again while the node runs.

use std::fmt::Display;
use std::io;
use std::path::PathBuf;
use std::time::Duration;

use raft_core::NodeId;
use raft_driver_mio::config_file::File;
use raft_driver_mio::{Handle, Listen};
use tracing::{error, info};

use crate::aside::Aside;
use crate::config::{self, Given};
use crate::options::Options;
use crate::systemd;

/// What a member was started with, to read it again.
pub(crate) struct Reload {
    options: Options,
    fixed: Fixed,
}

/// Everything that does not change while a node runs, by the names of the options, as one would write it.
type Fixed = Vec<(&'static str, String)>;

impl Reload {
    /// `given` is what `options` were read as.
    pub(crate) fn new(options: Options, given: &Given) -> Reload {
        Reload {
            options,
            fixed: fixed(given),
        }
    }

    /// What reloads `node` when it is asked to.
    pub(crate) fn of(self, node: &Handle) -> io::Result<Aside> {
        let node = node.clone();
        Aside::start("raft-reload", move || self.reload(&node))
    }

    /// Reads the key file and the file of --config again, and has the node take the keys and addresses that they
    /// hold now. What is wrong with them is one line in the log, and changes nothing.
    fn reload(&self, handle: &Handle) {
        let node = handle.id().0;
        systemd::reloading(|| match self.try_reload(handle) {
            Ok(()) => info!(event = "reloaded", node),
            Err(error) => error!(event = "reload_failed", node, error),
        });
    }

    fn try_reload(&self, handle: &Handle) -> Result<(), String> {
        let given = config::read(self.options.clone())?;
        let now = fixed(&given);
        if let Some(((name, before), (_, now))) = self
            .fixed
            .iter()
            .zip(&now)
            .find(|(before, now)| before != now)
        {
            return Err(format!(
                "{name}: it was {before} and is {now} now: only keys and the addresses of peers change while a node \
                 runs; put it back, or restart the node"
            ));
        }
        // First what may be refused.
        let replaced = handle.replace_addresses(given.settings.peers);
        replaced.map_err(|error| error.to_string())?;
        match given.settings.keys {
            Some(keys) => handle.replace_keys(keys).map_err(|error| error.to_string()),
            None => Ok(()),
        }
    }
}

fn fixed(
    Given {
        settings,
        logging,
        http,
        file,
    }: &Given,
) -> Fixed {
    let options = &settings.options;
    let prefer: Vec<String> = settings.prefer.iter().map(NodeId::to_string).collect();
    let trace = settings.trace.as_ref().map(|path| path.display());
    let listen = match &settings.listen {
        Listen::Address(address) => address.to_string(),
        _ => String::new(),
    };
    let mut fixed = vec![
        ("cluster", settings.cluster.clone()),
        ("id", settings.id.to_string()),
        ("listen", listen),
        ("alone", settings.alone.to_string()),
        ("state-dir", settings.state_dir.display().to_string()),
        ("key-file", given(settings.keys.is_some())),
        ("heartbeat", format!("{:?}", options.heartbeat_interval)),
        (
            "election-timeout",
            format!("{:?}", options.election_timeout),
        ),
        ("kill-delay", format!("{:?}", settings.kill_delay)),
        (
            "prefer",
            shown((!prefer.is_empty()).then(|| prefer.join(","))),
        ),
        ("take-back", settings.take_back.to_string()),
        ("witness", options.witness.to_string()),
        ("insecure", settings.insecure.to_string()),
        ("trace", shown(trace)),
        ("log-level", logging.level.to_string().to_lowercase()),
        ("log-format", format!("{:?}", logging.format).to_lowercase()),
        ("http", shown(*http)),
    ];
    fixed.extend(beside(file));
    // Whatever else there is.
    fixed.push(("an option", format!("{options:?}")));
    fixed
}

/// What subcommands take from the file beside.
fn beside(file: &File) -> [(&'static str, String); 10] {
    let duration = |value: Option<Duration>| shown(value.map(|value| format!("{value:?}")));
    let path = |value: &Option<PathBuf>| shown(value.as_ref().map(|path| path.display()));
    [
        ("stop-timeout", duration(file.stop_timeout)),
        ("stop-signal", shown(file.stop_signal.as_ref())),
        ("grace", duration(file.grace)),
        ("forward", shown(file.forward.as_ref())),
        ("restart", file.restart.to_string()),
        ("once", file.once.to_string()),
        ("on-leader", path(&file.on_leader)),
        ("on-follower", path(&file.on_follower)),
        ("on-change", path(&file.on_change)),
        ("hook-timeout", duration(file.hook_timeout)),
    ]
}

fn shown(value: Option<impl Display>) -> String {
    value.map_or_else(|| given(false), |value| value.to_string())
}

fn given(given: bool) -> String {
    if given { "given" } else { "not given" }.to_owned()
}
