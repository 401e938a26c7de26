//! Properties of a whole cluster: its messages are delivered in any order, again and again or never; its nodes crash
//! between any two actions.

use std::collections::BTreeMap;

use raft_core::{Action, Event, HardState, Message, NodeId, Options, Report, Term, Timer};

use super::any::{Choice, check, options};
use crate::common::{HEARTBEAT, Node, SplitMix, T, log};

/// Nodes, and every message that one of them has ever sent.
struct Bag {
    nodes: Vec<Node>,
    sent: Vec<(NodeId, NodeId, Message)>,
    leaders: BTreeMap<Term, NodeId>,
}

impl Bag {
    fn new(setup: u8) -> Bag {
        let n = u64::from(setup % 5) + 1;
        // One protocol for all, as it must be; some of them have a witness.
        let protocol = options(setup).protocol;
        let of = |id| Options {
            protocol,
            witness: id == 1 && setup % 3 == 0,
            ..Options::default()
        };
        let restore = |id| Node::restored(id, n, of(id), HardState::first_boot());
        Bag {
            nodes: (1..=n).map(restore).collect(),
            sent: Vec::new(),
            leaders: BTreeMap::new(),
        }
    }

    /// Steps a node, carries the first `carried_out` actions out, and crashes it unless that was all of them.
    fn step(&mut self, index: usize, event: Event, carried_out: usize) {
        let node = &mut self.nodes[index];
        let me = node.raft.config().id();
        let mut disk = node.disk;
        let actions = node.step(event);
        for action in actions.iter().take(carried_out) {
            match *action {
                Action::Persist(state) => disk = state,
                Action::Send { to, message } => self.sent.push((me, to, message)),
                Action::LeadershipGained { term, .. } => {
                    let other = *self.leaders.entry(term).or_insert(me);
                    assert_eq!(other, me, "two leaders in term {term}");
                }
                Action::Report(Report::Dropped { reason, .. }) => {
                    let impossible = reason == raft_core::DropReason::Impossible;
                    assert!(!impossible || excused(&event), "{event:?}");
                }
                _ => {}
            }
        }
        if carried_out < actions.len() {
            node.disk = disk;
            *node = node.restarted();
        }
    }

    fn choose(&mut self, ((kind, a, b, c), crash): (Choice, u8)) {
        let index = usize::from(a) % self.nodes.len();
        let (mut target, mut event) = (index, None);
        match kind % 16 {
            0..=3 => {
                let timers = Timer::ALL.into_iter().cycle().skip(usize::from(b)).take(3);
                let raft = &self.nodes[index].raft;
                event = timers
                    .filter_map(|timer| {
                        Some(Event::TimerFired {
                            timer,
                            number: raft.armed(timer)?,
                        })
                    })
                    .next();
            }
            4 if b < 64 => {
                let to = Some(NodeId(u64::from(b) % 5 + 1));
                event = Some(Event::TransferLeadership { to, stopped: false });
            }
            5 if b < 32 => event = Some(Event::LogTailMoved(log(1, u64::from(c % 3)))),
            6 if b < 32 => {
                event = Some(if c % 2 == 0 {
                    Event::Pause
                } else {
                    Event::Resume
                })
            }
            // Mostly one of the latest, sometimes any message of the past.
            _ if !self.sent.is_empty() => {
                let age = if c < 200 {
                    usize::from(b) % 8
                } else {
                    usize::from(b) * 7
                };
                let place = self.sent.len() - 1 - age % self.sent.len();
                let (from, to, message) = self.sent[place];
                target = to.0 as usize - 1;
                event = Some(Event::Receive { from, message });
            }
            _ => {}
        }
        if let Some(event) = event {
            let carried_out = if crash < 16 {
                usize::from(crash % 8)
            } else {
                usize::MAX
            };
            self.step(target, event, carried_out);
        }
    }
}

/// What correct nodes may send and yet may be counted as impossible. A flagged request may reach an older or a newer leader than
/// the one that asked for it. A refusal carries the term of who refused, which its receiver may have reached by other ways.
fn excused(event: &Event) -> bool {
    match event {
        Event::Receive { message, .. } => match message {
            Message::RequestVote(m) => m.leadership_transfer,
            Message::RequestVoteResponse(m) => !m.vote_granted,
            Message::AppendEntriesResponse(m) => !m.success,
            _ => false,
        },
        _ => false,
    }
}

#[test]
fn there_is_at_most_one_leader_a_term() {
    fn property(setup: u8, choices: Vec<(Choice, u8)>) {
        let mut bag = Bag::new(setup);
        for choice in choices {
            bag.choose(choice);
        }
    }
    check(600, 400, property as fn(u8, Vec<(Choice, u8)>));
}

// The property above is worth something only if its runs elect, crash and hand over.
#[test]
fn the_runs_elect_many_leaders() {
    let mut rng = SplitMix(1);
    let mut leaders = [0; 5];
    for setup in 0..100u8 {
        let mut bag = Bag::new(setup);
        for _ in 0..400 {
            let [kind, a, b, c, crash, ..] = rand_core::Rng::next_u64(&mut rng).to_le_bytes();
            bag.choose(((kind, a, b, c), crash));
        }
        leaders[usize::from(setup % 5)] += bag.leaders.len();
    }
    assert!(leaders.iter().all(|elected| *elected >= 20), "{leaders:?}");
}

// In time: cuts, restarts, transfers and pauses at any moment. The cluster fails the test when a node begins to lead
// while another's lease runs; afterwards, healed, it has one leader whom all follow.
#[test]
fn leases_never_overlap_and_a_healed_cluster_has_a_leader() {
    fn property(n: u8, seed: u8, choices: Vec<Choice>) {
        let n = u64::from(n % 5) + 1;
        let mut cluster = crate::common::cluster::Cluster::seeded(n, u64::from(seed));
        for (kind, a, b, time) in choices {
            let (a, b) = (u64::from(a) % n + 1, u64::from(b) % n + 1);
            match kind % 8 {
                0 => cluster.cut(a, b),
                1 => cluster.cut_one_way(a, b),
                2 => cluster.restart(a),
                3 => {
                    let (to, stopped) = (Some(NodeId(b)), false);
                    let _ = cluster.step(a, Event::TransferLeadership { to, stopped });
                }
                4 => cluster.heal(),
                5 => cluster.duplicate_reversed(),
                6 => cluster.lose_all(),
                _ => {
                    let event = if b % 2 == 0 {
                        Event::Pause
                    } else {
                        Event::Resume
                    };
                    let _ = cluster.step(a, event);
                }
            }
            cluster.run(HEARTBEAT * u32::from(time) / 16);
        }
        cluster.heal();
        for id in 1..=n {
            let _ = cluster.step(id, Event::Resume);
        }
        cluster.run(20 * T);
        let leading = cluster.leading();
        assert_eq!(leading.len(), 1);
        assert_eq!(cluster.lease_holders(), leading);
        for id in 1..=n {
            assert_eq!(cluster.node(id).known_leader(), Some(leading[0]));
        }
    }
    check(150, 60, property as fn(u8, u8, Vec<Choice>));
}
