//! The box that a search stays in.

use core::fmt;

use raft_core::{Config, ConfigError, NodeId, Options, Protocol};
use serde::{Deserialize, Serialize};

/// The box: what may happen, and how often. What leaves it is not explored, so "no violation" speaks of the box only.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Bounds {
    /// How many nodes there are: 1 to [`Bounds::MAX_NODES`]. Default: 3.
    pub nodes: usize,
    /// The last term. A node in it does not campaign. Default: 1.
    pub terms: u64,
    /// How many rounds of heartbeats a leader begins in a term, at least 1. Default: 1.
    pub rounds: u64,
    /// Which rules hold. Default: [`Protocol::Standard`].
    pub protocol: Protocol,
    /// Whether nodes crash, at any action, and come back. Default: yes.
    pub crashes: bool,
    /// Whether leaders are asked to hand over. There are none in plain Raft. Default: yes.
    pub transfers: bool,
    /// Whether nodes are paused and resumed. Default: no.
    pub pauses: bool,
}

impl Default for Bounds {
    fn default() -> Self {
        Bounds {
            nodes: 3,
            terms: 1,
            rounds: 1,
            protocol: Protocol::Standard,
            crashes: true,
            transfers: true,
            pauses: false,
        }
    }
}

impl Bounds {
    /// The most nodes that can be explored.
    pub const MAX_NODES: usize = 6;

    /// Plain Raft (the paper's section 5.2 and nothing else) with so many nodes and terms.
    pub fn plain(nodes: usize, terms: u64) -> Self {
        Bounds {
            nodes,
            terms,
            protocol: Protocol::Plain,
            transfers: false,
            ..Bounds::default()
        }
    }

    /// Everything on but pauses, with so many nodes and terms.
    pub fn standard(nodes: usize, terms: u64) -> Self {
        Bounds {
            nodes,
            terms,
            ..Bounds::default()
        }
    }

    /// The configurations of the nodes, whose ids are 0 to `nodes` - 1.
    pub(super) fn configs(&self) -> Result<Vec<Config>, BoundsError> {
        if !(1..=Self::MAX_NODES).contains(&self.nodes) {
            return Err(BoundsError::Nodes(self.nodes));
        }
        for (name, value) in [("terms", self.terms), ("rounds", self.rounds)] {
            if !(1..=1000).contains(&value) {
                return Err(BoundsError::Number { name, value });
            }
        }
        let voters: Vec<NodeId> = (0..self.nodes as u64).map(NodeId).collect();
        voters
            .iter()
            .map(|id| Config::new(*id, &voters, self.options()))
            .collect::<Result<_, _>>()
            .map_err(BoundsError::Config)
    }

    pub(super) fn options(&self) -> Options {
        Options {
            protocol: self.protocol,
            ..Options::default()
        }
    }
}

impl fmt::Display for Bounds {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let protocol = match self.protocol {
            Protocol::Plain => "plain",
            Protocol::Standard => "standard",
        };
        write!(
            f,
            "{protocol} nodes={} terms={} rounds={}",
            self.nodes, self.terms, self.rounds
        )?;
        for (said, word) in [
            (!self.crashes, " no-crash"),
            (
                !self.transfers && self.protocol == Protocol::Standard,
                " no-transfer",
            ),
            (self.pauses, " pause"),
        ] {
            if said {
                f.write_str(word)?;
            }
        }
        Ok(())
    }
}

/// Why a box cannot be explored.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum BoundsError {
    /// There are no nodes, or more than [`Bounds::MAX_NODES`].
    Nodes(usize),
    /// A bound is not between 1 and 1000.
    Number {
        /// Its name.
        name: &'static str,
        /// Its value.
        value: u64,
    },
    /// The core refuses the configuration.
    Config(ConfigError),
}

impl fmt::Display for BoundsError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            BoundsError::Nodes(count) => write!(
                f,
                "nodes: {count} is not between 1 and {}",
                Bounds::MAX_NODES
            ),
            BoundsError::Number { name, value } => {
                write!(f, "{name}: {value} is not between 1 and 1000")
            }
            BoundsError::Config(error) => error.fmt(f),
        }
    }
}

impl core::error::Error for BoundsError {}
