//! What a script does to a world, one line each.

use core::fmt;
use core::ops::RangeInclusive;
use core::str::FromStr;
use core::time::Duration;

use raft_core::{LogIndex, LogPosition, NodeId, RoleKind, Term};

use super::{ScenarioError, words};
use crate::clock::ClockRate;
use crate::network::Conditions;
use crate::observer::Observer;
use crate::rng::Chance;
use crate::world::World;

/// How a line of a script reads, for error messages.
const FORMS: &str = "crash WHO [after N], kill WHO, restart WHO, pause WHO, resume WHO, isolate WHO, cut A -> B, cut A - B, \
     heal, heal A -> B, heal A - B, partition A B | C, transfer WHO [to B], campaign WHO, keep WHO, let WHO, clock WHO 101%, \
     log WHO TERM.INDEX, disk WHO 1ms..5ms, delay 1ms..5ms, loss 10%, duplication 5%; WHO is a node, leader, followers or all";

/// Which nodes are meant, when the time has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Who {
    /// This one.
    Node(NodeId),
    /// The leader of the highest term.
    Leader,
    /// All but that leader.
    Followers,
    /// All.
    All,
}

/// Something that is done to a world.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Deed {
    /// The machine stops, perhaps after so many more actions.
    Crash(Who, Option<u32>),
    /// The process stops.
    Kill(Who),
    /// It starts from its disk.
    Restart(Who),
    /// It stands still.
    Pause(Who),
    /// It goes on.
    Resume(Who),
    /// It is cut off from all others.
    Isolate(Who),
    /// What the first sends to the second is lost; with `true`, also what the second sends to the first.
    Cut(Who, Who, bool),
    /// It arrives again.
    Heal(Who, Who, bool),
    /// No link is cut any more.
    HealAll,
    /// Only nodes of the same group hear each other.
    Partition(Vec<Vec<NodeId>>),
    /// It is asked to hand over its leadership.
    Transfer(Who, Option<NodeId>),
    /// Its clock leaps, until it campaigns.
    Campaign(Who),
    /// It votes, but does not campaign.
    Keep(Who),
    /// It may campaign again.
    Let(Who),
    /// Its clock runs at this rate.
    Clock(Who, ClockRate),
    /// Its log ends there.
    Log(Who, LogPosition),
    /// So long its disk syncs.
    Disk(Who, RangeInclusive<Duration>),
    /// So long messages take.
    Delay(RangeInclusive<Duration>),
    /// So many messages are lost.
    Loss(Chance),
    /// So many messages arrive twice.
    Duplication(Chance),
}

impl FromStr for Deed {
    type Err = ScenarioError;

    fn from_str(text: &str) -> Result<Self, ScenarioError> {
        let words: Vec<&str> = text.split_whitespace().collect();
        let unknown = || {
            ScenarioError(format!(
                "`{text}` is nothing that a script can do: it reads {FORMS}"
            ))
        };
        let who = |word: &str| word.parse::<Who>().map_err(|_| unknown());
        let node = |word: &str| word.parse().map(NodeId).map_err(|_| unknown());
        let deed = match words.as_slice() {
            ["crash", one] => Deed::Crash(who(one)?, None),
            ["crash", one, "after", actions] => {
                Deed::Crash(who(one)?, Some(actions.parse().map_err(|_| unknown())?))
            }
            ["kill", one] => Deed::Kill(who(one)?),
            ["restart", one] => Deed::Restart(who(one)?),
            ["pause", one] => Deed::Pause(who(one)?),
            ["resume", one] => Deed::Resume(who(one)?),
            ["isolate", one] => Deed::Isolate(who(one)?),
            ["cut", a, "->", b] => Deed::Cut(who(a)?, who(b)?, false),
            ["cut", a, "-", b] => Deed::Cut(who(a)?, who(b)?, true),
            ["heal"] => Deed::HealAll,
            ["heal", a, "->", b] => Deed::Heal(who(a)?, who(b)?, false),
            ["heal", a, "-", b] => Deed::Heal(who(a)?, who(b)?, true),
            ["partition", rest @ ..] => {
                let groups = rest.split(|word| *word == "|");
                let groups = groups.map(|group| group.iter().map(|word| node(word)).collect());
                Deed::Partition(groups.collect::<Result<_, ScenarioError>>()?)
            }
            ["transfer", one] => Deed::Transfer(who(one)?, None),
            ["transfer", one, "to", to] => Deed::Transfer(who(one)?, Some(node(to)?)),
            ["campaign", one] => Deed::Campaign(who(one)?),
            ["keep", one] => Deed::Keep(who(one)?),
            ["let", one] => Deed::Let(who(one)?),
            ["clock", one, rate] => {
                let rate = words::millionths(rate).ok_or_else(unknown)?;
                Deed::Clock(who(one)?, ClockRate::millionths(rate))
            }
            ["log", one, end] => {
                let (term, index) = end.split_once('.').ok_or_else(unknown)?;
                let number = |text: &str| text.parse::<u64>().map_err(|_| unknown());
                let (term, index) = (Term(number(term)?), LogIndex(number(index)?));
                Deed::Log(who(one)?, LogPosition { term, index })
            }
            ["disk", one, range] => Deed::Disk(who(one)?, words::range(range)?),
            ["delay", range] => Deed::Delay(words::range(range)?),
            ["loss", chance] => Deed::Loss(words::chance(chance)?),
            ["duplication", chance] => Deed::Duplication(words::chance(chance)?),
            _ => return Err(unknown()),
        };
        Ok(deed)
    }
}

impl FromStr for Who {
    type Err = ScenarioError;

    fn from_str(word: &str) -> Result<Self, ScenarioError> {
        match word {
            "leader" => Ok(Who::Leader),
            "followers" => Ok(Who::Followers),
            "all" => Ok(Who::All),
            number => number.parse().map(|id| Who::Node(NodeId(id))).map_err(|_| {
                ScenarioError(format!(
                    "`{word}` is nobody: write a node's number, leader, followers or all"
                ))
            }),
        }
    }
}

impl fmt::Display for Who {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Who::Node(node) => node.fmt(f),
            Who::Leader => f.write_str("leader"),
            Who::Followers => f.write_str("followers"),
            Who::All => f.write_str("all"),
        }
    }
}

impl Who {
    fn of<O: Observer>(self, world: &World<O>) -> Vec<NodeId> {
        let leader = world.leader().map(|(leader, _)| leader);
        match self {
            Who::Node(node) => vec![node],
            Who::Leader => leader.into_iter().collect(),
            Who::Followers => world
                .node_ids()
                .filter(|node| Some(*node) != leader)
                .collect(),
            Who::All => world.node_ids().collect(),
        }
    }
}

impl Deed {
    /// The nodes that are named.
    pub(crate) fn nodes(&self) -> Vec<NodeId> {
        let one = |who: &Who| match who {
            Who::Node(node) => vec![*node],
            Who::Leader | Who::Followers | Who::All => Vec::new(),
        };
        match self {
            Deed::Crash(who, _)
            | Deed::Kill(who)
            | Deed::Restart(who)
            | Deed::Pause(who)
            | Deed::Resume(who)
            | Deed::Isolate(who)
            | Deed::Campaign(who)
            | Deed::Keep(who)
            | Deed::Let(who)
            | Deed::Clock(who, _)
            | Deed::Log(who, _)
            | Deed::Disk(who, _) => one(who),
            Deed::Cut(a, b, _) | Deed::Heal(a, b, _) => [one(a), one(b)].concat(),
            Deed::Transfer(who, to) => one(who).into_iter().chain(*to).collect(),
            Deed::Partition(groups) => groups.concat(),
            Deed::HealAll | Deed::Delay(_) | Deed::Loss(_) | Deed::Duplication(_) => Vec::new(),
        }
    }

    /// Does it.
    pub fn perform<O: Observer>(&self, world: &mut World<O>) {
        match self {
            Deed::Crash(who, None) => each(world, *who, World::crash),
            Deed::Crash(who, Some(actions)) => {
                each(world, *who, |world, node| {
                    world.crash_after_actions(node, *actions)
                });
            }
            Deed::Kill(who) => each(world, *who, World::kill),
            Deed::Restart(who) => each(world, *who, World::restart),
            Deed::Pause(who) => each(world, *who, World::pause),
            Deed::Resume(who) => each(world, *who, World::resume),
            Deed::Isolate(who) => each(world, *who, World::isolate),
            Deed::Campaign(who) => each(world, *who, campaign),
            Deed::Keep(who) => each(world, *who, World::keep_from_campaigning),
            Deed::Let(who) => each(world, *who, World::let_campaign),
            Deed::Cut(a, b, both) => links(world, *a, *b, *both, World::cut_one_way),
            Deed::Heal(a, b, both) => links(world, *a, *b, *both, World::heal_one_way),
            Deed::HealAll => world.heal_all(),
            Deed::Partition(groups) => {
                let groups: Vec<&[NodeId]> = groups.iter().map(Vec::as_slice).collect();
                world.partition(&groups);
            }
            Deed::Transfer(who, to) => {
                each(world, *who, |world, node| {
                    world.transfer_leadership(node, *to, false)
                });
            }
            Deed::Clock(who, rate) => {
                each(world, *who, |world, node| world.set_clock_rate(node, *rate));
            }
            Deed::Log(who, end) => each(world, *who, |world, node| world.set_log_tail(node, *end)),
            Deed::Disk(who, sync) => each(world, *who, |world, node| {
                let mut options = world.disk(node);
                (options.sync_min, options.sync_max) = (*sync.start(), *sync.end());
                world.set_disk(node, options);
            }),
            Deed::Delay(delay) => conditions(world, |conditions| Conditions {
                delay_min: *delay.start(),
                delay_max: *delay.end(),
                ..conditions
            }),
            Deed::Loss(loss) => conditions(world, |conditions| conditions.with_loss(*loss)),
            Deed::Duplication(chance) => {
                conditions(world, |conditions| conditions.with_duplication(*chance));
            }
        }
    }
}

fn each<O: Observer>(world: &mut World<O>, who: Who, mut deed: impl FnMut(&mut World<O>, NodeId)) {
    for node in who.of(world) {
        deed(world, node);
    }
}

/// A follower's clock leaps by its election timer, twice: over the first part and over the second.
fn campaign<O: Observer>(world: &mut World<O>, node: NodeId) {
    for _ in 0..2 {
        let follows = world
            .role(node)
            .is_some_and(|role| role.kind() == RoleKind::Follower);
        if let Some((left, _)) = world.election_timer(node).filter(|_| follows) {
            world.leap_clock(node, left);
        }
    }
}

fn links<O: Observer>(
    world: &mut World<O>,
    a: Who,
    b: Who,
    both: bool,
    deed: fn(&mut World<O>, NodeId, NodeId),
) {
    let (senders, receivers) = (a.of(world), b.of(world));
    for from in &senders {
        for to in receivers.iter().filter(|to| *to != from) {
            deed(world, *from, *to);
            if both {
                deed(world, *to, *from);
            }
        }
    }
}

fn conditions<O: Observer>(world: &mut World<O>, change: impl Fn(Conditions) -> Conditions) {
    let (requests, responses) = world.conditions();
    world.set_conditions(change(requests), change(responses));
}
