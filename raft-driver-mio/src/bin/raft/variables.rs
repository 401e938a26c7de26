//! Variables of the environment that look like ours and are none of ours: misspelt, an option silently is not what was meant.

use clap::CommandFactory;
use raft_core::NodeId;
use tracing::warn;

use crate::facts::TOLD;

const PREFIX: &str = "RAFT_";
/// How alike a name must be to be called the nearest, from 0 to 1.
const ALIKE: f64 = 0.8;

/// Warns of each variable of that kind, and names the nearest that there is.
pub(crate) fn warn_of_unknown(node: NodeId) {
    let names = std::env::vars_os().map(|(name, _)| name.to_string_lossy().into_owned());
    for (variable, nearest) in unknown(names) {
        let nearest = nearest.as_deref();
        warn!(event = "unknown_variable", node = node.0, variable, nearest);
    }
}

fn unknown(names: impl Iterator<Item = String>) -> Vec<(String, Option<String>)> {
    let options = options();
    let known = |name: &String| options.contains(name) || TOLD.contains(&name.as_str());
    let mut unknown: Vec<_> = names
        .filter(|name| name.starts_with(PREFIX) && !known(name))
        .map(|name| {
            let nearest = nearest(&name, &options);
            (name, nearest)
        })
        .collect();
    unknown.sort();
    unknown
}

/// The variables of the options of all subcommands.
fn options() -> Vec<String> {
    let cli = crate::Cli::command();
    let options = cli
        .get_subcommands()
        .flat_map(|command| command.get_arguments());
    options
        .filter_map(|option| Some(option.get_env()?.to_str()?.to_owned()))
        .collect()
}

fn nearest(name: &str, options: &[String]) -> Option<String> {
    let bare = |name: &str| name.strip_prefix(PREFIX).unwrap_or(name).to_owned();
    let alike = |option: &String| strsim::jaro_winkler(&bare(name), &bare(option));
    let nearest = options
        .iter()
        .max_by(|a, b| alike(a).total_cmp(&alike(b)))?;
    (alike(nearest) >= ALIKE).then(|| nearest.clone())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_variable_of_no_option_is_told_with_the_nearest() {
        let told = |name: &str| unknown([name.to_owned()].into_iter()).pop();
        for (name, meant) in [
            ("RAFT_PEERS", Some("RAFT_PEER")),
            ("RAFT_STATEDIR", Some("RAFT_STATE_DIR")),
            ("RAFT_HEARTBEAT_INTERVAL", Some("RAFT_HEARTBEAT")),
            ("RAFT_ELECTION_TIMOUT", Some("RAFT_ELECTION_TIMEOUT")),
            ("RAFT_INIT", None),
            ("RAFT_XYZ", None),
        ] {
            let expected = Some((name.to_owned(), meant.map(str::to_owned)));
            assert_eq!(told(name), expected);
        }
        for ours in ["RAFT_PEER", "RAFT_ONCE", "RAFT_TERM", "RAFT_HOOK", "RAFTER"] {
            assert_eq!(told(ours), None);
        }
    }
}
