//! Networks of which some links do not work, and never will.

use core::fmt;

use serde::{Deserialize, Serialize};

use super::bounds::Bounds;

/// Which links work: messages from one node reach another, or never do. It is written as the list of
/// its links, each a sender and a receiver.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(into = "Vec<(u8, u8)>", try_from = "Vec<(u8, u8)>")]
pub(super) struct Links {
    /// By sender, the set of those whom it reaches.
    reach: [u8; Bounds::MAX_NODES],
}

impl Links {
    const NONE: Links = Links {
        reach: [0; Bounds::MAX_NODES],
    };

    /// Every link works.
    pub(super) fn all(nodes: usize) -> Links {
        Links::where_links(nodes, |_, _| true)
    }

    /// Those links that `works` says, of a sender and a receiver.
    pub(super) fn where_links(nodes: usize, mut works: impl FnMut(usize, usize) -> bool) -> Links {
        let mut links = Links::NONE;
        for (from, to) in pairs(nodes).filter(|(from, to)| works(*from, *to)) {
            links.reach[from] |= 1 << to;
        }
        links
    }

    pub(super) fn carry(self, from: usize, to: usize) -> bool {
        self.reach[from] & 1 << to != 0
    }

    /// Whether each of the two hears the other.
    pub(super) fn both_ways(self, one: usize, other: usize) -> bool {
        self.carry(one, other) && self.carry(other, one)
    }

    /// Whether a node and those with whom it can talk are a majority: only such a node can be elected.
    pub(super) fn reaches_majority(self, node: usize, nodes: usize) -> bool {
        let talks = |other: &usize| *other == node || self.both_ways(node, *other);
        (0..nodes).filter(talks).count() * 2 > nodes
    }

    /// The same after node i became node `image[i]`.
    fn renamed(self, image: &[usize]) -> Links {
        let nodes = image.len();
        let mut links = Links::NONE;
        for (from, to) in pairs(nodes).filter(|(from, to)| self.carry(*from, *to)) {
            links.reach[image[from]] |= 1 << image[to];
        }
        links
    }
}

/// All pairs of a sender and a receiver.
fn pairs(nodes: usize) -> impl Iterator<Item = (usize, usize)> {
    (0..nodes).flat_map(move |from| {
        let others = (0..nodes).filter(move |to| *to != from);
        others.map(move |to| (from, to))
    })
}

impl From<Links> for Vec<(u8, u8)> {
    fn from(links: Links) -> Self {
        pairs(Bounds::MAX_NODES)
            .filter(|(from, to)| links.carry(*from, *to))
            .map(|(from, to)| (from as u8, to as u8))
            .collect()
    }
}

impl TryFrom<Vec<(u8, u8)>> for Links {
    type Error = String;

    fn try_from(list: Vec<(u8, u8)>) -> Result<Self, String> {
        let mut links = Links::NONE;
        for (from, to) in list {
            let known = |node: u8| usize::from(node) < Bounds::MAX_NODES;
            if !known(from) || !known(to) || from == to {
                return Err(format!("links: there is no link from {from} to {to}"));
            }
            links.reach[usize::from(from)] |= 1 << to;
        }
        Ok(links)
    }
}

/// `0-1` where both hear each other, `0>1` where only 1 hears 0.
impl fmt::Display for Links {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut space = "";
        for (from, to) in pairs(Bounds::MAX_NODES).filter(|(from, to)| self.carry(*from, *to)) {
            let both = self.carry(to, from);
            if both && to < from {
                continue;
            }
            write!(f, "{space}{from}{}{to}", if both { "-" } else { ">" })?;
            space = " ";
        }
        Ok(())
    }
}

/// A kind of network with links that do not work. Which nodes are where makes a difference to a state, so
/// all ways to place the nodes in it are tried.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Network {
    /// Each node talks to the next one.
    Chain,
    /// All talk to one in the middle, and to nobody else.
    Star,
    /// Each talks to two neighbours.
    Ring,
    /// A majority talk to one another, one more node only to one of these, the rest to nobody.
    Bridge,
    /// One node does not hear one other.
    OneWay,
    /// One node hears nobody.
    Deaf,
    /// One node is heard by nobody.
    Mute,
    /// One node is cut off.
    Cut,
    /// All sets of links that work both ways; at most 5 nodes.
    TwoWay,
    /// All sets of links; at most 4 nodes.
    Every,
}

impl Network {
    /// All of them, in the order in which the documentation lists them.
    pub const ALL: [Network; 10] = [
        Network::Chain,
        Network::Star,
        Network::Ring,
        Network::Bridge,
        Network::OneWay,
        Network::Deaf,
        Network::Mute,
        Network::Cut,
        Network::TwoWay,
        Network::Every,
    ];

    /// What it is called on the command line.
    pub const fn name(self) -> &'static str {
        match self {
            Network::Chain => "chain",
            Network::Star => "star",
            Network::Ring => "ring",
            Network::Bridge => "bridge",
            Network::OneWay => "one-way",
            Network::Deaf => "deaf",
            Network::Mute => "mute",
            Network::Cut => "cut",
            Network::TwoWay => "two-way",
            Network::Every => "every",
        }
    }

    /// All such networks of so many nodes in which somebody can be elected, that in which all links work
    /// left out. None if there are none, or too many.
    pub(super) fn links(self, nodes: usize) -> Vec<Links> {
        let whole = Links::all(nodes);
        let mut found: Vec<Links> = match self {
            Network::Every if nodes <= 4 => subsets(&pairs(nodes).collect::<Vec<_>>(), false),
            Network::TwoWay if nodes <= 5 => {
                let halves = pairs(nodes).filter(|(from, to)| from < to);
                subsets(&halves.collect::<Vec<_>>(), true)
            }
            Network::Every | Network::TwoWay => Vec::new(),
            named => {
                let links = Links::where_links(nodes, |from, to| named.works(nodes, from, to));
                let mut images = Vec::new();
                permute(&mut Vec::new(), nodes, &mut |image| {
                    images.push(links.renamed(image));
                });
                images
            }
        };
        found.sort_unstable();
        found.dedup();
        let electable = |links: &Links| (0..nodes).any(|node| links.reaches_majority(node, nodes));
        found.retain(|links| *links != whole && electable(links));
        found
    }

    /// Whether the link works, with the nodes placed in one way.
    fn works(self, nodes: usize, from: usize, to: usize) -> bool {
        let (low, high) = (from.min(to), from.max(to));
        match self {
            Network::Chain => high - low == 1,
            Network::Star => low == 0,
            Network::Ring => high - low == 1 || high - low == nodes - 1,
            // Node 0 talks to 1, which is one of the majority.
            Network::Bridge => (low, high) == (0, 1) || low >= 1 && high <= nodes / 2 + 1,
            Network::OneWay => (from, to) != (0, 1),
            Network::Deaf => to != 0,
            Network::Mute => from != 0,
            Network::Cut => low != 0,
            Network::TwoWay | Network::Every => true,
        }
    }
}

/// All sets of some of `links`, each with its way back if `both_ways`.
fn subsets(links: &[(usize, usize)], both_ways: bool) -> Vec<Links> {
    let subset = |set: u64| {
        let mut subset = Links::NONE;
        for (index, (from, to)) in links.iter().enumerate() {
            if set & 1 << index != 0 {
                subset.reach[*from] |= 1 << to;
                if both_ways {
                    subset.reach[*to] |= 1 << from;
                }
            }
        }
        subset
    };
    (0..1 << links.len()).map(subset).collect()
}

/// Calls `visit` with every order of the nodes that begins with `begun`.
fn permute(begun: &mut Vec<usize>, nodes: usize, visit: &mut impl FnMut(&[usize])) {
    if begun.len() == nodes {
        visit(begun);
    }
    for next in 0..nodes {
        if !begun.contains(&next) {
            begun.push(next);
            permute(begun, nodes, visit);
            begun.pop();
        }
    }
}

impl fmt::Display for Network {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shown(network: Network, nodes: usize) -> Vec<String> {
        let links = network.links(nodes);
        links.iter().map(ToString::to_string).collect()
    }

    #[test]
    fn all_ways_to_place_the_nodes_are_there_once() {
        let mut chains = shown(Network::Chain, 3);
        chains.sort();
        assert_eq!(chains, ["0-1 0-2", "0-1 1-2", "0-2 1-2"]);
        assert_eq!(shown(Network::Deaf, 3).len(), 3);
        assert_eq!(shown(Network::Bridge, 4).len(), 12);
        assert!(shown(Network::Bridge, 5).contains(&"0-1 1-2 1-3 2-3".to_owned()));
        assert!(shown(Network::OneWay, 2).is_empty());
    }

    // Of two nodes each needs the other; of three that talk in pairs at least two must talk, and not all.
    #[test]
    fn networks_in_which_nobody_can_be_elected_are_left_out() {
        assert!(shown(Network::Every, 2).is_empty());
        assert_eq!(shown(Network::TwoWay, 3).len(), 6);
        let halves = Links::where_links(4, |from, to| from / 2 == to / 2);
        assert!(!Network::TwoWay.links(4).contains(&halves));
    }
}
