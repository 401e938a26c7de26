//! Leadership transfer (thesis section 3.10), and the repetition of requests.

use rand_core::Rng;

use crate::action::Actions;
use crate::event::Timer;
use crate::message::{Message, TimeoutNow};
use crate::raft::Raft;
use crate::report::{DropReason, LostReason, Report, TransferRefusal, TransitionReason};
use crate::role::{Cause, Role, Transfer};
use crate::types::{NodeId, Term};

impl<R: Rng> Raft<R> {
    /// Gives up the lease, then asks the target. There is no way back: whatever becomes of it, this node does not
    /// act as the leader of this term again, so that a TimeoutNow that arrives late harms nobody.
    ///
    /// Unless all that ran under this leadership has surely stopped, the target is asked only after the time
    /// that lies between the end of a lease and the end of a promise, T - L: so what it was running has as much time to
    /// stop as when a lease ends.
    ///
    /// Heartbeats end too: if the target is dead, the followers' part one ends while this leader waits.
    pub(crate) fn transfer_leadership(
        &mut self,
        to: Option<NodeId>,
        stopped: bool,
        actions: &mut Actions,
    ) {
        let to = match self.transfer_target(to) {
            Ok(to) => to,
            Err(reason) => {
                actions.report(Report::TransferRefused { reason });
                return;
            }
        };
        self.lose_leadership(LostReason::Transfer, actions);
        if let Role::Leader(leader) = &mut self.state.role {
            leader.transfer = Some(Transfer { to, stopped });
        }
        actions.report(Report::TransferStarted { to });
        self.timers.cancel(Timer::Heartbeat, actions);
        let at_the_latest = self.config.election_timeout;
        self.timers.set(Timer::Election, at_the_latest, actions);
        match self.config.lease() {
            Some(lease) if !stopped => {
                let time_to_stop = at_the_latest.saturating_sub(lease);
                self.timers.set(Timer::Repeat, time_to_stop, actions);
            }
            Some(_) | None => self.repeat(actions),
        }
    }

    /// Whom [`Event::TransferLeadership`](crate::Event::TransferLeadership) with this `to` would ask to take over
    /// now, for a host that first stops what it runs. Changes nothing.
    ///
    /// # Errors
    ///
    /// Why such an event would be refused.
    pub fn transfer_target(&self, to: Option<NodeId>) -> Result<NodeId, TransferRefusal> {
        let config = &self.config;
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
    pub(crate) fn repeat(&mut self, actions: &mut Actions) {
        match &self.state.role {
            Role::PreCandidate(_) | Role::Candidate(_) => self.request_votes(actions),
            Role::Leader(leader) => {
                let Some(Transfer { to, stopped }) = leader.transfer else {
                    return;
                };
                let term = self.state.hard.current_term;
                let request = TimeoutNow { term, stopped };
                actions.send(to, Message::TimeoutNow(request));
                let half = self.config.heartbeat_interval / 2;
                self.timers.set(Timer::Repeat, half, actions);
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
        actions: &mut Actions,
    ) -> Result<(), DropReason> {
        let current_term = self.state.hard.current_term;
        if request.term < current_term {
            return Err(DropReason::Stale);
        }
        if request.term == Term(0) {
            return Err(DropReason::Impossible);
        }
        if request.term > current_term {
            self.learn_term(request.term, actions);
        } else if self.state.leader.is_some_and(|leader| leader != from) {
            return Err(DropReason::Impossible);
        }
        if let Some(reason) = self.no_campaign(request.term) {
            actions.report(Report::TimeoutNowRefused { from, reason });
            return Ok(());
        }
        let stopped = request.stopped;
        self.become_candidate(
            Cause::Transfer { stopped },
            TransitionReason::TimeoutNow,
            actions,
        );
        Ok(())
    }
}
