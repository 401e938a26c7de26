//! The scorecard: how well a library elects leaders, on one simple network that any library can be put on.
//!
//! Time goes in steps of 1 ms; in each, what is due is delivered in the order of sending, then every live node is told that
//! a millisecond has passed. A message takes 1 to 5 ms, uniform and each on its own, so that messages overtake each other, and is
//! lost with a given chance. A heartbeat every 100 ms, T = 300 ms: timeouts are drawn from [300, 600) ms. Disks take no time. Each
//! seed is one network.
//!
//! [`Ours`] is `raft-core`; another library takes part by a [`Contender`] of its own (`peers/` has crate `raft`). The
//! cells have the intervals in which they would fall again with other seeds, so that a [comparison](compare) does not make
//! a victory of chance.

mod arena;
mod cell;
mod compare;
mod measure;
mod networks;
mod ours;
mod row;

pub use arena::Outbox;
pub use cell::Cell;
pub use compare::{Comparison, Judged, Verdict, best, compare};
pub use networks::BadNetwork;
pub use ours::Ours;
pub use row::Row;

use core::fmt;

use serde::Serialize;

/// T of all contenders, in milliseconds: the shortest election timeout. The longest is just under twice as long.
pub const ELECTION_TIMEOUT: u64 = 300;
/// The time between two heartbeats of all contenders, in milliseconds.
pub const HEARTBEAT_INTERVAL: u64 = 100;

/// A library that elects leaders, and how it is set up.
pub trait Contender {
    /// One node of it.
    type Node: Node;

    /// What it is called in the table.
    fn name(&self) -> String;

    /// A node that starts for the first time: number `index` of `nodes`, all voters. What it draws at random comes from `seed`
    /// if it can be seeded.
    fn node(&self, nodes: usize, index: usize, seed: u64) -> Self::Node;
}

/// A node of a [`Contender`].
pub trait Node {
    /// What it sends.
    type Message;

    /// A millisecond has passed.
    fn tick(&mut self, outbox: &mut Outbox<Self::Message>);

    /// A message of node number `from` arrives.
    fn receive(&mut self, from: usize, message: Self::Message, outbox: &mut Outbox<Self::Message>);

    /// The term that it is in.
    fn term(&self) -> u64;

    /// Whether it leads.
    fn leads(&self) -> bool;

    /// How many bytes a message takes, encoded as the library encodes it, without framing.
    fn bytes(message: &Self::Message) -> u64;
}

/// How many seeds each part of the card takes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct Sizes {
    /// Crashes of a leader, and as many cold starts.
    pub crashes: u64,
    /// Quiet clusters of which messages and bytes are counted.
    pub steady: u64,
    /// How long each of them is watched, in simulated seconds.
    pub steady_seconds: u64,
    /// Clusters in which nobody crashes, of which elections are counted.
    pub spurious: u64,
    /// How long each of them is watched, in simulated seconds.
    pub spurious_seconds: u64,
    /// Clusters on each bad network.
    pub bad: u64,
    /// How long each of them is watched, in simulated seconds; what it does in the second half counts.
    pub bad_seconds: u64,
}

impl Sizes {
    /// Those of the published table.
    pub const FULL: Sizes = Sizes {
        crashes: 1_000,
        steady: 20,
        steady_seconds: 60,
        spurious: 100,
        spurious_seconds: 600,
        bad: 10,
        bad_seconds: 60,
    };

    /// A tenth or less, to see whether it works.
    pub const QUICK: Sizes = Sizes {
        crashes: 100,
        steady: 2,
        steady_seconds: 10,
        spurious: 4,
        spurious_seconds: 60,
        bad: 2,
        bad_seconds: 20,
    };
}

/// What a contender achieved.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Card {
    /// The contender.
    pub name: String,
    /// One row for each cluster and network.
    pub rows: Vec<Row>,
}

impl Card {
    /// Measures a contender: 3, 5 and 7 nodes at 0, 10 and 30 % loss, then the bad networks.
    ///
    /// # Panics
    ///
    /// If two nodes ever lead in one term: such a contender has no card.
    pub fn measure<C: Contender>(contender: &C, sizes: Sizes) -> Card {
        let mut rows = Vec::new();
        for nodes in [3, 5, 7] {
            for loss in [0, 10, 30] {
                rows.push(measure::row(contender, sizes, nodes, loss));
            }
        }
        rows.extend(BadNetwork::ALL.map(|network| network.row(contender, sizes)));
        Card {
            name: contender.name(),
            rows,
        }
    }
}

impl fmt::Display for Card {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "{}", self.name)?;
        for row in &self.rows {
            writeln!(f, "{row}")?;
        }
        Ok(())
    }
}
