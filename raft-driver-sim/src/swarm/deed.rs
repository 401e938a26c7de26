//! What may befall a world, as data.

use core::fmt;
use core::time::Duration;

use raft_core::{LogIndex, LogPosition, NodeId};
use serde::{Deserialize, Serialize};

use crate::clock::ClockRate;
use crate::disk::DiskOptions;
use crate::observer::Observer;
use crate::settings::Settings;
use crate::world::World;

/// Something that befalls a world, and when.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Step {
    /// Since the world began.
    pub at: Duration,
    /// What befalls it.
    pub deed: Deed,
}

/// What may befall a world. See the methods of [`World`] of the same names.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Deed {
    /// A node's machine stops.
    Crash(NodeId),
    /// A node's process stops.
    Kill(NodeId),
    /// A node crashes after so many more actions.
    CrashAfterActions(NodeId, u32),
    /// Those of these nodes that are down start.
    Restart(Vec<NodeId>),
    /// A node's process stands still.
    StandStill(NodeId),
    /// A node's process stands still after so many more actions.
    StandStillAfterActions(NodeId, u32),
    /// Those of these nodes that stand still go on.
    GoOn(Vec<NodeId>),
    /// What the first node sends to the second is lost.
    CutOneWay(NodeId, NodeId),
    /// A node is cut off from all others.
    Isolate(NodeId),
    /// These nodes and the others are cut off from each other.
    Partition(Vec<NodeId>),
    /// No link is cut any more.
    Heal,
    /// Whoever leads then is asked to hand over.
    Transfer {
        /// To whom; to whom it likes if to nobody.
        to: Option<NodeId>,
        /// Whether what it was running has stopped.
        stopped: bool,
    },
    /// A node's log ends at this index of the highest term there is then, if it does not end later already.
    MoveLog(NodeId, LogIndex),
    /// A node votes, but does not campaign.
    KeepFromCampaigning(NodeId),
    /// All nodes may campaign.
    LetCampaign,
    /// A node's clock runs at this rate.
    SetClockRate(NodeId, ClockRate),
    /// A node's disk takes up to so long for a sync.
    SlowDisk(NodeId, Duration),
}

impl Deed {
    pub(super) fn befall<O: Observer>(&self, world: &mut World<O>, settings: &Settings) {
        match self {
            Deed::Crash(node) => world.crash(*node),
            Deed::Kill(node) => world.kill(*node),
            Deed::CrashAfterActions(node, actions) => world.crash_after_actions(*node, *actions),
            Deed::Restart(nodes) => nodes.iter().for_each(|node| world.restart(*node)),
            Deed::StandStill(node) => world.pause(*node),
            Deed::StandStillAfterActions(node, actions) => {
                world.pause_after_actions(*node, *actions);
            }
            Deed::GoOn(nodes) => nodes.iter().for_each(|node| world.resume(*node)),
            Deed::CutOneWay(from, to) => world.cut_one_way(*from, *to),
            Deed::Isolate(node) => world.isolate(*node),
            Deed::Partition(left) => {
                let right: Vec<NodeId> = world
                    .node_ids()
                    .filter(|node| !left.contains(node))
                    .collect();
                world.partition(&[left, &right]);
            }
            Deed::Heal => world.heal_all(),
            Deed::Transfer { to, stopped } => {
                if let Some((leader, _)) = world.leader() {
                    world.transfer_leadership(leader, *to, *stopped);
                }
            }
            Deed::MoveLog(node, index) => {
                let (term, index) = (world.highest_term(), *index);
                let last_log = LogPosition { term, index }.max(world.last_log(*node));
                world.set_log_tail(*node, last_log);
            }
            Deed::KeepFromCampaigning(node) => world.keep_from_campaigning(*node),
            Deed::LetCampaign => {
                for node in world.node_ids() {
                    world.let_campaign(node);
                }
            }
            Deed::SetClockRate(node, rate) => world.set_clock_rate(*node, *rate),
            Deed::SlowDisk(node, sync_max) => {
                let options = DiskOptions {
                    sync_max: *sync_max,
                    ..settings.disk
                };
                world.set_disk(*node, options);
            }
        }
    }

    /// The same in a world that has only the nodes below `nodes`, if it means anything there.
    pub(super) fn among(&self, nodes: usize) -> Option<Deed> {
        let is_there = |node: &NodeId| node.0 < nodes as u64;
        let only = |all: &[NodeId]| all.iter().copied().filter(is_there).collect();
        match self {
            Deed::Crash(node)
            | Deed::Kill(node)
            | Deed::CrashAfterActions(node, _)
            | Deed::StandStill(node)
            | Deed::StandStillAfterActions(node, _)
            | Deed::Isolate(node)
            | Deed::MoveLog(node, _)
            | Deed::KeepFromCampaigning(node)
            | Deed::SetClockRate(node, _)
            | Deed::SlowDisk(node, _) => is_there(node).then(|| self.clone()),
            Deed::CutOneWay(from, to) => (is_there(from) && is_there(to)).then(|| self.clone()),
            Deed::Transfer { to, .. } => to.as_ref().is_none_or(is_there).then(|| self.clone()),
            Deed::Restart(all) => Some(Deed::Restart(only(all))),
            Deed::GoOn(all) => Some(Deed::GoOn(only(all))),
            Deed::Partition(all) => Some(Deed::Partition(only(all))),
            Deed::Heal | Deed::LetCampaign => Some(self.clone()),
        }
    }
}

impl fmt::Display for Step {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "at {:?}: ", self.at)?;
        let list = |nodes: &[NodeId]| {
            let names: Vec<String> = nodes.iter().map(NodeId::to_string).collect();
            names.join(", ")
        };
        match &self.deed {
            Deed::Crash(node) => write!(f, "node {node} crashes"),
            Deed::Kill(node) => write!(f, "node {node} is killed"),
            Deed::CrashAfterActions(node, actions) => {
                write!(f, "node {node} crashes after {actions} more actions")
            }
            Deed::Restart(nodes) => write!(f, "of {} start those that are down", list(nodes)),
            Deed::StandStill(node) => write!(f, "node {node} stands still"),
            Deed::StandStillAfterActions(node, actions) => {
                write!(f, "node {node} stands still after {actions} more actions")
            }
            Deed::GoOn(nodes) => write!(f, "of {} go on those that stand still", list(nodes)),
            Deed::CutOneWay(from, to) => write!(f, "what {from} sends to {to} is lost"),
            Deed::Isolate(node) => write!(f, "node {node} is cut off"),
            Deed::Partition(nodes) => write!(f, "{} and the others part", list(nodes)),
            Deed::Heal => f.write_str("all links are whole"),
            Deed::Transfer { to: None, .. } => f.write_str("the leader hands over"),
            Deed::Transfer { to: Some(to), .. } => write!(f, "the leader hands over to {to}"),
            Deed::MoveLog(node, index) => write!(f, "the log of {node} grows to {index}"),
            Deed::KeepFromCampaigning(node) => write!(f, "node {node} campaigns no more"),
            Deed::LetCampaign => f.write_str("all may campaign"),
            Deed::SetClockRate(node, rate) => write!(f, "the clock of {node} runs at {rate:?}"),
            Deed::SlowDisk(node, most) => write!(f, "the disk of {node} takes up to {most:?}"),
        }
    }
}
