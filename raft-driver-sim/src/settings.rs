//! What a world is made of.

use raft_core::{Action, NodeId, Options, Timer};
use serde::{Deserialize, Serialize};

use crate::disk::DiskOptions;
use crate::network::Conditions;

/// A world before its seed. Nodes have the ids 0 to `nodes` - 1.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Settings {
    /// How many nodes there are, all of them voters: 1 to [`Config::MAX_VOTERS`](raft_core::Config::MAX_VOTERS). Default: 3.
    pub nodes: usize,
    /// What every node is configured with, but for `witness`.
    pub options: Options,
    /// The nodes that never campaign. Default: none.
    pub witnesses: Vec<NodeId>,
    /// How requests travel ([`is_request`](crate::is_request)).
    pub requests: Conditions,
    /// How responses travel.
    pub responses: Conditions,
    /// How disks behave.
    pub disk: DiskOptions,
    /// Whether heartbeats and votes postpone elections, as the paper's section 5.2 says.
    pub postponing: Postponing,
    /// How often the drivers let a leader send heartbeats. Default: as the core asks.
    pub heartbeats: Heartbeats,
    /// Whether all nodes draw the same random numbers, so that only the order of what happens tells them apart. Default: no.
    pub same_draws: bool,
    /// Whether the checker runs after every step. Default: yes.
    pub check: bool,
    /// Whether messages are encoded to count their bytes ([`Stats`](crate::Stats)). Default: no.
    pub meter: bool,
    /// The command that repeats a run of this world; a violation prints it.
    pub replay: Option<String>,
}

impl Default for Settings {
    fn default() -> Self {
        Settings {
            nodes: 3,
            options: Options::default(),
            witnesses: Vec::new(),
            requests: Conditions::default(),
            responses: Conditions::default(),
            disk: DiskOptions::default(),
            postponing: Postponing::On,
            heartbeats: Heartbeats::default(),
            same_draws: false,
            check: true,
            meter: false,
            replay: None,
        }
    }
}

impl Settings {
    /// The same with these conditions for requests and responses alike.
    #[must_use]
    pub fn with_conditions(mut self, conditions: Conditions) -> Self {
        self.requests = conditions;
        self.responses = conditions;
        self
    }
}

/// Whether a heartbeat that is accepted and a vote that is granted set the election timer anew.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Postponing {
    /// As the core asks.
    On,
    /// The driver disobeys: a timer that runs goes on running. This shows what postponing is worth, and is
    /// meant for [`Protocol::Plain`](raft_core::Protocol::Plain); a lease would not survive it.
    Off,
}

/// How often the drivers let a leader send heartbeats.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Heartbeats {
    /// So many times as long as the core asks is the time between two rounds. The core refuses a heartbeat interval above
    /// T/3, so a driver that disobeys shows what comes of one.
    pub stretched: u32,
}

impl Default for Heartbeats {
    fn default() -> Self {
        Heartbeats { stretched: 1 }
    }
}

impl Heartbeats {
    pub(crate) fn stretch(self, action: Action) -> Action {
        match action {
            Action::SetTimer {
                timer: Timer::Heartbeat,
                number,
                after,
            } => Action::SetTimer {
                timer: Timer::Heartbeat,
                number,
                after: after * self.stretched.max(1),
            },
            other => other,
        }
    }
}
