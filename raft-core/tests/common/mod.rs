//! What the tests in this directory share: a node that is easy to drive into a role, filters for its
//! actions (`actions`), short names for messages (`messages`), and a cluster in memory (`cluster`).
#![allow(dead_code, reason = "each test binary uses a part of it")]

use core::convert::Infallible;
use core::time::Duration;

use raft_core::{
    Actions, Config, Event, HardState, LogIndex, LogPosition, Message, NodeId, Options, Protocol,
    Raft, Role, RoleKind, Term, Timer,
};

pub(crate) mod actions;
pub(crate) mod cluster;
pub(crate) mod messages;

use messages::{grant, heartbeat, pre_grant};

/// T, the default election timeout.
pub(crate) const T: Duration = Duration::from_millis(500);
/// The default heartbeat interval.
pub(crate) const HEARTBEAT: Duration = Duration::from_millis(50);

/// SplitMix64: small, seeded, good enough to draw timeouts.
#[derive(Clone, Debug)]
pub(crate) struct SplitMix(pub(crate) u64);

impl rand_core::TryRng for SplitMix {
    type Error = Infallible;

    fn try_next_u32(&mut self) -> Result<u32, Infallible> {
        self.try_next_u64().map(|number| (number >> 32) as u32)
    }

    fn try_next_u64(&mut self) -> Result<u64, Infallible> {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        Ok(z ^ (z >> 31))
    }

    fn try_fill_bytes(&mut self, bytes: &mut [u8]) -> Result<(), Infallible> {
        for chunk in bytes.chunks_mut(8) {
            let number = self.try_next_u64()?.to_le_bytes();
            chunk.copy_from_slice(&number[..chunk.len()]);
        }
        Ok(())
    }
}

/// Plain Raft, with the default durations.
pub(crate) fn plain() -> Options {
    Options {
        protocol: Protocol::Plain,
        ..Options::default()
    }
}

/// A voter that never campaigns.
pub(crate) fn witness() -> Options {
    Options {
        witness: true,
        ..Options::default()
    }
}

/// The default durations but for T.
pub(crate) fn with_timeout(election_timeout: Duration) -> Options {
    Options {
        election_timeout,
        ..Options::default()
    }
}

pub(crate) fn log(term: u64, index: u64) -> LogPosition {
    LogPosition {
        term: Term(term),
        index: LogIndex(index),
    }
}

/// What a node of default options has on disk.
pub(crate) fn disk(current_term: u64, voted_for: Option<u64>) -> HardState {
    HardState {
        current_term: Term(current_term),
        voted_for: voted_for.map(NodeId),
        election_timeout: T,
    }
}

/// A node under test, one of the voters 1 to n.
#[derive(Clone, Debug)]
pub(crate) struct Node {
    pub(crate) raft: Raft<SplitMix>,
    /// What the disk holds after all actions so far.
    pub(crate) disk: HardState,
    /// The actions of the restore.
    pub(crate) booted: Actions,
}

impl Node {
    /// A node that never ran.
    pub(crate) fn new(id: u64, n: u64) -> Node {
        Node::restored(id, n, Options::default(), disk(0, None))
    }

    /// A node that never ran, with options.
    pub(crate) fn with(id: u64, n: u64, options: Options) -> Node {
        Node::restored(id, n, options, HardState::first_boot())
    }

    /// A node that comes back in a term, its vote not given.
    pub(crate) fn at_term(id: u64, n: u64, term: u64) -> Node {
        Node::restored(id, n, Options::default(), disk(term, None))
    }

    pub(crate) fn restored(id: u64, n: u64, options: Options, disk: HardState) -> Node {
        Node::seeded(id, n, options, disk, id)
    }

    pub(crate) fn seeded(id: u64, n: u64, options: Options, disk: HardState, seed: u64) -> Node {
        let voters: Vec<NodeId> = (1..=n).map(NodeId).collect();
        let config = Config::new(NodeId(id), &voters, options).unwrap();
        let log = LogPosition::default();
        let (raft, booted) = Raft::restore(config, disk, log, SplitMix(seed)).unwrap();
        let mut node = Node {
            raft,
            disk,
            booted: booted.clone(),
        };
        node.sync(&booted);
        node
    }

    /// Crashes it, and restores it from what its disk holds.
    pub(crate) fn restarted(&self) -> Node {
        let config = self.raft.config().clone();
        let log = self.raft.state().last_log();
        let (raft, booted) = Raft::restore(config, self.disk, log, SplitMix(99)).unwrap();
        let mut node = Node {
            raft,
            disk: self.disk,
            booted: booted.clone(),
        };
        node.sync(&booted);
        node
    }

    pub(crate) fn step(&mut self, event: Event) -> Actions {
        let actions = self.raft.step(event);
        self.sync(&actions);
        actions
    }

    fn sync(&mut self, actions: &Actions) {
        if let Some(state) = actions::persisted(actions) {
            self.disk = state;
        }
        assert_eq!(self.disk, self.raft.state().hard_state());
    }

    pub(crate) fn receive(&mut self, from: u64, message: Message) -> Actions {
        let from = NodeId(from);
        self.step(Event::Receive { from, message })
    }

    /// Lets a timer that is set run out.
    pub(crate) fn fire(&mut self, timer: Timer) -> Actions {
        let number = self.raft.armed(timer).expect("the timer is set");
        self.step(Event::TimerFired { timer, number })
    }

    pub(crate) fn transfer(&mut self, to: impl Into<Option<u64>>, stopped: bool) -> Actions {
        let to = to.into().map(NodeId);
        self.step(Event::TransferLeadership { to, stopped })
    }

    pub(crate) fn log_tail(mut self, last_log: LogPosition) -> Node {
        assert!(self.step(Event::LogTailMoved(last_log)).is_empty());
        self
    }

    /// Lets the first part of its election timeout end.
    pub(crate) fn part_two(mut self) -> Node {
        if self.raft.state().in_part_one() {
            let _ = self.fire(Timer::Election);
        }
        self
    }

    /// Follows `leader` in its own term, 1 at least; the first round has arrived.
    pub(crate) fn following(mut self, leader: u64) -> Node {
        let _ = self.receive(leader, heartbeat(self.term().max(1), 1));
        self
    }

    pub(crate) fn pre_candidate(self) -> Node {
        let mut node = self.part_two();
        let _ = node.fire(Timer::Election);
        node
    }

    /// Campaigns in the term after its own.
    pub(crate) fn candidate(self) -> Node {
        let mut node = self.part_two();
        let _ = node.fire(Timer::Election);
        for voter in node.others() {
            if node.role() == RoleKind::PreCandidate {
                let _ = node.receive(voter, pre_grant(&node));
            }
        }
        node
    }

    /// Leads in the term after its own; its first round is sent.
    pub(crate) fn leader(self) -> Node {
        let mut node = self.candidate();
        for voter in node.others() {
            if node.role() == RoleKind::Candidate {
                let _ = node.receive(voter, grant(node.term()));
            }
        }
        assert_eq!(node.role(), RoleKind::Leader);
        node
    }

    /// The other voters.
    pub(crate) fn others(&self) -> Vec<u64> {
        self.raft.config().peers().map(|id| id.0).collect()
    }

    pub(crate) fn term(&self) -> u64 {
        self.raft.state().current_term().0
    }

    pub(crate) fn vote(&self) -> Option<u64> {
        self.raft.state().voted_for().map(|id| id.0)
    }

    pub(crate) fn known_leader(&self) -> Option<u64> {
        self.raft.state().leader().map(|id| id.0)
    }

    pub(crate) fn role(&self) -> RoleKind {
        self.raft.state().role().kind()
    }

    pub(crate) fn in_part_one(&self) -> bool {
        self.raft.state().in_part_one()
    }

    /// The newest round that a majority has answered, if it leads.
    pub(crate) fn confirmed(&self) -> Option<u64> {
        match self.raft.state().role() {
            Role::Leader(leader) => Some(leader.confirmed.0),
            Role::Follower(_) | Role::PreCandidate(_) | Role::Candidate(_) => None,
        }
    }
}
