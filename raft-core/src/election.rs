//! Elections: section 5.2, the restriction of section 5.4.1, and pre-vote (thesis section 9.6).

use rand_core::Rng;

use crate::action::{Action, Actions};
use crate::config::Protocol;
use crate::event::Timer;
use crate::message::{
    Message, RequestPreVote, RequestPreVoteResponse, RequestVote, RequestVoteResponse,
};
use crate::quorum::VoterSet;
use crate::raft::Raft;
use crate::report::{DropReason, NoCampaignReason, RefusalReason, Report, TransitionReason};
use crate::role::{Candidate, Cause, Leader, Part, PreCandidate, Role};
use crate::types::{LogPosition, NodeId, Round, Term};

impl<R: Rng> Raft<R> {
    /// Figure 2, followers: "If election timeout elapses without receiving AppendEntries RPC from
    /// current leader or granting vote to candidate: convert to candidate." With pre-vote, it asks first.
    ///
    /// A candidacy or pre-candidacy that ends begins again with pre-vote, so that terms do not run away.
    pub(crate) fn campaign(&mut self, reason: TransitionReason, actions: &mut Actions) {
        if let Some(reason) = self.no_campaign(self.state.hard.current_term) {
            actions.report(Report::NoCampaign { reason });
            match self.state.role {
                Role::PreCandidate(_) | Role::Candidate(_) => {
                    self.become_follower(Part::LeaderLost, actions);
                    self.transition(TransitionReason::NoMajority, actions);
                }
                Role::Follower(_) | Role::Leader(_) => {}
            }
            return;
        }
        match self.config.protocol {
            Protocol::Standard => self.become_pre_candidate(reason, actions),
            Protocol::Plain => self.become_candidate(Cause::Timeout, reason, actions),
        }
    }

    /// Why this node may not campaign in the term after `term`, if it may not.
    pub(crate) fn no_campaign(&self, term: Term) -> Option<NoCampaignReason> {
        if self.config.witness {
            Some(NoCampaignReason::Witness)
        } else if self.state.paused {
            Some(NoCampaignReason::Paused)
        } else if term.next().is_none() {
            Some(NoCampaignReason::LastTerm)
        } else {
            None
        }
    }

    fn become_pre_candidate(&mut self, reason: TransitionReason, actions: &mut Actions) {
        self.state.pre_vote_nonce = self.state.pre_vote_nonce.wrapping_add(1);
        let granted = self.config.just_me();
        self.state.role = Role::PreCandidate(PreCandidate {
            granted,
            stood_back: false,
        });
        self.transition(reason, actions);
        if self.config.is_majority(granted) {
            self.become_candidate(Cause::Timeout, TransitionReason::PreVoteWon, actions);
        } else {
            self.begin_candidacy(actions);
        }
    }

    /// Figure 2, candidates: "On conversion to candidate, start election: increment currentTerm, vote for
    /// self, reset election timer, send RequestVote RPCs to all other servers."
    pub(crate) fn become_candidate(
        &mut self,
        cause: Cause,
        reason: TransitionReason,
        actions: &mut Actions,
    ) {
        let Some(term) = self.state.hard.current_term.next() else {
            return;
        };
        self.enter_term(term, Some(self.config.id), actions);
        let granted = self.config.just_me();
        self.state.role = Role::Candidate(Candidate { granted, cause });
        self.transition(reason, actions);
        if self.config.is_majority(granted) {
            self.become_leader(cause, actions);
        } else {
            self.begin_candidacy(actions);
        }
    }

    /// A candidacy and a pre-candidacy each last a fresh draw from [T, 2T).
    fn begin_candidacy(&mut self, actions: &mut Actions) {
        let after = self.config.election_timeout + self.draw();
        self.timers.set(Timer::Election, after, actions);
        self.request_votes(actions);
    }

    /// Asks all that have not granted yet. Datagrams get lost, and a voter may be a
    /// few milliseconds from giving its leader up: neither should cost an election.
    pub(crate) fn request_votes(&mut self, actions: &mut Actions) {
        let (term, last_log) = (self.state.hard.current_term, self.state.last_log);
        let (granted, message) = match &self.state.role {
            Role::PreCandidate(pre_candidate) => {
                let Some(prospective_term) = term.next() else {
                    return;
                };
                let request = RequestPreVote {
                    prospective_term,
                    last_log,
                    nonce: self.state.pre_vote_nonce,
                };
                (pre_candidate.granted, Message::RequestPreVote(request))
            }
            Role::Candidate(candidate) => {
                let request = RequestVote {
                    term,
                    last_log,
                    leadership_transfer: candidate.cause != Cause::Timeout,
                };
                (candidate.granted, Message::RequestVote(request))
            }
            Role::Follower(_) | Role::Leader(_) => return,
        };
        for (index, voter) in self.config.voters.iter().enumerate() {
            if !granted.contains(index) {
                actions.send(*voter, message);
            }
        }
        let half = self.config.heartbeat_interval / 2;
        self.timers.set(Timer::Repeat, half, actions);
    }

    /// Figure 2, candidates: "If votes received from majority of servers: become leader." Leaders: "Upon
    /// election: send initial empty AppendEntries RPCs (heartbeat) to each server."
    fn become_leader(&mut self, cause: Cause, actions: &mut Actions) {
        let config = &self.config;
        self.state.leader = Some(config.id);
        self.state.role = Role::Leader(Leader {
            answered: config.voters.iter().map(|_| Round(0)).collect(),
            confirmed: Round(0),
            armed_at: Round(0),
            last_to_answer: None,
            transfer: None,
        });
        self.timers.cancel(Timer::Repeat, actions);
        actions.push(Action::LeadershipGained {
            term: self.state.hard.current_term,
            predecessor_stopped: cause == Cause::Transfer { stopped: true },
        });
        self.transition(TransitionReason::ElectionWon, actions);
        match config.protocol {
            Protocol::Standard => {
                let window = config.quorum_window();
                self.timers.set(Timer::Election, window, actions);
            }
            Protocol::Plain => self.timers.cancel(Timer::Election, actions),
        }
        self.begin_round(actions);
    }

    /// Figure 2, RequestVote, receiver: "1. Reply false if term < currentTerm. 2. If votedFor is null or
    /// candidateId, and candidate's log is at least as up-to-date as receiver's log, grant vote."
    ///
    /// Before it, leader stickiness (thesis section 4.2.3): "if a server receives a RequestVote request
    /// within the minimum election timeout of hearing from a current leader, it does not update its
    /// term or grant its vote".
    pub(crate) fn on_request_vote(
        &mut self,
        from: NodeId,
        request: RequestVote,
        actions: &mut Actions,
    ) -> Result<(), DropReason> {
        let refusal = match self.sticks_to_leader(from, &request)? {
            Some(reason) => Some(reason),
            None => {
                let refusal = self.vote_refusal(from, &request);
                if request.term > self.state.hard.current_term {
                    match refusal {
                        None => self.vote_for(from, request.term, actions),
                        Some(_) => self.learn_term(request.term, actions),
                    }
                } else if refusal.is_none() && self.state.hard.voted_for.is_none() {
                    self.vote_for(from, request.term, actions);
                }
                refusal
            }
        };
        if let Some(reason) = refusal {
            self.refuse(from, request.term, false, reason, actions);
        }
        let response = RequestVoteResponse {
            term: self.state.hard.current_term,
            vote_granted: refusal.is_none(),
        };
        actions.send(from, Message::RequestVoteResponse(response));
        Ok(())
    }

    /// Whether this node refuses without even learning the term, because there may be a leader.
    fn sticks_to_leader(
        &self,
        from: NodeId,
        request: &RequestVote,
    ) -> Result<Option<RefusalReason>, DropReason> {
        let hard = &self.state.hard;
        if request.term == Term(0) {
            return Err(DropReason::Impossible);
        }
        if request.term < hard.current_term {
            return Ok(Some(RefusalReason::StaleTerm));
        }
        match &self.state.role {
            // Plain Raft has no stickiness; the leader of a term refuses others in it as one who
            // voted for itself.
            Role::Leader(_) if self.config.protocol == Protocol::Plain => Ok(None),
            Role::Leader(leader) if request.leadership_transfer => {
                // Only the successor that this leader asked for may depose it.
                if leader.transfer.is_some() && hard.current_term.next() == Some(request.term) {
                    Ok(None)
                } else {
                    Err(DropReason::Impossible)
                }
            }
            Role::Leader(_) => Ok(Some(RefusalReason::Leading)),
            Role::Follower(follower) => {
                let again = request.term == hard.current_term && hard.voted_for == Some(from);
                let sticks =
                    follower.part == Part::LeaderAlive && !request.leadership_transfer && !again;
                Ok(sticks.then_some(RefusalReason::LeaderAlive))
            }
            Role::PreCandidate(_) | Role::Candidate(_) => Ok(None),
        }
    }

    /// Why the candidate does not get this node's vote in `request.term`, which is not below ours.
    fn vote_refusal(&self, from: NodeId, request: &RequestVote) -> Option<RefusalReason> {
        let state = &self.state;
        let same_term = request.term == state.hard.current_term;
        let is_another = |id: NodeId| same_term && id != from;
        if state.leader.is_some_and(is_another) {
            Some(RefusalReason::LeaderKnown)
        } else if state.hard.voted_for.is_some_and(is_another) {
            Some(RefusalReason::AlreadyVoted)
        } else {
            self.log_refusal(request.last_log)
        }
    }

    /// Section 5.4.1: "the voter denies its vote if its own log is more up-to-date than that of the candidate."
    fn log_refusal(&self, last_log: LogPosition) -> Option<RefusalReason> {
        (last_log < self.state.last_log).then_some(RefusalReason::LogBehind)
    }

    /// The first grant of a vote in a term. It re-arms part one; a repeat does not come here.
    fn vote_for(&mut self, candidate: NodeId, term: Term, actions: &mut Actions) {
        if term > self.state.hard.current_term {
            self.enter_term(term, Some(candidate), actions);
        } else {
            self.state.hard.voted_for = Some(candidate);
            actions.persist(self.state.hard);
        }
        self.become_follower(Part::LeaderAlive, actions);
        actions.report(Report::VoteGranted { candidate, term });
        self.transition(TransitionReason::VoteGranted, actions);
    }

    /// Thesis section 9.6. A pre-vote promises nothing and changes nothing, the term included, whether granted or
    /// refused; but a pre-candidate that grants one stands back for the rival.
    pub(crate) fn on_request_pre_vote(
        &mut self,
        from: NodeId,
        request: RequestPreVote,
        actions: &mut Actions,
    ) -> Result<(), DropReason> {
        let refusal = match &self.state.role {
            Role::Leader(_) => Some(RefusalReason::Leading),
            Role::Follower(follower) if follower.part == Part::LeaderAlive => {
                Some(RefusalReason::LeaderAlive)
            }
            Role::Follower(_) | Role::PreCandidate(_) | Role::Candidate(_) => {
                if request.prospective_term <= self.state.hard.current_term {
                    Some(RefusalReason::StaleTerm)
                } else {
                    self.log_refusal(request.last_log)
                }
            }
        };
        match refusal {
            Some(reason) => self.refuse(from, request.prospective_term, true, reason, actions),
            None => self.stand_back(from, actions),
        }
        // The real term, so that a node that fell behind catches up instead of asking forever.
        let response = RequestPreVoteResponse {
            term: self.state.hard.current_term,
            nonce: request.nonce,
            vote_granted: refusal.is_none(),
        };
        actions.send(from, Message::RequestPreVoteResponse(response));
        Ok(())
    }

    /// Two that ask at the same time would grant each other's pre-votes, campaign in the same term and split its
    /// votes, which costs a whole candidacy. So one that grants a rival forgets what it was granted, and asks
    /// anew after a draw from [0, T), when one of the two has won as a rule. Once in a pre-candidacy:
    /// a rival that asks again and again and cannot win must not keep this node from it.
    fn stand_back(&mut self, rival: NodeId, actions: &mut Actions) {
        let Role::PreCandidate(pre_candidate) = &mut self.state.role else {
            return;
        };
        if core::mem::replace(&mut pre_candidate.stood_back, true) {
            return;
        }
        pre_candidate.granted = self.config.just_me();
        self.state.pre_vote_nonce = self.state.pre_vote_nonce.wrapping_add(1);
        let after = self.draw();
        self.timers.set(Timer::Repeat, after, actions);
        actions.report(Report::StoodBack { rival });
    }

    fn refuse(
        &mut self,
        candidate: NodeId,
        term: Term,
        pre_vote: bool,
        reason: RefusalReason,
        actions: &mut Actions,
    ) {
        actions.report(Report::VoteRefused {
            candidate,
            term,
            pre_vote,
            reason,
        });
    }

    pub(crate) fn on_request_vote_response(
        &mut self,
        voter: usize,
        response: RequestVoteResponse,
        actions: &mut Actions,
    ) -> Result<(), DropReason> {
        let hard = &self.state.hard;
        if response.term > hard.current_term {
            self.learn_term(response.term, actions);
            return Ok(());
        }
        if response.term < hard.current_term {
            return Err(DropReason::Stale);
        }
        let Role::Candidate(candidate) = &mut self.state.role else {
            // A late refusal may carry a term that this node never asked in, a granted vote cannot.
            let asked = hard.voted_for == Some(self.config.id);
            return Err(if asked || !response.vote_granted {
                DropReason::Stale
            } else {
                DropReason::Impossible
            });
        };
        if response.vote_granted {
            candidate.granted = candidate.granted.with(voter);
            let Candidate { granted, cause } = *candidate;
            if self.config.is_majority(granted) {
                self.become_leader(cause, actions);
            }
        }
        Ok(())
    }

    pub(crate) fn on_request_pre_vote_response(
        &mut self,
        voter: usize,
        response: RequestPreVoteResponse,
        actions: &mut Actions,
    ) -> Result<(), DropReason> {
        if response.term > self.state.hard.current_term {
            self.learn_term(response.term, actions);
            return Ok(());
        }
        let nonce = self.state.pre_vote_nonce;
        let Role::PreCandidate(pre_candidate) = &mut self.state.role else {
            return Err(DropReason::Stale);
        };
        if response.nonce != nonce {
            return Err(DropReason::Stale);
        }
        if response.vote_granted {
            pre_candidate.granted = pre_candidate.granted.with(voter);
            let granted: VoterSet = pre_candidate.granted;
            if self.config.is_majority(granted) {
                self.become_candidate(Cause::Timeout, TransitionReason::PreVoteWon, actions);
            }
        }
        Ok(())
    }

    pub(crate) fn pause(&mut self, actions: &mut Actions) {
        self.state.paused = true;
        match self.state.role {
            Role::PreCandidate(_) | Role::Candidate(_) => {
                self.become_follower(Part::LeaderLost, actions);
                self.transition(TransitionReason::Paused, actions);
            }
            Role::Follower(_) | Role::Leader(_) => {}
        }
    }

    pub(crate) fn resume(&mut self, actions: &mut Actions) {
        let was_paused = core::mem::take(&mut self.state.paused);
        let Role::Follower(follower) = &self.state.role else {
            return;
        };
        // Its part two may have ended in vain.
        if was_paused && follower.part == Part::LeaderLost {
            self.become_follower(Part::LeaderLost, actions);
        }
    }
}
