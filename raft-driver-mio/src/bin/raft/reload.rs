//! SIGHUP: keys and addresses of peers are read again while the node runs.

use std::io;

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

/// Everything that does not change while a node runs, by the names of the options.
type Fixed = [(&'static str, String); 19];

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
    let listen = match &settings.listen {
        Listen::Address(address) => address.to_string(),
        Listen::Socket(_) => String::new(),
    };
    [
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
        ("prefer", format!("{:?}", settings.prefer)),
        ("take-back", settings.take_back.to_string()),
        ("witness", options.witness.to_string()),
        ("insecure", settings.insecure.to_string()),
        ("trace", format!("{:?}", settings.trace)),
        ("log-level", logging.level.to_string().to_lowercase()),
        ("log-format", format!("{:?}", logging.format).to_lowercase()),
        ("http", format!("{http:?}")),
        // What subcommands take from the file beside.
        (
            "an option of the program or of hooks",
            format!("{:?}", beside(file)),
        ),
        // Whatever else there is.
        ("an option", format!("{options:?}")),
    ]
}

fn beside(file: &File) -> impl std::fmt::Debug {
    (
        (&file.stop_timeout, &file.stop_signal, &file.grace),
        &file.forward,
        (file.restart, file.once),
        (&file.on_leader, &file.on_follower, &file.on_change),
        file.hook_timeout,
    )
}

fn given(given: bool) -> String {
    if given { "given" } else { "not given" }.to_owned()
}
