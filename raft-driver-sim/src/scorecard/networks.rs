//! Known bad networks: links that are cut for good while everybody runs.

use super::arena::Arena;
use super::measure::settled;
use super::{Cell, Contender, Node, Row, Sizes};

/// A bad network. Node 0 is the leader when it begins.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum BadNetwork {
    /// 0, 1 and 2 reach each other; 3 reaches only 1, and 4 only 0 (Howard and Abraham 2020).
    Edges,
    /// 0 reaches only 1; 1, 2 and 3 reach each other; 4 is dead.
    Bridge,
    /// 0 to 1 to 2 (Cloudflare's outage of November 2020).
    Chain,
    /// All reach 1 and nobody else.
    Star,
    /// 1 reaches all but 0, which reaches nobody; the others reach only 1.
    StarWithoutLeader,
    /// 0 can send, but hears nobody.
    DeafLeader,
    /// 0 hears the others, but cannot send.
    MuteLeader,
    /// 2 can send, but hears nobody.
    DeafFollower,
}

impl BadNetwork {
    /// All of them.
    pub const ALL: [BadNetwork; 8] = [
        BadNetwork::Edges,
        BadNetwork::Bridge,
        BadNetwork::Chain,
        BadNetwork::Star,
        BadNetwork::StarWithoutLeader,
        BadNetwork::DeafLeader,
        BadNetwork::MuteLeader,
        BadNetwork::DeafFollower,
    ];

    /// The number of it in the list of scenarios, how many nodes there are, and what is wrong.
    fn describe(self) -> (&'static str, usize, &'static str) {
        match self {
            BadNetwork::Edges => ("S2", 5, "two nodes at the edge of a triangle"),
            BadNetwork::Bridge => ("S3", 5, "the leader reaches one node of the majority"),
            BadNetwork::Chain => ("S4", 3, "a chain"),
            BadNetwork::Star => ("S5", 5, "a star around a follower"),
            BadNetwork::StarWithoutLeader => ("S6", 5, "that star, and the leader is cut off"),
            BadNetwork::DeafLeader => ("S7", 3, "a deaf leader"),
            BadNetwork::MuteLeader => ("S8", 3, "a mute leader"),
            BadNetwork::DeafFollower => ("S9", 3, "a deaf follower"),
        }
    }

    /// Whether what `from` sends reaches `to`.
    fn carries(self, from: usize, to: usize) -> bool {
        let pair = (from.min(to), from.max(to));
        match self {
            BadNetwork::Edges => [(0, 1), (0, 2), (1, 2), (1, 3), (0, 4)].contains(&pair),
            BadNetwork::Bridge => [(0, 1), (1, 2), (1, 3), (2, 3)].contains(&pair),
            BadNetwork::Chain => [(0, 1), (1, 2)].contains(&pair),
            BadNetwork::Star => from == 1 || to == 1,
            BadNetwork::StarWithoutLeader => (from == 1 || to == 1) && pair.0 != 0,
            BadNetwork::DeafLeader => to != 0,
            BadNetwork::MuteLeader => from != 0,
            BadNetwork::DeafFollower => to != 2,
        }
    }

    pub(super) fn row<C: Contender>(self, contender: &C, sizes: Sizes) -> Row {
        let (number, nodes, title) = self.describe();
        let runs: Vec<[f64; 3]> = (1..=sizes.bad)
            .map(|seed| self.run(contender, nodes, sizes.bad_seconds * 1_000, seed))
            .collect();
        let each = |index: usize| runs.iter().map(|run| run[index]).collect::<Vec<f64>>();
        Row {
            title: format!("{number}: {nodes} nodes, {title}"),
            is_lossy: false,
            cells: vec![
                Cell::mean("available in the second half (%)", &each(0)).more_is_better(),
                Cell::mean("leader changes a minute, second half", &each(1)),
                Cell::mean("terms grown", &each(2)),
            ],
        }
    }

    fn run<C: Contender>(self, contender: &C, nodes: usize, length: u64, seed: u64) -> [f64; 3] {
        let (mut arena, _) = settled(contender, nodes, 0, seed);
        let (leader, term) = arena.leader().unwrap_or_default();
        self.begin(&mut arena, leader);
        arena.step_until(length / 2, |_| false);
        let elections = arena.elections;
        let half = length - length / 2;
        let mut available = 0_u64;
        for _ in 0..half {
            arena.step();
            available += u64::from(arena.is_available());
        }
        [
            available as f64 * 100.0 / half as f64,
            (arena.elections - elections) as f64 * 60_000.0 / half as f64,
            arena.term().saturating_sub(term) as f64,
        ]
    }

    /// Cuts the links; the leader takes the part of node 0, and node 0 that of the leader.
    fn begin<N: Node>(self, arena: &mut Arena<N>, leader: usize) {
        let nodes = arena.nodes.len();
        let part = |index: usize| match index {
            0 => leader,
            _ if index == leader => 0,
            _ => index,
        };
        for from in 0..nodes {
            for to in (0..nodes).filter(|to| *to != from) {
                arena.set_cut(part(from), part(to), !self.carries(from, to));
            }
        }
        if self == BadNetwork::Bridge {
            arena.crash(part(4));
        }
    }
}
