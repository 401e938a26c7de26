//! What the nodes of a cluster ask each other for their operators, and answer.

use raft_core::{NodeId, Part, Protocol, Role};

use crate::clock::Instant;
use crate::frame::PeerReport;
use crate::node::Node;
use crate::traffic::transmit;

impl Node {
    /// Asks every peer what it says of itself.
    pub(crate) fn ask_peers(&mut self) {
        if self.isolated || !self.peers.may_ask(Instant::now()) {
            return;
        }
        for peer in self.peers.iter_mut() {
            if let Some(address) = peer.address {
                let datagram = self.transport.seal_question(peer.id);
                transmit(&self.socket, datagram, address, &mut self.counters, self.id);
            }
        }
    }

    /// Tells a peer that asked what this node says of itself: at its configured address, and not too often.
    pub(crate) fn tell(&mut self, to: NodeId) {
        let report = self.self_report();
        let Some(peer) = self.peers.get_mut(to) else {
            return;
        };
        if let Some(address) = peer.address
            && peer.may_report(Instant::now())
        {
            let datagram = self.transport.seal_report(to, &report);
            transmit(&self.socket, datagram, address, &mut self.counters, self.id);
        }
    }

    fn self_report(&self) -> PeerReport {
        let now = Instant::now();
        let state = self.raft.state();
        PeerReport {
            role: state.role().kind(),
            term: state.current_term(),
            leader: self.known_leader(),
            lease: self.shared.active().map(|(_, left)| left),
            paused: self.held.paused,
            fit: !self.held.unfit,
            witness: self.config.witness(),
            uptime: now.saturating_duration_since(self.started),
            voters_reachable: u8::try_from(self.voters_reachable(now)).unwrap_or(u8::MAX),
            version: [
                env!("CARGO_PKG_VERSION_MAJOR"),
                env!("CARGO_PKG_VERSION_MINOR"),
                env!("CARGO_PKG_VERSION_PATCH"),
            ]
            .map(|number| number.parse().unwrap_or(0)),
        }
    }

    /// The leader of the term, unless it is presumed lost.
    pub(crate) fn known_leader(&self) -> Option<NodeId> {
        let state = self.raft.state();
        let presumed_lost = match state.role() {
            Role::Leader(_) => false,
            Role::PreCandidate(_) | Role::Candidate(_) => true,
            // Plain Raft knows this part only, and presumes nothing.
            Role::Follower(follower) => {
                follower.part == Part::LeaderLost && self.config.protocol() == Protocol::Standard
            }
        };
        state.leader().filter(|_| !presumed_lost)
    }

    /// From how many voters a fresh datagram came lately, this one among them.
    pub(crate) fn voters_reachable(&self, now: Instant) -> usize {
        // A peer with nothing to say is heard every third of them at the latest.
        let lately = self.config.election_timeout() * 4;
        1 + self.peers.heard_within(lately, now)
    }
}
