//! What a node says of itself: reports of the core as log lines and counters, and its status.

use std::net::SocketAddr;

use raft_core::{DropReason, MessageKind, NodeId, Report, RoleKind, Term, TransitionReason};
use tracing::{debug, info};

use crate::clock::Instant;
use crate::counters::About;
use crate::error::TransferError;
use crate::names::snake_case;
use crate::node::Node;
use crate::status::{PeerStatus, Reported, STATUS_SCHEMA, Status};

impl Node {
    pub(crate) fn report(&mut self, report: Report) {
        let node = self.id.0;
        match report {
            Report::Transition {
                role,
                term,
                leader,
                reason,
            } => self.transition(role, term, leader, reason),
            Report::VoteGranted { candidate, term } => {
                debug!(
                    event = "vote_granted",
                    node,
                    candidate = candidate.0,
                    term = term.0
                );
            }
            Report::VoteRefused {
                candidate,
                term,
                pre_vote,
                reason,
            } => {
                let (candidate, term, reason) = (candidate.0, term.0, snake_case(reason));
                debug!(
                    event = "vote_refused",
                    node, candidate, term, pre_vote, reason
                );
            }
            Report::StoodBack { rival } => debug!(event = "stood_back", node, rival = rival.0),
            Report::TimeoutNowRefused { from, reason } => {
                // The leader repeats what it asks many times a second, until its transfer ends.
                let term = self.raft.state().current_term();
                let repeated = self.counters.would_not_take_over(from, term, reason);
                let (from, reason) = (from.0, snake_case(reason));
                if repeated {
                    debug!(event = "timeout_now_refused", node, from, reason);
                } else {
                    info!(event = "timeout_now_refused", node, from, reason);
                }
            }
            Report::NoCampaign { reason } => {
                debug!(event = "no_campaign", node, reason = snake_case(reason));
            }
            Report::TransferStarted { to } => {
                self.transfer = Some(Ok(to));
                info!(event = "transfer_started", node, to = to.0);
            }
            Report::TransferRefused { reason } => {
                self.transfer = Some(Err(TransferError::Refused(reason)));
                debug!(
                    event = "transfer_refused",
                    node,
                    reason = snake_case(reason)
                );
            }
            Report::LeaseTooLong { leader } => {
                debug!(event = "lease_too_long", node, leader = leader.0);
                let about = About {
                    peer: Some(leader),
                    ..About::default()
                };
                self.counters
                    .drop_with_warning("lease_too_long", self.id, about);
            }
            Report::Dropped { from, kind, reason } => self.message_dropped(from, kind, reason),
        }
    }

    fn transition(
        &mut self,
        role: RoleKind,
        term: Term,
        leader: Option<NodeId>,
        reason: TransitionReason,
    ) {
        // A node that is cut off campaigns without end: one line tells of it, those that are like it are details.
        let again =
            self.counters.transition(role, reason) && reason == TransitionReason::NoMajority;
        let (role, reason) = (snake_case(role), snake_case(reason));
        let leader = leader.map(|leader| leader.0);
        let (node, term) = (self.id.0, term.0);
        if again {
            debug!(event = "transition", node, role, term, leader, reason);
        } else {
            info!(event = "transition", node, role, term, leader, reason);
        }
    }

    fn message_dropped(&mut self, from: NodeId, kind: MessageKind, reason: DropReason) {
        let name = match reason {
            DropReason::UnknownSender => "message_unknown_sender",
            DropReason::Stale => "message_stale",
            DropReason::Impossible => "message_impossible",
            _ => "message_other",
        };
        debug!(
            event = "message_dropped",
            node = self.id.0,
            from = from.0,
            kind = snake_case(kind),
            reason = name
        );
        match reason {
            // Late and repeated messages are part of any network.
            DropReason::Stale => self.counters.drop_quietly(name),
            _ => {
                let about = About {
                    peer: Some(from),
                    ..About::default()
                };
                self.counters.drop_with_warning(name, self.id, about);
            }
        }
    }

    pub(crate) fn status(&self) -> Status {
        let now = Instant::now();
        let (state, leader) = (self.raft.state(), self.known_leader());
        let lease = self.shared.lease();
        let seconds_since = |at| now.saturating_duration_since(at).as_secs_f64();
        let peers = self.peers.iter().map(|peer| PeerStatus {
            id: peer.id,
            name: peer.name.to_string(),
            address: peer.address,
            last_received_seconds: peer.last_received.map(seconds_since),
            last_ack_seconds: peer.last_ack.map(seconds_since),
            rtt_seconds: peer.rtt,
            reported: peer
                .report
                .map(|(at, report)| Reported::new(&report, seconds_since(at))),
        });
        Status {
            schema: STATUS_SCHEMA,
            cluster: self.cluster.clone(),
            node_id: self.id,
            pid: std::process::id(),
            version: env!("CARGO_PKG_VERSION").to_owned(),
            listen: self.listen,
            role: state.role().kind(),
            term: state.current_term(),
            leader,
            leader_address: leader.and_then(|leader| self.address_of(leader)),
            active: self.shared.active().is_some(),
            lease_remaining_seconds: lease.map_or(0.0, |(_, left)| left.as_secs_f64()),
            round: state.round(),
            voted_for: state.voted_for(),
            paused: self.held.paused,
            fit: !self.held.unfit,
            handing_over: self.asked.is_some(),
            witness: self.config.witness(),
            isolated: self.isolated,
            uptime_seconds: seconds_since(self.started),
            datagrams_sent: self.counters.datagrams_sent,
            datagrams_received: self.counters.datagrams_received,
            bytes_sent: self.counters.bytes_sent,
            bytes_received: self.counters.bytes_received,
            dropped: self.counters.dropped(),
            peers: peers.collect(),
            sync_seconds: self.counters.sync,
            loop_seconds: self.counters.turns,
            voters: self.config.voters().len(),
            voters_reachable: self.voters_reachable(now),
            leader_changes: self.counters.leader_changes,
            elections: self.counters.elections,
        }
    }

    pub(crate) fn address_of(&self, id: NodeId) -> Option<SocketAddr> {
        match self.peers.get(id) {
            Some(peer) => peer.address,
            None => (id == self.id).then_some(self.listen),
        }
    }
}
