//! Heartbeats: a leader's rounds, and what a majority's answers to them confirm.

use rand_core::Rng;

use crate::action::Action;
use crate::config::Protocol;
use crate::event::Timer;
use crate::message::{AppendEntries, AppendEntriesResponse, Message};
use crate::quorum::confirmed_round;
use crate::raft::Step;
use crate::report::{DropReason, Report, TransitionReason};
use crate::role::{Part, Role};
use crate::types::{LogIndex, NodeId, Round, Term};

impl<R: Rng> Step<'_, R> {
    /// Figure 2, leaders: "send initial empty AppendEntries RPCs (heartbeat) to each server; repeat during
    /// idle periods to prevent election timeouts (section 5.2)."
    pub(crate) fn begin_round(&mut self) {
        let config = self.out.config;
        let Role::Leader(leader) = &mut self.state.role else {
            return;
        };
        let round = Round(self.state.round.0.saturating_add(1));
        self.state.round = round;
        if let Some(own) = leader.answered.get_mut(usize::from(config.me)) {
            *own = round;
        }
        let term = self.state.hard.current_term;
        self.out.push(Action::StartRound { term, round });
        self.out.send_to_all(Message::AppendEntries(AppendEntries {
            term,
            prev_log: self.state.last_log,
            leader_commit: LogIndex(0),
            round,
            lease: config.lease,
        }));
        self.out
            .set_timer(Timer::Heartbeat, config.heartbeat_interval);
        self.confirm_rounds();
    }

    /// Figure 2, AppendEntries, receiver: "1. Reply false if term < currentTerm." Section 5.2: "If the
    /// leader's term is at least as large as the candidate's current term, then the candidate recognizes
    /// the leader as legitimate and returns to follower state."
    ///
    /// Only a round newer than all seen in the term counts: a heartbeat repeated or replayed
    /// must not keep a dead leader's followers quiet.
    pub(crate) fn on_append_entries(
        &mut self,
        from: NodeId,
        request: AppendEntries,
    ) -> Result<(), DropReason> {
        let current_term = self.state.hard.current_term;
        let mut news = true;
        if request.term < current_term {
            // Its sender learns our term from this, and steps down.
            self.answer(from, request.round, false);
            return Ok(());
        } else if request.term == current_term {
            let second = self.state.leader.is_some_and(|leader| leader != from);
            if second || current_term == Term(0) {
                return Err(DropReason::Impossible);
            }
            if request.round <= self.state.round {
                return Err(DropReason::Stale);
            }
            news = !self.state.in_part_one() || self.state.leader.is_none();
        } else if request.round == Round(0) {
            return Err(DropReason::Impossible);
        } else {
            self.enter_term(request.term, None);
        }
        self.state.leader = Some(from);
        self.state.round = request.round;
        self.become_follower(Part::LeaderAlive);
        if news {
            self.hear_new_leader();
        }
        if self.out.config.honours(request.lease) {
            self.answer(from, request.round, true);
        } else {
            self.out.report(Report::LeaseTooLong { leader: from });
        }
        Ok(())
    }

    #[cold]
    fn hear_new_leader(&mut self) {
        self.transition(TransitionReason::Heartbeat);
    }

    #[inline]
    fn answer(&mut self, leader: NodeId, round: Round, success: bool) {
        let response = AppendEntriesResponse {
            term: self.state.hard.current_term,
            success,
            round,
            can_campaign: self.no_campaign(Term(0)).is_none(),
        };
        self.out
            .send(leader, Message::AppendEntriesResponse(response));
    }

    /// Besides the term rule, a leader takes from a response only "this voter followed me at round r",
    /// so that an old response cannot feign a quorum.
    pub(crate) fn on_append_entries_response(
        &mut self,
        from: NodeId,
        voter: usize,
        response: AppendEntriesResponse,
    ) -> Result<(), DropReason> {
        let current_term = self.state.hard.current_term;
        if response.term > current_term {
            self.learn_term(response.term);
            return Ok(());
        }
        let Role::Leader(leader) = &mut self.state.role else {
            return Err(DropReason::Stale);
        };
        if response.term < current_term {
            return Err(DropReason::Stale);
        }
        if !response.success || response.round > self.state.round {
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
        self.confirm_rounds();
        Ok(())
    }

    /// Says which round a majority has answered. Plain Raft promises nothing, so it confirms nothing;
    /// neither does a leader that has given up its lease for a transfer.
    fn confirm_rounds(&mut self) {
        let config = self.out.config;
        let Role::Leader(leader) = &mut self.state.role else {
            return;
        };
        if config.protocol == Protocol::Plain || leader.transfer.is_some() {
            return;
        }
        let round = confirmed_round(&leader.answered, config.majority());
        if round <= leader.confirmed {
            return;
        }
        leader.confirmed = round;
        let term = self.state.hard.current_term;
        self.out.push(Action::LeadershipConfirmed { term, round });
        // A round that began since check-quorum was last armed began within the last 2T. An older
        // one says nothing about the present, and must not keep this leader in office.
        if round > leader.armed_at {
            leader.armed_at = self.state.round;
            let window = config.election_timeout * 2;
            self.out.set_timer(Timer::Election, window);
        }
    }
}
