//! Hooks of `raft node`: programs that are told of leadership.

mod run;
mod worker;

use std::path::PathBuf;
use std::time::Duration;

use raft_driver_mio::config_file::File;
use raft_driver_mio::duration;

use crate::command;

pub(crate) use worker::{Hooks, start};

/// How long a hook may take, if nothing else is said.
const TIMEOUT: Duration = Duration::from_secs(30);
/// How much longer than a hook a hand-over waits.
const SLACK: Duration = Duration::from_secs(1);

// No doc comment: clap would take it for the description of the subcommand.
#[derive(Clone, Debug, Default, clap::Args)]
pub(crate) struct HookOptions {
    /// A program to run when this node leads with a lease
    #[arg(
        long,
        value_name = "FILE",
        env = "RAFT_ON_LEADER",
        hide_env_values = true
    )]
    on_leader: Option<PathBuf>,
    /// A program to run when it does so no longer, and once at the start
    #[arg(
        long,
        value_name = "FILE",
        env = "RAFT_ON_FOLLOWER",
        hide_env_values = true
    )]
    on_follower: Option<PathBuf>,
    /// A program to run when the leader changes, or is lost
    #[arg(
        long,
        value_name = "FILE",
        env = "RAFT_ON_CHANGE",
        hide_env_values = true
    )]
    on_change: Option<PathBuf>,
    /// How long each may take before it is killed [default: 30s]
    #[arg(long, value_name = "DURATION", value_parser = duration::parse, env = "RAFT_HOOK_TIMEOUT", hide_env_values = true)]
    hook_timeout: Option<Duration>,
}

/// The hooks of a node.
#[derive(Clone, Debug)]
pub(crate) struct Programs {
    on_leader: Option<PathBuf>,
    on_follower: Option<PathBuf>,
    on_change: Option<PathBuf>,
    timeout: Duration,
}

impl HookOptions {
    /// The hooks, if there are any; an error if one is no program that can be run. What the command line says wins over the file.
    pub(crate) fn programs(self, file: &File) -> Result<Option<Programs>, String> {
        let programs = Programs {
            on_leader: self.on_leader.or(file.on_leader.clone()),
            on_follower: self.on_follower.or(file.on_follower.clone()),
            on_change: self.on_change.or(file.on_change.clone()),
            timeout: self.hook_timeout.or(file.hook_timeout).unwrap_or(TIMEOUT),
        };
        let Programs {
            on_leader,
            on_follower,
            on_change,
            ..
        } = &programs;
        let mut some = false;
        for (name, program) in [
            ("on-leader", on_leader),
            ("on-follower", on_follower),
            ("on-change", on_change),
        ] {
            if let Some(program) = program {
                some = true;
                command::find(&[program.into()]).map_err(|error| format!("{name}: {error}"))?;
            }
        }
        Ok(some.then_some(programs))
    }
}

/// One of them, by its option.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Hook {
    Leader,
    Follower,
    Change,
}

impl Hook {
    pub(crate) fn name(self) -> &'static str {
        match self {
            Hook::Leader => "on-leader",
            Hook::Follower => "on-follower",
            Hook::Change => "on-change",
        }
    }
}

impl Programs {
    pub(crate) fn get(&self, hook: Hook) -> Option<&PathBuf> {
        match hook {
            Hook::Leader => self.on_leader.as_ref(),
            Hook::Follower => self.on_follower.as_ref(),
            Hook::Change => self.on_change.as_ref(),
        }
    }

    /// How long a hand-over waits for them.
    pub(crate) fn stop_timeout(&self) -> Duration {
        self.timeout.saturating_add(SLACK)
    }
}
