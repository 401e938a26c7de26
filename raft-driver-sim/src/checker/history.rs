//! What is asked of everything that ever left a node: votes, leaderships, heartbeats, and the disk behind them.

use raft_core::{HardState, LostReason, Message, NodeId, Round, Term};

use super::transfer::Transfer;
use super::{Checker, Invariant};
use crate::time::{LocalTime, Time};

impl Checker {
    /// A node begins to write `next` over `durable`.
    pub(crate) fn persists(
        &mut self,
        time: Time,
        index: usize,
        durable: &HardState,
        next: &HardState,
    ) {
        if next.current_term < durable.current_term {
            self.violate(time, index, Invariant::TermMonotone, || {
                format!("{next:?} is written over {durable:?}")
            });
        }
        let same_term = next.current_term == durable.current_term;
        if same_term && durable.voted_for.is_some() && next.voted_for != durable.voted_for {
            self.violate(time, index, Invariant::VoteImmutable, || {
                format!("{next:?} is written over {durable:?}")
            });
        }
    }

    /// A message is handed to the transport.
    pub(crate) fn sent(
        &mut self,
        time: Time,
        index: usize,
        to: NodeId,
        message: &Message,
        durable: &HardState,
    ) {
        let me = NodeId(index as u64);
        let mut term = message.term();
        match *message {
            Message::AppendEntries(request) => {
                self.heartbeat_sent(time, index, request.term, request.round);
                self.rests_on_vote(time, index, durable, term, me);
            }
            Message::RequestVote(request) => {
                if request.leadership_transfer {
                    self.passes_stickiness(time, index, term);
                }
                self.voted(time, index, term, me);
                self.rests_on_vote(time, index, durable, term, me);
            }
            Message::RequestVoteResponse(response) if response.vote_granted => {
                self.voted(time, index, term, to);
                self.rests_on_vote(time, index, durable, term, to);
            }
            // It asks about a term that nobody is in yet: its sender is in the one before.
            Message::RequestPreVote(_) => term = Term(term.0.saturating_sub(1)),
            Message::TimeoutNow(request) => self.asked_to_take_over(time, index, to, &request),
            Message::RequestVoteResponse(_)
            | Message::AppendEntriesResponse(_)
            | Message::RequestPreVoteResponse(_) => {}
        }
        if durable.current_term < term {
            self.violate(time, index, Invariant::Durability, || {
                format!("{message:?} leaves while the disk holds {durable:?}")
            });
        }
        let reached = self.seen[index].term;
        if reached < term {
            self.violate(time, index, Invariant::TermMonotone, || {
                format!("{message:?} leaves a node in term {reached}")
            });
        }
    }

    fn heartbeat_sent(&mut self, time: Time, index: usize, term: Term, round: Round) {
        let seen = &self.seen[index];
        if seen.leading != Some(term) && self.leaders.get(&term) != Some(&index) {
            self.violate(time, index, Invariant::OneLeaderPerTerm, || {
                format!("it sends a heartbeat of term {term}, which it did not win")
            });
        } else if (seen.round_term, seen.round) < (term, round) {
            self.violate(time, index, Invariant::OneLease, || {
                format!("round {round} of term {term} is sent before the clock was read for it")
            });
        }
    }

    fn rests_on_vote(
        &mut self,
        time: Time,
        index: usize,
        durable: &HardState,
        term: Term,
        vote: NodeId,
    ) {
        if durable.current_term == term && durable.voted_for != Some(vote) {
            self.violate(time, index, Invariant::Durability, || {
                format!("a message rests on a vote for {vote} in term {term}, the disk holds {durable:?}")
            });
        }
    }

    fn voted(&mut self, time: Time, index: usize, term: Term, vote: NodeId) {
        let first = *self.votes.entry((term, index)).or_insert(vote);
        if first != vote {
            self.violate(time, index, Invariant::VoteOncePerTerm, || {
                format!("it votes for {vote} in term {term}, in which it voted for {first}")
            });
        }
    }

    /// A node's driver learns that it leads.
    pub(crate) fn gained(
        &mut self,
        time: Time,
        index: usize,
        term: Term,
        predecessor_stopped: bool,
        durable: &HardState,
        clocks: impl Fn(usize) -> LocalTime,
    ) {
        let me = NodeId(index as u64);
        let first = *self.leaders.entry(term).or_insert(index);
        if first != index {
            self.violate(time, index, Invariant::OneLeaderPerTerm, || {
                format!("it leads in term {term}, in which node {first} led")
            });
        }
        if durable.current_term < term {
            self.violate(time, index, Invariant::Durability, || {
                format!("it leads in term {term} while its disk holds {durable:?}")
            });
        }
        self.rests_on_vote(time, index, durable, term, me);
        let votes = (0..self.seen.len())
            .filter(|voter| *voter == index || self.votes.get(&(term, *voter)) == Some(&me))
            .count();
        if votes <= self.seen.len() / 2 {
            self.violate(time, index, Invariant::QuorumBacked, || {
                format!("it leads in term {term} with {votes} votes that were ever sent")
            });
        }
        if let Some(old) = self.seen[index].leading.replace(term) {
            self.violate(time, index, Invariant::LeadershipOrder, || {
                format!("it gains term {term} and has not lost term {old}")
            });
        }
        let stopped = self.transfer_to(index, term);
        if predecessor_stopped && !stopped.is_some_and(Transfer::has_stopped) {
            self.violate(time, index, Invariant::OneLease, || {
                format!("it leads in term {term} as if all before it had stopped")
            });
        }
        self.none_disturbed(time, index, term, clocks);
    }

    /// A node's driver learns that it leads no longer. What acted on its lease may need the rest of its
    /// time to stop; of a transfer it was said whether it has stopped.
    pub(crate) fn lost(
        &mut self,
        time: Time,
        index: usize,
        term: Term,
        reason: LostReason,
        local: LocalTime,
    ) {
        let seen = &mut self.seen[index];
        if reason == LostReason::Transfer {
            let time_to_stop = self
                .transfers
                .get(&term)
                .map(|transfer| transfer.time_to_stop);
            let at_the_latest = local + time_to_stop.unwrap_or(self.election_timeout);
            seen.undisturbed = seen
                .undisturbed
                .map(|(led, ends)| (led, ends.min(at_the_latest)));
        }
        let led = seen.leading.take();
        if led != Some(term) {
            self.violate(time, index, Invariant::LeadershipOrder, || {
                format!("it loses term {term} while it leads in {led:?}")
            });
        }
    }
}
