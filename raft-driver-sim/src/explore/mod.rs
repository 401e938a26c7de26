//! The explorer: every reachable state of a small cluster of real [`raft_core`] nodes, in a [box](Bounds) of terms
//! and rounds, by breadth-first search.
//!
//! Any message ever sent is delivered at any time, any number of times, or never; any timer that is set runs out at
//! any time; a node crashes after any prefix of the actions of a step and comes back from its disk; a leader is asked to hand over; nodes
//! are paused. Every step and every state is checked, and from every state the cluster must find its
//! way back to a leader. What is explored is the code that ships, not a specification of it.
//!
//! ```
//! use raft_driver_sim::explore::{Bounds, Options, explore};
//!
//! let report = explore(Bounds::plain(2, 1), Options::default(), &|_| {})?;
//! assert!(report.exhausted && report.violation.is_none());
//! println!("{} states", report.expanded);
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! In reading order: `bounds` (the box), `local` (a node and what its steps can come to), `key` (what tells local
//! states apart), `messages` (the network), `dead` (what is forgotten of it) and `audit` (whether it could be), `symmetry`, `model` (steps, remembered), `check`, `history`, `recovery` and `cut` (what
//! must hold), `store` and `search`, `run` and `trace` (how it came to a
//! violation), `dump` (the graph), and `walk` and `shrink` (where no search can go).

mod audit;
mod bounds;
mod check;
mod cluster;
mod cut;
mod dead;
mod dump;
mod history;
mod key;
mod links;
mod local;
mod messages;
mod model;
mod record;
mod recovery;
mod run;
mod search;
mod shrink;
mod store;
mod symmetry;
#[cfg(test)]
mod tests;
mod trace;
mod walk;

use core::fmt;
use std::io;
use std::time::Duration;

pub use self::bounds::{Bounds, BoundsError};
pub use self::links::Network;
pub use self::store::Hashing;
pub use self::trace::{ReplayError, Replayed, Trace};
pub use self::walk::{Walk, Walked, walk};

use self::search::{Search, SearchEnd};

/// How a box is searched. None of it changes whether a violation is found.
#[derive(Clone, Copy, Debug)]
pub struct Options {
    /// How many threads search. Default: 1.
    pub threads: usize,
    /// Whether states that differ only in the names of nodes are searched once. Default: yes.
    pub symmetry: bool,
    /// Whether messages that can no longer matter are forgotten. Default: yes.
    pub forget: bool,
    /// Whether every node must be able to recover the cluster from every state. Default: yes.
    pub dead_ends: bool,
    /// A kind of network with links that do not work, on which every node that can be elected there must be able to
    /// recover the cluster too, from every state. Default: none.
    pub network: Option<Network>,
    /// How states are placed in memory.
    pub hashing: Hashing,
    /// The search ends when it has found more states than this.
    pub max_states: Option<u64>,
    /// The search ends when the set of states takes more bytes than this.
    pub memory: Option<u64>,
}

impl Default for Options {
    fn default() -> Self {
        Options {
            threads: 1,
            symmetry: true,
            forget: true,
            dead_ends: true,
            network: None,
            hashing: Hashing::default(),
            max_states: None,
            memory: None,
        }
    }
}

/// How far a search is.
#[derive(Clone, Copy, Debug)]
pub struct Progress {
    /// States found, those that differ only in the names of nodes counted once.
    pub states: u64,
    /// The states that these stand for.
    pub expanded: u64,
    /// Transitions taken, other than from a state to itself.
    pub transitions: u64,
    /// The level: how many transitions lead to its states, at the least.
    pub depth: usize,
    /// The bytes that the set of states takes.
    pub bytes: u64,
    /// The time since the search began.
    pub elapsed: Duration,
}

/// What a search found.
#[derive(Clone, Debug)]
pub struct Report {
    /// Whether the whole box was searched.
    pub exhausted: bool,
    /// States found, those that differ only in the names of nodes counted once.
    pub states: u64,
    /// The states that these stand for.
    pub expanded: u64,
    /// Transitions taken from `states`, other than from a state to itself.
    pub transitions: u64,
    /// The most transitions that the nearest way to any state takes.
    pub depth: usize,
    /// Different states of a single node.
    pub local_states: usize,
    /// Different messages, with their senders and receivers.
    pub messages: usize,
    /// How many recoveries took one round, and how many took two.
    pub recoveries: [u64; 2],
    /// How many recoveries on the other [network](Options::network) took one turn, two turns, and so on.
    pub recoveries_in_turns: Vec<u64>,
    /// The bytes that the set of states takes.
    pub bytes: u64,
    /// How long it took.
    pub elapsed: Duration,
    /// A shortest way to a broken invariant.
    pub violation: Option<Trace>,
}

/// Searches the box. `progress` is called now and then, from any thread.
///
/// # Errors
///
/// [`ExploreError`] if the box cannot be searched.
pub fn explore(
    bounds: Bounds,
    options: Options,
    progress: &(dyn Fn(&Progress) + Sync),
) -> Result<Report, ExploreError> {
    run(bounds, options, progress).map(|(report, _)| report)
}

/// Searches the box, and writes the graph that it found to `graph`: one JSON object a line, first the
/// box, then the states, then the transitions.
///
/// # Errors
///
/// [`ExploreError`] if the box cannot be searched or the graph cannot be written.
pub fn explore_graph(
    bounds: Bounds,
    options: Options,
    progress: &(dyn Fn(&Progress) + Sync),
    graph: &mut dyn io::Write,
) -> Result<Report, ExploreError> {
    let (report, search) = run(bounds, options, progress)?;
    dump::dump(&search, graph).map_err(|error| ExploreError::Graph(error.to_string()))?;
    Ok(report)
}

fn run(
    bounds: Bounds,
    options: Options,
    progress: &(dyn Fn(&Progress) + Sync),
) -> Result<(Report, Search), ExploreError> {
    let mut search = Search::new(bounds, options)?;
    let (exhausted, violation) = match search.run(progress) {
        Ok(exhausted) => {
            if options.forget {
                audit::audit(&search.read_model()).map_err(ExploreError::Forgotten)?;
            }
            (exhausted, None)
        }
        Err(SearchEnd::TooManyMessages) => return Err(ExploreError::TooManyMessages),
        Err(SearchEnd::Found(found)) => (false, Some(Trace::to(&search, &found))),
    };
    let seen = search.progress(search.transitions);
    let (local_states, messages) = {
        let model = search.read_model();
        (model.len(), model.messages().len())
    };
    let recovered = search.recovery.counts();
    let turns = recovered.turns.iter().rposition(|count| *count > 0);
    let turns = turns.map_or(0, |last| last + 1);
    let report = Report {
        exhausted,
        states: seen.states,
        expanded: seen.expanded,
        transitions: seen.transitions,
        depth: seen.depth,
        local_states,
        messages,
        recoveries: recovered.rounds,
        recoveries_in_turns: recovered.turns[..turns].to_vec(),
        bytes: seen.bytes,
        elapsed: seen.elapsed,
        violation,
    };
    Ok((report, search))
}

/// Why a box cannot be searched.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum ExploreError {
    /// A bound is out of range.
    Bounds(BoundsError),
    /// A node that never ran breaks an invariant.
    Start(String),
    /// There are more different messages than a set can hold.
    TooManyMessages,
    /// There is no such network of so many nodes in which somebody can be elected, other than that of all links; or
    /// there are too many.
    Network {
        /// The kind of network.
        network: Network,
        /// How many nodes there are.
        nodes: usize,
    },
    /// A message that the search forgot makes a difference in the core that was explored, so that what was found stands
    /// for nothing. Search with [`Options::forget`] off.
    Forgotten(String),
    /// The graph cannot be written.
    Graph(String),
}

impl fmt::Display for ExploreError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            ExploreError::Bounds(error) => error.fmt(f),
            ExploreError::Start(what) => write!(f, "the first state is wrong: {what}"),
            ExploreError::TooManyMessages => write!(
                f,
                "the box has more than {} different messages: choose fewer terms or rounds",
                messages::MAX_MESSAGES
            ),
            ExploreError::Network { network, nodes } => write!(
                f,
                "network: there is no {network} network of {nodes} nodes, some link of which does not work, in which \
                 somebody can be elected, or there are too many: choose another network or other nodes"
            ),
            ExploreError::Forgotten(what) => write!(
                f,
                "a message that the search forgets makes a difference in this core: {what}; search with --no-forget \
                 to see what comes of it"
            ),
            ExploreError::Graph(what) => write!(f, "the graph cannot be written: {what}"),
        }
    }
}

impl core::error::Error for ExploreError {}
