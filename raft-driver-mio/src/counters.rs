//! What a node counts, and warnings that a flood cannot turn into a flood of lines.

use std::collections::BTreeMap;
use std::io;
use std::net::SocketAddr;
use std::time::Duration;

use raft_core::{NoCampaignReason, NodeId, RoleKind, Term, TransitionReason};
use tracing::field::display;
use tracing::warn;

use crate::clock::Instant;
use crate::status::Elections;
use crate::timings::Timings;

/// The least time between two warnings for the same reason.
const WARNING_INTERVAL: Duration = Duration::from_secs(1);

#[derive(Debug, Default)]
pub(crate) struct Counters {
    pub(crate) datagrams_sent: u64,
    pub(crate) datagrams_received: u64,
    pub(crate) bytes_sent: u64,
    pub(crate) bytes_received: u64,
    pub(crate) sync: Timings,
    pub(crate) turns: Timings,
    pub(crate) elections: Elections,
    pub(crate) leader_changes: u64,
    /// The latest transition: the role after it, and why.
    latest: Option<(RoleKind, TransitionReason)>,
    /// The latest request to take over that was refused.
    refused: Option<(NodeId, Term, NoCampaignReason)>,
    /// The latest leader that was known, and its term.
    leader: Option<(Term, NodeId)>,
    /// By reason. There are only as many as the program has names for.
    dropped: BTreeMap<&'static str, Drops>,
}

/// What is known of a drop, to find its cause.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct About<'a> {
    /// The other node.
    pub(crate) peer: Option<NodeId>,
    /// Where the datagram came from or was to go to.
    pub(crate) address: Option<SocketAddr>,
    /// What the system said.
    pub(crate) error: Option<&'a io::Error>,
}

#[derive(Clone, Copy, Debug, Default)]
struct Drops {
    count: u64,
    /// How many of them no warning has told of.
    untold: u64,
    warned: Option<Instant>,
}

impl Counters {
    /// Counts a drop that happens in the best of networks.
    pub(crate) fn drop_quietly(&mut self, reason: &'static str) {
        self.drops(reason).count += 1;
    }

    /// Counts a drop that an operator should know of. Of several that one warning tells of, `about` is the last.
    pub(crate) fn drop_with_warning(&mut self, reason: &'static str, node: NodeId, about: About) {
        let drops = self.drops(reason);
        drops.count += 1;
        drops.untold += 1;
        let now = Instant::now();
        let due = |warned| now.saturating_duration_since(warned) >= WARNING_INTERVAL;
        if drops.warned.is_none_or(due) {
            let peer = about.peer.map(|peer| peer.0);
            let address = about.address.map(display);
            let error = about.error.map(display);
            let count = drops.untold;
            warn!(
                event = "dropped",
                node = node.0,
                reason,
                count,
                peer,
                address,
                error
            );
            drops.untold = 0;
            drops.warned = Some(now);
        }
    }

    fn drops(&mut self, reason: &'static str) -> &mut Drops {
        self.dropped.entry(reason).or_default()
    }

    pub(crate) fn synced(&mut self, took: Duration) {
        self.sync.add(took);
    }

    /// Counts what a transition comes to. True if it is like the one before.
    pub(crate) fn transition(&mut self, role: RoleKind, reason: TransitionReason) -> bool {
        let before = self.latest.replace((role, reason));
        let campaigned = matches!(
            before,
            Some((RoleKind::PreCandidate | RoleKind::Candidate, _))
        );
        match (reason, role) {
            (TransitionReason::ElectionWon, _) => self.elections.won += 1,
            (TransitionReason::NoMajority, _) => self.elections.timeout += 1,
            (_, RoleKind::Follower) if campaigned => self.elections.lost += 1,
            _ => {}
        }
        before == Some((role, reason))
    }

    /// Notes that a leader asked this node to take over, in which term of ours, and why it does not. True if that is known.
    pub(crate) fn would_not_take_over(
        &mut self,
        from: NodeId,
        term: Term,
        reason: NoCampaignReason,
    ) -> bool {
        let now = (from, term, reason);
        self.refused.replace(now) == Some(now)
    }

    /// Notes the leader that is known now, if any.
    pub(crate) fn leader(&mut self, term: Term, leader: Option<NodeId>) {
        if let Some(leader) = leader
            && self.leader.replace((term, leader)) != Some((term, leader))
        {
            self.leader_changes += 1;
        }
    }

    pub(crate) fn dropped(&self) -> BTreeMap<String, u64> {
        let counts = self.dropped.iter();
        counts
            .map(|(reason, drops)| ((*reason).to_owned(), drops.count))
            .collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_campaign_is_won_or_lost_or_nobody_has_a_majority() {
        let mut counters = Counters::default();
        let mut count = |role, reason| {
            counters.transition(role, reason);
            let Elections { won, lost, timeout } = counters.elections;
            (won, lost, timeout)
        };
        use RoleKind::{Candidate, Follower, Leader, PreCandidate};
        use TransitionReason as Reason;
        assert_eq!(count(Follower, Reason::Heartbeat), (0, 0, 0));
        assert_eq!(count(PreCandidate, Reason::ElectionTimeout), (0, 0, 0));
        assert_eq!(count(PreCandidate, Reason::NoMajority), (0, 0, 1));
        assert_eq!(count(Follower, Reason::Heartbeat), (0, 1, 1));
        assert_eq!(count(Candidate, Reason::TimeoutNow), (0, 1, 1));
        assert_eq!(count(Leader, Reason::ElectionWon), (1, 1, 1));
        assert_eq!(count(Follower, Reason::QuorumLost), (1, 1, 1));
    }

    #[test]
    fn what_is_repeated_is_known() {
        let mut counters = Counters::default();
        let mut again = |role, reason| counters.transition(role, reason);
        use RoleKind::{Candidate, PreCandidate};
        use TransitionReason::{ElectionTimeout, NoMajority, PreVoteWon};
        assert!(!again(PreCandidate, ElectionTimeout));
        assert!(!again(PreCandidate, NoMajority));
        assert!(again(PreCandidate, NoMajority));
        assert!(again(PreCandidate, NoMajority));
        assert!(!again(Candidate, PreVoteWon));
        assert!(!again(PreCandidate, NoMajority));

        let mut again = |from, term| {
            let reason = NoCampaignReason::Paused;
            counters.would_not_take_over(NodeId(from), Term(term), reason)
        };
        assert_eq!([again(2, 1), again(2, 1), again(2, 1)], [false, true, true]);
        assert_eq!([again(2, 2), again(3, 2)], [false, false]);
    }

    #[test]
    fn a_leader_that_is_forgotten_and_known_again_is_no_other() {
        let mut counters = Counters::default();
        for (term, leader) in [
            (1, None),
            (1, Some(2)),
            (1, None),
            (1, Some(2)),
            (2, Some(2)),
        ] {
            counters.leader(Term(term), leader.map(NodeId));
        }
        assert_eq!(counters.leader_changes, 2);
    }
}
