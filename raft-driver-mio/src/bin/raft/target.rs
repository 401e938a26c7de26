//! Which running node a command is for.

use std::path::PathBuf;

use crate::config;
use crate::options::Options;

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
    pub(crate) fn state_dir(&self) -> Result<PathBuf, String> {
        config::state_dir(&Options {
            state_dir: self.state_dir.clone(),
            config: self.config.clone(),
            ..Options::default()
        })
    }
}
