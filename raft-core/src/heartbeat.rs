//! Heartbeats: a leader's rounds, and what a majority's answers to them confirm.

use rand_core::Rng;

use crate::action::{Action, Actions};
use crate::config::Protocol;
use crate::event::Timer;
use crate::message::{AppendEntries, AppendEntriesResponse, Message, MessageKind};
use crate::quorum::confirmed_round;
use crate::raft::Raft;
use crate::report::{DropReason, Report, TransitionReason};
use crate::role::{Part, Role, RoleKind};
use crate::types::{LogIndex, NodeId, Round, Term};

impl<R: Rng> Raft<R> {
    /// Figure 2, leaders: "send initial empty AppendEntries RPCs (heartbeat) to each server; repeat during
    /// idle periods to prevent election timeouts (section 5.2)."
    pub(crate) fn begin_round(&mut self, actions: &mut Actions) {
        let config = &self.config;
        let Role::Leader(leader) = &mut self.state.role else {
            return;
        };
        let round = Round(self.state.round.0.saturating_add(1));
        self.state.round = round;
        if let Some(own) = leader.answered.get_mut(usize::from(config.me)) {
            *own = round;
        }
        let term = self.state.hard.current_term;
        actions.push(Action::StartRound { term, round });
        actions.send_to(
            self.config.peers(),
            Message::AppendEntries(AppendEntries {
                term,
                prev_log: self.state.last_log,
                leader_commit: LogIndex(0),
                round,
                lease: config.lease,
            }),
        );
        self.timers
            .set(Timer::Heartbeat, config.heartbeat_interval, actions);
        self.confirm_rounds(actions);
    }

    /// Whether this node is in part one as the follower of `leader` in `term`: then the sender is known,
    /// and a heartbeat is the ordinary one.
    #[inline]
    pub(crate) fn follows(&self, leader: NodeId, term: Term) -> bool {
        let state = &self.state;
        term == state.hard.current_term && state.leader == Some(leader) && state.in_part_one()
    }

    /// The ordinary heartbeat, of the leader that this node follows already.
    ///
    /// Only a round newer than all seen in the term counts: a heartbeat repeated or replayed
    /// must not keep a dead leader's followers quiet.
    #[inline]
    pub(crate) fn on_heartbeat(
        &mut self,
        from: NodeId,
        request: AppendEntries,
        actions: &mut Actions,
    ) {
        if request.round <= self.state.round {
            actions.drop_message(from, MessageKind::AppendEntries, DropReason::Stale);
            return;
        }
        self.state.round = request.round;
        let after = self.state.hard.election_timeout;
        self.timers.set(Timer::Election, after, actions);
        self.follow(from, request, actions);
    }

    /// Figure 2, AppendEntries, receiver: "1. Reply false if term < currentTerm." Section 5.2: "If the
    /// leader's term is at least as large as the candidate's current term, then the candidate recognizes
    /// the leader as legitimate and returns to follower state."
    pub(crate) fn on_append_entries(
        &mut self,
        from: NodeId,
        request: AppendEntries,
        actions: &mut Actions,
    ) -> Result<(), DropReason> {
        let current_term = self.state.hard.current_term;
        if request.term < current_term {
            // Its sender learns our term from this, and steps down.
            self.answer(from, request.round, false, actions);
            return Ok(());
        }
        if request.term == current_term {
            let second = self.state.leader.is_some_and(|leader| leader != from);
            if second || current_term == Term(0) {
                return Err(DropReason::Impossible);
            }
            // As in an ordinary heartbeat; the round belongs to the term, not to the role.
            if request.round <= self.state.round {
                return Err(DropReason::Stale);
            }
        } else if request.round == Round(0) {
            return Err(DropReason::Impossible);
        } else {
            self.enter_term(request.term, None, actions);
        }
        // In plain Raft, which has no part one, ordinary heartbeats come here too.
        let follows_already = self.config.protocol == Protocol::Plain
            && self.state.leader == Some(from)
            && self.state.role.kind() == RoleKind::Follower;
        self.state.leader = Some(from);
        self.state.round = request.round;
        self.become_follower(Part::LeaderAlive, actions);
        if !follows_already {
            self.transition(TransitionReason::Heartbeat, actions);
        }
        self.follow(from, request, actions);
        Ok(())
    }

    /// Answers a leader, unless its lease would outlast the promise that an answer is.
    #[inline(always)]
    fn follow(&self, leader: NodeId, request: AppendEntries, actions: &mut Actions) {
        if self.config.honours(request.lease) {
            self.answer(leader, request.round, true, actions);
        } else {
            actions.report(Report::LeaseTooLong { leader });
        }
    }

    #[inline]
    fn answer(&self, leader: NodeId, round: Round, success: bool, actions: &mut Actions) {
        let response = AppendEntriesResponse {
            term: self.state.hard.current_term,
            success,
            round,
            // Not `||`: without a jump a heartbeat takes three instructions less.
            can_campaign: !(self.config.witness | self.state.paused),
        };
        actions.send(leader, Message::AppendEntriesResponse(response));
    }

    /// Besides the term rule, a leader takes from a response only "this voter followed me at round r",
    /// so that an old response cannot feign a quorum.
    #[inline]
    pub(crate) fn on_append_entries_response(
        &mut self,
        from: NodeId,
        voter: usize,
        response: AppendEntriesResponse,
        actions: &mut Actions,
    ) -> Result<(), DropReason> {
        let current_term = self.state.hard.current_term;
        if response.term > current_term {
            self.learn_term(response.term, actions);
            return Ok(());
        }
        let Role::Leader(leader) = &mut self.state.role else {
            return Err(DropReason::Stale);
        };
        if response.term < current_term {
            return Err(DropReason::Stale);
        }
        if !response.success {
            // A late refusal of a heartbeat of an earlier term, by a voter that had moved to this one.
            return Err(DropReason::Stale);
        }
        if response.round > self.state.round {
            return Err(DropReason::Impossible);
        }
        match leader.answered.get_mut(voter) {
            Some(answered) if *answered < response.round => *answered = response.round,
            _ => return Err(DropReason::Stale),
        }
        if response.can_campaign {
            leader.last_to_answer = Some(from);
        } else if leader.last_to_answer == Some(from) {
            leader.last_to_answer = None;
        }
        self.confirm_rounds(actions);
        Ok(())
    }

    /// Says which round a majority has answered. Plain Raft promises nothing, so it confirms nothing;
    /// neither does a leader that has given up its lease for a transfer.
    fn confirm_rounds(&mut self, actions: &mut Actions) {
        let config = &self.config;
        let Role::Leader(leader) = &mut self.state.role else {
            return;
        };
        if config.protocol == Protocol::Plain || leader.transfer.is_some() {
            return;
        }
        let newer = leader
            .answered
            .iter()
            .filter(|round| **round > leader.confirmed);
        if newer.count() < config.majority() {
            return;
        }
        let round = confirmed_round(&leader.answered, config.majority());
        leader.confirmed = round;
        let term = self.state.hard.current_term;
        actions.push(Action::LeadershipConfirmed { term, round });
        // A round that began since check-quorum was last armed began within the window. An older
        // one says nothing about the present, and must not keep this leader in office.
        if round > leader.armed_at {
            leader.armed_at = self.state.round;
            let window = config.quorum_window();
            self.timers.set(Timer::Election, window, actions);
        }
    }
}
