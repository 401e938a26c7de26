//! Leadership transfer (thesis section 3.10), and the repetition of requests.

use rand_core::Rng;

use crate::event::Timer;
use crate::message::{Message, TimeoutNow};
use crate::raft::Step;
use crate::report::{DropReason, LostReason, Report, TransferRefusal, TransitionReason};
use crate::role::{Cause, Role, Transfer};
use crate::types::{NodeId, Term};

impl<R: Rng> Step<'_, R> {
    /// Gives up the lease, then asks the target. There is no way back: whatever becomes of it, this node does not
    /// act as the leader of this term again, so that a TimeoutNow that arrives late harms nobody.
    ///
    /// Heartbeats end too: if the target is dead, the followers' part one ends while this leader waits.
    pub(crate) fn transfer_leadership(&mut self, to: Option<NodeId>, stopped: bool) {
        let to = match self.transfer_target(to) {
            Ok(to) => to,
            Err(reason) => {
                self.out.report(Report::TransferRefused { reason });
                return;
            }
        };
        self.lose_leadership(LostReason::Transfer);
        if let Role::Leader(leader) = &mut self.state.role {
            leader.transfer = Some(Transfer { to, stopped });
        }
        self.out.report(Report::TransferStarted { to });
        self.out.cancel(Timer::Heartbeat);
        let at_the_latest = self.out.config.election_timeout;
        self.out.set_timer(Timer::Election, at_the_latest);
        self.repeat();
    }

    fn transfer_target(&self, to: Option<NodeId>) -> Result<NodeId, TransferRefusal> {
        let config = self.out.config;
        let Role::Leader(leader) = &self.state.role else {
            return Err(TransferRefusal::NotLeader);
        };
        if leader.transfer.is_some() {
            return Err(TransferRefusal::AlreadyStarted);
        }
        if self.state.hard.current_term.next().is_none() {
            return Err(TransferRefusal::LastTerm);
        }
        match to {
            Some(to) if to != config.id && config.index_of(to).is_some() => Ok(to),
            Some(_) => Err(TransferRefusal::UnknownTarget),
            None => leader.last_to_answer.ok_or(TransferRefusal::NobodyAnswered),
        }
    }

    /// Asks again what has not been answered, every half heartbeat interval: votes, or a transfer's target.
    pub(crate) fn repeat(&mut self) {
        match &self.state.role {
            Role::PreCandidate(_) | Role::Candidate(_) => self.request_votes(),
            Role::Leader(leader) => {
                let Some(Transfer { to, stopped }) = leader.transfer else {
                    return;
                };
                let term = self.state.hard.current_term;
                let request = TimeoutNow { term, stopped };
                self.out.send(to, Message::TimeoutNow(request));
                let half = self.out.config.heartbeat_interval / 2;
                self.out.set_timer(Timer::Repeat, half);
            }
            Role::Follower(_) => {}
        }
    }

    /// Thesis section 3.10: "This has the same effect as the target server's election timer firing: the
    /// target server starts a new election", without pre-vote, in exactly the next term.
    pub(crate) fn on_timeout_now(
        &mut self,
        from: NodeId,
        request: TimeoutNow,
    ) -> Result<(), DropReason> {
        let current_term = self.state.hard.current_term;
        if request.term < current_term {
            return Err(DropReason::Stale);
        }
        if request.term == Term(0) {
            return Err(DropReason::Impossible);
        }
        if request.term > current_term {
            self.learn_term(request.term);
        } else if self.state.leader.is_some_and(|leader| leader != from) {
            return Err(DropReason::Impossible);
        }
        if let Some(reason) = self.no_campaign(request.term) {
            self.out.report(Report::TimeoutNowRefused { from, reason });
            return Ok(());
        }
        let stopped = request.stopped;
        self.become_candidate(Cause::Transfer { stopped }, TransitionReason::TimeoutNow);
        Ok(())
    }
}
